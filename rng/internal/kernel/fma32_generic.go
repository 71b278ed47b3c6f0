package kernel

import "math"

// fma32 returns a*b + c rounded once to float32, for all values, subnormal
// results included.
//
// The product of two float32 is exact in float64. Rounding the float64 sum to
// float32 is a second rounding, which is seldom wrong: see [roundsTwice].
func fma32(a, b, c float32) float32 {
	s := sum64(a, b, c)
	if roundsTwice(s) {
		return fma32Odd(a, b, c)
	}
	return float32(s)
}

// sum64 is a*b + c rounded to float64.
func sum64(a, b, c float32) float64 {
	return float64(float64(a)*float64(b)) + float64(c)
}

// roundsTwice tells that rounding s, itself a rounded sum, to float32 may be
// wrong: s is exactly in the middle between two float32, or the result is
// subnormal, where float32 has fewer bits than the test for the middle looks
// at.
func roundsTwice(s float64) bool {
	const dropped = 1<<29 - 1 // the bits that float64 has beyond float32
	const smallest = 1023 - 126
	bits := math.Float64bits(s)
	return bits&dropped == 1<<28 || bits<<1 < smallest<<53
}

// fma32Odd is fma32 by rounding the sum to odd: if the sum is not exact, its
// last bit is set by moving one step towards the exact value. Then the second
// rounding sees on which side of every middle the exact value lies.
func fma32Odd(a, b, c float32) float32 {
	p, z := float64(float64(a)*float64(b)), float64(c)
	s := p + z
	if math.IsNaN(s) || math.IsInf(s, 0) {
		return float32(s)
	}
	// Knuth's two-sum: e is exactly p + z - s.
	t := s - p
	e := (p - (s - t)) + (z - t)
	if bits := math.Float64bits(s); e != 0 && bits&1 == 0 {
		if (e > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return float32(s)
}

// mulAdd is a*b + c rounded to float64 and then to float32. It stands for
// fma32 inside the logarithm, the sine and the cosine of the float32 normal:
// there it gives the same bits for all 2^24 arguments of each, which
// scripts/reference/exhaustive repeats. Elsewhere it does not.
func mulAdd(a, b, c float32) float32 { return float32(sum64(a, b, c)) }
