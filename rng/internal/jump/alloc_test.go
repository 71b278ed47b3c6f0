//go:build !race

package jump

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Not under the race detector, where a sync.Pool forgets at random.
func TestAJumpOfAKnownDistanceDoesNotAllocate(t *testing.T) {
	state := seeded(1)
	Blocks(state, 99)
	// Less than one in ten: a collection may empty the pool.
	require.Less(t, testing.AllocsPerRun(100, func() { Blocks(state, 99) }), 0.1)
}
