package fill_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/plan"
)

func TestSegmentsGrowWithTheRootOfThePlan(t *testing.T) {
	for values, want := range map[int64]int64{
		0: 1 << 18, 1: 1 << 18, 1 << 19: 1 << 18, 1 << 21: 1 << 19, 163_037_184: 4_622_720, 1 << 31: 1 << 24, 1 << 60: 1 << 24,
	} {
		got := fill.SegmentWords(values)
		require.Equal(t, want, got, values)
		require.Zero(t, got%dist.Block, values)
	}
}

// layers is a plan of a model's sizes: matrices of which several make a
// segment, some that make several, and biases.
func layers(tb testing.TB, count int) *plan.Plan {
	var sizes []int64
	var d dists
	add := func(n int64, draw dist.Draw) {
		sizes = append(sizes, n)
		d = append(d, dist.Dist{Draw: draw})
	}
	add(50257*1024, dist.Normal{Std: 0.02})
	for range count {
		for range 4 {
			add(1024*1024, dist.Normal{Std: 0.02})
			add(1024, dist.Constant{})
		}
		add(4096*1024, dist.Normal{Std: 0.01})
		add(4096*1024, dist.Uniform{High: 1})
		add(7, dist.Normal{Std: 1})
	}
	return build(tb, dtype.F32, sizes, d)
}

func TestTheLeaderWalksAModelInFewSegments(t *testing.T) {
	p := layers(t, 24)
	segments, err := fill.Walk(t.Context(), p)
	require.NoError(t, err)
	require.Less(t, int64(segments), 2*p.Elements()/fill.SegmentWords(p.Elements())+2)
}

// BenchmarkLeader is the part of a run that one goroutine does alone: no number
// of cores draws faster than it walks.
func BenchmarkLeader(b *testing.B) {
	p := layers(b, 24)
	for b.Loop() {
		_, err := fill.Walk(b.Context(), p)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(p.Elements()), "ns/value")
}

// nowhere is a sink that takes everything.
type nowhere struct{}

func (nowhere) WriteValues(int, int64, []byte) error { return nil }

// BenchmarkRun draws a model's sizes, and writes nothing.
func BenchmarkRun(b *testing.B) {
	p := layers(b, 8)
	for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, fill.Run(b.Context(), p, nowhere{}, fill.Options{Workers: workers}))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(p.Elements()), "ns/value")
		})
	}
}

// BenchmarkGoroutineStart is how long a goroutine takes to start on a core that
// was idle for a while, which a slice drawn on several cores has to wait for.
func BenchmarkGoroutineStart(b *testing.B) {
	const idle = 500 * time.Microsecond
	var late time.Duration
	for b.Loop() {
		for begin := time.Now(); time.Since(begin) < idle; { // one core works, the others fall asleep
		}
		started := make(chan time.Duration, 1)
		begin := time.Now()
		go func() { started <- time.Since(begin) }()
		for len(started) == 0 && time.Since(begin) < idle {
		}
		late += <-started
	}
	b.ReportMetric(float64(late.Microseconds())/float64(b.N), "us/start")
}
