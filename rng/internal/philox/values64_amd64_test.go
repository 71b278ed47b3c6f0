//go:build !purego

package philox

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/needs"
	"github.com/weightinit/weightinit/rng/internal/isa"
)

// halfway returns numbers whose angle leaves a rest halfway between two rows of
// the table, so that the sine and the cosine take different ones.
func halfway() (all []float64) {
	row := func(a float64) float64 { return 1.5*0x1p45 + math.Abs(a) }
	for i := range 256 {
		x := halfTurn - (float64(i)-128)/128 - 1.0/256
		u := x / tau64
		for range 8 {
			u = math.Nextafter(u, 0)
		}
		for ; float64(tau64*u) <= x; u = math.Nextafter(u, 1) {
			theta := float64(tau64 * u)
			y := halfTurn - theta
			if theta >= direct && theta < folded && row(y+halfRest) != row(y) {
				all = append(all, u)
			}
		}
	}
	return all
}

func TestFloat64NormalsLeaveHalfwayAnglesToTheGenericForm(t *testing.T) {
	if _, err := isa.Parse("avx2"); err != nil {
		needs.Skip(t, "needs AVX2: %v", err)
	}
	rest := halfway()
	require.NotEmpty(t, rest)
	t.Logf("%d angles", len(rest))
	r := rand.New(rand.NewPCG(11, 12))
	for _, u := range rest {
		words, dst := make([]uint32, 2*many64), make([]float64, many64)
		for pair := range many64 / 2 {
			for i := range words {
				words[i] = r.Uint32()
			}
			require.True(t, normal64AVX2(&dst[0], &words[0], many64, 0, 1))
			words[4*pair+2], words[4*pair+3] = wordsOf(u)
			require.Equal(t, u, unit64(words[4*pair+2], words[4*pair+3]))
			require.False(t, normal64AVX2(&dst[0], &words[0], many64, 0, 1), "angle of %x, pair %d", u, pair)
			sameValues64(t, words, 0, 1)
		}
	}
}
