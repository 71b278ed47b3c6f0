package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// outsideGeneric is the definition.
func outsideGeneric(src []float32, low, high float32) []int32 {
	found := []int32{}
	for i, v := range src {
		if v < low || v > high {
			found = append(found, int32(i))
		}
	}
	return found
}

func TestOutsideFindsWhatIsBelowOrAbove(t *testing.T) {
	const low, high = -0.5, 0.75
	edges := []float32{
		low, high, math.Nextafter32(low, -1), math.Nextafter32(high, 1), math.Nextafter32(low, 1), math.Nextafter32(high, -1),
		0, f32(1 << 31), f32(0x7f800000), f32(0xff800000), f32(0x7fc00000), f32(0xffc00000),
	}
	r := rand.New(rand.NewPCG(3, 4))
	eachFast(t, func(t *testing.T) {
		for n := range 131 {
			for _, share := range []float64{0, 0.02, 0.3, 1} { // of edges
				src := make([]float32, n)
				for i := range src {
					src[i] = low + (high-low)*r.Float32()
					if r.Float64() < share {
						src[i] = edges[r.IntN(len(edges))]
					}
				}
				require.Equal(t, outsideGeneric(src, low, high), Outside([]int32{}, src, low, high), "%v", src)
			}
			for i := range n { // each place by itself
				src := make([]float32, n)
				src[i] = edges[2+i%2]
				require.Equal(t, []int32{int32(i)}, Outside(nil, src, low, high))
			}
		}
	})
}

func TestOutsideOfDoubles(t *testing.T) {
	require.Equal(t, []int32{7, 0, 2}, Outside([]int32{7}, []float64{-2, 0, 1.5, 1, -1, math.NaN()}, -1, 1))
}
