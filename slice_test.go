package weightinit_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

func keyedToy(t *testing.T, dtype layout.DType) (*plan.Plan, *model.Config) {
	t.Helper()
	preset, err := model.LookupPreset("toy-2l")
	require.NoError(t, err)
	p, err := weightinit.Plan(t.Context(), preset.Config, "gpt2", nil, plan.Options{Seed: 3, DType: dtype, Streams: plan.Keyed})
	require.NoError(t, err)
	return p, preset.Config
}

func TestASliceIsPartOfItsParameter(t *testing.T) {
	p, _ := keyedToy(t, layout.BF16)
	for _, step := range p.Steps {
		name := step.Param.Name
		whole := make([]float32, step.Elements)
		require.NoError(t, weightinit.Values(t.Context(), p, name, whole))
		first, n := step.Elements/3, step.Elements/2
		part := make([]float32, n)
		require.NoError(t, weightinit.Slice(t.Context(), p, name, first, part))
		require.Equal(t, whole[first:first+n], part, name)
	}
	name := p.Steps[0].Param.Name
	require.ErrorContains(t, weightinit.Slice(t.Context(), p, "no", 0, nil), `"no"`)
	require.ErrorContains(t, weightinit.Slice(t.Context(), p, name, p.Steps[0].Elements, make([]float32, 1)), "elements")
	wide, _ := keyedToy(t, layout.F64)
	require.ErrorContains(t, weightinit.Slice(t.Context(), wide, name, 0, make([]float32, 1)), "f64")
	torch, _ := toy(t, 3, layout.F32)
	require.ErrorContains(t, weightinit.Slice(t.Context(), torch, torch.Steps[0].Param.Name, 0, make([]float32, 1)), "keyed")
}

func TestAKeyedOutputIsMadeAgainFromItsRecord(t *testing.T) {
	p, cfg := keyedToy(t, layout.F32)
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, weightinit.WriteSafetensors(t.Context(), p, cfg, path, weightinit.WriteOptions{}))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer set.Close()
	require.Equal(t, "keyed", set.Metadata()["weightinit.streams"])
	again, err := weightinit.Rebuild(t.Context(), set.Metadata(), registry.Default())
	require.NoError(t, err)
	require.Equal(t, plan.Keyed, again.Streams)
	require.Equal(t, p.Digest(), again.Digest())
}
