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

func keyedToy(t *testing.T, stored dtype.Type) *weightinit.Plan {
	t.Helper()
	preset, err := model.LookupPreset("toy-2l")
	require.NoError(t, err)
	p, err := weightinit.Prepare(t.Context(), preset.Config, weightinit.Seed(3), weightinit.DType(stored), weightinit.Streams(plan.Keyed))
	require.NoError(t, err)
	return p
}

func TestASliceIsPartOfItsParameter(t *testing.T) {
	torch := toy(t, 3, dtype.F32)
	for _, p := range []*weightinit.Plan{keyedToy(t, dtype.BF16), torch} {
		for _, tensor := range p.Tensors().All() {
			whole := make([]float32, tensor.Elements)
			require.NoError(t, p.Values(t.Context(), tensor.Name, whole))
			first, n := tensor.Elements/3, tensor.Elements/2
			part := make([]float32, n)
			require.NoError(t, p.Slice(t.Context(), tensor.Name, first, part))
			require.Equal(t, whole[first:first+n], part, tensor.Name)
		}
	}
	p := keyedToy(t, dtype.BF16)
	name := p.Tensors().At(0).Name
	require.ErrorContains(t, p.Slice(t.Context(), "no", 0, nil), `"no"`)
	require.ErrorContains(t, p.Slice(t.Context(), name, p.Tensors().At(0).Elements, make([]float32, 1)), "elements")
	wide := keyedToy(t, dtype.F64)
	require.ErrorContains(t, wide.Slice(t.Context(), name, 0, make([]float32, 1)), "f64")
}

func TestAKeyedOutputIsMadeAgainFromItsRecord(t *testing.T) {
	p := keyedToy(t, dtype.F32)
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, p.WriteSafetensors(t.Context(), path))
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
	p, err := weightinit.Prepare(b.Context(), preset.Config, weightinit.Seed(42))
	require.NoError(b, err)
	last := p.Tensors().At(p.Tensors().Len() - 1)
	for _, t := range p.Tensors().All() { // the last one that is drawn
		if law, _ := p.Law(t.Param); law.Draw.Kind() == "normal" {
			last = t
		}
	}
	dst := make([]float32, 1024)
	for b.Loop() {
		require.NoError(b, p.Slice(b.Context(), last.Name, last.Elements-1024, dst))
	}
}
