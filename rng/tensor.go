package rng

import (
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/rng/internal/kernel"
)

// Fill draws one whole tensor of len(dst) elements, in C order, with T as
// compute type, and does d's post steps to it. The stream then stands where
// torch's generator would.
//
// d.Draw is a [dist.Constant], [dist.Uniform] or [dist.Normal], and d.Post has
// [dist.Multiply] and [dist.Divide] only; anything else panics. The numbers of d
// must have passed [dist.Dist.Check] for T; others do not panic, but what they
// give is not specified.
func Fill[T float32 | float64](s *Stream, d dist.Dist, dst []T) {
	FillIn(s, d, dst, computeType[T]())
}

// FillIn is [Fill] for a tensor of type in, whose compute type is T: in a half
// type the values, and what each post step makes of them, are rounded to it.
func FillIn[T float32 | float64](s *Stream, d dist.Dist, dst []T, in dtype.Type) {
	t := Tensor[T]{stream: s, dist: d, n: int64(len(dst)), in: in}
	t.Next(dst)
}

func computeType[T float32 | float64]() dtype.Type {
	if wordsPer[T]() == 2 {
		return dtype.F64
	}
	return dtype.F32
}

// Tensor draws one tensor in pieces, in memory that does not depend on its
// size. [Begin] makes one.
type Tensor[T float32 | float64] struct {
	stream *Stream
	dist   dist.Dist
	in     dtype.Type
	// n elements are asked for, done are delivered.
	n, done int64
	// block[taken:made] are elements that are made and not yet delivered:
	// normals come in blocks of 16, and a piece may end inside one.
	block       [kernel.Block]T
	taken, made int
}

// Begin starts a tensor of n elements (none if n < 0) at the place where s
// stands. The values come by [Tensor.Next], and are those of [Fill] whatever
// the sizes of the pieces.
//
// Until the last element is delivered the tensor owns the stream: anything
// else drawn from it would take the tensor's words. A tensor that is given up
// half-way leaves the stream after the words made so far, which may be up to
// one block of 16 values more than were delivered; a position to return to has
// to be kept beforehand, by [Stream.Clone] or [Stream.State].
func Begin[T float32 | float64](s *Stream, d dist.Dist, n int64) *Tensor[T] {
	return BeginIn[T](s, d, n, computeType[T]())
}

// BeginIn is [Begin] for a tensor of type in, whose compute type is T. A
// tensor of a half type is what torch draws in that type itself, which is not
// what rounding a float32 tensor gives: the end of a normal draw takes other
// words, and a uniform never rounds to its high end.
func BeginIn[T float32 | float64](s *Stream, d dist.Dist, n int64, in dtype.Type) *Tensor[T] {
	return &Tensor[T]{stream: s, dist: d, n: max(n, 0), in: in}
}

// Next fills dst with the next elements and returns how many: len(dst), or
// less at the end of the tensor. Elements of dst beyond that keep their
// values. With the last element of the tensor the stream stands where torch's
// generator would, to the word and to the cached normal.
func (t *Tensor[T]) Next(dst []T) int {
	dst = dst[:min(int64(len(dst)), t.n-t.done)]
	piece := len(dst)
	if len(t.dist.Post) > 0 {
		piece = postPiece
	}
	for rest := dst; len(rest) > 0; {
		k := min(len(rest), piece)
		t.draw(rest[:k])
		finish(rest[:k], t.dist.Draw, t.in)
		t.post(rest[:k])
		t.done += int64(k)
		rest = rest[k:]
	}
	return len(dst)
}

// postPiece is the number of elements that are drawn before the post steps go
// over them: a multiple of 16 and of the engine's 624 words, small enough for
// the values to be still in the second-level cache.
const postPiece = 16 * kernel.N

func (t *Tensor[T]) draw(dst []T) {
	switch d := t.dist.Draw.(type) {
	case dist.Constant:
		fillWith(dst, T(d.Value))
	case dist.Uniform:
		drawUniform(t.stream, dst, d)
	case dist.Normal:
		if t.n < kernel.Block {
			smallNormals(t.stream, dst, d)
		} else {
			t.normal(dst, d)
		}
	default:
		panic(fmt.Sprintf("rng: %T is not drawn by Fill", t.dist.Draw))
	}
}

func (t *Tensor[T]) post(dst []T) {
	for _, p := range t.dist.Post {
		scale(dst, p)
		Round(dst, t.in)
	}
}

// scale does a step that needs no place in a tensor.
func scale[T float32 | float64](dst []T, step dist.Post) {
	switch step := step.(type) {
	case dist.Multiply:
		multiply(dst, step.By)
	case dist.Divide:
		divide(dst, step.By)
	default:
		panic(fmt.Sprintf("rng: the step %T needs a whole tensor: see Apply", step))
	}
}

// normal delivers a tensor of at least one block: what is left of the last
// block, then whole blocks straight into dst, then the start of another.
func (t *Tensor[T]) normal(dst []T, n dist.Normal) {
	// If n is no multiple of 16, torch makes the last 16 elements anew after
	// all others; so the last block before them keeps only its first ragged
	// elements. In a half type it draws no words for what it overwrites.
	ragged := t.n % kernel.Block
	whole := t.n
	if ragged > 0 {
		whole -= kernel.Block + ragged
	}
	for at := t.done; len(dst) > 0; {
		k := copy(dst, t.block[t.taken:t.made])
		switch room := min(int64(len(dst)), whole-at) &^ (kernel.Block - 1); {
		case k > 0:
			t.taken += k
		case room > 0:
			k = int(room)
			drawNormal(t.stream, dst[:k], n)
		default:
			drawNormal(t.stream, t.block[:], n)
			t.taken, t.made = 0, kernel.Block
			if ragged > 0 && at == whole {
				// torch draws the ragged elements, and overwrites them.
				t.made = int(ragged)
				if !t.in.Half() {
					t.stream.Advance(ragged * int64(wordsPer[T]()))
				}
			}
		}
		dst = dst[k:]
		at += int64(k)
	}
}

// smallNormals draws the elements of a tensor of fewer than 16, each by
// itself: float64 throughout, whatever the compute type, so that the cached
// normal passes from one type to the other. The cached normal comes first, then
// new pairs.
func smallNormals[T float32 | float64](s *Stream, dst []T, n dist.Normal) {
	place := func(v float64) T { return T(kernel.Scale(v, n.Mean, n.Std)) }
	if s.cache.full && len(dst) > 0 {
		dst[0] = place(math.Float64frombits(s.cache.bits))
		s.cache = cache{}
		dst = dst[1:]
	}
	const perPair = 4
	var words [perPair * kernel.Block / 2]uint32
	rest := words[:perPair*((len(dst)+1)/2)]
	s.read(rest)
	for ; len(rest) > 0; rest = rest[perPair:] {
		first, second := kernel.NormalPair((*[perPair]uint32)(rest))
		dst[0] = place(first)
		if len(dst) == 1 {
			s.cache = cache{full: true, bits: math.Float64bits(second), at: s.drawn - perPair}
			return
		}
		dst[1] = place(second)
		dst = dst[2:]
	}
}
