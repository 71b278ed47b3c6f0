package dist

import "github.com/weightinit/weightinit/dtype"

// Cost is what a draw does to the position of the stream.
type Cost struct {
	// Words is the number of 32-bit outputs that the draw uses.
	Words int64
	// Cache says how the draw leaves the generator's one cached normal.
	Cache CacheEffect
	// CacheAt is the word, counted from the first word of the draw, at which
	// the four words of the newly cached normal begin; set for CacheFilled.
	CacheAt int64
}

// CacheEffect is what a draw does to the cached normal.
type CacheEffect uint8

// The effects of a draw on the cached normal.
const (
	CacheUntouched CacheEffect = iota
	CacheEmptied
	CacheFilled
)

// Then returns the cost of c followed by next.
func (c Cost) Then(next Cost) Cost {
	sum := c
	if next.Cache != CacheUntouched {
		sum.Cache, sum.CacheAt = next.Cache, 0
	}
	if next.Cache == CacheFilled {
		sum.CacheAt = c.Words + next.CacheAt
	}
	sum.Words += next.Words
	return sum
}

// times returns the cost of n draws that cost c each; none has no cost.
func (c Cost) times(n int64) Cost {
	if n == 0 {
		return Cost{}
	}
	if c.Cache == CacheFilled {
		c.CacheAt += (n - 1) * c.Words
	}
	c.Words *= n
	return c
}

// CachedAfter tells whether the generator holds a cached normal after the
// draw, if cached tells so for before.
func (c Cost) CachedAfter(cached bool) bool {
	return c.Cache == CacheFilled || cached && c.Cache == CacheUntouched
}

// Drawer is a draw that uses words of the stream. A draw that is none uses no
// words.
type Drawer interface {
	Draw
	// Cost returns what a tensor of the shape costs when it is drawn in a
	// type; cached tells that the generator holds a cached normal when the draw
	// begins. known is false if how many words it uses depends on the values.
	// The tensor has elements.
	Cost(shape []int64, in dtype.Type, cached bool) (c Cost, known bool)
	// KeyedWords returns the words of a parameter's own streams on which the
	// values depend; known is false if only a run can tell.
	KeyedWords(shape []int64, in dtype.Type) (words int64, known bool)
}

// Limited is a draw, or a step after it, that this version cannot do for every
// shape and type.
type Limited interface {
	// CheckRun reports why not. The shape has passed CheckShape, and in is the
	// type in which values are drawn.
	CheckRun(shape []int64, in dtype.Type) error
}

// CostIn returns what a draw of a tensor of the given shape and type costs;
// cached tells that the generator holds a cached normal when the draw begins.
// The shape must have passed [Dist.CheckShape].
//
// known is false for a [TruncNormal] by rejection: how many words it uses
// depends on the values. A tensor without elements draws nothing, whatever its
// kind.
func CostIn(d Draw, shape []int64, in dtype.Type, cached bool) (c Cost, known bool) {
	if draws, ok := d.(Drawer); ok && Elements(shape) != 0 {
		return draws.Cost(shape, in, cached)
	}
	return Cost{}, true
}

// CostOf is [CostIn] for n values of a family that takes any shape.
func CostOf(d Draw, n int64, in dtype.Type, cached bool) Cost {
	c, _ := CostIn(d, []int64{n}, in, cached)
	return c
}

// KeyedWords returns the words of a parameter's own streams on which the values
// of a tensor of the given shape and type depend; known is false if only a run
// can tell.
func KeyedWords(d Draw, shape []int64, in dtype.Type) (words int64, known bool) {
	if draws, ok := d.(Drawer); ok && Elements(shape) != 0 {
		return draws.KeyedWords(shape, in)
	}
	return 0, true
}

// perValue is the number of words of one uniform value.
func perValue(in dtype.Type) int64 {
	if in == dtype.F64 {
		return 2
	}
	return 1
}

// Elements is the product of the sizes of a shape that is known to be sound.
func Elements(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// RowSize is the number of elements of a row along dimension 0; a scalar is
// one row.
func RowSize(shape []int64) int64 {
	if len(shape) == 0 {
		return 1
	}
	return Elements(shape[1:])
}
