package fill_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/rng"
)

// A slice filled by many goroutines holds the values that one makes, and
// leaves the stream at the same place.
func TestASliceDoesNotDependOnWorkers(t *testing.T) {
	for name, d := range map[string]dist.Dist{
		"normal": one(dist.Normal{Mean: 0.5, Std: 2}), "uniform": one(dist.Uniform{Low: -1, High: 3}),
		"constant": one(dist.Constant{Value: 7}), "scaled": one(dist.Normal{Std: 1}, dist.Multiply{By: 3}),
	} {
		for _, n := range []int{0, 1, 15, 16, 17, 100, 131_072, 300_001, 300_016} {
			sameSlice[float32](t, name, d, n)
			sameSlice[float64](t, name, d, n)
		}
	}
}

func sameSlice[T float32 | float64](t *testing.T, name string, d dist.Dist, n int) {
	t.Helper()
	want, s := make([]T, n), rng.New(5)
	s.Advance(77)
	rng.Fill(s, d, want)
	for _, workers := range []int{0, 1, 2, 3, 4, 64} {
		got, g := make([]T, n), rng.New(5)
		g.Advance(77)
		fill.Slice(g, d, got, workers)
		require.True(t, equal(want, got), "%s, %d values, %d workers", name, n, workers)
		require.Equal(t, s.State(), g.State(), "%s, %d values, %d workers", name, n, workers)
	}
}

func equal[T float32 | float64](a, b []T) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}
