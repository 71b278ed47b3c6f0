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
// of the generator. The values, and where s stands afterwards, do not depend on workers; 0 means one
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
	// Every cut is at a multiple of 16 values, and the last part holds the
	// tail, so each part draws like a tensor of its own.
	each := (n/int64(workers) + dist.Block - 1) / dist.Block * dist.Block
	var all sync.WaitGroup
	part := func(stream *rng.Stream, first, last int64) {
		stream.Advance(first * perValue)
		rng.Fill(stream, d, dst[first:last])
	}
	for first := int64(0); first < int64(workers-1)*each; first += each {
		stream := s.Clone()
		all.Go(func() { part(stream, first, first+each) })
	}
	part(s, int64(workers-1)*each, n) // which leaves s where it has to stand
	all.Wait()
}

// typeOf is T as a compute type.
func typeOf[T float32 | float64]() dtype.Type {
	if _, wide := any(T(0)).(float64); wide {
		return dtype.F64
	}
	return dtype.F32
}
