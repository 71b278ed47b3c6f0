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
	return Orthonormal[T](s, dist.Orthogonal{Gain: gain}, []int64{rows, cols}, stop)
}

// Orthonormal is [Orthogonal] for every family that is made of such matrices:
// it draws a tensor of the given shape, which has passed the family's
// CheckShape.
func Orthonormal[T float32 | float64](s *Stream, d dist.Orthonormal, shape []int64, stop func() error) ([]T, error) {
	return orthonormal(d, shape, stop, func(dst []T, _ int) {
		Fill(s, dist.Dist{Draw: dist.Normal{Std: 1}}, dst)
	})
}

// orthonormal is [Orthonormal] of the unit normals that draw makes for each
// matrix.
func orthonormal[T float32 | float64](d dist.Orthonormal, shape []int64, stop func() error, draw func(dst []T, number int)) ([]T, error) {
	n := int64(1)
	for _, size := range shape {
		if size <= 0 {
			return nil, nil
		}
		if n > dist.MaxOrthogonal/size {
			return nil, fmt.Errorf("rng: %s of shape %v: the limit is %d elements", d.Kind(), shape, dist.MaxOrthogonal)
		}
		n *= size
	}
	out := make([]T, n)
	number := 0
	for box := range d.Boxes(shape) {
		values := out
		whole := dist.Elements(box.Shape) == n
		if !whole {
			values = make([]T, dist.Elements(box.Shape))
		}
		draw(values, number)
		if err := orthogonalise(values, int(box.Shape[0]), stop); err != nil {
			return nil, err
		}
		multiply(values, d.Factor())
		if !whole {
			row := box.Shape[len(box.Shape)-1]
			for first := range box.Runs(shape) {
				values = values[copy(out[first:first+row], values):]
			}
		}
		number++
	}
	return out, nil
}

// orthogonalise replaces a matrix of so many rows by the orthogonal factor of
// its decomposition.
func orthogonalise[T float32 | float64](values []T, rows int, stop func() error) error {
	cols := len(values) / rows
	tall, wide := max(rows, cols), min(rows, cols)
	// at is the place in values of an element of the tall matrix.
	at := func(i, j int) int { return i*wide + j }
	if rows < cols {
		at = func(i, j int) int { return j*tall + i }
	}
	q := make([]float64, len(values))
	for i := range tall {
		for j := range wide {
			q[i*wide+j] = float64(values[at(i, j)])
		}
	}
	signs, err := orthonormalise(q, tall, wide, stop)
	if err != nil {
		return err
	}
	for i := range tall {
		for j := range wide {
			values[at(i, j)] = T(q[i*wide+j] * signs[j])
		}
	}
	return nil
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
