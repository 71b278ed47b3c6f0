package rng

import (
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng/internal/kernel"
)

// Stream is one generator with its state: what torch.Generator is for the
// CPU. Make it with [New] or [FromState]; the zero value is not a generator.
//
// A Stream must not be used by two goroutines at once. Clones are independent.
type Stream struct {
	engine kernel.Engine
	drawn  int64
	cache  cache
}

// cache is the generator's one cached normal, unscaled. All fields are zero
// when there is none, so that equal states are equal Go values.
type cache struct {
	full bool
	bits uint64 // of the float64
	at   int64  // the word at which its four words begin
}

// New returns the stream that torch.manual_seed(seed) starts. Only the low 32
// bits count. A negative seed of Python is its two's complement.
func New(seed uint64) *Stream {
	s := new(Stream)
	s.engine.Seed(uint32(seed))
	return s
}

// Clone returns an independent stream at the same position.
func (s *Stream) Clone() *Stream {
	c := *s
	return &c
}

// Position returns where the stream stands. After any sequence of whole
// tensors it is what [dist.Position.After] and [dist.CostOf] predict.
func (s *Stream) Position() dist.Position {
	return dist.Position{Words: s.drawn, Cached: s.cache.full, CachedAt: s.cache.at}
}

// Advance draws words and throws them away. It leaves the cached normal alone,
// so it does not stand for a draw of fewer than 16 normals. Nothing happens
// for words <= 0. Far distances cost no more than near ones: it jumps where
// that is faster than stepping, in less than a millisecond.
func (s *Stream) Advance(words int64) {
	if words <= 0 {
		return
	}
	s.drawn += words
	s.engine.Skip(words)
}

// read draws the next len(dst) words into dst.
func (s *Stream) read(dst []uint32) {
	s.drawn += int64(len(dst))
	s.engine.Read(dst)
}

// MoveTo moves s ahead to p, a place of the same generator that is not before
// the one where s stands. Words in between cost as little as for
// [Stream.Advance]; a cached normal is made again from its four words.
func (s *Stream) MoveTo(p dist.Position) {
	switch {
	case !p.Cached:
		s.cache = cache{}
	case !s.cache.full || s.cache.at != p.CachedAt:
		s.cache = cache{}
		s.Advance(p.CachedAt - s.drawn)
		var first [1]float64 // of the pair whose second is kept
		smallNormals(s, first[:], dist.Normal{Std: 1})
	}
	s.Advance(p.Words - s.drawn)
}
