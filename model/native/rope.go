package native

import (
	"slices"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
)

// The kinds of rope_scaling that the reference builds.
var ropeTypes = []string{"dynamic", "linear", "llama3", "ntk"}

// checkRope refuses a rope_scaling for which the reference raises. Nothing of
// it changes a parameter. Only what the reference reads is looked at: with a
// factor of at most 1 that is hardly anything.
func checkRope(v *value, dim int64) *Error {
	rope := make(map[string]value, len(v.members))
	for _, name := range []string{"rope_type", "type", "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings", "original_context_length"} {
		m, ok := v.members[name]
		if !ok || m.form == nullForm && ropeFields[name].nullable {
			continue
		}
		if problem := m.decode(ropeFields[name]); problem != "" {
			return badField("rope_scaling."+name, "", "%s", problem)
		}
		rope[name] = m
	}
	number := func(name string, absent float64) float64 {
		if m, ok := rope[name]; ok {
			return m.float
		}
		return absent
	}

	key := "rope_type"
	if rope[key].text == "" {
		key = "type"
	}
	kind, factor := strings.ToLower(rope[key].text), number("factor", 1)
	if kind == "" || kind == "default" || factor <= 1 {
		return nil
	}
	switch kind {
	case "linear":
	case "dynamic", "ntk":
		if dim == 2 {
			return badField("rope_scaling."+key, "", "%s scaling needs a rotary_dim above 2: use another type, or a larger rotary_dim", kind)
		}
	case "llama3":
		for _, name := range []string{"low_freq_factor", "high_freq_factor"} {
			if number(name, 1) == 0 {
				return badField("rope_scaling."+name, "", "must not be 0: give the factor of the pretrained model")
			}
		}
	default:
		return badField("rope_scaling."+key, shown.Quote(kind), "unknown type: use one of %s%s", strings.Join(ropeTypes, ", "), suggestion(kind, slices.Clone(ropeTypes)))
	}
	return nil
}
