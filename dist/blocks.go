package dist

import (
	"fmt"

	"github.com/weightinit/weightinit/dtype"
)

// Blocks cuts a tensor along dimension 0; each block is drawn as a tensor of
// its own, one after the other.
type Blocks struct {
	Parts []Part `number:"blocks"`
}

// Part is a number of rows and what they are filled with.
type Part struct {
	Rows int64
	Dist Dist
}

var _ = family(Blocks{})

func (Blocks) sealed() {}

// Kind implements [Draw].
func (Blocks) Kind() string { return "blocks" }

// Check implements [Draw].
func (b Blocks) Check(maxFinite float64) error {
	if len(b.Parts) == 0 {
		return fmt.Errorf("blocks: there are none")
	}
	for i, block := range b.Parts {
		if block.Rows < 1 {
			return fmt.Errorf("blocks: block %d has %d rows, needs at least 1", i, block.Rows)
		}
		switch block.Dist.Draw.(type) {
		case Blocks, Pieces, Filled:
			return fmt.Errorf("blocks: block %d is %s, which cannot stand inside blocks", i, block.Dist.Draw.Kind())
		}
		if err := block.Dist.Check(maxFinite); err != nil {
			return fmt.Errorf("blocks: block %d: %w", i, err)
		}
	}
	return nil
}

// CheckShape implements [Draw].
func (b Blocks) CheckShape(shape []int64) error {
	if len(shape) == 0 {
		return needs(b, "at least 1 dimension", shape)
	}
	left := shape[0]
	for i, part := range b.Parts {
		if part.Rows > left {
			return needs(b, fmt.Sprintf("blocks of %d rows together, block %d passes them", shape[0], i), shape)
		}
		left -= part.Rows
		if err := part.Dist.CheckShape(PartShape(shape, part.Rows)); err != nil {
			return fmt.Errorf("blocks: block %d: %w", i, err)
		}
	}
	if left != 0 {
		return needs(b, fmt.Sprintf("blocks of %d rows together, there are %d less", shape[0], left), shape)
	}
	return nil
}

// Cost implements [Drawer]: one block after the other.
func (b Blocks) Cost(shape []int64, in dtype.Type, cached bool) (c Cost, known bool) {
	for _, part := range b.Parts {
		next, ok := CostIn(part.Dist.Draw, PartShape(shape, part.Rows), in, c.CachedAfter(cached))
		if !ok {
			return Cost{}, false
		}
		c = c.Then(next)
	}
	return c, true
}

// KeyedWords implements [Drawer].
func (b Blocks) KeyedWords(shape []int64, in dtype.Type) (words int64, known bool) {
	for _, part := range b.Parts {
		next, ok := KeyedWords(part.Dist.Draw, PartShape(shape, part.Rows), in)
		if !ok {
			return 0, false
		}
		words += next
	}
	return words, true
}

// PartShape is the shape of a block of so many rows of a tensor.
func PartShape(shape []int64, rows int64) []int64 {
	return append([]int64{rows}, shape[1:]...)
}
