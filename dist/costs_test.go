package dist_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
)

func of(rows int64, d dist.Draw) dist.Part { return dist.Part{Rows: rows, Dist: dist.Dist{Draw: d}} }

func TestCostInKnowsWhatTheShapeDecides(t *testing.T) {
	sparse := dist.Sparse{Sparsity: 0.5, Std: 1}
	for _, c := range []struct {
		name  string
		draw  dist.Draw
		shape []int64
		in    dtype.Type
		words int64
	}{
		{"eye", dist.Eye{}, []int64{5, 5}, dtype.F32, 0},
		{"dirac", dist.Dirac{Groups: 1}, []int64{5, 5, 3}, dtype.F32, 0},
		{"fill", dist.Filled{}, []int64{500}, dtype.F32, 0},
		{"orthogonal", dist.Orthogonal{Gain: 1}, []int64{5, 5}, dtype.F32, 41},
		{"orthogonal in f64", dist.Orthogonal{Gain: 1}, []int64{4, 8}, dtype.F64, 64},
		{"sparse", sparse, []int64{40, 13}, dtype.F32, 520 + 16 + 13*39},
		{"sparse in f64: a word a permutation's step all the same", sparse, []int64{40, 2}, dtype.F64, 160 + 2*39},
		{"sparse of one row", sparse, []int64{1, 32}, dtype.F32, 32},
		{"sparse without rows", sparse, []int64{0, 32}, dtype.F32, 0},
		{"sparse without columns", sparse, []int64{32, 0}, dtype.F32, 0},
		{"empty trunc_normal", dist.TruncNormal{Std: 1, A: -2, B: 2}, []int64{0}, dtype.F32, 0},
		{"trunc_normal by its inverse", dist.TruncNormal{Std: 1, A: -2, B: 2, Algorithm: dist.TorchICDF}, []int64{7}, dtype.F64, 14},
	} {
		got, known := dist.CostIn(c.draw, c.shape, c.in, false)
		require.True(t, known, c.name)
		require.Equal(t, c.words, got.Words, c.name)
	}
	for _, d := range []dist.Draw{
		dist.TruncNormal{Std: 1, A: -2, B: 2},
		dist.TruncNormal{Std: 1, A: -2, B: 2, Algorithm: dist.UnitThenScale},
	} {
		_, known := dist.CostIn(d, []int64{3, 8}, dtype.F32, false)
		require.False(t, known, "%#v", d)
	}
}

func TestThenEqualsOneCostAfterTheOther(t *testing.T) {
	costs := []dist.Cost{{}, {Words: 7}, {Words: 4, Cache: dist.CacheEmptied}, {Words: 12, Cache: dist.CacheFilled, CacheAt: 8}}
	for _, first := range costs {
		for _, second := range costs {
			for _, p := range []dist.Position{{}, {Words: 9, Cached: true, CachedAt: 5}} {
				want := p.After(first).After(second)
				require.Equal(t, want, p.After(first.Then(second)), "%+v %+v", first, second)
				require.Equal(t, want.Cached, first.Then(second).CachedAfter(p.Cached))
			}
		}
	}
}

func TestKeptMass(t *testing.T) {
	require.InDelta(t, 0.954499736, dist.TruncNormal{Std: 1, A: -2, B: 2}.KeptMass(), 1e-9)
	require.InDelta(t, 0.682689492, dist.TruncNormal{Mean: 3, Std: 0.5, A: 2.5, B: 3.5}.KeptMass(), 1e-9)
	scaled := dist.TruncNormal{Mean: 3, Std: 0.5, A: -1, B: 1, Algorithm: dist.UnitThenScale}
	require.InDelta(t, 0.682689492, scaled.KeptMass(), 1e-9, "bounds are multiples of std")
	require.Equal(t, dist.TruncNormal{Std: 1, A: -1, B: 1}, scaled.Unscaled())
	require.Zero(t, dist.TruncNormal{Std: 1, A: 50, B: math.MaxFloat32}.KeptMass())
}
