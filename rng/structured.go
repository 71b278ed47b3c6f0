package rng

import (
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng/internal/kernel"
)

// Apply does one step after the draw to dst, which holds the elements from
// first on of a tensor of the given shape. The order of steps counts: rows that
// are set to +0 before a multiplication by a negative number come out as -0.
//
// A multiplication or division rounds its number to T first and each result
// once. A division is one, not a multiplication by the inverse. The lengths of
// [dist.L2Normalize] are sums in float64 in C order, rounded to T once; it takes
// the whole tensor. A step of a kind this package does not know, and a part of a
// tensor to normalise, panics.
func Apply[T float32 | float64](dst []T, first int64, shape []int64, step dist.Post) {
	switch step := step.(type) {
	case dist.ZeroRows:
		rowSize := dist.RowSize(shape)
		for _, r := range step.Ranges {
			low := min(max(r.First*rowSize-first, 0), int64(len(dst)))
			high := min(max((r.First+r.Count)*rowSize-first, low), int64(len(dst)))
			clear(dst[low:high])
		}
	case dist.L2Normalize:
		if first != 0 || int64(len(dst)) != dist.Elements(shape) || step.Dim < 0 || step.Dim >= int64(len(shape)) {
			panic(fmt.Sprintf("rng: %d elements from %d on of shape %v cannot be normalised along dimension %d", len(dst), first, shape, step.Dim))
		}
		normalise(dst, dist.Elements(shape[step.Dim:][1:]), shape[step.Dim])
	case dist.Add:
		add(dst, step.By)
	case dist.Apply:
		apply(dst, step)
	case dist.Clamp:
		clamp(dst, step.To)
	case dist.Cast:
		Round(dst, step.To)
	default:
		scale(dst, step)
	}
}

// normalise divides the vectors of dst by their length: each has size elements,
// which are stride apart.
func normalise[T float32 | float64](dst []T, stride, size int64) {
	squares := make([]float64, stride)
	lengths := make([]T, stride)
	for len(dst) > 0 {
		block := dst[:stride*size]
		dst = dst[stride*size:]
		clear(squares)
		for i, v := range block {
			squares[int64(i)%stride] += float64(float64(v) * float64(v))
		}
		for i, sum := range squares {
			if lengths[i] = T(math.Sqrt(sum)); lengths[i] == 0 {
				lengths[i] = 1
			}
		}
		for i := range block {
			block[i] /= lengths[int64(i)%stride]
		}
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

// Pattern sets dst to the elements from first on of a tensor of the given shape,
// rounded once to T.
func Pattern[T float32 | float64](dst []T, p dist.Pattern, first int64, shape []int64) {
	if wide, ok := any(dst).([]float64); ok {
		p.Values(wide, first, shape)
		return
	}
	const piece = 1 << 12
	wide := make([]float64, min(len(dst), piece))
	for len(dst) > 0 {
		some := wide[:min(len(dst), piece)]
		p.Values(some, first, shape)
		for i, v := range some {
			dst[i] = T(v)
		}
		first += int64(len(some))
		dst = dst[len(some):]
	}
}
