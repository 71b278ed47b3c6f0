//go:build !purego

package kernel

import "github.com/weightinit/weightinit/rng/internal/isa"

// The functions of this file hand the part of the work that consists of whole
// vectors to assembly, and the rest to the generic code. They call it directly,
// not through function values, so that what is on the caller's stack stays
// there.

// Lanes of a vector of float32.
const (
	lanes256 = 8
	lanes512 = 16
)

// stepTime is about how many nanoseconds a word of a refresh takes.
func stepTime() float64 {
	switch isa.Active() {
	case isa.AVX512:
		return 0.08
	case isa.AVX2:
		return 0.12
	}
	return 1.4
}

func (e *Engine) refresh(blocks int) {
	if blocks <= 0 {
		return
	}
	switch isa.Active() {
	case isa.AVX512:
		refreshAVX512(&e.words, blocks)
	case isa.AVX2:
		refreshAVX2(&e.words, blocks)
	default:
		for range blocks {
			refreshGeneric(e.Words())
		}
	}
}

// outputs draws whole blocks of the engine.
func (e *Engine) outputs(dst []uint32, blocks int) {
	dst = dst[:blocks*N]
	switch isa.Active() {
	case isa.AVX512:
		outputsAVX512(&dst[0], &e.words, blocks)
	case isa.AVX2:
		outputsAVX2(&dst[0], &e.words, blocks)
	default:
		for i := range blocks {
			refreshGeneric(e.Words())
			temperGeneric(dst[i*N:], e.words[:N])
		}
	}
}

func temper(dst, src []uint32) {
	n := min(len(dst), len(src))
	at, set := 0, isa.Active()
	if k := n &^ (lanes512 - 1); set == isa.AVX512 && k > 0 {
		temperAVX512(&dst[0], &src[0], k)
		at = k
	}
	if k := (n - at) &^ (lanes256 - 1); set >= isa.AVX2 && k > 0 {
		temperAVX2(&dst[at], &src[at], k)
		at += k
	}
	temperGeneric(dst[at:n], src[at:n])
}

func fastUniform(low, high float32) (u uniformPlan, ok bool) {
	if isa.Active() == isa.Generic {
		return uniformPlan{}, false
	}
	return planUniform(low, high)
}

// uniformBlocks draws whole blocks of the engine.
func (e *Engine) uniformBlocks(dst []float32, blocks int, u uniformPlan) {
	first := &dst[:blocks*N][0]
	switch wide := isa.Active() == isa.AVX512; {
	case wide && u.folds:
		uniform32FoldBlocksAVX512(first, &e.words, blocks, u.step, u.low, u.high)
	case wide:
		uniform32BlocksAVX512(first, &e.words, blocks, u.step, u.low, u.high)
	case u.folds:
		uniform32FoldBlocksAVX2(first, &e.words, blocks, u.step, u.low, u.high)
	default:
		uniform32BlocksAVX2(first, &e.words, blocks, u.step, u.low, u.high)
	}
}

// uniformFrom makes values of words of the state; src is as long as dst.
func uniformFrom(dst []float32, src []uint32, u uniformPlan) {
	at := 0
	if k := len(dst) &^ (lanes512 - 1); isa.Active() == isa.AVX512 && k > 0 {
		if u.folds {
			uniform32FoldAVX512(&dst[0], &src[0], k, u.step, u.low, u.high)
		} else {
			uniform32AVX512(&dst[0], &src[0], k, u.step, u.low, u.high)
		}
		at = k
	}
	if k := (len(dst) - at) &^ (lanes256 - 1); k > 0 {
		if u.folds {
			uniform32FoldAVX2(&dst[at], &src[at], k, u.step, u.low, u.high)
		} else {
			uniform32AVX2(&dst[at], &src[at], k, u.step, u.low, u.high)
		}
		at += k
	}
	var words [lanes256]uint32
	k := copy(words[:], src[at:])
	temperGeneric(words[:k], words[:k])
	uniformF32Generic(dst[at:], words[:k], u.low, u.high)
}

func normalF32(dst []float32, words []uint32, mean, std float32) {
	set := isa.Active()
	blocks := min(len(dst), len(words)) / Block
	if set == isa.Generic || blocks == 0 || !plainNormal(mean, std) {
		normalF32Generic(dst, words, mean, std)
		return
	}
	for at := 0; at < blocks; {
		k := min(blocks-at, scratch/Block)
		if pairs := k &^ 1; set == isa.AVX512 && pairs > 0 {
			k = pairs
			normal32AVX512(&dst[at*Block], &words[at*Block], k, mean, std)
		} else {
			normal32AVX2(&dst[at*Block], &words[at*Block], k, mean, std)
		}
		at += k
	}
}

func multiplyF32(dst []float32, by float32) {
	at, set := 0, isa.Active()
	if k := len(dst) &^ (lanes512 - 1); set == isa.AVX512 && k > 0 {
		multiply32AVX512(&dst[0], k, by)
		at = k
	}
	if k := (len(dst) - at) &^ (lanes256 - 1); set >= isa.AVX2 && k > 0 {
		multiply32AVX2(&dst[at], k, by)
		at += k
	}
	multiplyGeneric(dst[at:], by)
}

func bf16Slice(dst []byte, src []float32) {
	n := min(len(src), len(dst)/2)
	at, set := 0, isa.Active()
	if k := n &^ (lanes512 - 1); set == isa.AVX512 && k > 0 {
		bf16AVX512(&dst[0], &src[0], k)
		at = k
	}
	if k := (n - at) &^ (lanes256 - 1); set >= isa.AVX2 && k > 0 {
		bf16AVX2(&dst[2*at], &src[at], k)
		at += k
	}
	bf16Generic(dst[2*at:2*n], src[at:n])
}

func f16Slice(dst []byte, src []float32) {
	n := min(len(src), len(dst)/2)
	at, set := 0, isa.Active()
	if k := n &^ (lanes512 - 1); set == isa.AVX512 && k > 0 {
		f16AVX512(&dst[0], &src[0], k)
		at = k
	}
	if k := (n - at) &^ (lanes256 - 1); set >= isa.AVX2 && k > 0 {
		f16AVX2(&dst[2*at], &src[at], k)
		at += k
	}
	f16Generic(dst[2*at:2*n], src[at:n])
}

func insideF32(src []float32, low, high float32) int {
	const pair = 2 * lanes256
	if k := len(src) &^ (pair - 1); isa.Active() >= isa.AVX2 && k > 0 {
		return inside32AVX2(&src[0], k, low, high)
	}
	return 0
}
