package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/sdk"
	"github.com/weightinit/weightinit/plugins/sdk/sdktest"
	"github.com/weightinit/weightinit/registry"
)

func TestTheProgramConforms(t *testing.T) { sdktest.Package(t) }

func TestTheModesConform(t *testing.T) { sdktest.Modes(t, plugin) }

func assign(t *testing.T, mode int, l *layout.Layout, settings ...string) ([]dist.Dist, error) {
	t.Helper()
	m := plugin.Modes[mode]
	instance, err := registry.Configure(registry.Info{ID: registry.ID{Name: m.ID, Version: m.Version}, New: m.New}, settings)
	require.NoError(t, err)
	return instance.Assign(t.Context(), l)
}

func fusedLayout(rows int64) *layout.Layout {
	return &layout.Layout{
		Model: layout.Facts{Layers: 8, Heads: 4, KVHeads: 2, DHead: 4},
		Params: []layout.Param{
			{Name: "qkv", Shape: []int64{rows, 16}, Role: "qkv", FanIn: 16},
			{Name: "out", Shape: []int64{16, 16}, Role: layout.AttnOut, FanIn: 16, Layer: 1},
		},
	}
}

func TestAFusedMatrixIsCutByHeads(t *testing.T) {
	for rows, want := range map[int64][]int64{32: {16, 8, 8}, 30: {10, 10, 10}} {
		got, err := assign(t, 0, fusedLayout(rows), "gain=2", "qk_gain=0.25")
		require.NoError(t, err)
		var cut []int64
		for _, p := range got[0].Draw.(dist.Blocks).Parts {
			cut = append(cut, p.Rows)
		}
		require.Equal(t, want, cut)
		require.Equal(t, dist.Normal{Std: 0.125}, got[0].Draw.(dist.Blocks).Parts[1].Dist.Draw)
		require.Equal(t, dist.Normal{Std: 0.5}, got[0].Draw.(dist.Blocks).Parts[2].Dist.Draw)
	}
	_, err := assign(t, 0, fusedLayout(31))
	var refused *sdk.LayoutError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "qkv", refused.Param)
}

func TestResidualOutputsShrinkWithDepth(t *testing.T) {
	for setting, std := range map[string]float64{"depth=sqrt": 0.0625, "depth=linear": 0.015625, "depth=none": 0.25} {
		got, err := assign(t, 0, fusedLayout(32), setting)
		require.NoError(t, err)
		require.Equal(t, dist.Normal{Std: std}, got[1].Draw, setting)
	}
	got, err := assign(t, 1, fusedLayout(32), "cut=2")
	require.NoError(t, err)
	require.Equal(t, dist.TruncNormal{Std: 0.125, A: -0.25, B: 0.25}, got[1].Draw)
}
