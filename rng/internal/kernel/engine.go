package kernel

import (
	"unsafe"

	"github.com/weightinit/weightinit/rng/internal/jump"
)

// padding is room behind the state's words in which a faster form keeps a copy
// of the first of them.
const padding = 16

// Engine is MT19937: a block of words and how far it is used up. The zero
// value is not an engine; [Engine.Seed] makes one.
type Engine struct {
	words [N + padding]uint32
	next  int // index of the first word not drawn yet; N: a refresh comes first
}

// Seed makes e a new generator's.
func (e *Engine) Seed(seed uint32) {
	seedGeneric((*[N]uint32)(e.words[:]), seed)
	e.next = N
}

// Words returns the words of the block that e stands in. They may be set, for
// another position of the stream.
func (e *Engine) Words() *[N]uint32 { return (*[N]uint32)(e.words[:]) }

// Next returns the index in [Engine.Words] of the word to be drawn next, N if
// the block is used up.
func (e *Engine) Next() int { return e.next }

// SetNext makes the word at the index (0 to N) the next one.
func (e *Engine) SetNext(index int) { e.next = index }

// Skip draws n words and throws them away: it steps or, far enough, jumps.
func (e *Engine) Skip(n int64) {
	if n <= 0 {
		return
	}
	blocks, next := jump.Split(e.next, n)
	if jump.Pays(blocks, stepTime()) {
		jump.Blocks(e.Words(), blocks)
		blocks = 0
	}
	const most = 1 << 30 // fits an int everywhere
	for ; blocks > most; blocks -= most {
		e.refresh(most)
	}
	e.refresh(int(blocks))
	e.next = next
}

// Read draws the next len(dst) words.
func (e *Engine) Read(dst []uint32) {
	for len(dst) > 0 {
		if e.next == N {
			if blocks := len(dst) / N; blocks > 0 {
				e.outputs(dst, blocks)
				dst = dst[blocks*N:]
				continue
			}
			e.refresh(1)
			e.next = 0
		}
		k := min(len(dst), N-e.next)
		Temper(dst[:k], e.words[e.next:e.next+k])
		e.next += k
		dst = dst[k:]
	}
}

// UniformF32 draws a word for each element of dst and makes it a value in
// [low, high).
func (e *Engine) UniformF32(dst []float32, low, high float32) {
	u, fast := fastUniform(low, high)
	if !fast {
		e.uniformGeneric(dst, low, high)
		return
	}
	for len(dst) > 0 {
		if e.next == N {
			if blocks := len(dst) / N; blocks > 0 {
				e.uniformBlocks(dst, blocks, u)
				dst = dst[blocks*N:]
				continue
			}
			e.refresh(1)
			e.next = 0
		}
		k := min(len(dst), N-e.next)
		uniformFrom(dst[:k], e.words[e.next:e.next+k], u)
		e.next += k
		dst = dst[k:]
	}
}

func (e *Engine) uniformGeneric(dst []float32, low, high float32) {
	var words [N]uint32
	for len(dst) > 0 {
		k := min(len(dst), N)
		e.Read(words[:k])
		uniformF32Generic(dst[:k], words[:k], low, high)
		dst = dst[k:]
	}
}

// UniformF64 is UniformF32 in float64: two words a value.
func (e *Engine) UniformF64(dst []float64, low, high float64) {
	var words [N]uint32
	for len(dst) > 0 {
		k := min(len(dst), N/2)
		e.Read(words[:2*k])
		UniformF64(dst[:k], words[:2*k], low, high)
		dst = dst[k:]
	}
}

// scratch is the number of words that a fill of normals holds: four blocks of
// the engine, which are whole blocks of the transform, four at a time, and stay
// in the first-level cache together with the normals.
const scratch = 4 * N

// NormalF32 draws blocks of 16 normals, 16 words each; len(dst) is a multiple
// of 16.
func (e *Engine) NormalF32(dst []float32, mean, std float32) {
	const few = 16 * Block
	switch {
	case len(dst) == Block: // do not clear a large array
		var words [Block]uint32
		e.normalF32(dst, words[:], mean, std)
	case len(dst) <= few:
		var words [few]uint32
		e.normalF32(dst, words[:], mean, std)
	default:
		var words [scratch + line]uint32
		e.normalF32(dst, aligned(words[:]), mean, std)
	}
}

// normalF32 draws as many words at once as there is room for in words.
func (e *Engine) normalF32(dst []float32, words []uint32, mean, std float32) {
	for len(dst) > 0 {
		k := min(len(dst), len(words))
		e.Read(words[:k])
		NormalF32(dst[:k], words[:k], mean, std)
		dst = dst[k:]
	}
}

// line is the number of words of a cache line.
const line = 16

// aligned returns all of words but a line, from the beginning of a cache line
// on: a vector that lies on two lines is written in twice the time. The stack
// knows no such thing.
func aligned(words []uint32) []uint32 {
	past := int(uintptr(unsafe.Pointer(&words[0])) / 4 % line)
	first := (line - past) % line
	return words[first : first+len(words)-line]
}

// NormalF64 is NormalF32 in float64: 32 words a block.
func (e *Engine) NormalF64(dst []float64, mean, std float64) {
	const most = N
	var words [2 * most]uint32
	for len(dst) > 0 {
		k := min(len(dst), most)
		e.Read(words[:2*k])
		NormalF64(dst[:k], words[:2*k], mean, std)
		dst = dst[k:]
	}
}
