package jump

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemoryIsBoundedAndStaysRight(t *testing.T) {
	m := newMemory()
	for n := range uint64(3 * remembers) {
		for _, blocks := range []uint64{n + 1, 1, n/2 + 1} {
			var want poly
			want.power(0, blocks*N-2)
			require.Equal(t, want, *m.power(blocks), "%d blocks", blocks)
			require.LessOrEqual(t, len(m.known), remembers)
		}
	}
	require.Len(t, m.known, remembers)
	for blocks, e := range m.known {
		require.Equal(t, blocks, e.blocks)
		require.Contains(t, m.ring[:], e)
	}
}

func TestMemoryComputesADistanceOnce(t *testing.T) {
	m := newMemory()
	require.False(t, m.knows(7))
	require.Same(t, m.power(7), m.power(7))
	require.True(t, m.knows(7))
	require.Len(t, m.known, 1)
}

// More distances than are remembered, wanted by many at once: for the race
// detector, and each must get its own polynomial.
func TestManyGoroutinesJumpAtOnce(t *testing.T) {
	const distances = remembers + 16
	var want [distances][N]uint32
	state := *seeded(11)
	for n := range want {
		want[n] = state
		step(&state, 1)
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			r := rand.New(rand.NewPCG(6, uint64(worker)))
			for range 60 {
				n := r.IntN(distances)
				got := *seeded(11)
				Blocks(&got, int64(n))
				if got != want[n] {
					t.Errorf("%d blocks differ", n)
				}
			}
		})
	}
	group.Wait()
}

func TestPaysFromTheMeasuredDistanceOn(t *testing.T) {
	before, old := AllowAssembly(false), remembered
	defer func() { AllowAssembly(before); remembered = old }()
	remembered = newMemory()
	const slow, fast = 1.5, 0.11 // stepping, ns a word
	require.False(t, Pays(0, slow))
	require.False(t, Pays(-1, slow))
	require.False(t, Pays(100_000/N, slow))
	require.True(t, Pays(1_000_000/N, slow))
	require.False(t, Pays(1_000_000/N, fast))
	require.True(t, Pays(5_000_000/N, fast))
	// A remembered distance pays earlier.
	const between = 200_000 / N
	require.False(t, Pays(between, slow))
	Blocks(seeded(1), between)
	require.True(t, Pays(between, slow))
	// With assembly earlier still.
	const early = 120_000 / N
	Blocks(seeded(1), early)
	require.False(t, Pays(early, slow))
	AllowAssembly(true)
	require.Equal(t, HasAssembly(), Pays(early, slow))
}
