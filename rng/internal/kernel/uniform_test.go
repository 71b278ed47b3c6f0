package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnitsUseTheLowBits(t *testing.T) {
	require.Equal(t, float32(0), unit24(0xff000000))
	require.Equal(t, float32(0x1p-24), unit24(0x01000001))
	require.Equal(t, float32(1-0x1p-24), unit24(0xffffffff))
	require.Equal(t, 0.0, unit53(0xffe00000, 0))
	require.Equal(t, 0x1p-53, unit53(0, 1))
	require.Equal(t, 0x1p-21, unit53(1, 0))
	require.Equal(t, 1-0x1p-53, unit53(0xffffffff, 0xffffffff))
}

// foldedBack counts the words among the 2^16 that give the largest values for
// which the value would be high.
func foldedBack(t *testing.T, low, high float32) int {
	words := make([]uint32, 1<<16)
	for i := range words {
		words[i] = 1<<24 - 1<<16 + uint32(i)
	}
	dst := make([]float32, len(words))
	UniformF32(dst, words, low, high)
	count := 0
	for i, v := range dst {
		if v == low {
			count++
		} else if v >= high || v < low {
			t.Fatalf("word %x gave %v in [%v, %v)", words[i], v, low, high)
		}
	}
	return count
}

func TestValuesEqualToTheUpperBoundBecomeTheLower(t *testing.T) {
	require.Equal(t, 1, foldedBack(t, 0.1, 0.3))
	require.Equal(t, 4, foldedBack(t, 0.9, 1))
	require.Equal(t, 64, foldedBack(t, 100, 101))
	require.Equal(t, 0, foldedBack(t, -0.05, 0.05))
}

func TestUniformsRoundOnce(t *testing.T) {
	// In this range rounding to float64 in between is wrong for 12.5 % of words.
	low, high := float32(1e-20), float32(3)
	words := outputs(1, 10000)
	dst := make([]float32, len(words))
	UniformF32(dst, words, low, high)
	twice := 0
	for i, w := range words {
		want, _ := exactFMA(unit24(w), high-low, low)
		require.Equal(t, math.Float32bits(want), math.Float32bits(dst[i]), "word %x", w)
		if mulAdd(unit24(w), high-low, low) != want {
			twice++
		}
	}
	require.InDelta(t, 0.125, float64(twice)/float64(len(words)), 0.02)
}

func TestKernelsStopAtTheShorterSlice(t *testing.T) {
	words := outputs(1, 64)
	narrow, wide := make([]float32, 40), make([]float64, 40)
	UniformF32(narrow, words[:3], 1, 2)
	UniformF64(wide, words[:7], 1, 2)
	require.Equal(t, make([]float32, 37), narrow[3:])
	require.Equal(t, make([]float64, 37), wide[3:])
	require.NotContains(t, narrow[:3], float32(0))
	require.NotContains(t, wide[:3], 0.0)

	clear(narrow)
	clear(wide)
	NormalF32(narrow, words[:31], 9, 1)
	NormalF64(wide, words[:63], 9, 1)
	require.Equal(t, make([]float32, 24), narrow[16:], "only whole blocks")
	require.Equal(t, make([]float64, 24), wide[16:], "only whole blocks")
	require.NotContains(t, narrow[:16], float32(0))
	require.NotContains(t, wide[:16], 0.0)
	NormalF32(narrow[:15], words, 1, 1)
	NormalF32(nil, nil, 1, 1)
}

func TestTheFirstRadiusIsZero(t *testing.T) {
	// u1 = 0: the radius is -0, and -0 + 0 is +0.
	var words [Block]uint32
	var dst [Block]float32
	NormalF32(dst[:], words[:], 0, 3)
	for _, v := range dst {
		require.Equal(t, uint32(0), math.Float32bits(v))
	}
}

func TestTheLargestRadius(t *testing.T) {
	var words [Block]uint32
	for j := range half {
		words[j] = 1<<24 - 1
	}
	var dst [Block]float32
	NormalF32(dst[:], words[:], 0, 1)
	require.InDelta(t, math.Sqrt(48*math.Ln2), float64(dst[0]), 1e-6)
}
