package kernel

import "math"

// unit24 is the uniform float32 in [0, 1) of a word: its low 24 bits.
func unit24(word uint32) float32 { return float32(int32(word&0xffffff)) * 0x1p-24 }

// unit53 is the uniform float64 in [0, 1) of two words: the low 53 bits of the
// 64, the first word being the high half.
func unit53(high, low uint32) float64 {
	bits := uint64(high)<<32 | uint64(low)
	return float64(int64(bits&(1<<53-1))) * 0x1p-53
}

func uniformF32Generic(dst []float32, words []uint32, low, high float32) {
	width := high - low
	step, start := float64(width)*0x1p-24, float64(low)
	n := min(len(dst), len(words))
	dst, words = dst[:n], words[:n]
	for i, w := range words {
		// This is fma32(u, width, low), with u = k 2^-24 scaled exactly.
		s := float64(step*float64(int32(w&0xffffff))) + start
		v := float32(s)
		if roundsTwice(s) {
			v = fma32Odd(unit24(w), width, low)
		}
		if v == high { // the range excludes high; also makes -0 of (-0, 0)
			v = low
		}
		dst[i] = v
	}
}

func uniformF64Generic(dst []float64, words []uint32, low, high float64) {
	width := high - low
	for i := range min(len(dst), len(words)/2) {
		v := math.FMA(unit53(words[2*i], words[2*i+1]), width, low)
		if v == high {
			v = low
		}
		dst[i] = v
	}
}
