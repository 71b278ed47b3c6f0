package rng

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/lapack"
	lapackgo "gonum.org/v1/gonum/lapack/gonum"

	"github.com/weightinit/weightinit/dist"
)

// Orthogonal draws a matrix of rows times cols elements as
// torch.nn.init.orthogonal_ does: normal(0, 1), QR decomposition of the matrix
// or, if it is wide, of its transpose, columns of Q times the sign of R's
// diagonal, times gain. The words it draws are those of torch.
//
// The bits of the values are not: Q is made in float64 by Householder
// reflections and rounded to T, while torch calls the LAPACK it was built
// with. What holds is that the rows or columns, whichever are fewer, are
// orthogonal and of length gain, within rounding. The bits are the same in
// every run on one kind of processor, whatever the number of cores.
//
// stop is asked between groups of columns; its error ends the work and is
// returned. More elements than [dist.MaxOrthogonal] are an
// error.
func Orthogonal[T float32 | float64](s *Stream, gain float64, rows, cols int64, stop func() error) ([]T, error) {
	return orthogonal(gain, rows, cols, stop, func(dst []T) { Fill(s, dist.Dist{Draw: dist.Normal{Std: 1}}, dst) })
}

// orthogonal is [Orthogonal] of the unit normals that draw makes.
func orthogonal[T float32 | float64](gain float64, rows, cols int64, stop func() error, draw func(dst []T)) ([]T, error) {
	if rows <= 0 || cols <= 0 {
		return nil, nil
	}
	if rows > dist.MaxOrthogonal/cols {
		return nil, fmt.Errorf("rng: orthogonal matrix of %d rows and %d columns: the limit is %d elements", rows, cols, dist.MaxOrthogonal)
	}
	n := rows * cols
	values := make([]T, n)
	draw(values)
	tall, wide := int(max(rows, cols)), int(min(rows, cols))
	// at is the place in values of an element of the tall matrix.
	at := func(i, j int) int { return i*wide + j }
	if rows < cols {
		at = func(i, j int) int { return j*tall + i }
	}
	q := make([]float64, n)
	for i := range tall {
		for j := range wide {
			q[i*wide+j] = float64(values[at(i, j)])
		}
	}
	signs, err := orthonormalise(q, tall, wide, stop)
	if err != nil {
		return nil, err
	}
	for i := range tall {
		for j := range wide {
			values[at(i, j)] = T(q[i*wide+j] * signs[j])
		}
	}
	multiply(values, gain)
	return values, nil
}

// panel is the number of columns that are reflected together. It is part of
// what decides the bits.
const panel = 32

// orthonormalise replaces the matrix a of m rows and n <= m columns by the Q
// of its QR decomposition and returns the signs of R's diagonal, 0 for a zero.
func orthonormalise(a []float64, m, n int, stop func() error) (signs []float64, err error) {
	var impl lapackgo.Implementation
	tau, triangle, work := make([]float64, n), make([]float64, panel*panel), make([]float64, n*panel)
	reflect := func(i, width int, transpose blas.Transpose) {
		if i+width == n {
			return
		}
		impl.Dlarft(lapack.Forward, lapack.ColumnWise, m-i, width, a[i*n+i:], n, tau[i:], triangle, panel)
		impl.Dlarfb(blas.Left, transpose, lapack.Forward, lapack.ColumnWise, m-i, n-i-width, width,
			a[i*n+i:], n, triangle, panel, a[i*n+i+width:], n, work, panel)
	}
	for i := 0; i < n; i += panel {
		if err := stop(); err != nil {
			return nil, err
		}
		width := min(panel, n-i)
		impl.Dgeqr2(m-i, width, a[i*n+i:], n, tau[i:i+width], work)
		reflect(i, width, blas.Trans)
	}
	signs = make([]float64, n)
	for j := range signs {
		switch d := a[j*n+j]; {
		case d > 0:
			signs[j] = 1
		case d < 0:
			signs[j] = -1
		}
	}
	// Q is the product of all reflections, applied to the unit columns from
	// the last group on.
	for i := (n - 1) / panel * panel; i >= 0; i -= panel {
		if err := stop(); err != nil {
			return nil, err
		}
		width := min(panel, n-i)
		for row := range i {
			clear(a[row*n+i : row*n+i+width])
		}
		reflect(i, width, blas.NoTrans)
		impl.Dorg2r(m-i, width, width, a[i*n+i:], n, tau[i:i+width], work)
	}
	return signs, nil
}
