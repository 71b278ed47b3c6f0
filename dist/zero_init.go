package dist

import (
	"math"
	"math/bits"
)

// ZeroInit is ZerO (Zhao et al., algorithm 1): a matrix without randomness that
// keeps the size of what goes through it. It is not a matrix of zeros.
type ZeroInit struct{}

var _ = family(ZeroInit{})

func (ZeroInit) sealed() {}

// Kind implements [Draw].
func (ZeroInit) Kind() string { return "zero_init" }

// Check implements [Draw].
func (ZeroInit) Check(float64) error { return nil }

// CheckShape implements [Draw].
func (z ZeroInit) CheckShape(shape []int64) error {
	if len(shape) != 2 {
		return needs(z, "2 dimensions", shape)
	}
	return nil
}

// Values implements [Pattern]: with no more rows than columns ones on the main
// diagonal, else the corner of the Hadamard matrix of order p, the smallest
// power of two that is not below the rows, divided by sqrt(p).
func (ZeroInit) Values(dst []float64, first int64, shape []int64) {
	rows, cols := shape[0], shape[1]
	if rows <= cols || cols == 0 {
		diagonal(dst, first, cols)
		return
	}
	order := uint64(1) << bits.Len64(uint64(rows-1))
	one := 1 / math.Sqrt(float64(order))
	for i := range dst {
		at := first + int64(i)
		dst[i] = one
		if bits.OnesCount64(uint64(at/cols)&uint64(at%cols))%2 == 1 {
			dst[i] = -one
		}
	}
}
