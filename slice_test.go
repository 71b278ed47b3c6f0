package weightinit_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

func keyedToy(t *testing.T, stored dtype.Type) *plan.Plan {
	t.Helper()
	preset, err := model.LookupPreset("toy-2l")
	require.NoError(t, err)
	p, err := weightinit.Plan(t.Context(), preset.Config, "gpt2", nil, plan.Options{Seed: 3, DType: stored, Streams: plan.Keyed})
	require.NoError(t, err)
	return p
}

func TestASliceIsPartOfItsParameter(t *testing.T) {
	torch := toy(t, 3, dtype.F32)
	for _, p := range []*plan.Plan{keyedToy(t, dtype.BF16), torch} {
		for _, tensor := range p.Tensors().All() {
			whole := make([]float32, tensor.Elements)
			require.NoError(t, weightinit.Values(t.Context(), p, tensor.Name, whole))
			first, n := tensor.Elements/3, tensor.Elements/2
			part := make([]float32, n)
			require.NoError(t, weightinit.Slice(t.Context(), p, tensor.Name, first, part))
			require.Equal(t, whole[first:first+n], part, tensor.Name)
		}
	}
	p := keyedToy(t, dtype.BF16)
	name := p.Tensors().At(0).Name
	require.ErrorContains(t, weightinit.Slice(t.Context(), p, "no", 0, nil), `"no"`)
	require.ErrorContains(t, weightinit.Slice(t.Context(), p, name, p.Tensors().At(0).Elements, make([]float32, 1)), "elements")
	wide := keyedToy(t, dtype.F64)
	require.ErrorContains(t, weightinit.Slice(t.Context(), wide, name, 0, make([]float32, 1)), "f64")
}

func TestAKeyedOutputIsMadeAgainFromItsRecord(t *testing.T) {
	p := keyedToy(t, dtype.F32)
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, weightinit.WriteSafetensors(t.Context(), p, path, weightinit.WriteOptions{}))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer set.Close()
	require.Equal(t, "keyed", set.Metadata()["weightinit.streams"])
	again, err := weightinit.Rebuild(t.Context(), set.Metadata(), registry.Default())
	require.NoError(t, err)
	require.Equal(t, plan.Keyed, again.Streams())
	require.Equal(t, p.Digest(), again.Digest())
}

// BenchmarkSlice draws 1,024 values at the end of the largest GPT-2.
func BenchmarkSlice(b *testing.B) {
	preset, err := model.LookupPreset("gpt2-xl")
	require.NoError(b, err)
	p, err := weightinit.Plan(b.Context(), preset.Config, "gpt2", nil, plan.Options{Seed: 42})
	require.NoError(b, err)
	last := p.Tensors().At(p.Tensors().Len() - 1)
	for _, t := range p.Tensors().All() { // the last one that is drawn
		if law, _ := p.Law(t.Param); law.Draw.Kind() == "normal" {
			last = t
		}
	}
	dst := make([]float32, 1024)
	for b.Loop() {
		require.NoError(b, weightinit.Slice(b.Context(), p, last.Name, last.Elements-1024, dst))
	}
}
