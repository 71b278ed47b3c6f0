package battery

import (
	"fmt"
	"math"
)

// singularSteps is how many steps of the bidiagonalisation [Singular] does, and
// leastSide the least size of the matrix' sides.
const (
	singularSteps = 5
	leastSide     = 32
)

// Singular is T13: whether the singular values of a matrix, in C order, are those
// of independent values. Trained matrices have some that are far larger, also
// where every row and column looks as it should.
//
// The matrix is brought to bidiagonal form by Golub and Kahan's method from a
// fixed vector. For independent normal values of one standard deviation the
// squares of the entries are independent and follow chi-square laws, of n, m-1,
// n-1, m-2, … degrees of freedom (Dumitriu and Edelman 2002); for values of other
// laws with light tails so nearly that it does not matter from [leastSide] on.
// The standard deviation is that of the values: another one is T2's affair. ok is
// false for a matrix that is too small.
func Singular[T Float](values []T, rows, cols int) (t Test, ok bool) {
	if min(rows, cols) < leastSide || rows*cols != len(values) || Finite(values) >= 0 {
		return Test{}, false
	}
	m := momentsOf(values, float64(values[0]))
	if !(m.std > 0) {
		return Test{}, false
	}
	b := bidiagonal[T]{values: values, rows: rows, cols: cols, mean: m.mean}
	u := make([]float64, rows)
	state := uint64(0x2545F4914F6CDD1D)
	for i := range u {
		state += 0x9E3779B97F4A7C15
		u[i] = 1 / math.Sqrt(float64(rows))
		if mix(state)>>63 == 1 {
			u[i] = -u[i]
		}
	}
	worst, sum, freedom, tried := 1.0, 0.0, 0, 1
	largest := 0.0
	look := func(length float64, n int) {
		square := length / m.std * length / m.std
		sum += square
		freedom += n
		tried++
		worst = min(worst, ChiSquareTwoSided(square, n))
		largest = max(largest, square/float64(n))
	}
	b.us = append(b.us, u)
	for k := range singularSteps {
		v, length := b.across(b.us[k])
		look(length, cols-k)
		b.vs = append(b.vs, v)
		u, length := b.along(v)
		look(length, rows-k-1)
		b.us = append(b.us, u)
	}
	worst = min(worst, ChiSquareTwoSided(sum, freedom))
	t = newTest("T13 singular values", len(values), sum/float64(freedom), clamp(worst*float64(tried)), true)
	t.Discrete = true // not uniform: the smallest of several
	t.EffectText = fmt.Sprintf("squares of the first %d entries of the bidiagonal form are up to %.4g times those of independent values", 2*singularSteps, largest)
	return t, true
}

// bidiagonal is a matrix with the vectors that were found on both sides.
type bidiagonal[T Float] struct {
	values     []T
	rows, cols int
	mean       float64
	us, vs     [][]float64
}

// across returns the transposed matrix times u, orthogonal to the earlier ones, of
// length 1, and its length before.
func (b *bidiagonal[T]) across(u []float64) (v []float64, length float64) {
	v = make([]float64, b.cols)
	total := 0.0
	for i, x := range u {
		total += x
		for j, w := range b.values[i*b.cols : (i+1)*b.cols] {
			v[j] += float64(x * float64(w))
		}
	}
	for j := range v {
		v[j] -= float64(total * b.mean)
	}
	return v, orthonormal(v, b.vs)
}

// along returns the matrix times v, likewise.
func (b *bidiagonal[T]) along(v []float64) (u []float64, length float64) {
	u = make([]float64, b.rows)
	total := 0.0
	for _, x := range v {
		total += x
	}
	for i := range u {
		var s0, s1, s2, s3 float64
		row := b.values[i*b.cols : (i+1)*b.cols]
		j := 0
		for ; j+4 <= len(row); j += 4 {
			s0 += float64(v[j] * float64(row[j]))
			s1 += float64(v[j+1] * float64(row[j+1]))
			s2 += float64(v[j+2] * float64(row[j+2]))
			s3 += float64(v[j+3] * float64(row[j+3]))
		}
		for ; j < len(row); j++ {
			s0 += float64(v[j] * float64(row[j]))
		}
		u[i] = (s0 + s1) + (s2 + s3) - float64(total*b.mean)
	}
	return u, orthonormal(u, b.us)
}

// orthonormal makes x orthogonal to the others, twice for its digits, and of
// length 1; it returns the length that it had in between.
func orthonormal(x []float64, others [][]float64) float64 {
	for range 2 {
		for _, o := range others {
			along := 0.0
			for i, v := range x {
				along += float64(v * o[i])
			}
			for i := range x {
				x[i] -= float64(along * o[i])
			}
		}
	}
	square := 0.0
	for _, v := range x {
		square += float64(v * v)
	}
	length := math.Sqrt(square)
	if length > 0 {
		for i := range x {
			x[i] /= length
		}
	}
	return length
}
