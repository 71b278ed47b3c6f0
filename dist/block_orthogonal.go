package dist

import (
	"fmt"
	"iter"

	"github.com/weightinit/weightinit/dtype"
)

// BlockOrthogonal cuts a tensor in every dimension into blocks of the sizes
// SplitSizes; each is Gain times an orthogonal matrix of its own, drawn one
// after the other in row-major order.
type BlockOrthogonal struct {
	SplitSizes []int64 `number:"split_sizes"`
	Gain       float64 `number:"gain"`
}

var _ = family(BlockOrthogonal{})

func (BlockOrthogonal) sealed() {}

// Kind implements [Draw].
func (BlockOrthogonal) Kind() string { return "block_orthogonal" }

// Check implements [Draw].
func (b BlockOrthogonal) Check(float64) error {
	if len(b.SplitSizes) < 2 {
		return fmt.Errorf("block_orthogonal: split_sizes %v must have at least 2 sizes", b.SplitSizes)
	}
	for _, size := range b.SplitSizes {
		if size < 1 {
			return fmt.Errorf("block_orthogonal: split_sizes %v must be at least 1 each", b.SplitSizes)
		}
	}
	return checkGain(b, b.Gain)
}

// CheckShape implements [Draw].
func (b BlockOrthogonal) CheckShape(shape []int64) error {
	if len(shape) != len(b.SplitSizes) {
		return needs(b, fmt.Sprintf("as many dimensions as split_sizes %v has sizes", b.SplitSizes), shape)
	}
	for i, size := range shape {
		if size%b.SplitSizes[i] != 0 {
			return needs(b, fmt.Sprintf("sizes that split_sizes %v divide", b.SplitSizes), shape)
		}
	}
	return nil
}

// CheckRun implements [Limited].
func (BlockOrthogonal) CheckRun(shape []int64, in dtype.Type) error {
	return checkOrthonormal(shape, in)
}

// Cost implements [Drawer]: that of each block's normals. Whether the generator
// holds a cached normal is the same after every block or after every second.
func (b BlockOrthogonal) Cost(shape []int64, in dtype.Type, cached bool) (c Cost, known bool) {
	n := Elements(b.SplitSizes)
	count := Elements(shape) / n
	first := normalCost(n, in, cached)
	if first.CachedAfter(cached) == cached {
		return first.times(count), true
	}
	pair := first.Then(normalCost(n, in, !cached))
	c = pair.times(count / 2)
	if count%2 == 1 {
		c = c.Then(first)
	}
	return c, true
}

// KeyedWords implements [Drawer].
func (b BlockOrthogonal) KeyedWords(shape []int64, in dtype.Type) (words int64, known bool) {
	words, known = Normal{}.KeyedWords(b.SplitSizes, in)
	return Elements(shape) / Elements(b.SplitSizes) * words, known
}

// Factor implements [Orthonormal].
func (b BlockOrthogonal) Factor() float64 { return b.Gain }

// Boxes implements [Orthonormal]: the blocks.
func (b BlockOrthogonal) Boxes(shape []int64) iter.Seq[Box] {
	return func(yield func(Box) bool) {
		if Elements(shape) == 0 {
			return
		}
		start := make([]int64, len(shape))
		for {
			first := int64(0)
			for d, size := range shape {
				first = first*size + start[d]
			}
			if !yield(Box{First: first, Shape: b.SplitSizes}) || !next(start, shape, b.SplitSizes) {
				return
			}
		}
	}
}
