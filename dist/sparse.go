package dist

import (
	"fmt"

	"github.com/weightinit/weightinit/dtype"
)

// Sparse is normal(0, Std) with the share Sparsity of each column's rows set
// to 0.
type Sparse struct {
	Sparsity float64 `number:"sparsity"`
	Std      float64 `number:"std"`
}

var _ = family(Sparse{})

func (Sparse) sealed() {}

// Kind implements [Draw].
func (Sparse) Kind() string { return "sparse" }

// Check implements [Draw].
func (s Sparse) Check(maxFinite float64) error {
	if !(s.Sparsity >= 0 && s.Sparsity <= 1) {
		return fmt.Errorf("sparse: sparsity %v must lie in [0, 1]", s.Sparsity)
	}
	if err := (Normal{Std: s.Std}).Check(maxFinite); err != nil {
		return fmt.Errorf("sparse: %w", err)
	}
	return nil
}

// CheckShape implements [Draw].
func (s Sparse) CheckShape(shape []int64) error {
	if len(shape) != 2 {
		return needs(s, "2 dimensions", shape)
	}
	return nil
}

// MaxPermutation is the largest number of rows of a sparse matrix. Torch
// permutes that many with a word a step, from the next number on with two.
const MaxPermutation = (1<<32-1)/20 - 1

// CheckRun implements [Limited].
func (Sparse) CheckRun(shape []int64, _ dtype.Type) error {
	if shape[0] > MaxPermutation {
		return fmt.Errorf("shape %v has %d rows: this version permutes at most %d", shape, shape[0], int64(MaxPermutation))
	}
	return nil
}

// Cost implements [Drawer]. Each column takes a permutation of the rows: a
// word for all but the last of them.
func (Sparse) Cost(shape []int64, in dtype.Type, cached bool) (c Cost, known bool) {
	return normalCost(Elements(shape), in, cached).Then(Cost{Words: shape[1] * (shape[0] - 1)}), true
}

// KeyedWords implements [Drawer].
func (Sparse) KeyedWords(shape []int64, in dtype.Type) (words int64, known bool) {
	words, known = Normal{}.KeyedWords(shape, in)
	return words + shape[1]*(shape[0]-1), known
}
