//go:build !purego

package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestFloat64UniformsOfTheVectorForm compares it with the generic one: ranges
// that fold, all lengths, offsets, and numbers at the ends of [0, 1).
func TestFloat64UniformsOfTheVectorForm(t *testing.T) {
	onAVX2(t, func() {
		r := rand.New(rand.NewPCG(11, 12))
		const most, filler = 300, -77
		words := make([]uint32, 2*most+8)
		dst, want := make([]float64, most+8), make([]float64, most)
		for _, bounds := range [][2]float64{{0, 1}, {-0.05, 0.05}, {1e-20, 3}, {1, 1 + 0x1p-50}, {math.Copysign(0, -1), 0},
			{2, 2}, {-1e308, 1e308}, {-5e-324, 5e-324}, {0.1, 0.3}, {math.Inf(-1), 0}, {0, math.Inf(1)}, {math.NaN(), 1}} {
			for n := range most {
				for i := range words {
					words[i] = r.Uint32()
					if i%7 == 3 {
						words[i] = -uint32(i & 1)
					}
				}
				for i := range dst {
					dst[i] = filler
				}
				at := n % 5
				uniformF64(dst[at:at+n], words[at:], bounds[0], bounds[1])
				uniformF64Generic(want[:n], words[at:], bounds[0], bounds[1])
				for i, v := range dst {
					w := float64(filler)
					if i >= at && i < at+n {
						w = want[i-at]
					}
					if math.Float64bits(v) != math.Float64bits(w) {
						t.Fatalf("%v, length %d, offset %d: element %d is %x instead of %x", bounds, n, at, i-at, math.Float64bits(v), math.Float64bits(w))
					}
				}
			}
		}
	})
}
