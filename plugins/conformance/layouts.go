package conformance

import (
	"fmt"

	"github.com/weightinit/weightinit/layout"
)

// standard is a layout that every plugin is asked for.
type standard struct {
	name   string
	layout *layout.Layout
}

// builder collects the parameters of a layout.
type builder struct {
	layout *layout.Layout
	layer  int
	prefix string
}

func newBuilder(f layout.Facts) *builder {
	return &builder{layout: &layout.Layout{Model: f}, layer: layout.NoLayer}
}

// add appends a parameter with fans.
func (b *builder) add(name string, role layout.Role, in, out int64, shape ...int64) {
	b.layout.Params = append(b.layout.Params, layout.Param{
		Name: b.prefix + name, Shape: shape, Role: role, Layer: b.layer, FanIn: in, FanOut: out,
	})
}

// matrix appends NAME.weight of shape [out, in].
func (b *builder) matrix(name string, role layout.Role, in, out int64) {
	b.add(name+".weight", role, in, out, out, in)
}

// linear is matrix with a bias.
func (b *builder) linear(name string, role, bias layout.Role, in, out int64) {
	b.matrix(name, role, in, out)
	b.add(name+".bias", bias, in, out, out)
}

// part is what is fused in a matrix, with its output width.
type part struct {
	role layout.Role
	out  int64
}

// fused appends NAME.weight of several matrices of the same input width: of
// shape [out, in], or [in, out] when it is transposed.
func (b *builder) fused(name string, role layout.Role, in int64, transposed bool, parts ...part) {
	total := int64(0)
	for _, p := range parts {
		total += p.out
	}
	shapeOf := func(out int64) []int64 {
		if transposed {
			return []int64{in, out}
		}
		return []int64{out, in}
	}
	dim := 0
	if transposed {
		dim = 1
	}
	b.add(name+".weight", role, in, total, shapeOf(total)...)
	added := &b.layout.Params[len(b.layout.Params)-1]
	added.Transposed = transposed
	first := int64(0)
	for _, p := range parts {
		added.Pieces = append(added.Pieces, layout.Piece{
			Role: p.role, Shape: shapeOf(p.out), At: layout.Rows(added.Shape, dim, first, p.out), FanIn: in, FanOut: p.out,
		})
		first += p.out
	}
}

func (b *builder) norm(name string) {
	d := b.layout.Model.DModel
	b.add(name+".weight", layout.NormWeight, 0, 0, d)
	b.add(name+".bias", layout.NormBias, 0, 0, d)
}

func (b *builder) in(layer int, prefix string) { b.layer, b.prefix = layer, prefix }

// tinyGPT2 has separate q, k and v with biases.
func tinyGPT2() standard {
	b := newBuilder(layout.Facts{
		Architecture: "gpt2", Layers: 2, DModel: 16, DHead: 4, Heads: 4, KVHeads: 4, DMLP: 64, DVocab: 50, Ctx: 12, InitializerRange: new(0.02),
	})
	b.add("wte.weight", layout.Embedding, 50, 16, 50, 16)
	b.add("wpe.weight", layout.Position, 12, 16, 12, 16)
	for l := range 2 {
		b.in(l, fmt.Sprintf("h.%d.", l))
		b.norm("ln_1")
		b.linear("attn.q", layout.Query, layout.QueryBias, 16, 16)
		b.linear("attn.k", layout.Key, layout.KeyBias, 16, 16)
		b.linear("attn.v", layout.Value, layout.ValueBias, 16, 16)
		b.linear("attn.o", layout.AttnOut, layout.AttnOutBias, 16, 16)
		b.norm("ln_2")
		b.linear("mlp.up", layout.MLPIn, layout.MLPInBias, 16, 64)
		b.linear("mlp.down", layout.MLPOut, layout.MLPOutBias, 64, 16)
	}
	b.in(layout.NoLayer, "")
	b.norm("ln_f")
	b.linear("unembed", layout.LMHead, layout.LMHeadBias, 16, 50)
	return standard{name: "gpt2", layout: b.layout}
}

// llama has fewer heads for k and v, a fused qkv and a fused gate and up.
func llama() standard {
	b := newBuilder(layout.Facts{
		Architecture: "llama", Layers: 2, DModel: 16, DHead: 4, Heads: 4, KVHeads: 2, DMLP: 24, DVocab: 50, Ctx: 32,
	})
	b.add("embed.weight", layout.Embedding, 50, 16, 50, 16)
	for l := range 2 {
		b.in(l, fmt.Sprintf("layers.%d.", l))
		b.add("norm1.weight", layout.NormWeight, 0, 0, 16)
		b.fused("attn.qkv", layout.QKV, 16, false, part{layout.Query, 16}, part{layout.Key, 8}, part{layout.Value, 8})
		b.matrix("attn.o", layout.AttnOut, 16, 16)
		b.add("norm2.weight", layout.NormWeight, 0, 0, 16)
		b.fused("mlp.gate_up", layout.GateUp, 16, false, part{layout.Gate, 24}, part{layout.MLPIn, 24})
		b.matrix("mlp.down", layout.MLPOut, 24, 16)
	}
	b.in(layout.NoLayer, "")
	b.add("norm.weight", layout.NormWeight, 0, 0, 16)
	b.matrix("lm_head", layout.LMHead, 16, 50)
	return standard{name: "llama", layout: b.layout}
}

// columns has q, k and v as the columns of a matrix that is stored transposed,
// a padding row, and a config.
func columns() standard {
	b := newBuilder(layout.Facts{
		Architecture: "GPT2LMHeadModel", Layers: 1, DModel: 16, DHead: 4, Heads: 4, KVHeads: 4, DMLP: 64, DVocab: 50, Ctx: 12,
		InitializerRange: new(0.0), Config: []byte(`{"architecture":"GPT2LMHeadModel","n_embd":16,"n_layer":1}`),
	})
	b.add("wte.weight", layout.Embedding, 50, 16, 50, 16)
	b.layout.Params[0].PaddingRow = new(int64(1))
	b.in(0, "h.0.")
	b.norm("ln_1")
	b.fused("attn.c_attn", layout.QKV, 16, true, part{layout.Query, 16}, part{layout.Key, 16}, part{layout.Value, 16})
	b.add("attn.c_attn.bias", layout.QKVBias, 16, 48, 48)
	b.fused("attn.c_proj", layout.AttnOut, 16, true, part{layout.AttnOut, 16})
	return standard{name: "columns", layout: b.layout}
}

// experts has a router and matrices of several experts in one tensor.
func experts() standard {
	b := newBuilder(layout.Facts{
		Architecture: "experts", Layers: 1, DModel: 16, DHead: 4, Heads: 4, KVHeads: 4, DMLP: 24, DVocab: 50, Ctx: 32,
	})
	b.add("embed.weight", layout.Embedding, 50, 16, 50, 16)
	b.in(0, "layers.0.")
	b.add("norm.weight", layout.NormWeight, 0, 0, 16)
	b.matrix("router", layout.Router, 16, 4)
	b.add("experts.gate", layout.Gate, 16, 24, 4, 24, 16)
	b.add("experts.up", layout.MLPIn, 16, 24, 4, 24, 16)
	b.add("experts.down", layout.MLPOut, 24, 16, 4, 16, 24)
	b.in(layout.NoLayer, "")
	b.matrix("lm_head", layout.LMHead, 16, 50)
	return standard{name: "experts", layout: b.layout}
}

// bert has token types and no head that shares the vocabulary.
func bert() standard {
	b := newBuilder(layout.Facts{
		Architecture: "bert", Layers: 1, DModel: 16, DHead: 8, Heads: 2, KVHeads: 2, DMLP: 32, DVocab: 40, Ctx: 20, InitializerRange: new(0.02),
	})
	b.add("embeddings.word.weight", layout.Embedding, 40, 16, 40, 16)
	b.add("embeddings.position.weight", layout.Position, 20, 16, 20, 16)
	b.add("embeddings.token_type.weight", layout.TokenType, 2, 16, 2, 16)
	b.norm("embeddings.norm")
	b.in(0, "layer.0.")
	for _, r := range []struct {
		name       string
		role, bias layout.Role
	}{
		{"query", layout.Query, layout.QueryBias}, {"key", layout.Key, layout.KeyBias}, {"value", layout.Value, layout.ValueBias}, {"output", layout.AttnOut, layout.AttnOutBias},
	} {
		b.linear("attention."+r.name, r.role, r.bias, 16, 16)
	}
	b.norm("attention.norm")
	b.linear("intermediate", layout.MLPIn, layout.MLPInBias, 16, 32)
	b.linear("output", layout.MLPOut, layout.MLPOutBias, 32, 16)
	b.norm("output.norm")
	return standard{name: "bert", layout: b.layout}
}

// shapes has a scalar, empty tensors and one of many dimensions.
func shapes() standard {
	b := newBuilder(layout.Facts{Architecture: "shapes", DModel: 4})
	b.add("scalar", layout.Tensor, 0, 0)
	b.add("empty", layout.Tensor, 0, 0, 0)
	b.add("empty.rows", layout.MLPIn, 4, 0, 0, 4)
	b.add("empty.columns", layout.MLPIn, 0, 4, 4, 0)
	b.add("empty.norm", layout.NormWeight, 0, 0, 0)
	b.add("many.dimensions", layout.Tensor, 4, 4, 1, 2, 1, 2, 1, 2, 1, 2)
	return standard{name: "0-d and empty", layout: b.layout}
}

// unknownRole has a parameter of a role that no version of the protocol names.
func unknownRole() standard {
	b := newBuilder(layout.Facts{Architecture: "new", Layers: 1, DModel: 16})
	b.add("embed.weight", layout.Embedding, 50, 16, 50, 16)
	b.in(0, "layers.0.")
	b.matrix("flux", "flux_capacitor", 16, 16)
	return standard{name: "unknown role", layout: b.layout}
}

// largeLayout has n parameters in layers of four.
func largeLayout(n int) *layout.Layout {
	b := newBuilder(layout.Facts{
		Architecture: "large", Layers: int64(n / 4), DModel: 64, DHead: 16, Heads: 4, KVHeads: 4, DMLP: 256, DVocab: 100, Ctx: 32,
	})
	b.layout.Params = make([]layout.Param, 0, n)
	for i := range n {
		b.in(i/4, fmt.Sprintf("model.layers.%d.", i/4))
		switch i % 4 {
		case 0:
			b.matrix("self_attn.q_proj", layout.Query, 64, 64)
		case 1:
			b.matrix("self_attn.o_proj", layout.AttnOut, 64, 64)
		case 2:
			b.matrix("mlp.down_proj", layout.MLPOut, 256, 64)
		default:
			b.add("input_layernorm.weight", layout.NormWeight, 0, 0, 64)
		}
	}
	return b.layout
}

func standards() []standard {
	return []standard{tinyGPT2(), llama(), columns(), experts(), bert(), shapes()}
}
