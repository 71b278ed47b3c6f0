package battery

import "math"

// Jitter replaces each value of a coarse type by one that the law could have
// given before it was rounded to that type, so that tests of the whole shape
// keep their p-values. Values that the law cannot give stay as they are, and
// so do all values of a type that is not narrow. It is deterministic.
func Jitter[T Float](values []T, l Law, t Type) {
	if !t.Narrow() || l.kind == constant {
		return
	}
	state := uint64(0x5DEECE66D)
	for i, v := range values {
		state += 0x9E3779B97F4A7C15
		r := (float64(mix(state)>>11) + 0.5) / (1 << 53)
		x := float64(v)
		low, high := t.cell(x)
		b1, a1 := l.Tails(low)
		b2, a2 := l.Tails(high)
		below, above := b1+r*(b2-b1), a1+r*(a2-a1)
		if !(b2-b1 > 1e-300 || a1-a2 > 1e-300) {
			continue
		}
		if y := l.between(below, above); !math.IsInf(y, 0) && !math.IsNaN(y) {
			values[i] = T(y)
		}
	}
}

// mix is the finaliser of SplitMix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// cell returns the midpoints between x and its two neighbours in t.
func (t Type) cell(x float64) (low, high float64) {
	digits, smallest := t.format()
	outer := t.ULP(x) / 2
	inner := outer
	// The neighbour towards zero of a power of two is twice as near.
	if fraction, exponent := math.Frexp(math.Abs(x)); fraction == 0.5 && exponent-1 > smallest {
		inner = math.Ldexp(1, exponent-1-digits) / 2
	}
	if x < 0 {
		return x - outer, x + inner
	}
	return x - inner, x + outer
}
