package rules

import (
	"strings"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictyaml"
)

// names reads the name of a map that is built in, or a list of rules of names
// and such names.
func (r reader) names(n *strictyaml.Node) (Names, error) {
	items := []*strictyaml.Node{n}
	if n.Kind == strictyaml.List {
		items = n.Items
	}
	if len(items) == 0 || len(items) > limits.Rules || n.Kind == strictyaml.Map || n.Kind == strictyaml.Null {
		return nil, r.bad(n, "names: want %s, or a list of 1 to %d rules with from and to", strings.Join(BuiltinNames(), ", "), limits.Rules)
	}
	var out Names
	for _, item := range items {
		if item.Kind != strictyaml.Map {
			text, err := r.text("names", item)
			if err != nil {
				return nil, err
			}
			builtin, ok := Builtin(text)
			if !ok {
				return nil, r.bad(item, "names %s: no map of this name is built in: use %s, or write rules with from and to",
					shown.Quote(text), strings.Join(BuiltinNames(), ", "))
			}
			out = append(out, builtin...)
			continue
		}
		rule, err := r.name(item)
		if err != nil {
			return nil, err
		}
		out = append(out, rule)
	}
	return out, nil
}

func (r reader) name(n *strictyaml.Node) (rule Name, err error) {
	m, err := r.mapping(n, nameKeys)
	if err != nil {
		return rule, err
	}
	at := start(n)
	rule.Line = at.Line
	for _, f := range []struct {
		key string
		to  *string
	}{{"from", &rule.From}, {"to", &rule.To}, {"beside", &rule.Beside}} {
		v := m[f.key]
		if v == nil {
			continue
		}
		if *f.to, err = r.text(f.key, v); err != nil {
			return rule, err
		}
		if *f.to == "" {
			return rule, r.bad(v, "%s: empty: write a name", f.key)
		}
	}
	if v := m["zeros"]; v != nil {
		if rule.Zeros = v.Flag; v.Kind != strictyaml.Bool || !v.Flag {
			return rule, r.bad(v, "zeros %s: want true, or leave it out", written(v))
		}
	}
	switch {
	case rule.From == "":
		return rule, r.bad(at, "a rule of names without from: write a pattern such as from: \"blocks.*.weight\"")
	case rule.To == "" && !rule.Zeros:
		return rule, r.bad(at, "a rule of names without to: write a name such as to: \"layers.$1.weight\", or zeros: true")
	case rule.To != "" && rule.Zeros:
		return rule, r.bad(at, "to and zeros both given: a tensor is compared or left out; keep one")
	}
	for _, key := range []string{"to", "beside"} {
		if v := m[key]; v != nil {
			if fault := faultOf(v.Text, rule.From); fault != "" {
				return rule, r.bad(v, "%s %s: %s", key, written(v), fault)
			}
		}
	}
	rule.pattern = compile(rule.From)
	return rule, nil
}
