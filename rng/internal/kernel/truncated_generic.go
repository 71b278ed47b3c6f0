package kernel

// Log returns the natural logarithm of x, 0 < x <= 1, x not subnormal, as
// glibc computes it. Rounded to float32 it is the correctly rounded float32
// logarithm of all multiples of 2^-24 in that range.
func Log(x float64) float64 { return log64(x) }

// SinCos returns the sine and the cosine of x, 0 <= x <= 2 pi, as glibc
// computes them.
func SinCos(x float64) (sin, cos float64) { return sincos64(x) }

// Outside appends to found the indices of the elements of src that are below
// low or above high, in order. There are fewer than 2^31 elements.
func Outside[T float32 | float64](found []int32, src []T, low, high T) []int32 {
	const together = 16
	narrow, isNarrow := any(src).([]float32)
	for i := 0; i < len(src); {
		if isNarrow {
			i += insideF32(narrow[i:], float32(low), float32(high))
		}
		for end := min(i+together, len(src)); i < end; i++ {
			if v := src[i]; v < low || v > high {
				found = append(found, int32(i))
			}
		}
	}
	return found
}

// DivideF32 divides every element of dst by the number, one rounding each.
func DivideF32(dst []float32, by float32) { divideGeneric(dst, by) }

// DivideF64 is DivideF32 in float64.
func DivideF64(dst []float64, by float64) { divideGeneric(dst, by) }

// AddF32 adds the number to every element of dst, one rounding each.
func AddF32(dst []float32, number float32) { addGeneric(dst, number) }

// AddF64 is AddF32 in float64.
func AddF64(dst []float64, number float64) { addGeneric(dst, number) }

func divideGeneric[T float32 | float64](dst []T, by T) {
	for i := range dst {
		dst[i] /= by
	}
	fixNaN(dst)
}

func addGeneric[T float32 | float64](dst []T, number T) {
	for i := range dst {
		dst[i] += number
	}
	fixNaN(dst)
}
