package engine

import (
	"context"
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/parity/battery"
)

// typeOf returns the battery's type of a stored one; false for types whose
// values are compared by their bits.
func typeOf(dtype string) (battery.Type, bool) {
	switch dtype {
	case "F32":
		return battery.F32, true
	case "F64":
		return battery.F64, true
	case "BF16":
		return battery.BF16, true
	case "F16":
		return battery.F16, true
	}
	return 0, false
}

// shelf keeps lists of values for the jobs to come: the largest jobs run first,
// so that the lists of the first ones are large enough for all others. Left to
// the garbage collector, they would lie about while the next ones are made.
type shelf[T battery.Float] struct {
	mu   sync.Mutex
	free [][]T
}

// shelfOf returns the run's shelf for that type.
func shelfOf[T battery.Float](r *statsRun) *shelf[T] {
	if s, ok := any(&r.singles).(*shelf[T]); ok {
		return s
	}
	return any(&r.doubles).(*shelf[T])
}

// take returns a list of n values of any kind. Free lists that are much too
// large are dropped: jobs become smaller, and more of them run at once.
func (s *shelf[T]) take(n int64) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	dropped := int64(0)
	s.free = slices.DeleteFunc(s.free, func(l []T) bool {
		drop := int64(cap(l)) > 4*max(n, chunkBytes)
		if drop {
			dropped += int64(cap(l))
		}
		return drop
	})
	if dropped > 8*chunkBytes {
		runtime.GC() // or they are collected only when as much again is in use
	}
	best := -1
	for i, l := range s.free {
		if int64(cap(l)) >= n && (best < 0 || cap(l) < cap(s.free[best])) {
			best = i
		}
	}
	if best < 0 {
		return make([]T, n)
	}
	l := s.free[best]
	s.free = slices.Delete(s.free, best, best+1)
	return l[:n]
}

// give puts a list back that nobody looks at any more.
func (s *shelf[T]) give(l []T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, l)
}

// read fills out with the values of t from the element first on. T holds all
// values of the stored type.
func read[T battery.Float](ctx context.Context, out []T, t checkpoint.Tensor, first int64) error {
	width, count := widthOf(t.DType), int64(len(out))
	raw := make([]byte, min(chunkBytes, count*width))
	var wide []float64
	for done := int64(0); done < count; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(int64(len(raw))/width, count-done)
		piece := raw[:n*width]
		if err := t.ReadAt(piece, (first+done)*width); err != nil {
			return err
		}
		into := out[done : done+n]
		if t.DType == "F32" {
			for i := range into {
				into[i] = T(math.Float32frombits(binary.LittleEndian.Uint32(piece[4*i:])))
			}
		} else {
			if wide == nil {
				wide = make([]float64, n)
			}
			if err := checkpoint.Decode(wide[:n], piece, t.DType); err != nil {
				return err
			}
			for i, v := range wide[:n] {
				into[i] = T(v)
			}
		}
		done += n
	}
	return nil
}

// rounded returns v rounded to the stored type.
func rounded(v float64, t battery.Type) float64 {
	switch t {
	case battery.F64:
		return v
	case battery.BF16:
		return float64(roundBF16(float32(v)))
	case battery.F16:
		return float64(roundF16(float32(v)))
	}
	return float64(float32(v))
}
