package native

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
)

// The activations of version 1, sorted. Version 2 has two more.
var (
	activations   = []string{"gelu", "gelu_new", "relu", "silu", "swish"}
	activationsV2 = []string{"solu", "solu_ln"}
)

// Normalized returns a checked copy in which every default is resolved. The
// error is an *Error that names the field.
func (c *Config) Normalized() (*Config, error) {
	n := *c
	if c.Seed != nil {
		seed := *c.Seed
		n.Seed = &seed
	}
	if fault := joined(n.resolve(), 0); fault != nil {
		fault.File = n.source
		return nil, fault
	}
	return &n, nil
}

// checks returns what is wrong with the fields that Config keeps.
func (c *Config) checks() []*Error {
	n := *c
	return n.resolve()
}

// resolve sets every default and returns all that is wrong. What follows from
// a wrong field is not looked at.
func (c *Config) resolve() (faults []*Error) {
	faults = c.checkSizes()
	if len(faults) == 0 {
		if fault := c.resolveHeads(); fault != nil {
			faults = append(faults, fault)
		}
	}
	for _, step := range []func() *Error{c.resolvePositions, c.resolveRest, c.checkActivation} {
		if fault := step(); fault != nil {
			faults = append(faults, fault)
		}
	}
	if len(faults) == 0 {
		if fault := c.checkExtent(); fault != nil {
			faults = append(faults, fault)
		}
	}
	return faults
}

// checkSizes checks the plain sizes.
func (c *Config) checkSizes() (faults []*Error) {
	bad := func(name string, value int64, problem string) {
		faults = append(faults, badField(name, integer(value), "%s", problem))
	}
	for _, f := range []struct {
		name  string
		value int64
	}{{"d_model", c.DModel}, {"d_head", c.DHead}, {"n_ctx", c.NCtx}, {"d_vocab", c.DVocab}} {
		if f.value <= 0 {
			bad(f.name, f.value, "must be above 0: give the model's size")
		}
	}
	if c.NLayers < 0 {
		bad("n_layers", c.NLayers, "must not be negative: give the number of layers")
	}
	if c.DMLP < 0 {
		bad("d_mlp", c.DMLP, "must not be negative: give the MLP's width, or null for 4 times d_model")
	}
	if c.NKeyValueHeads < 0 {
		bad("n_key_value_heads", c.NKeyValueHeads, "must not be negative: give a divisor of n_heads, or null for n_heads")
	}
	return faults
}

// resolveHeads derives the numbers of heads and checks the products they
// occur in.
func (c *Config) resolveHeads() *Error {
	if c.NHeads == -1 {
		if c.DModel%c.DHead != 0 {
			return badField("n_heads", "-1", "means d_model/d_head, but d_model %d is no multiple of d_head %d: give n_heads, or fitting sizes", c.DModel, c.DHead)
		}
		c.NHeads = c.DModel / c.DHead
	}
	if c.NHeads <= 0 {
		return badField("n_heads", integer(c.NHeads), "must be above 0: give the number of heads, or -1 for d_model/d_head")
	}
	if c.NKeyValueHeads == 0 {
		c.NKeyValueHeads = c.NHeads
	}
	if c.NLayers > 0 && c.NHeads%c.NKeyValueHeads != 0 {
		return badField("n_key_value_heads", integer(c.NKeyValueHeads), "n_heads %d is no multiple of it: give a divisor of n_heads, or null for n_heads", c.NHeads)
	}
	if _, ok := product(c.NHeads, c.DHead); !ok {
		return badField("n_heads", integer(c.NHeads), "n_heads times d_head %d passes the limit of 2^63-1: use smaller sizes", c.DHead)
	}
	if _, ok := product(c.NKeyValueHeads, c.DHead); !ok {
		return badField("n_key_value_heads", integer(c.NKeyValueHeads), "n_key_value_heads times d_head %d passes the limit of 2^63-1: use smaller sizes", c.DHead)
	}
	return nil
}

// resolveRest derives the other defaults.
func (c *Config) resolveRest() *Error {
	if c.DMLP == 0 && c.DModel > 0 {
		var ok bool
		if c.DMLP, ok = product(4, c.DModel); !ok {
			return badField("d_model", integer(c.DModel), "d_mlp is not set, and 4 times d_model passes the limit of 2^63-1: use a smaller size")
		}
	}
	if c.DVocabOut <= 0 {
		c.DVocabOut = c.DVocab
	}
	switch c.NormalizationType = strings.ToUpper(c.NormalizationType); c.NormalizationType {
	case NormNone, NormLN, NormLNPre, NormRMS, NormRMSPre:
	default:
		return badField("normalization_type", shown.Quote(c.NormalizationType), "use one of LN, LNPre, RMS, RMSPre, or null for none")
	}
	if c.InitMode = strings.ToLower(c.InitMode); c.InitMode == "" {
		c.InitMode = defaultMode
	}
	if !finite32(c.InitializerRange) {
		return badField("initializer_range", float(c.InitializerRange), "must be finite in float32: give a number, or -1 for none")
	}
	if c.InitializerRange <= 0 {
		c.InitializerRange = -1
	}
	return nil
}

// resolvePositions settles the kind of positions and the width of rotary ones.
func (c *Config) resolvePositions() *Error {
	switch c.PositionalEmbeddingType = strings.ToLower(c.PositionalEmbeddingType); c.PositionalEmbeddingType {
	case "", PosStandard:
		c.PositionalEmbeddingType, c.RotaryDim = PosStandard, 0
	case PosRotary:
		if c.RotaryDim == 0 && c.DHead > 0 {
			if c.RotaryDim = c.DHead; c.DHead%2 != 0 {
				return badField("rotary_dim", "", "not set, so d_head %d, and it must be even: give an even rotary_dim", c.DHead)
			}
		}
		if c.RotaryDim < 0 || c.RotaryDim%2 != 0 {
			return badField("rotary_dim", integer(c.RotaryDim), "must be positive and even: give an even rotary_dim, or null for d_head")
		}
	default:
		return badField("positional_embedding_type", shown.Quote(c.PositionalEmbeddingType), "use one of %s, %s", PosRotary, PosStandard)
	}
	return nil
}

// checkActivation refuses names that no version knows. Like the reference it
// looks at the name only when an MLP is built.
func (c *Config) checkActivation() *Error {
	c.ActFn = strings.ToLower(c.ActFn)
	if c.ActFn == "" {
		c.ActFn = "gelu"
		if c.GatedMLP {
			c.ActFn = "silu"
		}
	}
	if !c.hasMLP() || slices.Contains(activations, c.ActFn) || slices.Contains(activationsV2, c.ActFn) {
		return nil
	}
	return badField("act_fn", shown.Quote(c.ActFn), "unknown: use one of %s; modes of version 2 also take %s%s",
		strings.Join(activations, ", "), strings.Join(activationsV2, ", "),
		suggestion(c.ActFn, slices.Concat(activations, activationsV2)))
}

// hasMLP reports whether the model has an MLP at all.
func (c *Config) hasMLP() bool { return !c.AttnOnly && c.NLayers > 0 }

// product returns a·b of two numbers that are not negative; ok is false when
// it passes int64.
func product(a, b int64) (p int64, ok bool) {
	if a != 0 && b > math.MaxInt64/a {
		return 0, false
	}
	return a * b, true
}

// sum returns a+b of two numbers that are not negative, at most 2^63-1.
func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func finite32(v float64) bool {
	w := float64(float32(v))
	return !math.IsNaN(w) && !math.IsInf(w, 0)
}

func integer(n int64) string { return strconv.FormatInt(n, 10) }
func float(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
