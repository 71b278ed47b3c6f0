package planfile_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/model"
	_ "github.com/weightinit/weightinit/modes/standard"
	plans "github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/plan/planfile"
	"github.com/weightinit/weightinit/registry"
)

func lower(t *testing.T, text string) *plans.Plan {
	t.Helper()
	d, err := planfile.Parse([]byte(text))
	require.NoError(t, err, text)
	p, err := plans.FromProgram(d.Layout, plans.Options{Seed: 7})
	require.NoError(t, err, text)
	return p
}

func written(t *testing.T, p *plans.Plan) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, planfile.Write(&b, p, map[string]string{"made_by": "a test"}))
	return b.String()
}

// programs are documents whose memories are all used, in order.
var programs = map[string]string{
	"the example": example,
	"whole":       plan(fill0, one),
	"a literal that is computed with": plan(fill0+
		`,{"do":"literal","literal":0,"to":{"memory":1}},{"do":"copy","from":[{"memory":0}],"to":{"memory":2}},{"do":"exp","from":[{"memory":2}],"to":{"memory":2}}`, one+
		`,{"name":"n","dtype":"int64","shape":[4],"memory":1},{"name":"h","dtype":"bfloat16","shape":[24],"memory":2,"exact":false,"ulp":3}`),
	"a normalised vector": plan(`{"do":"normal","mean":0,"std":1,"dtype":"float32","shape":[24],"to":{"memory":0}},`+
		`{"do":"norm","from":[{"memory":0,"shape":[6,4]}],"dims":[1],"to":{"memory":0,"shape":[4]}},{"do":"divide","from":[{"memory":0,"offset":4,"shape":[4]},{"memory":0,"shape":[4]}],"to":{"memory":0,"offset":8,"shape":[4]}}`, one),
	"views": plan(fill0, one+`,{"name":"t","dtype":"float32","shape":[6,4],"strides":[1,6],"memory":0},{"name":"half","dtype":"float32","shape":[2,6],"offset":12,"memory":0}`+
		`,{"name":"count","dtype":"int64","shape":[],"parameter":false,"value":3},{"name":"mask","dtype":"float32","shape":[2],"value":"-inf"},{"name":"tie","same_as":"t"}`),
	"streams": plan(`{"do":"save","slot":2},{"do":"seed","seed":18446744073709551615,"stream":3},{"do":"normal","mean":0,"std":1,"dtype":"float64","shape":[3],"stream":3},`+
		`{"do":"load","slot":2},`+fill0+`,{"do":"seed","seed":"plan"},{"do":"uniform","low":0,"high":1,"dtype":"bfloat16","shape":[24],"to":{"memory":2}}`, one+
		`,{"name":"h","dtype":"bfloat16","shape":[24],"memory":2}`),
	"a chain": plan(fill0+`,{"do":"multiply","from":[{"memory":0},{"value":2}],"to":{"memory":0}},{"do":"add","from":[{"memory":0},{"value":-1}],"to":{"memory":0}}`+
		`,{"do":"clamp","from":[{"memory":0}],"to":{"memory":0},"low":0.1},{"do":"log1p","from":[{"memory":0}],"to":{"memory":0}},{"do":"set","value":0,"to":{"memory":0,"offset":6,"shape":[6]}}`, one),
	"one draw twice": plan(fill0+`,{"do":"copy","from":[{"memory":0}],"to":{"memory":2}},{"do":"multiply","from":[{"memory":0},{"value":3}],"to":{"memory":0}}`, one+
		`,{"name":"h","dtype":"bfloat16","shape":[24],"memory":2}`),
	"saved": plan(fill0, one)[:len(plan(fill0, one))-1] +
		`,"saved":[{"name":"w.1","dtype":"float32","shape":[2,6],"memory":0,"offset":12},{"name":"w.0","dtype":"float32","shape":[2,6],"memory":0},{"name":"c","dtype":"float32","shape":[2],"value":1}]}`,
	"parts": plan(`{"do":"normal","mean":0,"std":1,"dtype":"float32","shape":[2,6],"to":{"memory":0,"shape":[12]}},{"do":"set","value":1,"to":{"memory":0,"offset":12,"shape":[12]}},`+
		`{"do":"set","value":2,"to":{"memory":0,"offset":2,"shape":[4,1],"strides":[6,1]}}`, one),
	"families": plan(`{"do":"sparse","sparsity":0.5,"std":1,"dtype":"float32","shape":[4,6]},{"do":"orthogonal","gain":2,"dtype":"float32","shape":[4,6],"to":{"memory":0}},`+
		`{"do":"trunc_normal","mean":0,"std":1,"a":-2,"b":2,"dtype":"bfloat16","shape":[24],"to":{"memory":2}},{"do":"trunc_normal","mean":0,"std":1,"a":-2,"b":2,"dtype":"float16","shape":[3,5]}`, one+
		`,{"name":"h","dtype":"bfloat16","shape":[24],"memory":2}`),
}

func TestWhatIsWrittenIsTheSameProgram(t *testing.T) {
	for name, text := range programs {
		t.Run(name, func(t *testing.T) {
			p := lower(t, text)
			once := written(t, p)
			q := lower(t, once)
			require.Equal(t, p.Digest(), q.Digest(), once)
			require.Equal(t, once, written(t, q), "it settles at once")
			require.Equal(t, p.Tensors(), renumbered(p, q))
		})
	}
}

// renumbered are the tensors of q as those of p, if they lie in parameters of
// the same names.
func renumbered(p, q *plans.Plan) plans.View[plans.Tensor] {
	for i, t := range p.Tensors().All() {
		u := q.Tensors().At(i)
		u.Param = t.Param
		if fmt.Sprint(t) != fmt.Sprint(u) || p.Params().At(t.Param).Name != q.Params().At(q.Tensors().At(i).Param).Name {
			return q.Tensors()
		}
	}
	return p.Tensors()
}

func build(t *testing.T, config, mode string, opts plans.Options) *plans.Plan {
	t.Helper()
	cfg, _, err := model.Parse("test", []byte(config), model.JSON)
	require.NoError(t, err)
	info, err := registry.Default().Lookup(mode)
	require.NoError(t, err)
	m, err := registry.Configure(info, nil)
	require.NoError(t, err)
	l, err := cfg.Layout(info.ModelVersion)
	require.NoError(t, err)
	p, err := plans.Build(context.Background(), l, info, m, opts)
	require.NoError(t, err)
	return p
}

const tiny = `{"d_model":64,"d_head":16,"n_layers":2,"n_ctx":32,"n_heads":4,"d_vocab":100,"act_fn":"gelu"}`

func TestEveryModeOfANativeModelIsWritten(t *testing.T) {
	for _, mode := range []string{"gpt2@1", "gpt2@2", "xavier_uniform@1", "xavier_normal@2", "kaiming_uniform@1", "kaiming_normal@2"} {
		p := build(t, tiny, mode, plans.Options{Seed: 7})
		q := lower(t, written(t, p))
		require.Equal(t, p.Tensors().Len(), q.Tensors().Len())
		for i, a := range p.Tensors().All() {
			b := q.Tensors().At(i)
			require.Equal(t, []any{a.Name, a.Shape, a.DType}, []any{b.Name, b.Shape, b.DType})
		}
		words, _ := p.Words()
		again, known := q.Words()
		require.True(t, known)
		require.Equal(t, words, again)
	}
	var rounded *planfile.RoundedError
	require.ErrorAs(t, planfile.Write(&bytes.Buffer{}, build(t, tiny, "gpt2", plans.Options{DType: dtype.BF16}), nil), &rounded)
	require.Equal(t, dtype.F32, rounded.Made)
	written(t, build(t, tiny, "gpt2", plans.Options{DType: dtype.F64}))
	written(t, build(t, tiny, "gpt2", plans.Options{DType: dtype.BF16, Drawn: dtype.BF16}))
}
