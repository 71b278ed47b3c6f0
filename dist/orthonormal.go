package dist

import (
	"fmt"
	"iter"

	"github.com/weightinit/weightinit/dtype"
)

// Orthonormal is a draw that is made of matrices of orthogonal rows or
// columns. Each is the QR decomposition of normals, which are drawn one matrix
// after the other. The bits of a decomposition depend on the linear algebra
// library, so none are promised. All other elements are 0.
type Orthonormal interface {
	Drawer
	Limited
	// Factor is what the matrices are multiplied with.
	Factor() float64
	// Boxes returns the matrices of a tensor of the shape, in the order of
	// their draws.
	Boxes(shape []int64) iter.Seq[Box]
}

// Box is a part of a tensor: a range of indices in each dimension. It is a
// matrix of as many rows as its first size.
type Box struct {
	// First is the first element, counted in C order in the tensor.
	First int64
	// Shape has as many sizes as the tensor.
	Shape []int64
}

// Runs returns the consecutive elements of b in a tensor of the shape: the
// first of each run, in C order. All runs have as many elements as the last
// size of the box.
func (b Box) Runs(shape []int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		last := len(b.Shape) - 1
		if Elements(b.Shape) == 0 {
			return
		}
		ones := make([]int64, last)
		for d := range ones {
			ones[d] = 1
		}
		index := make([]int64, last)
		for {
			at := int64(0)
			for d, i := range index {
				at = (at + i) * shape[d+1]
			}
			if !yield(b.First+at) || !next(index, b.Shape, ones) {
				return
			}
		}
	}
}

// next moves index on in C order, by the given steps within the sizes; false
// after the last.
func next(index, sizes, steps []int64) bool {
	for d := len(index) - 1; d >= 0; d-- {
		if index[d] += steps[d]; index[d] < sizes[d] {
			return true
		}
		index[d] = 0
	}
	return false
}

// MaxOrthogonal is the largest number of elements of an [Orthonormal] tensor
// that can be made: it is decomposed in memory, at up to 20 bytes an element.
const MaxOrthogonal = 1 << 26

// checkOrthonormal is the bound of this version for all of them.
func checkOrthonormal(shape []int64, in dtype.Type) error {
	if n := Elements(shape); n > MaxOrthogonal {
		return fmt.Errorf("shape %v has %d elements: the limit is %d, as the matrix is decomposed in memory", shape, n, MaxOrthogonal)
	}
	if in.Half() {
		return fmt.Errorf("torch has no decomposition in %s: draw it in f32", in)
	}
	return nil
}
