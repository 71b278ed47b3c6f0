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

// drawnDist draws a distribution of every kind this package knows.
func drawnDist(t *rapid.T) dist.Dist {
	number := rapid.Float64Range(-3, 3)
	var d dist.Dist
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		d.Draw = dist.Constant{Value: number.Draw(t, "value")}
	case 1, 2:
		low := number.Draw(t, "low")
		d.Draw = uniform(low, low+rapid.Float64Range(0, 2).Draw(t, "width"))
	default:
		d.Draw = normal(number.Draw(t, "mean"), rapid.Float64Range(0, 2).Draw(t, "std"))
	}
	for range rapid.IntRange(0, 2).Draw(t, "steps") {
		d.Post = append(d.Post, dist.Multiply{By: number.Draw(t, "by")})
	}
	return d
}

// drawnSize prefers sizes around one and two blocks of 16.
func drawnSize(t *rapid.T) int {
	return rapid.OneOf(rapid.IntRange(0, 50), rapid.IntRange(0, 3000)).Draw(t, "n")
}

// drawnStream is somewhere in a stream, with or without a cached normal.
func drawnStream(t *rapid.T) *rng.Stream {
	s := rng.New(rapid.Uint64().Draw(t, "seed"))
	s.Advance(int64(rapid.IntRange(0, 1300).Draw(t, "words before")))
	if rapid.Bool().Draw(t, "cached") {
		rng.Fill(s, dist.Dist{Draw: normal(0, 1)}, make([]float64, 3))
	}
	return s
}

func TestPiecesOfAnySizesMakeTheSameTensor(t *testing.T) {
	t.Run("float32", rapid.MakeCheck(piecesMakeTheTensor[float32]))
	t.Run("float64", rapid.MakeCheck(piecesMakeTheTensor[float64]))
}

func piecesMakeTheTensor[T float32 | float64](t *rapid.T) {
	s, d, n := drawnStream(t), drawnDist(t), drawnSize(t)
	whole := make([]T, n)
	other := s.Clone()
	rng.Fill(other, d, whole)

	pieceSize := rapid.SampledFrom([]int{1, 7, 15, 16, 17, 31, 100, 1000})
	pieces := make([]T, n)
	tensor := rng.Begin[T](s, d, int64(n))
	for rest := pieces; len(rest) > 0; {
		k := min(len(rest), pieceSize.Draw(t, "piece"))
		require.Equal(t, k, tensor.Next(rest[:k]))
		rest = rest[k:]
	}
	require.Equal(t, encode(whole), encode(pieces))
	require.True(t, other.State() == s.State(), "the streams stand at different places")
}

func TestOneElementAtATimeThroughTheTail(t *testing.T) {
	// Every size with every kind of end: whole blocks, and 1 to 15 more.
	d := dist.Dist{Draw: normal(0.5, 2)}
	for n := range 70 {
		whole, single := make([]float32, n), make([]float32, n)
		a, b := rng.New(9), rng.New(9)
		rng.Fill(a, d, whole)
		tensor := rng.Begin[float32](b, d, int64(n))
		for i := range single {
			tensor.Next(single[i : i+1])
		}
		require.Equal(t, whole, single, "n %d", n)
		require.True(t, a.State() == b.State(), "n %d", n)
	}
}

func TestLastSixteenAreDrawnAnewUnlessBlocksFit(t *testing.T) {
	// The values before the last 16 do not depend on the size.
	d := dist.Dist{Draw: normal(0, 1)}
	long := make([]float32, 96)
	rng.Fill(rng.New(3), d, long)
	for n := 17; n < 80; n++ {
		values := make([]float32, n)
		rng.Fill(rng.New(3), d, values)
		kept := n
		if n%16 != 0 {
			kept = n - 16
			require.NotEqual(t, long[kept:n], values[kept:], "n %d", n)
		}
		require.Equal(t, long[:kept], values[:kept], "n %d", n)
	}
}

func TestNextStopsAtTheEnd(t *testing.T) {
	for _, d := range []dist.Draw{dist.Constant{Value: 2}, uniform(1, 2), normal(9, 1)} {
		for _, n := range []int64{-5, 0, 1, 15, 16, 17, 40} {
			s := rng.New(1)
			tensor := rng.Begin[float64](s, dist.Dist{Draw: d}, n)
			dst := make([]float64, 100)
			require.Equal(t, int(max(n, 0)), tensor.Next(dst), "%#v, n %d", d, n)
			require.Equal(t, make([]float64, 100-max(n, 0)), dst[max(n, 0):], "%#v, n %d", d, n)
			end := s.State()
			require.Zero(t, tensor.Next(dst))
			require.True(t, end == s.State(), "%#v, n %d", d, n)
			require.Equal(t, dist.CostOf(d, max(n, 0), dtype.F64, false).Words, s.Position().Words)
		}
	}
}

func TestNextOfNothingDrawsNothing(t *testing.T) {
	s := rng.New(1)
	tensor := rng.Begin[float32](s, dist.Dist{Draw: normal(0, 1)}, 40)
	require.Zero(t, tensor.Next(nil))
	require.Equal(t, dist.Position{}, s.Position())
}

func TestATensorGivenUpHasDrawnWholeBlocks(t *testing.T) {
	s := rng.New(1)
	rng.Begin[float32](s, dist.Dist{Draw: normal(0, 1)}, 64).Next(make([]float32, 17))
	require.Equal(t, int64(32), s.Position().Words)
}

func TestUniformNeverGivesTheUpperBound(t *testing.T) {
	high := 1.000001
	values := make([]float32, 10000)
	rng.Fill(rng.New(4), dist.Dist{Draw: uniform(1, high)}, values)
	require.NotContains(t, values, float32(high))
	require.Contains(t, values, float32(1))
}

func TestUniformOfOnePoint(t *testing.T) {
	for _, c := range []struct{ low, high float64 }{
		{math.Copysign(0, -1), 0}, // xavier_uniform with gain 0
		{0, 0}, {-0.3, -0.3}, {1e-45, 1e-45}, {math.MaxFloat32, math.MaxFloat32},
	} {
		d := dist.Dist{Draw: uniform(c.low, c.high)}
		narrow, wide := make([]float32, 50), make([]float64, 50)
		s := rng.New(6)
		rng.Fill(s, d, narrow)
		rng.Fill(s, d, wide)
		for i := range narrow {
			require.Equal(t, math.Float32bits(float32(c.low)), math.Float32bits(narrow[i]), "%v", c)
			require.Equal(t, math.Float64bits(c.low), math.Float64bits(wide[i]), "%v", c)
		}
		require.Equal(t, int64(150), s.Position().Words)
	}
}

func TestNormalWithoutSpreadIsTheMean(t *testing.T) {
	for _, n := range []int{5, 40} {
		values := make([]float32, n)
		s := rng.New(6)
		rng.Fill(s, dist.Dist{Draw: normal(0.1, 0)}, values)
		for _, v := range values {
			require.Equal(t, float32(0.1), v)
		}
		require.Equal(t, dist.CostOf(normal(0.1, 0), int64(n), dtype.F32, false).Words, s.Position().Words)
	}
}

func TestMultiplyRoundsItsNumberAndEachProduct(t *testing.T) {
	mean, by := 0.5, 0.1
	drawn, multiplied, scaled := make([]float32, 100), make([]float32, 100), make([]float32, 100)
	rng.Fill(rng.New(2), dist.Dist{Draw: normal(mean, 1)}, drawn)
	rng.Fill(rng.New(2), dist.Dist{Draw: normal(mean, 1), Post: []dist.Post{dist.Multiply{By: by}}}, multiplied)
	rng.Fill(rng.New(2), dist.Dist{Draw: normal(mean*by, by)}, scaled)
	for i, v := range drawn {
		require.Equal(t, float32(v*float32(by)), multiplied[i])
	}
	require.NotEqual(t, scaled, multiplied, "scaled numbers have other bits")
}

func TestConstantIsRoundedAndDrawsNothing(t *testing.T) {
	narrow, wide := make([]float32, 3), make([]float64, 3)
	s := rng.New(2)
	rng.Fill(s, dist.Dist{Draw: dist.Constant{Value: 0.1}}, narrow)
	rng.Fill(s, dist.Dist{Draw: dist.Constant{Value: 0.1}}, wide)
	require.Equal(t, []float32{0.1, 0.1, 0.1}, narrow)
	require.Equal(t, []float64{0.1, 0.1, 0.1}, wide)
	require.True(t, s.State() == rng.New(2).State())
}

type unknownStep struct{ dist.Multiply }

func TestWhatIsNotKnownPanics(t *testing.T) {
	for name, d := range map[string]dist.Dist{
		"no draw":      {},
		"unknown step": {Draw: uniform(0, 1), Post: []dist.Post{unknownStep{}}},
	} {
		require.Panics(t, func() { rng.Fill(rng.New(1), d, []float32{1, 1}) }, name)
	}
}

func TestNumbersBeyondFloat32(t *testing.T) {
	// torch: infinite where the float32 numbers are, NaN with x86's bits.
	const inf, nan = 0x7f800000, 0xffc00000
	for _, c := range []struct {
		draw  dist.Normal
		times []dist.Post
		n     int
		want  []uint32
	}{
		{normal(1e300, 1e300), nil, 35, []uint32{inf, nan}},
		{normal(1e300, 1e300), nil, 5, []uint32{inf, inf | 1<<31}},
		{normal(0, 1e300), nil, 35, []uint32{inf, inf | 1<<31}},
		{normal(-1e39, 1e39), nil, 35, []uint32{inf | 1<<31, nan}},
		{normal(0, 1e300), []dist.Post{dist.Multiply{By: 0}}, 5, []uint32{nan}},
	} {
		values := make([]float32, c.n)
		rng.Fill(rng.New(0), dist.Dist{Draw: c.draw, Post: c.times}, values)
		seen := map[uint32]bool{}
		for _, v := range values {
			seen[math.Float32bits(v)] = true
		}
		want := map[uint32]bool{}
		for _, bits := range c.want {
			want[bits] = true
		}
		require.Equal(t, want, seen, "%+v", c)
	}
}
