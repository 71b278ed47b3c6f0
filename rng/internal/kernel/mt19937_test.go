package kernel

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// outputs returns the first n words of a seed.
func outputs(seed uint32, n int) []uint32 {
	var e Engine
	e.Seed(seed)
	words := make([]uint32, n)
	e.Read(words)
	return words
}

func TestFirstAndTenThousandthWordOfSeeds(t *testing.T) {
	for _, c := range []struct {
		seed  uint32
		first []uint32
		last  uint32
	}{
		{0, []uint32{0x8c7f0aac, 0x97c4aa2f, 0xb716a675, 0xd821ccc0}, 1543171712},
		{42, []uint32{0x5fe1dc66, 0xcbea3db3, 0xf362035c, 0x2ef5950e}, 1399405940},
		{0xffffffff, []uint32{0x18fe69a3, 0x1c924122, 0xe991ec0c, 0x900cac47}, 1117955853},
		{5489, []uint32{0xd091bb5c, 0x22ae9ef6, 0xe7e1faee, 0xd5c31f79}, 4123659995},
	} {
		words := outputs(c.seed, 10000)
		require.Equal(t, c.first, words[:4], "seed %d", c.seed)
		require.Equal(t, c.last, words[9999], "seed %d", c.seed)
	}
}

func TestTemperStopsAtTheShorterSlice(t *testing.T) {
	dst := []uint32{7, 7, 7}
	Temper(dst, []uint32{1})
	require.Equal(t, []uint32{7, 7}, dst[1:])
	Temper(dst[:0], []uint32{1, 2})
	require.Equal(t, []uint32{7, 7}, dst[1:])
}
