package fill

import (
	"runtime"
	"sync"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/rng"
)

// minSlice is the fewest values that are worth a goroutine of their own.
const minSlice = 1 << 16

// Slice fills dst with the next values of s under d, as [rng.Fill] does, on
// several goroutines: each moves ahead to its part, all but the last in a copy
// of the generator. They end some 60 microseconds after their last part. The
// values, and where s stands afterwards, do not depend on workers; 0 means one
// a core. d must be a [dist.Constant], [dist.Uniform] or [dist.Normal] with
// steps after it, as for [rng.Fill].
func Slice[T float32 | float64](s *rng.Stream, d dist.Dist, dst []T, workers int) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	n := int64(len(dst))
	workers = int(min(int64(workers), n/minSlice))
	if workers < 2 {
		rng.Fill(s, d, dst)
		return
	}
	perValue := int64(0)
	switch d.Draw.(type) {
	case dist.Normal, dist.Uniform: // the last part's 16 extra words do not make another
		perValue = dist.CostOf(d.Draw, n, typeOf[T](), s.Position().Cached).Words / n
	}
	part := func(stream *rng.Stream, first, last int64) {
		stream.Advance(first * perValue)
		rng.Fill(stream, d, dst[first:last])
	}
	starts := split(n, int64(workers), perValue > 0)
	last := len(starts) - 1
	done := make([]sync.Mutex, last)
	for i := range last {
		stream := s.Clone()
		done[i].Lock()
		warm.run(func() {
			part(stream, starts[i], starts[i+1])
			done[i].Unlock()
		})
	}
	part(s, starts[last], n) // which leaves s where it has to stand
	for i := range done {
		wait(&done[i])
	}
}

// split returns where the parts of n values for so many workers begin, so that
// all end at about the same time: whoever begins later moves ahead first, if
// values are drawn. Every cut is at a multiple of 16 values, and the last part
// holds the tail, so each part draws like a tensor of its own.
func split(n, workers int64, drawn bool) []int64 {
	starts := make([]int64, workers)
	share := n / workers // what a worker makes that does not move
	for range 16 {
		end := int64(0)
		for i := range starts {
			starts[i] = end
			count := share
			if drawn {
				count -= min(end/passes, jump)
			}
			end += max(count, 0) / dist.Block * dist.Block
		}
		share += (n - end) / workers
	}
	return starts
}

// typeOf is T as a compute type.
func typeOf[T float32 | float64]() dtype.Type {
	if _, wide := any(T(0)).(float64); wide {
		return dtype.F64
	}
	return dtype.F32
}
