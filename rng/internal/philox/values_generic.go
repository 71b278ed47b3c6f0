package philox

import (
	"math"

	"github.com/weightinit/weightinit/rng/internal/kernel"
)

// The transforms from words to numbers. No product is fused with a sum: each
// stands in a conversion, which keeps the compiler from it.

func uniformF32Generic(dst []float32, words []uint32, low, width float32) {
	words = words[:len(dst)]
	for i, w := range words {
		u := float32(w&0xffffff) * 0x1p-24
		dst[i] = float32(u*width) + low
	}
}

func uniformF64Generic(dst []float64, words []uint32, low, width float64) {
	for i := range dst {
		bits := uint64(words[2*i])<<32 | uint64(words[2*i+1])
		u := float64(bits&(1<<53-1)) * 0x1p-53
		dst[i] = float64(u*width) + low
	}
}

// tau32 and tau64 are 2 pi rounded.
var (
	tau32 = math.Float32frombits(0x40c90fdb)
	tau64 = math.Float64frombits(0x401921fb54442d18)
)

// normalF32Generic makes two normals of each two words.
func normalF32Generic(dst []float32, words []uint32, mean, std float32) {
	tau := tau32
	for len(dst) >= 2 && len(words) >= 2 {
		radius := float32(math.Sqrt(float64(-2 * logf(unit32(words[0])))))
		sin, cos := sincosf(float32(tau * unit32(words[1])))
		dst[0] = float32(float32(radius*cos)*std) + mean
		dst[1] = float32(float32(radius*sin)*std) + mean
		dst, words = dst[2:], words[2:]
	}
}

// unit32 is a word as a number in (0, 1].
func unit32(w uint32) float32 { return float32(float32(w)*0x1p-32) + 0x1p-33 }

// normalF64Generic makes two normals of each four words. Its functions are
// glibc's in float64, which package kernel has.
func normalF64Generic(dst []float64, words []uint32, mean, std float64) {
	for len(dst) >= 2 && len(words) >= 4 {
		radius := math.Sqrt(-2 * kernel.Log(unit64(words[0], words[1])))
		sin, cos := kernel.SinCos(float64(tau64 * unit64(words[2], words[3])))
		dst[0] = float64(float64(radius*cos)*std) + mean
		dst[1] = float64(float64(radius*sin)*std) + mean
		dst, words = dst[2:], words[4:]
	}
}

// unit64 is two words, the high one first, as a number in (0, 1].
func unit64(hi, lo uint32) float64 {
	low := float64(float64(lo)*0x1p-64) + 0x1p-65 // exact
	return float64(float64(hi)*0x1p-32) + low
}

// fixNaN gives every NaN the bits that x86 gives to the result of an invalid
// operation. They arise only from a mean or std beyond the type.
func fixNaN[T float32 | float64](dst []T, mean, std float64) {
	if mean-mean == 0 && std-std == 0 {
		return
	}
	invalid := T(math.Float64frombits(0xfff8000000000000))
	for i, v := range dst {
		if v != v {
			dst[i] = invalid
		}
	}
}
