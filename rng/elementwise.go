package rng

import (
	"math"

	"github.com/weightinit/weightinit/dist"
)

// Function returns the function of that name, one of [dist.Functions], in
// float64. Rounded to float32 its results are correctly rounded, which torch's
// are not. An unknown name gives nil.
func Function(name string) func(float64) float64 {
	return map[string]func(float64) float64{
		"negate": func(v float64) float64 { return -v }, "abs": math.Abs, "sqrt": math.Sqrt,
		"log": math.Log, "log1p": math.Log1p, "exp": math.Exp, "expm1": math.Expm1, "erfinv": math.Erfinv,
	}[name]
}

// Clamped is v within [low, high]; NaN stays NaN.
func Clamped[T float32 | float64](v, low, high T) T {
	if v < low {
		v = low
	}
	if v > high {
		v = high
	}
	return v
}

func apply[T float32 | float64](dst []T, step dist.Apply) {
	f := Function(step.Do)
	for i, v := range dst {
		dst[i] = T(f(float64(v)))
	}
}

func clamp[T float32 | float64](dst []T, to dist.Bounds) {
	low, high := math.Inf(-1), math.Inf(1)
	if to.Low != nil {
		low = *to.Low
	}
	if to.High != nil {
		high = *to.High
	}
	for i, v := range dst {
		dst[i] = Clamped(v, T(low), T(high))
	}
}
