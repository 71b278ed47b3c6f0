package rng_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/rng"
)

func proceed() error { return nil }

func truncated(mean, std, a, b float64) dist.TruncNormal {
	return dist.TruncNormal{Mean: mean, Std: std, A: a, B: b}
}

// drawn draws one tensor of a truncated normal or of what rng.Fill knows.
func drawn[T float32 | float64](t require.TestingT, s *rng.Stream, d dist.Draw, n int) []T {
	values := make([]T, n)
	if d, ok := d.(dist.TruncNormal); ok {
		k, err := rng.BeginTruncated[T](s, d, int64(n)).Next(values, proceed)
		require.NoError(t, err)
		require.Equal(t, n, k)
		return values
	}
	rng.Fill(s, dist.Dist{Draw: d}, values)
	return values
}

// sparseOf draws torch.nn.init.sparse_.
func sparseOf[T float32 | float64](t require.TestingT, s *rng.Stream, rows, cols int64, sparsity, std float64) []T {
	values := drawn[T](t, s, normal(0, std), int(rows*cols))
	zeros := int64(math.Ceil(sparsity * float64(rows)))
	mask, err := rng.NewMask(s, rows, cols, zeros, 0, rows*cols, proceed)
	require.NoError(t, err)
	rng.Zero(values, 0, mask)
	return values
}

func TestTruncatedAndSparseVectorsOfTorch(t *testing.T) {
	for _, v := range []struct {
		vector
		values []float32
	}{
		{vector{size: 4, first: "be072e63 be0072b9 3eb049b7", last: "3fc113f5", sha: "cdc57b174faee0bd72da6b363ed167d692385d915526f5f4be8597c3e86bcc39"},
			drawn[float32](t, rng.New(12), truncated(0, 1, -2, 2), 2500)},
		{vector{size: 4, first: "4010ab06 400a5795 400e3cbe", last: "400d853a", sha: "e6eab8ef690d10658b4ddf6ea4e424be27bbab25cc6e3f440d67db97f1e7ee26"},
			drawn[float32](t, rng.New(12), truncated(0, 1, 2, 4), 1000)},
		{vector{size: 4, first: "00000000 bb546127 00000000", last: "00000000", sha: "229557d6e612a68201fca812bd7ecfe96a81a83a66a94ed36e33ee70cc356723"},
			sparseOf[float32](t, rng.New(31), 40, 13, 0.9, 0.01)},
	} {
		v.check(t, encode(v.values))
	}
}

// TestStreamStandsWhereTorchsDoes draws after truncated normals and sparse
// matrices; the hashes are torch's.
func TestStreamStandsWhereTorchsDoes(t *testing.T) {
	after := []dist.Draw{normal(0, 1), uniform(0, 1)}
	for _, c := range []struct {
		name  string
		seed  uint64
		wide  bool
		draws []dist.Draw
		sizes []int
		sha   string
	}{
		{"few values", 5, false, append([]dist.Draw{truncated(0, 1, -1, 1)}, after...), []int{7, 3, 3},
			"6c6f7fa218c8a7d3e288ed172dee1b37d86c351f93ee2233f2c7c8ed982fc57b"},
		{"whole tensors with a tail", 5, false, append([]dist.Draw{normal(0, 1), truncated(0.1, 0.5, -0.3, 0.4)}, after...), []int{3, 10001, 3, 3},
			"bad0203f69796e47a58cc0e3eefe4393dc930e27d2af866d60a8e63299fd2973"},
		{"whole tensors with a tail in f64", 5, true, append([]dist.Draw{normal(0, 1), truncated(0.1, 0.5, -0.3, 0.4)}, after...), []int{3, 10001, 3, 3},
			"76929633bdfdbd0e525c670fcdea5ac2b8fa375bbf1cfc76124f6b88d08ac3f1"},
		{"proposals", 9, false, append([]dist.Draw{truncated(0, 1, 2.5, 6)}, after...), []int{10001, 3, 3},
			"268b4c4e37802e34670f55615f6f93554d8072f8b3f1422b68fa411a0b1521dc"},
		{"proposals in f64", 9, true, append([]dist.Draw{truncated(0, 1, 2.5, 6)}, after...), []int{9000, 3, 3},
			"21a3884830bb31b8ebb6eb65c58b6c916c83feaa0873b4875f712dad3e94e7a6"},
	} {
		s := rng.New(c.seed)
		var data []byte
		for i, d := range c.draws {
			if c.wide {
				data = append(data, encode(drawn[float64](t, s, d, c.sizes[i]))...)
			} else {
				data = append(data, encode(drawn[float32](t, s, d, c.sizes[i]))...)
			}
		}
		require.Equal(t, c.sha, fmt.Sprintf("%x", sha256.Sum256(data)), c.name)
	}
	s := rng.New(9)
	data := append(encode(sparseOf[float64](t, s, 7, 2, 0.3, 1)), encode(sparseOf[float64](t, s, 50, 31, 0.45, 2))...)
	for _, d := range after {
		data = append(data, encode(drawn[float64](t, s, d, 3))...)
	}
	require.Equal(t, "6547d6e0518de421016e5952dd08e5dcbc1df9380aeecf5c21c23f8f8d78ff35", fmt.Sprintf("%x", sha256.Sum256(data)))
}

// simple is torch's procedure as it stands: whole tensors in memory.
func simple[T float32 | float64](s *rng.Stream, d dist.TruncNormal, n int) (values []T, passes int64) {
	values = make([]T, n)
	pending := make([]bool, n)
	for i := range pending {
		pending[i] = true
	}
	next := func(d dist.Draw) []T {
		out := make([]T, n)
		rng.Fill(s, dist.Dist{Draw: d}, out)
		return out
	}
	for left := n; left > 0; passes++ {
		left = 0
		var x, u []T
		proposes := d.KeptMass() <= dist.WholeTensors
		if proposes {
			x, u = next(uniform(d.A, d.B)), next(uniform(0, 1))
		} else {
			x = next(normal(d.Mean, d.Std))
		}
		for i := range values {
			if !pending[i] {
				continue
			}
			v := x[i]
			values[i] = v
			pending[i] = v < T(d.A) || v > T(d.B)
			if proposes {
				z := (v - T(d.Mean)) / T(d.Std)
				mode := (max(d.A, min(d.Mean, d.B)) - d.Mean) / d.Std
				q := T(T(z*z)*-0.5) - T(-0.5*mode*mode)
				pending[i] = T(math.Log(float64(u[i]))) > q
			}
			if pending[i] {
				left++
			}
		}
	}
	return values, passes
}

func TestUnitsAndPiecesGiveTheWholeTensorsOfTheProcedure(t *testing.T) {
	t.Run("float32", rapid.MakeCheck(unitsGiveTheTensor[float32]))
	t.Run("float64", rapid.MakeCheck(unitsGiveTheTensor[float64]))
}

func unitsGiveTheTensor[T float32 | float64](t *rapid.T) {
	s := drawnStream(t)
	n := rapid.IntRange(0, 700).Draw(t, "n")
	mean, std := rapid.Float64Range(-1, 1).Draw(t, "mean"), rapid.Float64Range(0.1, 2).Draw(t, "std")
	low := rapid.Float64Range(-3, 2).Draw(t, "low")
	d := truncated(mean, std, mean+low*std, mean+(low+rapid.Float64Range(0.2, 4).Draw(t, "width"))*std)

	other := s.Clone()
	want, passes := simple[T](other, d, n)
	unit := rapid.SampledFrom([]int64{16, 32, 64, 400, 4096}).Draw(t, "unit")
	kept := rapid.SampledFrom([]int64{0, 1, 3, 1000}).Draw(t, "kept")
	tensor := rng.BeginTruncatedUnits[T](s, d, int64(n), unit, kept)
	got := make([]T, n)
	size := rapid.SampledFrom([]int{1, 7, 16, 100, 1000}).Draw(t, "piece")
	for rest := got; len(rest) > 0; {
		k, err := tensor.Next(rest[:min(size, len(rest))], proceed)
		require.NoError(t, err)
		rest = rest[k:]
	}
	require.Equal(t, encode(want), encode(got))
	require.Equal(t, passes, tensor.Passes())
	require.True(t, other.State() == s.State(), "the streams stand at different places")
	k, err := tensor.Next(make([]T, 3), proceed)
	require.NoError(t, err)
	require.Zero(t, k)
}

func TestACutFarOutsideChangesNothing(t *testing.T) {
	a, b := rng.New(4), rng.New(4)
	require.Equal(t, drawn[float32](t, a, normal(0, 0.02), 5000), drawn[float32](t, b, truncated(0, 0.02, -2, 2), 5000))
	require.True(t, a.State() == b.State())
}

func TestValuesLieInsideTheCut(t *testing.T) {
	for _, d := range []dist.TruncNormal{truncated(0, 1, -0.5, 0.6), truncated(3, 0.1, 3.2, 3.21), truncated(0, 1, -9, -4)} {
		for _, v := range drawn[float64](t, rng.New(1), d, 3000) {
			require.True(t, v >= d.A && v <= d.B, "%v of %+v", v, d)
		}
	}
}

func TestTheBoundsThemselvesAreInside(t *testing.T) {
	// The std vanishes in the sum: every value is the mean, which is a bound.
	for _, d := range []dist.TruncNormal{truncated(1, 1e-30, 0, 1), truncated(1, 1e-30, 1, 2)} {
		tensor := rng.BeginTruncated[float32](rng.New(1), d, 40)
		values := make([]float32, 40)
		_, err := tensor.Next(values, proceed)
		require.NoError(t, err)
		require.Equal(t, int64(1), tensor.Passes())
		require.Equal(t, float32(1), values[39])
	}
}

func TestUnitThenScaleMultipliesAndAddsInTheComputeType(t *testing.T) {
	unit := drawn[float32](t, rng.New(8), truncated(0, 1, -1.5, 2), 500)
	scaled := drawn[float32](t, rng.New(8), dist.TruncNormal{Mean: 0.3, Std: 0.02, A: -1.5, B: 2, Algorithm: dist.UnitThenScale}, 500)
	for i, v := range unit {
		require.Equal(t, float32(v*0.02)+0.3, scaled[i])
	}
}

func TestStopEndsATensorThatWouldTakeForEver(t *testing.T) {
	stop := errors.New("stop")
	for _, n := range []int64{100, 10000} {
		s := rng.New(1)
		tensor := rng.BeginTruncated[float32](s, truncated(0, 1e-9, 3e-9, 1e5), n) // a peak that is never hit
		_, err := tensor.Next(make([]float32, n), func() error {
			if tensor.Passes() == 20 {
				return stop
			}
			return nil
		})
		require.ErrorIs(t, err, stop)
		require.Equal(t, int64(20), tensor.Passes())
		require.Equal(t, dist.Position{}, s.Position(), "the stream is not touched")
	}
}

// Parts that are drawn apart are the whole tensor, and their passes tell where
// the stream stands after it.
func TestATruncatedTensorIsThatOfItsParts(t *testing.T) {
	partsOfTruncated[float32](t)
	partsOfTruncated[float64](t)
}

func partsOfTruncated[T float32 | float64](t *testing.T) {
	t.Helper()
	const unit = rng.TruncatedUnit
	for _, d := range []dist.TruncNormal{truncated(0, 1, -2, 2), truncated(0.5, 1, -0.6, 2), truncated(0, 1, 1, 3),
		{Mean: 1, Std: 0.1, A: -2, B: 2, Algorithm: dist.UnitThenScale}} {
		for _, n := range []int{48, 1000, unit + 40, 40_007} {
			s := rng.New(3)
			s.Advance(5)
			want := drawn[T](t, s, d, n)
			for _, cut := range []int{16, 32, n / 2 &^ 15} {
				at := rng.New(3)
				at.Advance(5)
				got, passes := make([]T, n), int64(0)
				for first := 0; first < n; {
					count := cut
					if n-first-count < 32 {
						count = n - first
					}
					part := rng.BeginTruncatedPart[T](at, d, int64(n), int64(first), int64(count), typeOf[T]())
					k, err := part.Next(got[first:first+count], proceed)
					require.NoError(t, err)
					require.Equal(t, count, k)
					passes = max(passes, part.Passes())
					first += count
					if first > 3000 { // many small parts take long
						cut = unit
					}
				}
				require.Equal(t, want, got, "%+v, %d in parts of %d", d, n, cut)
				at.Advance(passes * rng.TruncatedWords(d, int64(n), typeOf[T]()))
				require.Equal(t, s.State(), at.State(), "%+v, %d in parts of %d", d, n, cut)
			}
		}
	}
}

func typeOf[T float32 | float64]() dtype.Type {
	if _, wide := any(T(0)).(float64); wide {
		return dtype.F64
	}
	return dtype.F32
}
