//go:build !purego

package kernel

import "github.com/weightinit/weightinit/rng/internal/isa"

// The functions of this file hand the part of the work that consists of whole
// pairs of vectors to assembly, and the rest to the generic code, as those for
// amd64 do.

// pair is the number of float32 in two vectors.
const pair = 8

func neon() bool { return isa.Active() == isa.NEON }

// stepTime is about how many nanoseconds a word of a refresh takes. For NEON it
// is an estimate, not a measurement: twice what AVX2 takes, as vectors are half
// as long. It only decides from how far on a jump is tried.
func stepTime() float64 {
	if neon() {
		return 0.25
	}
	return 1.4
}

func (e *Engine) refresh(blocks int) {
	if blocks <= 0 {
		return
	}
	if neon() {
		refreshNEON(&e.words, blocks)
		return
	}
	for range blocks {
		refreshGeneric(e.Words())
	}
}

// outputs draws whole blocks of the engine.
func (e *Engine) outputs(dst []uint32, blocks int) {
	dst = dst[:blocks*N]
	if neon() {
		outputsNEON(&dst[0], &e.words, blocks)
		return
	}
	for i := range blocks {
		refreshGeneric(e.Words())
		temperGeneric(dst[i*N:], e.words[:N])
	}
}

func temper(dst, src []uint32) {
	n := min(len(dst), len(src))
	at := 0
	if k := n &^ (pair - 1); neon() && k > 0 {
		temperNEON(&dst[0], &src[0], k)
		at = k
	}
	temperGeneric(dst[at:n], src[at:n])
}

func fastUniform(low, high float32) (u uniformPlan, ok bool) {
	if !neon() {
		return uniformPlan{}, false
	}
	return planUniform(low, high)
}

// uniformBlocks draws whole blocks of the engine.
func (e *Engine) uniformBlocks(dst []float32, blocks int, u uniformPlan) {
	first := &dst[:blocks*N][0]
	if u.folds {
		uniform32FoldBlocksNEON(first, &e.words, blocks, u.step, u.low, u.high)
	} else {
		uniform32BlocksNEON(first, &e.words, blocks, u.step, u.low, u.high)
	}
}

// uniformFrom makes values of words of the state; src is as long as dst.
func uniformFrom(dst []float32, src []uint32, u uniformPlan) {
	at := len(dst) &^ (pair - 1)
	switch {
	case at == 0:
	case u.folds:
		uniform32FoldNEON(&dst[0], &src[0], at, u.step, u.low, u.high)
	default:
		uniform32NEON(&dst[0], &src[0], at, u.step, u.low, u.high)
	}
	var words [pair]uint32
	k := copy(words[:], src[at:])
	temperGeneric(words[:k], words[:k])
	uniformF32Generic(dst[at:], words[:k], u.low, u.high)
}

func normalF32(dst []float32, words []uint32, mean, std float32) {
	blocks := min(len(dst), len(words)) / Block
	if !neon() || blocks == 0 || !plainNormal(mean, std) {
		normalF32Generic(dst, words, mean, std)
		return
	}
	normal32NEON(&dst[0], &words[0], blocks, mean, std)
}

func multiplyF32(dst []float32, by float32) {
	at := 0
	if k := len(dst) &^ (pair - 1); neon() && k > 0 {
		multiply32NEON(&dst[0], k, by)
		at = k
	}
	multiplyGeneric(dst[at:], by)
}

func bf16Slice(dst []byte, src []float32) {
	n := min(len(src), len(dst)/2)
	at := 0
	if k := n &^ (pair - 1); neon() && k > 0 {
		bf16NEON(&dst[0], &src[0], k)
		at = k
	}
	bf16Generic(dst[2*at:2*n], src[at:n])
}

func f16Slice(dst []byte, src []float32) {
	n := min(len(src), len(dst)/2)
	at := 0
	if k := n &^ (pair - 1); neon() && k > 0 {
		f16NEON(&dst[0], &src[0], k)
		at = k
	}
	f16Generic(dst[2*at:2*n], src[at:n])
}

func insideF32([]float32, float32, float32) int { return 0 }
