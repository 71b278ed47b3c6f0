package dist

import (
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dtype"
)

// Normal draws from the normal distribution of the given Mean and Std (>= 0).
type Normal struct {
	Mean float64 `number:"mean"`
	Std  float64 `number:"std"`
}

var _ = family(Normal{})

func (Normal) sealed() {}

// Kind implements [Draw].
func (Normal) Kind() string { return "normal" }

// Check implements [Draw]: std must be >= 0, and both numbers finite.
func (n Normal) Check(float64) error {
	if !(n.Std >= 0) || math.IsInf(n.Std, 0) {
		return fmt.Errorf("normal: std %v must be >= 0 and finite", n.Std)
	}
	if math.IsNaN(n.Mean) || math.IsInf(n.Mean, 0) {
		return fmt.Errorf("normal: mean %v must be finite", n.Mean)
	}
	return nil
}

// CheckShape implements [Draw].
func (Normal) CheckShape([]int64) error { return nil }

// Cost implements [Drawer].
func (Normal) Cost(shape []int64, in dtype.Type, cached bool) (c Cost, known bool) {
	return normalCost(Elements(shape), in, cached), true
}

// KeyedWords implements [Drawer]: normals are made in pairs.
func (Normal) KeyedWords(shape []int64, in dtype.Type) (words int64, known bool) {
	n := Elements(shape)
	return (n + n%2) * perValue(in), true
}

// Block is the number of values that PyTorch transforms together when it
// draws normals; draws of fewer values take another path.
const Block = 16

// normalCost is the cost of n normals.
func normalCost(n int64, in dtype.Type, cached bool) Cost {
	if n > 0 && n < Block {
		return smallNormal(n, cached)
	}
	if ragged := n % Block; ragged != 0 {
		n += Block // the last 16 values are drawn afresh
		if in.Half() {
			n -= ragged // and in a half type the ragged ones draw nothing
		}
	}
	return Cost{Words: n * perValue(in)}
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
