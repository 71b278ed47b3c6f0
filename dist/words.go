package dist

import "github.com/weightinit/weightinit/dtype"

// Block is the number of values that PyTorch transforms together when it
// draws normals; draws of fewer values take another path.
const Block = 16

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

// CachedAfter tells whether the generator holds a cached normal after the
// draw, if cached tells so for before.
func (c Cost) CachedAfter(cached bool) bool {
	return c.Cache == CacheFilled || cached && c.Cache == CacheUntouched
}

// CostOf returns the words that a draw of n values of type in uses; cached
// tells that the generator holds a cached normal when the draw begins. It is
// [CostIn] for the draws whose cost depends on no more than that: [Constant],
// [Uniform], [Normal] and [Orthogonal]. For all others it gives the zero Cost.
func CostOf(d Draw, n int64, in dtype.Type, cached bool) Cost {
	perValue := int64(1)
	if in == dtype.F64 {
		perValue = 2
	}
	switch d.(type) {
	case Uniform:
		return Cost{Words: n * perValue}
	case Normal, Orthogonal:
		if n > 0 && n < Block {
			return smallNormal(n, cached)
		}
		if ragged := n % Block; ragged != 0 {
			n += Block // the last 16 values are drawn afresh
			if in.Half() {
				n -= ragged // and in a half type the ragged ones draw nothing
			}
		}
		return Cost{Words: n * perValue}
	default:
		return Cost{}
	}
}

// CostIn returns what a draw of a tensor of the given shape and type costs;
// cached is that of [CostOf]. The shape must have passed [Dist.CheckShape].
//
// known is false for a [TruncNormal] by rejection: how many words it uses
// depends on the values. A tensor without elements draws nothing, whatever its
// kind. [Blocks] are no draw of their own: each block is.
func CostIn(d Draw, shape []int64, in dtype.Type, cached bool) (c Cost, known bool) {
	n := Elements(shape)
	if n == 0 {
		return Cost{}, true
	}
	switch d := d.(type) {
	case TruncNormal:
		if d.Algorithm != TorchICDF {
			return Cost{}, false
		}
		return CostOf(Uniform{}, n, in, cached), true
	case Sparse:
		// Each column takes a permutation of the rows: a word for all but
		// the last of them.
		permutations := Cost{Words: shape[1] * (shape[0] - 1)}
		return CostOf(Normal{Std: d.Std}, n, in, cached).Then(permutations), true
	default:
		return CostOf(d, n, in, cached), true
	}
}

// PartShape is the shape of a block of so many rows of a tensor.
func PartShape(shape []int64, rows int64) []int64 {
	return append([]int64{rows}, shape[1:]...)
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

// smallNormal is the cost of fewer than 16 normals: pairs of four words, with
// the second value of a pair cached.
func smallNormal(n int64, cached bool) Cost {
	if cached {
		n--
	}
	pairs := (n + 1) / 2
	switch {
	case n%2 == 1:
		return Cost{Words: 4 * pairs, Cache: CacheFilled, CacheAt: 4 * (pairs - 1)}
	case cached:
		return Cost{Words: 4 * pairs, Cache: CacheEmptied}
	default:
		return Cost{Words: 4 * pairs}
	}
}
