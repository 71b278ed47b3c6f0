package kernel

import "math"

func multiplyGeneric[T float32 | float64](dst []T, by T) {
	for i := range dst {
		dst[i] *= by
	}
	fixNaN(dst)
}

// fixNaN gives every NaN the bits that x86 gives to the result of an invalid
// operation, such as infinity times zero: sign and quiet bit set. Other
// processors have the sign clear, and all are to write the same files.
func fixNaN[T float32 | float64](dst []T) {
	invalid := T(math.Float64frombits(0xfff8000000000000))
	for i, v := range dst {
		if v != v {
			dst[i] = invalid
		}
	}
}
