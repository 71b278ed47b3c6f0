package dist_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
)

func TestPositionAfterSmallAndLargeNormalsOfOneStream(t *testing.T) {
	// torch, one generator: normal n=3, normal n=20, normal n=1.
	normal := dist.Normal{Std: 1}
	var p dist.Position
	p = p.After(dist.CostOf(normal, 3, dtype.F32, p.Cached))
	require.Equal(t, dist.Position{Words: 8, Cached: true, CachedAt: 4}, p)
	p = p.After(dist.CostOf(normal, 20, dtype.F32, p.Cached))
	require.Equal(t, dist.Position{Words: 44, Cached: true, CachedAt: 4}, p)
	p = p.After(dist.CostOf(normal, 1, dtype.F32, p.Cached))
	require.Equal(t, dist.Position{Words: 44}, p)
}

func TestCostOfCountsWords(t *testing.T) {
	for _, c := range []struct {
		name  string
		draw  dist.Draw
		n     int64
		in    dtype.Type
		words int64
	}{
		{"constant", dist.Constant{Value: 1}, 100, dtype.F32, 0},
		{"uniform f32", dist.Uniform{High: 1}, 5, dtype.F32, 5},
		{"uniform f64", dist.Uniform{High: 1}, 5, dtype.F64, 10},
		{"empty normal", dist.Normal{Std: 1}, 0, dtype.F32, 0},
		{"normal of 15", dist.Normal{Std: 1}, 15, dtype.F32, 32},
		{"normal of 15 in f64", dist.Normal{Std: 1}, 15, dtype.F64, 32},
		{"normal of whole blocks", dist.Normal{Std: 1}, 32, dtype.F32, 32},
		{"normal with a tail", dist.Normal{Std: 1}, 17, dtype.F32, 33},
		{"normal f64 with a tail", dist.Normal{Std: 1}, 17, dtype.F64, 66},
		{"normal bf16 with a tail", dist.Normal{Std: 1}, 17, dtype.BF16, 32},
		{"normal f16 of 15", dist.Normal{Std: 1}, 15, dtype.F16, 32},
		{"uniform f16", dist.Uniform{High: 1}, 5, dtype.F16, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.words, dist.CostOf(c.draw, c.n, c.in, false).Words)
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
