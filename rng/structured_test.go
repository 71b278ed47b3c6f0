package rng_test

import (
	"errors"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/rng"
)

func TestEyeInPiecesIsTheMatrix(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {3, 3}, {2, 5}, {5, 2}, {7, 1}, {1, 7}} {
		rows, cols := shape[0], shape[1]
		want := make([]float32, rows*cols)
		for i := range min(rows, cols) {
			want[i*cols+i] = 1
		}
		for piece := 1; piece <= len(want); piece++ {
			got := make([]float32, len(want))
			for at := 0; at < len(got); at += piece {
				part := got[at:min(at+piece, len(got))]
				for i := range part {
					part[i] = 9
				}
				rng.Pattern(part, dist.Eye{}, int64(at), []int64{int64(rows), int64(cols)})
			}
			require.Equal(t, want, got, "%v in pieces of %d", shape, piece)
		}
	}
}

func TestDiracInPiecesIsTorchs(t *testing.T) {
	for _, c := range []struct {
		shape  []int64
		groups int64
	}{
		{[]int64{4, 3, 3}, 1}, {[]int64{4, 3, 3}, 2}, {[]int64{2, 5, 4}, 1}, {[]int64{6, 2, 2, 3}, 3},
		{[]int64{3, 3, 1, 2, 5}, 1}, {[]int64{8, 1, 3}, 4},
	} {
		taps := int64(1)
		for _, s := range c.shape[2:] {
			taps *= s
		}
		want := make([]float64, c.shape[0]*c.shape[1]*taps)
		perGroup := c.shape[0] / c.groups
		for g := range c.groups {
			for k := range min(perGroup, c.shape[1]) {
				at := (g*perGroup+k)*c.shape[1] + k
				for _, s := range c.shape[2:] {
					at = at*s + s/2
				}
				want[at] = 1
			}
		}
		for piece := 1; piece <= len(want); piece++ {
			got := make([]float64, len(want))
			for at := 0; at < len(got); at += piece {
				part := got[at:min(at+piece, len(got))]
				part[0] = 9
				rng.Pattern(part, dist.Dirac{Groups: c.groups}, int64(at), c.shape)
			}
			require.Equal(t, want, got, "%+v in pieces of %d", c, piece)
		}
	}
}

func TestStepsApplyInOrderAndInTheComputeType(t *testing.T) {
	zero := dist.ZeroRows{Ranges: []dist.Range{{First: 1, Count: 1}, {First: 3, Count: 2}}}
	minus, third := dist.Multiply{By: -2}, dist.Divide{By: 0.3}
	values := func(steps ...dist.Post) []float32 {
		out := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
		for _, s := range steps {
			rng.Apply(out[:3], 0, []int64{5, 2}, s)
			rng.Apply(out[3:], 3, []int64{5, 2}, s)
		}
		return out
	}
	require.Equal(t, []float32{1, 2, 0, 0, 5, 6, 0, 0, 0, 0}, values(zero))
	minusZero := math.Float32bits(values(zero, minus)[2])
	require.Equal(t, uint32(1<<31), minusZero, "zeroed first, multiplied later")
	require.Zero(t, math.Float32bits(values(minus, zero)[2]))
	// A division is not a multiplication by the inverse.
	number, inverse := float32(0.3), 1/float32(0.3)
	inverseDiffers := false
	for i, v := range values(third) {
		require.Equal(t, float32(i+1)/number, v)
		inverseDiffers = inverseDiffers || v != float32(i+1)*inverse
	}
	require.True(t, inverseDiffers)
	invalid := []float32{0, 1, -1}
	rng.Apply(invalid, 0, []int64{3}, dist.Divide{})
	require.Equal(t, []uint32{0xffc00000, 0x7f800000, 0xff800000},
		[]uint32{math.Float32bits(invalid[0]), math.Float32bits(invalid[1]), math.Float32bits(invalid[2])}, "torch's")
	require.Panics(t, func() { rng.Apply([]float64{1}, 0, []int64{1}, dist.Post(unknownStep{})) })
}

func TestMasksOfRangesJoinToTheWholeMask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.Int64Range(0, 40).Draw(t, "rows"), rapid.Int64Range(0, 20).Draw(t, "cols")
		zeros := rapid.Int64Range(0, rows).Draw(t, "zeros")
		n := rows * cols
		start := drawnStream(t)
		marked := func(s *rng.Stream, low, high int64) []bool {
			mask, err := rng.NewMask(s, rows, cols, zeros, low, high, proceed)
			require.NoError(t, err)
			values := make([]float32, high-low)
			for i := range values {
				values[i] = 1
			}
			rng.Zero(values, low, mask)
			out := make([]bool, len(values))
			for i, v := range values {
				out[i] = v == 0
			}
			return out
		}
		s := start.Clone()
		whole := marked(s, 0, n)
		require.Equal(t, start.Position().Words+cols*max(rows-1, 0), s.Position().Words)
		cut := rapid.Int64Range(0, n).Draw(t, "cut")
		require.Equal(t, whole, append(marked(start.Clone(), 0, cut), marked(start.Clone(), cut, n)...))
		for col := range cols {
			count := int64(0)
			for row := range rows {
				if whole[row*cols+col] {
					count++
				}
			}
			require.Equal(t, zeros, count)
		}
	})
	_, err := rng.NewMask(rng.New(1), 3, 3, 1, 0, 9, func() error { return errors.New("stop") })
	require.ErrorContains(t, err, "stop")
}

func TestOrthogonalMatricesAreOrthogonal(t *testing.T) {
	for _, c := range []struct {
		rows, cols int64
		gain       float64
	}{{1, 1, 1}, {1, 9, 2}, {9, 1, -1}, {3, 3, 1}, {40, 31, 1.5}, {31, 40, 1}, {100, 100, 1}, {257, 130, 0.1}, {70, 200, 1}} {
		s := rng.New(3)
		q, err := rng.Orthogonal[float64](s, c.gain, c.rows, c.cols, proceed)
		require.NoError(t, err)
		require.Equal(t, dist.CostOf(dist.Normal{}, c.rows*c.cols, dtype.F64, false).Words, s.Position().Words)
		requireOrthogonal(t, q, c.rows, c.cols, c.gain, 1e-12)
		narrow, err := rng.Orthogonal[float32](rng.New(3), c.gain, c.rows, c.cols, proceed)
		require.NoError(t, err)
		requireOrthogonal(t, narrow, c.rows, c.cols, c.gain, 1e-5)
	}
	empty, err := rng.Orthogonal[float32](rng.New(3), 1, 0, 5, proceed)
	require.NoError(t, err)
	require.Empty(t, empty)
	_, err = rng.Orthogonal[float32](rng.New(3), 1, math.MaxInt64, 2, proceed)
	require.ErrorContains(t, err, "limit is 67108864")
	stop := errors.New("stop")
	_, err = rng.Orthogonal[float32](rng.New(3), 1, 5, 5, func() error { return stop })
	require.ErrorIs(t, err, stop)
}

func requireOrthogonal[T float32 | float64](t *testing.T, q []T, rows, cols int64, gain, within float64) {
	t.Helper()
	at := func(line, i int64) float64 { return float64(q[line*cols+i]) }
	lines, length := rows, cols
	if rows > cols {
		lines, length = cols, rows
		at = func(line, i int64) float64 { return float64(q[i*cols+line]) }
	}
	for a := range lines {
		for b := range a + 1 {
			sum, want := 0.0, 0.0
			for i := range length {
				sum += at(a, i) * at(b, i)
			}
			if a == b {
				want = gain * gain
			}
			require.InDelta(t, want, sum, within*gain*gain, "lines %d and %d of %d x %d", a, b, rows, cols)
		}
	}
}

// TestTheSignOfRsDiagonalIsInTheColumns: QR decompositions differ in the signs
// of the columns; torch makes R's diagonal positive. For one column that means
// that the drawn vector itself is scaled.
func TestTheSignOfRsDiagonalIsInTheColumns(t *testing.T) {
	for seed := range uint64(4) {
		drawn := make([]float64, 20)
		rng.Fill(rng.New(seed), dist.Dist{Draw: normal(0, 1)}, drawn)
		for _, shape := range [][2]int64{{20, 1}, {1, 20}} {
			q, err := rng.Orthogonal[float64](rng.New(seed), 1, shape[0], shape[1], proceed)
			require.NoError(t, err)
			for i, v := range q {
				require.Equal(t, math.Signbit(drawn[i]), math.Signbit(v))
			}
		}
	}
}

func TestOrthogonalBitsDoNotDependOnTheNumberOfCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var want []byte
	for _, cores := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(cores)
		q, err := rng.Orthogonal[float64](rng.New(5), 1, 400, 330, proceed)
		require.NoError(t, err)
		if want == nil {
			want = encode(q)
		}
		require.Equal(t, want, encode(q), "%d cores", cores)
	}
}
