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

func fusedLayout() *layout.Layout {
	p := layout.Param{Name: "qkv", Shape: []int64{32, 16}, Role: layout.QKV, FanIn: 16, FanOut: 32}
	first := int64(0)
	for _, piece := range []struct {
		role layout.Role
		rows int64
	}{{layout.Query, 16}, {layout.Key, 8}, {layout.Value, 8}} {
		p.Pieces = append(p.Pieces, layout.Piece{
			Role: piece.role, Shape: []int64{piece.rows, 16}, At: layout.Rows(p.Shape, 0, first, piece.rows), FanIn: 16, FanOut: piece.rows,
		})
		first += piece.rows
	}
	out := layout.Param{Name: "out", Shape: []int64{16, 16}, Role: layout.AttnOut, FanIn: 16, Layer: 1}
	return &layout.Layout{Model: layout.Facts{Layers: 8}, Params: []layout.Param{p, out}}
}

func TestAFusedMatrixIsCutAsTheHostSays(t *testing.T) {
	l := fusedLayout()
	got, err := assign(t, 0, l, "gain=2", "qk_gain=0.25")
	require.NoError(t, err)
	var cut []int64
	var stds []float64
	for _, p := range got[0].Draw.(dist.Blocks).Parts {
		cut = append(cut, p.Rows)
		stds = append(stds, p.Dist.Draw.(dist.Normal).Std)
	}
	require.Equal(t, []int64{16, 8, 8}, cut)
	require.Equal(t, []float64{0.125, 0.125, 0.5}, stds)
	require.Equal(t, "q, k: gain / sqrt(fan_in) * qk_gain; v: gain / sqrt(fan_in)", got[0].Formula)

	l.Params[0].Pieces = nil
	_, err = assign(t, 0, l)
	var refused *sdk.LayoutError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "qkv", refused.Param)
}

func TestResidualOutputsShrinkWithDepth(t *testing.T) {
	for setting, std := range map[string]float64{"depth=sqrt": 0.0625, "depth=linear": 0.015625, "depth=none": 0.25} {
		got, err := assign(t, 0, fusedLayout(), setting)
		require.NoError(t, err)
		require.Equal(t, dist.Normal{Std: std}, got[1].Draw, setting)
	}
	got, err := assign(t, 1, fusedLayout(), "cut=2")
	require.NoError(t, err)
	require.Equal(t, dist.TruncNormal{Std: 0.125, A: -0.25, B: 0.25}, got[1].Draw)
}
