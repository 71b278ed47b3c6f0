package native

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
)

// Layout returns the parameters of the model in the given version, [V1] or
// [V2], 0 being the first, in state-dict order. That is also the order in which
// the reference draws: embedding, positions, in each layer q, k, v, o and the MLP's matrices,
// then the head. Norms and biases, which draw nothing, stand in between.
//
// The layout passes [layout.Layout.Check]. The error is an *Error that names
// the field, for a version that does not exist a plain one.
func (c *Config) Layout(version int) (*layout.Layout, error) {
	if version == 0 {
		version = V1
	}
	if version != V1 && version != V2 {
		return nil, fmt.Errorf("model: version %d of the native model: use %d (TransformerLens 3.7.3) or %d (4.3.0)", version, V1, V2)
	}
	n, err := c.Normalized()
	if err != nil {
		return nil, err
	}
	if fault := n.fits(version); fault != nil {
		fault.File = n.source
		return nil, fault
	}
	b := n.blocks(version)
	facts := n.facts()
	facts.Config = c.Canonical()
	l := &layout.Layout{Model: facts, Params: make([]layout.Param, 0, b.count(n.NLayers))}
	add := func(prefix string, layer int, parts []part) {
		for _, p := range parts {
			l.Params = append(l.Params, layout.Param{
				Name: prefix + p.name, Shape: slices.Clone(p.shape), Role: p.role, Layer: layer,
				FanIn: p.fanIn, FanOut: p.fanOut,
			})
		}
	}
	add("", layout.NoLayer, b.first)
	for i := range int(n.NLayers) {
		add("layers."+strconv.Itoa(i)+".", i, b.layer)
	}
	add("", layout.NoLayer, b.last)
	if err := l.Check(); err != nil {
		return nil, &Error{File: n.source, Offset: -1, Problem: err.Error(), Err: err}
	}
	return l, nil
}

// part is one parameter of a block; its name lacks the layer's prefix.
type part struct {
	name          string
	shape         []int64
	role          layout.Role
	fanIn, fanOut int64
	field         string // the config's field that decides about its rows
}

// blocks are the parameters before, in each of, and after the layers.
type blocks struct{ first, layer, last []part }

// count returns the number of parameters with n layers, at most 2^63-1.
func (b blocks) count(n int64) int64 {
	total, ok := product(n, int64(len(b.layer)))
	if !ok {
		return math.MaxInt64
	}
	return sum(total, int64(len(b.first)+len(b.last)))
}

// blocks lists the parameters. c is normalized.
func (c *Config) blocks(version int) blocks {
	q, kv := c.NHeads*c.DHead, c.NKeyValueHeads*c.DHead
	var b blocks
	b.first = matrix(nil, "tok_embed", c.DVocab, c.DModel, layout.Embedding, "", "d_vocab")
	if c.PositionalEmbeddingType == PosStandard {
		b.first = matrix(b.first, "pos", c.NCtx, c.DModel, layout.Position, "", "n_ctx")
	}

	b.layer = norm(nil, "ln1", c.DModel, c.norm(version, false))
	b.layer = matrix(b.layer, "attn.q", q, c.DModel, layout.Query, layout.QueryBias, "n_heads")
	b.layer = matrix(b.layer, "attn.k", kv, c.DModel, layout.Key, layout.KeyBias, "n_key_value_heads")
	b.layer = matrix(b.layer, "attn.v", kv, c.DModel, layout.Value, layout.ValueBias, "n_key_value_heads")
	b.layer = matrix(b.layer, "attn.o", c.DModel, q, layout.AttnOut, layout.AttnOutBias, "n_heads")
	if !c.AttnOnly {
		b.layer = norm(b.layer, "ln2", c.DModel, c.norm(version, false))
		if c.GatedMLP {
			b.layer = matrix(b.layer, "mlp.gate", c.DMLP, c.DModel, layout.Gate, "", "d_mlp")
			b.layer = matrix(b.layer, "mlp.in", c.DMLP, c.DModel, layout.MLPIn, "", "d_mlp")
			b.layer = matrix(b.layer, "mlp.out", c.DModel, c.DMLP, layout.MLPOut, "", "d_mlp")
		} else {
			b.layer = matrix(b.layer, "mlp.fc_in", c.DMLP, c.DModel, layout.MLPIn, layout.MLPInBias, "d_mlp")
			b.layer = matrix(b.layer, "mlp.fc_out", c.DModel, c.DMLP, layout.MLPOut, layout.MLPOutBias, "d_mlp")
			if version == V2 && c.ActFn == "solu_ln" {
				b.layer = norm(b.layer, "mlp.ln", c.DMLP, normLayer)
			}
		}
	}

	b.last = norm(nil, "ln_out", c.DModel, c.norm(version, c.FinalRMS))
	b.last = matrix(b.last, "head", c.DVocabOut, c.DModel, layout.LMHead, "", "d_vocab_out")
	return b
}

// matrix appends NAME.weight of shape [rows, cols] and, when biasRole is not
// empty, NAME.bias.
func matrix(dst []part, name string, rows, cols int64, role, biasRole layout.Role, field string) []part {
	dst = append(dst, part{name + ".weight", []int64{rows, cols}, role, cols, rows, field})
	if biasRole != "" {
		dst = append(dst, part{name + ".bias", []int64{rows}, biasRole, cols, rows, field})
	}
	return dst
}

// normKind says which parameters a normalization has.
type normKind uint8

const (
	normBare   normKind = iota // none
	normWeight                 // a weight
	normLayer                  // weight and bias
)

// norm appends the parameters of a normalization.
func norm(dst []part, name string, width int64, kind normKind) []part {
	if kind >= normWeight {
		dst = append(dst, part{name: name + ".weight", shape: []int64{width}, role: layout.NormWeight})
	}
	if kind == normLayer {
		dst = append(dst, part{name: name + ".bias", shape: []int64{width}, role: layout.NormBias})
	}
	return dst
}

// norm returns the kind of the model's normalization; rms asks for RMSNorm
// whatever the type is, as final_rms does.
func (c *Config) norm(version int, rms bool) normKind {
	pre := c.NormalizationType == NormLNPre || c.NormalizationType == NormRMSPre
	switch {
	case version == V2 && pre:
		return normBare
	case rms, c.NormalizationType == NormRMS, c.NormalizationType == NormRMSPre:
		return normWeight
	case c.NormalizationType == NormNone:
		return normBare
	default:
		return normLayer
	}
}

// checkExtent refuses a config that is too large in every version, so that a
// config file is refused when it is read. c is normalized.
func (c *Config) checkExtent() *Error {
	if c.fits(V2) == nil {
		return nil
	}
	return c.fits(V1)
}

// fits checks what only one version refuses: the activation, the number of
// parameters and their sizes. It makes no row. c is normalized.
func (c *Config) fits(version int) *Error {
	if version == V1 && c.hasMLP() && !slices.Contains(activations, c.ActFn) {
		return badField("act_fn", shown.Quote(c.ActFn), "not in version 1 (TransformerLens 3.7.3): use a mode of version 2, or one of %s",
			strings.Join(activations, ", "))
	}
	b := c.blocks(version)
	if n := b.count(c.NLayers); n > layout.MaxParams {
		return badField("n_layers", integer(c.NLayers), "makes %d parameters, the limit is %d: use fewer layers", n, layout.MaxParams)
	}
	elements := func(parts []part) (total int64, fault *Error) {
		for _, p := range parts {
			n, err := layout.ElementsOf(p.shape)
			if err != nil {
				return 0, badField(p.field, "", "%s of shape %v would pass the limit of 2^63-1 elements: use smaller sizes", p.name, p.shape)
			}
			total = sum(total, n)
		}
		return total, nil
	}
	total := int64(0)
	for _, s := range []struct {
		parts []part
		times int64
	}{{b.first, 1}, {b.layer, c.NLayers}, {b.last, 1}} {
		if s.times == 0 {
			continue
		}
		n, fault := elements(s.parts)
		if fault != nil {
			return fault
		}
		n, ok := product(s.times, n)
		if !ok {
			n = math.MaxInt64
		}
		total = sum(total, n)
	}
	if total > math.MaxInt64/8 {
		return &Error{Offset: -1, Problem: "the model has more values than the limit of 2^60-1 (2^63-1 bytes at 8 bytes a value): use smaller sizes"}
	}
	return nil
}
