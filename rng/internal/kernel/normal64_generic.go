package kernel

import "math"

// twoPi64 is 2 pi rounded to float64.
var twoPi64 = math.Float64frombits(0x401921fb54442d18)

// normalF64Generic is the transform of [normalF32Generic] in float64, with the
// functions of the C library.
func normalF64Generic(dst []float64, words []uint32, mean, std float64) {
	for len(dst) >= Block && len(words) >= 2*Block {
		d, w := (*[Block]float64)(dst), (*[2 * Block]uint32)(words)
		for j := range half {
			u1 := unit53(w[2*j], w[2*j+1])
			u2 := unit53(w[2*(j+half)], w[2*(j+half)+1])
			radius := math.Sqrt(-2 * log64(1-u1))
			theta := float64(twoPi64 * u2)
			sin, cos := sincos64(theta)
			d[j] = scaleGeneric(float64(radius*cos), mean, std)
			d[j+half] = scaleGeneric(float64(radius*sin), mean, std)
		}
		dst, words = dst[Block:], words[2*Block:]
	}
}

// normalPairGeneric is the transform of PyTorch's scalar normal
// (ATen/core/DistributionsHelper.h). Unlike the block transform it takes the
// angle from the first uniform and the radius, by log1p, from the second.
func normalPairGeneric(words *[4]uint32) (first, second float64) {
	u1 := unit53(words[0], words[1])
	u2 := unit53(words[2], words[3])
	radius := math.Sqrt(-2 * log1p64(-u2))
	theta := float64(twoPi64 * u1)
	sin, cos := sincos64(theta)
	return float64(radius * cos), float64(radius * sin)
}

func scaleGeneric(v, mean, std float64) float64 { return math.FMA(v, std, mean) }
