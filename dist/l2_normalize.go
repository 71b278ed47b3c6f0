package dist

import (
	"fmt"

	"github.com/weightinit/weightinit/dtype"
)

// L2Normalize divides each vector along the dimension Dim by its Euclidean
// length: the length in float64, rounded once, then one division. A vector of
// length 0 stays as it is. PyTorch sums in another order, so its bits can
// differ.
type L2Normalize struct{ Dim int64 }

// MaxNormalized is the largest number of elements of a tensor that is
// normalised: it is held in memory whole.
const MaxNormalized = 1 << 29

// Kind implements [Post].
func (L2Normalize) Kind() string { return "l2_normalize" }

// Operand implements [Post].
func (l L2Normalize) Operand() any { return l.Dim }

// Check implements [Post].
func (l L2Normalize) Check() error {
	if l.Dim < 0 {
		return fmt.Errorf("l2_normalize: dimension %d must be at least 0", l.Dim)
	}
	return nil
}

// CheckShape implements [Post]. Blocks are tensors of their own, along
// dimension 0, so they have no common length there.
func (l L2Normalize) CheckShape(d Draw, shape []int64) error {
	if l.Dim >= int64(len(shape)) {
		return fmt.Errorf("l2_normalize: shape %v has no dimension %d, the first is 0", shape, l.Dim)
	}
	if _, blocks := d.(Blocks); blocks && l.Dim == 0 {
		return fmt.Errorf("l2_normalize: dimension 0 of blocks is cut into them: normalise each block")
	}
	return nil
}

// CheckRun implements [Limited].
func (L2Normalize) CheckRun(shape []int64, _ dtype.Type) error {
	if n := Elements(shape); n > MaxNormalized {
		return fmt.Errorf("shape %v has %d elements: the limit is %d, as the tensor is held in memory", shape, n, MaxNormalized)
	}
	return nil
}
func (L2Normalize) sealedPost() {}

// Whole tells whether a step among posts needs all values of the tensor before
// it can make one.
func Whole(posts []Post) bool {
	for _, p := range posts {
		if _, ok := p.(L2Normalize); ok {
			return true
		}
	}
	return false
}
