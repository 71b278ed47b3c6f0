package battery

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"
)

// digits is how many values make a key of T10, 4 bits each.
const digits = 16

// Reuse looks for values that were drawn from the same part of a stream: T10.
// Tensors are added one after the other; scale, place and sign of their values
// do not matter. The zero value keeps every key; see [NewReuse].
type Reuse struct {
	mask uint64
	mu   sync.Mutex
	keys []key
}

// key is one kept window, and where it stands: the tensor, of at most 2^24, and
// its first value, of at most 2^40.
type key struct{ bits, place uint64 }

// placeBits are those of a position.
const placeBits = 40

func (k key) tensor() int     { return int(k.place >> placeBits) }
func (k key) position() int64 { return int64(k.place & (1<<placeBits - 1)) }

// NewReuse returns an empty search. total is how many values will be added,
// which decides how many of their keys are kept.
func NewReuse(total int64) *Reuse {
	if total > 1e8 {
		return &Reuse{mask: 255}
	}
	return &Reuse{mask: 15}
}

// Add adds the values of a tensor, in C order, under the law that is declared
// of it (or a law with their own mean and standard deviation). Which keys are
// kept depends on the values only, so that two copies keep the same ones. A
// constant adds nothing, nor do values of so few kinds that their keys would be
// equal by chance: then it returns false. Several goroutines may add at once.
func Add[T Float](r *Reuse, tensor int, values []T, l Law) bool {
	if l.kind == constant || len(values) < digits {
		return false
	}
	var k uint64
	tried := 0
	// A little more than are expected.
	kept := make([]key, 0, len(values)/int(r.mask+1)*9/8+16)
	var parts *sixteenths[T]
	if len(values) >= sixteenthCells { // fewer are sooner computed than tabulated
		parts = sixteenthsOf[T](l)
	}
	for i, v := range values {
		if parts != nil {
			k = k<<4 | parts.of(v)
		} else {
			k = k<<4 | uint64(sixteenth(l, v))
		}
		if i < digits-1 {
			continue
		}
		canonical := min(k, ^k)
		if (canonical*0x9E3779B97F4A7C15)>>40&r.mask != 0 {
			continue
		}
		if tried++; kinds(canonical) < leastKinds {
			continue
		}
		kept = append(kept, key{canonical, uint64(tensor)<<placeBits | uint64(i-digits+1)})
	}
	if len(kept) == 0 && tried > 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append(r.keys, kept...)
	return true
}

// leastKinds is the number of different digits of a key that is looked at. Of
// keys of a law one in 50,000 has fewer; of values that are mostly zero, or lie
// in a row of a much smaller scale than others, most have, and are equal by
// chance.
const leastKinds = 6

// kinds returns the number of different digits.
func kinds(key uint64) int {
	seen := uint16(0)
	for ; key != 0; key >>= 4 {
		seen |= 1 << (key & 15)
	}
	return bits.OnesCount16(seen)
}

// Reused is a part of the stream that two tensors share, or one has twice.
type Reused struct {
	// A and B are the tensors, A <= B as they were added; the values at
	// PositionA and PositionB are the first found to be shared.
	A, B                 int
	PositionA, PositionB int64
	// Keys is how many keys at the same distance are equal: about a 16th (of
	// more than 10^8 values a 256th) of the values shared.
	Keys int
}

// Find returns what is reused: pairs with two or more equal keys at the same
// distance, one entry a pair of tensors, that of the most keys.
func (r *Reuse) Find() []Reused {
	slices.SortFunc(r.keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.bits, b.bits), cmp.Compare(a.place, b.place))
	})
	type distance struct {
		a, b int
		by   int64
	}
	found := map[distance]Reused{}
	for start, end := 0, 0; start < len(r.keys); start = end {
		for end = start; end < len(r.keys) && r.keys[end].bits == r.keys[start].bits; end++ {
		}
		group := r.keys[start:end]
		for i, a := range group {
			// A key of many copies is compared with its nearest ones only.
			for _, b := range group[i+1 : min(len(group), i+9)] {
				d := distance{a.tensor(), b.tensor(), b.position() - a.position()}
				f, ok := found[d]
				if !ok || a.position() < f.PositionA {
					f.A, f.B, f.PositionA, f.PositionB = d.a, d.b, a.position(), b.position()
				}
				f.Keys++
				found[d] = f
			}
		}
	}
	best := map[[2]int]Reused{}
	for _, f := range found {
		if f.Keys < 2 {
			continue
		}
		b, ok := best[[2]int{f.A, f.B}]
		if !ok || f.Keys > b.Keys || f.Keys == b.Keys && (f.PositionB-f.PositionA < b.PositionB-b.PositionA) {
			best[[2]int{f.A, f.B}] = f
		}
	}
	out := make([]Reused, 0, len(best))
	for _, f := range best {
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Reused) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
	return out
}

// EstimatedLaw returns the normal law with the mean and the standard deviation
// of the values, for [Add] of values without a declared law; false for equal
// values.
func EstimatedLaw[T Float](values []T) (Law, bool) {
	if len(values) == 0 || Finite(values) >= 0 {
		return Law{}, false
	}
	mean := momentsMean(values, float64(values[0]))
	std := stdOf(values, mean)
	return Law{kind: normal, location: mean, scale: std, moments: moments{mean, std, 0, 3, 15, 105}}, std > 0
}
