package battery_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/rng"
)

// reflected is the Q of a decomposition of normal values by Householder's
// reflections, whose R has diagonal entries of both signs. fixed turns the
// columns so that they are all positive, which alone gives the Haar measure.
func reflected(seed uint64, n int, fixed bool) []float64 {
	a := make([]float64, n*n)
	rng.Fill(rng.New(seed), dist.Dist{Draw: dist.Normal{Std: 1}}, a)
	vectors, diagonal := make([][]float64, n), make([]float64, n)
	for k := range n {
		v := make([]float64, n)
		square := 0.0
		for i := k; i < n; i++ {
			v[i] = a[i*n+k]
			square += v[i] * v[i]
		}
		diagonal[k] = -math.Copysign(math.Sqrt(square), v[k])
		v[k] -= diagonal[k]
		reflect(a, v, n, k, k)
		vectors[k] = v
	}
	q := make([]float64, n*n)
	for i := range n {
		q[i*n+i] = 1
	}
	for k := n - 1; k >= 0; k-- {
		reflect(q, vectors[k], n, k, 0)
	}
	for i := range q {
		if fixed && diagonal[i%n] < 0 {
			q[i] = -q[i]
		}
	}
	return q
}

// reflect turns the columns of a from the given one on at the plane across v,
// which is 0 before row k.
func reflect(a, v []float64, n, k, first int) {
	square := 0.0
	for i := k; i < n; i++ {
		square += v[i] * v[i]
	}
	if square == 0 {
		return
	}
	dots := make([]float64, n)
	for i := k; i < n; i++ {
		for j := first; j < n; j++ {
			dots[j] += v[i] * a[i*n+j]
		}
	}
	for i := k; i < n; i++ {
		for j := first; j < n; j++ {
			a[i*n+j] -= 2 * v[i] * dots[j] / square
		}
	}
}

// A decomposition whose signs were left as they came is seen by the signs of
// several matrices, and by nothing else.
func TestSignsLeftAsTheyCameAreSeenByTheirBalanceOnly(t *testing.T) {
	for _, fixed := range []bool{true, false} {
		var negative, diagonals int64
		for seed := range uint64(24) {
			q := reflected(seed, 64, fixed)
			tests, minus, all := battery.Orthogonal(q, 64, 64, 1, battery.F64)
			for _, f := range tests {
				require.False(t, f.Failed, "%+v", f)
				require.False(t, f.P < 1e-4, "%+v", f)
			}
			negative, diagonals = negative+minus, diagonals+all
		}
		p := battery.SignBalance(negative, diagonals).P
		t.Logf("signs set right: %v: %d of %d negative, p=%.2g", fixed, negative, diagonals, p)
		if fixed {
			require.Greater(t, p, 1e-3)
		} else {
			require.Less(t, p, 2e-9)
		}
	}
}

func TestOrthogonalMatricesOfEveryTypePass(t *testing.T) {
	t.Parallel()
	for _, shape := range [][2]int{{64, 64}, {256, 256}, {300, 200}} {
		rows, cols := shape[0], shape[1]
		n := int64(min(rows, cols))
		wide, err := rng.Orthogonal[float64](rng.New(5), 1, int64(rows), int64(cols), func() error { return nil })
		require.NoError(t, err)
		tests, _, diagonals := battery.Orthogonal(wide, rows, cols, 1, battery.F64)
		requireNoFailure(t, tests)
		require.Equal(t, n, diagonals)

		single := orthogonal(t, 5, 1, rows, cols)
		tests, _, _ = battery.Orthogonal(single, rows, cols, 1, battery.F32)
		requireNoFailure(t, tests)
		tests, _, _ = battery.Orthogonal(single, rows, cols, 1, battery.F64)
		require.True(t, named(t, tests, "T11 orthogonality").Failed, "float32 is too coarse for float64's tolerance")

		for i, v := range single {
			single[i] = narrow(v, battery.BF16)
		}
		tests, _, _ = battery.Orthogonal(single, rows, cols, 1, battery.BF16)
		requireNoFailure(t, tests)
	}
}

func requireNoFailure(t *testing.T, tests []battery.Test) {
	t.Helper()
	for _, f := range tests {
		require.False(t, f.Failed || f.P < 1e-4, "%+v", f)
	}
}

func TestOneLineThatIsTooLongIsNamed(t *testing.T) {
	for _, shape := range [][2]int{{64, 64}, {60, 100}, {100, 60}} {
		rows, cols := shape[0], shape[1]
		values := orthogonal(t, 8, 1, rows, cols)
		for i := range values { // a row, or of a tall matrix a column
			if cols >= rows && i/cols == 17 || cols < rows && i%cols == 17 {
				values[i] *= 1.001
			}
		}
		tests, _, _ := battery.Orthogonal(values, rows, cols, 1, battery.F32)
		f := named(t, tests, "T11 orthogonality")
		require.True(t, f.Failed, shape)
		require.Contains(t, f.EffectText, "17 and 17")
		require.InEpsilon(t, 0.002001, f.Effect, 0.01)
	}
}

// Lines in another order are as orthogonal as before: that both come from one
// draw is for the search for values that stand at two places.
func TestLinesInAnotherOrderStayOrthogonalAndAreFoundTwice(t *testing.T) {
	const n = 256
	values := orthogonal(t, 12, 1, n, n)
	var turned []float32
	for i := range n {
		row := i * 77 % n
		turned = append(turned, values[row*n:(row+1)*n]...)
	}
	tests, _, _ := battery.Orthogonal(turned, n, n, 1, battery.F32)
	requireNoFailure(t, tests)
	l, ok := battery.EstimatedLaw(values)
	require.True(t, ok)
	reuse := battery.NewReuse(2 * n * n)
	battery.Add(reuse, 0, values, l)
	battery.Add(reuse, 1, turned, l)
	found := reuse.Find()
	require.NotEmpty(t, found)
	require.Equal(t, [2]int{0, 1}, [2]int{found[0].A, found[0].B})

	other := battery.NewReuse(2 * n * n)
	battery.Add(other, 0, values, l)
	battery.Add(other, 1, orthogonal(t, 13, 1, n, n), l)
	require.Empty(t, other.Find())
}

// Entries that are not those of a random matrix, though it is orthogonal.
func TestTheHaarMarginalSeesOtherMatrices(t *testing.T) {
	const n = 64
	eye, hadamard := make([]float64, n*n), make([]float64, n*n)
	for i := range n {
		eye[i*n+i] = 1
		for j := range n {
			bits, sign := i&j, 1.0
			for ; bits > 0; bits &= bits - 1 {
				sign = -sign
			}
			hadamard[i*n+j] = sign / 8
		}
	}
	for name, values := range map[string][]float64{"identity": eye, "Hadamard's": hadamard} {
		tests, _, _ := battery.Orthogonal(slices.Clone(values), n, n, 1, battery.F64)
		require.False(t, named(t, tests, "T11 orthogonality").Failed, name)
		require.Less(t, named(t, tests, "T11 Haar marginal").P, 2e-9, name)
	}
}

func BenchmarkOrthogonal4096(b *testing.B) {
	values := make([]float32, 4096*4096)
	rng.Fill(rng.New(1), dist.Dist{Draw: dist.Normal{Std: 1.0 / 64}}, values)
	for b.Loop() {
		battery.Orthogonal(values, 4096, 4096, 1, battery.F32)
	}
}
