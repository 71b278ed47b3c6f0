package dist

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

// CostOf returns the words that a draw of n values uses: wide tells that the
// compute type is float64, cached that the generator holds a cached normal
// when the draw begins.
func CostOf(d Draw, n int64, wide, cached bool) Cost {
	perValue := int64(1)
	if wide {
		perValue = 2
	}
	switch d.(type) {
	case Uniform:
		return Cost{Words: n * perValue}
	case Normal:
		if n > 0 && n < Block {
			return smallNormal(n, cached)
		}
		if n%Block != 0 {
			n += Block // the last 16 values are drawn afresh
		}
		return Cost{Words: n * perValue}
	default:
		return Cost{}
	}
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
