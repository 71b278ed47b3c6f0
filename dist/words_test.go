package dist_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
)

func TestPositionAfterSmallAndLargeNormalsOfOneStream(t *testing.T) {
	// torch, one generator: normal n=3, normal n=20, normal n=1.
	normal := dist.Normal{Std: 1}
	var p dist.Position
	p = p.After(dist.CostOf(normal, 3, false, p.Cached))
	require.Equal(t, dist.Position{Words: 8, Cached: true, CachedAt: 4}, p)
	p = p.After(dist.CostOf(normal, 20, false, p.Cached))
	require.Equal(t, dist.Position{Words: 44, Cached: true, CachedAt: 4}, p)
	p = p.After(dist.CostOf(normal, 1, false, p.Cached))
	require.Equal(t, dist.Position{Words: 44}, p)
}

func TestCostOfCountsWords(t *testing.T) {
	for _, c := range []struct {
		name  string
		draw  dist.Draw
		n     int64
		wide  bool
		words int64
	}{
		{"constant", dist.Constant{Value: 1}, 100, false, 0},
		{"uniform f32", dist.Uniform{High: 1}, 5, false, 5},
		{"uniform f64", dist.Uniform{High: 1}, 5, true, 10},
		{"empty normal", dist.Normal{Std: 1}, 0, false, 0},
		{"normal of 15", dist.Normal{Std: 1}, 15, false, 32},
		{"normal of 15 in f64", dist.Normal{Std: 1}, 15, true, 32},
		{"normal of whole blocks", dist.Normal{Std: 1}, 32, false, 32},
		{"normal with a tail", dist.Normal{Std: 1}, 17, false, 33},
		{"normal f64 with a tail", dist.Normal{Std: 1}, 17, true, 66},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.words, dist.CostOf(c.draw, c.n, c.wide, false).Words)
		})
	}
}

func TestCheckRefusesWhatTorchRefuses(t *testing.T) {
	const f32 = math.MaxFloat32
	for _, d := range []dist.Draw{
		dist.Uniform{Low: 1, High: 0},
		dist.Uniform{Low: math.NaN(), High: 1},
		dist.Uniform{Low: 0, High: 1e39},
		dist.Uniform{Low: -3e38, High: 3e38},
		dist.Normal{Std: -1},
		dist.Normal{Std: math.NaN()},
		dist.Constant{Value: 1e39},
	} {
		require.Error(t, dist.Dist{Draw: d}.Check(f32), "%#v", d)
	}
	require.NoError(t, dist.Dist{Draw: dist.Uniform{Low: -0.5, High: 0.5}}.Check(f32))
	require.ErrorContains(t, dist.Dist{}.Check(f32), "no distribution")
}
