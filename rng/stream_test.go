package rng_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/rng"
)

func TestOnlyTheLow32BitsOfASeedCount(t *testing.T) {
	require.True(t, rng.New(1).State() == rng.New(1<<32+1).State())
	require.True(t, rng.New(math.MaxUint64).State() == rng.New(math.MaxUint32).State())
	require.False(t, rng.New(1).State() == rng.New(2).State())
}

// words draws n words, as the multiples of 2^-24 that uniforms are.
func words(s *rng.Stream, n int) []float32 {
	dst := make([]float32, n)
	rng.Fill(s, dist.Dist{Draw: uniform(0, 1)}, dst)
	return dst
}

func TestAdvanceThrowsWordsAway(t *testing.T) {
	all := words(rng.New(8), 4000)
	for _, n := range []int64{0, 1, 16, 618, 619, 620, 624, 1242, 1243, 1244, 1867, 3000} {
		s := rng.New(8)
		s.Advance(5)
		s.Advance(n)
		require.Equal(t, 5+n, s.Position().Words)
		drawn := rng.New(8)
		words(drawn, int(5+n))
		require.True(t, drawn.State() == s.State(), "%d words", n)
		require.Equal(t, all[5+n:5+n+700], words(s, 700), "%d words", n)
	}
}

func TestAdvanceOfNothing(t *testing.T) {
	s := rng.New(8)
	s.Advance(0)
	s.Advance(-7)
	s.Advance(math.MinInt64)
	require.True(t, s.State() == rng.New(8).State())
}

func TestAdvanceKeepsTheCachedNormal(t *testing.T) {
	one := dist.Dist{Draw: normal(0, 1)}
	pair, second := make([]float64, 2), make([]float64, 1)
	rng.Fill(rng.New(8), one, pair)
	s := rng.New(8)
	rng.Fill(s, one, make([]float64, 1))
	s.Advance(1000)
	require.Equal(t, dist.Position{Words: 1004, Cached: true}, s.Position())
	rng.Fill(s, one, second)
	require.Equal(t, pair[1], second[0])
	require.Equal(t, dist.Position{Words: 1004}, s.Position())
}

func TestCachedNormalPassesBetweenTypesAndNumbers(t *testing.T) {
	pair := make([]float64, 2)
	rng.Fill(rng.New(8), dist.Dist{Draw: normal(0, 1)}, pair)
	s := rng.New(8)
	rng.Fill(s, dist.Dist{Draw: normal(5, 3)}, make([]float32, 1))
	rng.Fill(s, dist.Dist{Draw: uniform(5, 6)}, make([]float32, 10))
	rng.Fill(s, dist.Dist{Draw: normal(5, 3)}, make([]float64, 30))
	last := make([]float64, 1)
	rng.Fill(s, dist.Dist{Draw: normal(0.25, 2)}, last)
	require.Equal(t, math.FMA(pair[1], 2, 0.25), last[0])
}

func TestClonesAreIndependent(t *testing.T) {
	s := rng.New(8)
	rng.Fill(s, dist.Dist{Draw: normal(0, 1)}, make([]float32, 3))
	before := s.State()
	c := s.Clone()
	rng.Fill(c, dist.Dist{Draw: normal(0, 1)}, make([]float32, 1001))
	require.True(t, before == s.State())
	require.False(t, before == c.State())
	rng.Fill(s, dist.Dist{Draw: normal(0, 1)}, make([]float32, 1001))
	require.True(t, s.State() == c.State())
}

func TestPositionIsWhatCostsPredict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rng.New(rapid.Uint64().Draw(t, "seed"))
		var want dist.Position
		for range rapid.IntRange(1, 12).Draw(t, "tensors") {
			d, n, in := drawnDist(t), drawnSize(t), rapid.SampledFrom(dtype.All()).Draw(t, "type")
			if in == dtype.F64 {
				rng.Fill(s, d, make([]float64, n))
			} else {
				rng.FillIn(s, d, make([]float32, n), in)
			}
			want = want.After(dist.CostOf(d.Draw, int64(n), in, want.Cached))
			require.Equal(t, want, s.Position())
			require.Equal(t, want, s.State().Position())
		}
	})
}
