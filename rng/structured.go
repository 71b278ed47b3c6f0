package rng

import (
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng/internal/kernel"
)

// Apply does one step after the draw to dst, which holds the elements from
// first on of a tensor whose rows along dimension 0 have rowSize elements
// each. The order of steps counts: rows that are set to +0 before a
// multiplication by a negative number come out as -0.
//
// A multiplication or division rounds its number to T first and each result
// once. A division is one, not a multiplication by the inverse. A step of a
// kind this package does not know gives NaN.
func Apply[T float32 | float64](dst []T, first, rowSize int64, step dist.Post) {
	switch step := step.(type) {
	case dist.Multiply:
		multiply(dst, step.By)
	case dist.Divide:
		divide(dst, step.By)
	case dist.ZeroRows:
		for _, r := range step.Ranges {
			low := min(max(r.First*rowSize-first, 0), int64(len(dst)))
			high := min(max((r.First+r.Count)*rowSize-first, low), int64(len(dst)))
			clear(dst[low:high])
		}
	default:
		fillWith(dst, T(math.NaN()))
	}
}

func divide[T float32 | float64](dst []T, by float64) {
	switch dst := any(dst).(type) {
	case []float32:
		kernel.DivideF32(dst, float32(by))
	case []float64:
		kernel.DivideF64(dst, by)
	}
}

func add[T float32 | float64](dst []T, number float64) {
	switch dst := any(dst).(type) {
	case []float32:
		kernel.AddF32(dst, float32(number))
	case []float64:
		kernel.AddF64(dst, number)
	}
}

// Eye sets dst to the elements from first on of a matrix of cols columns with
// ones on the main diagonal and zeros elsewhere.
func Eye[T float32 | float64](dst []T, first, cols int64) {
	clear(dst)
	if cols <= 0 {
		return
	}
	// The ones are at i*(cols+1) for i < cols.
	i := (first + cols) / (cols + 1)
	for ; i < cols; i++ {
		at := i*(cols+1) - first
		if at >= int64(len(dst)) {
			return
		}
		dst[at] = 1
	}
}

// Dirac sets dst to the elements from first on of a convolution kernel of the
// given shape [out, in, sizes...] that keeps its input: in each of the groups
// of output channels, channel k is 1 at input k and at index size/2 of every
// further dimension, as far as there are inputs; all else is 0. groups must
// divide shape[0].
func Dirac[T float32 | float64](dst []T, first int64, shape []int64, groups int64) {
	clear(dst)
	if len(shape) < 2 || groups < 1 || len(dst) == 0 {
		return
	}
	taps, centre := int64(1), int64(0)
	for _, size := range shape[2:] {
		centre = centre*size + size/2
		taps *= size
	}
	perGroup, in := shape[0]/groups, shape[1]
	row := in * taps
	if row <= 0 || perGroup <= 0 {
		return
	}
	last := first + int64(len(dst)) - 1
	for out := first / row; out <= last/row; out++ {
		k := out % perGroup
		if k >= in {
			continue
		}
		if at := out*row + k*taps + centre; at >= first && at <= last {
			dst[at-first] = 1
		}
	}
}
