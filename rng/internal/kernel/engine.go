package kernel

import "github.com/weightinit/weightinit/rng/internal/jump"

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

// scratch is the number of words that a fill of normals holds: two blocks of
// the engine, which are whole blocks of the transform, and stay in the
// first-level cache.
const scratch = 2 * N

// NormalF32 draws blocks of 16 normals, 16 words each; len(dst) is a multiple
// of 16.
func (e *Engine) NormalF32(dst []float32, mean, std float32) {
	if len(dst) == Block { // does not clear the large array
		var words [Block]uint32
		e.Read(words[:])
		NormalF32(dst, words[:], mean, std)
		return
	}
	var words [scratch]uint32
	for len(dst) > 0 {
		k := min(len(dst), scratch)
		e.Read(words[:k])
		NormalF32(dst[:k], words[:k], mean, std)
		dst = dst[k:]
	}
}

// NormalF64 is NormalF32 in float64: 32 words a block.
func (e *Engine) NormalF64(dst []float64, mean, std float64) {
	const most = scratch / 2 &^ (Block - 1)
	var words [2 * most]uint32
	for len(dst) > 0 {
		k := min(len(dst), most)
		e.Read(words[:2*k])
		NormalF64(dst[:k], words[:2*k], mean, std)
		dst = dst[k:]
	}
}
