package rng

import (
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng/internal/kernel"
)

// The functions of this file choose the kernel of the compute type, and round
// the numbers of the distribution to it.

// wordsPer returns the words of one uniform of type T.
func wordsPer[T float32 | float64]() int {
	if _, wide := any(T(0)).(float64); wide {
		return 2
	}
	return 1
}

// drawUniform draws all of dst.
func drawUniform[T float32 | float64](s *Stream, dst []T, u dist.Uniform) {
	s.drawn += int64(len(dst) * wordsPer[T]())
	switch dst := any(dst).(type) {
	case []float32:
		s.engine.UniformF32(dst, float32(u.Low), float32(u.High))
	case []float64:
		s.engine.UniformF64(dst, u.Low, u.High)
	}
}

// drawNormal draws all of dst, whole blocks of 16.
func drawNormal[T float32 | float64](s *Stream, dst []T, n dist.Normal) {
	s.drawn += int64(len(dst) * wordsPer[T]())
	switch dst := any(dst).(type) {
	case []float32:
		s.engine.NormalF32(dst, float32(n.Mean), float32(n.Std))
	case []float64:
		s.engine.NormalF64(dst, n.Mean, n.Std)
	}
}

// makeUniform and makeNormal do the same with words drawn before.

func makeUniform[T float32 | float64](dst []T, words []uint32, u dist.Uniform) {
	switch dst := any(dst).(type) {
	case []float32:
		kernel.UniformF32(dst, words, float32(u.Low), float32(u.High))
	case []float64:
		kernel.UniformF64(dst, words, u.Low, u.High)
	}
}

func makeNormal[T float32 | float64](dst []T, words []uint32, n dist.Normal) {
	switch dst := any(dst).(type) {
	case []float32:
		kernel.NormalF32(dst, words, float32(n.Mean), float32(n.Std))
	case []float64:
		kernel.NormalF64(dst, words, n.Mean, n.Std)
	}
}

func multiply[T float32 | float64](dst []T, by float64) {
	switch dst := any(dst).(type) {
	case []float32:
		kernel.MultiplyF32(dst, float32(by))
	case []float64:
		kernel.MultiplyF64(dst, by)
	}
}

func fillWith[T float32 | float64](dst []T, v T) {
	const piece = 1024 // copying what is filled already is faster than storing
	head := dst[:min(len(dst), piece)]
	for i := range head {
		head[i] = v
	}
	for rest := dst[len(head):]; len(rest) > 0; {
		rest = rest[copy(rest, head):]
	}
}
