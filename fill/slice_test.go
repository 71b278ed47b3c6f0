package fill_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

func TestPartsAreCutAtBlocksAndNoneIsEmpty(t *testing.T) {
	for _, drawn := range []bool{true, false} {
		for _, n := range []int64{1 << 17, 1<<17 + 5, 1 << 20, 1 << 24, 1e10} {
			for _, workers := range []int64{2, 3, 16, 64, 1000} {
				if n/workers < 1<<16 {
					continue
				}
				starts := fill.Split(n, workers, drawn)
				require.Len(t, starts, int(workers))
				require.Zero(t, starts[0])
				for i, start := range starts {
					next := n
					if i+1 < len(starts) {
						next = starts[i+1]
					}
					require.Zero(t, start%16)
					require.GreaterOrEqual(t, next-start, int64(1<<12), "%d values, %d workers, part %d", n, workers, i)
				}
			}
		}
	}
}

// Tasks from many goroutines are all run, and no worker stays.
func TestWarmWorkersRunEveryTaskAndEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	var run atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				all.Add(1)
				fill.RunWarm(func() { run.Add(1); all.Done() })
			}
		})
	}
	all.Wait()
	require.Equal(t, int64(1600), run.Load())
	for begin := time.Now(); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		require.Less(t, time.Since(begin), time.Minute, "%d goroutines are left, %d were there", runtime.NumGoroutine(), before)
	}
}

// Time stands still in a bubble while a goroutine works, and the bubble ends
// with its last goroutine.
func TestASliceInABubbleEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dst, want := make([]float32, 1<<17), make([]float32, 1<<17)
		fill.Slice(rng.New(1), one(dist.Normal{Std: 1}), dst, 2)
		rng.Fill(rng.New(1), one(dist.Normal{Std: 1}), want)
		require.True(t, equal(want, dst))
	})
}
