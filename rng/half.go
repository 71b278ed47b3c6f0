package rng

import (
	"encoding/binary"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
)

// Round rounds every value of dst to the half type in, to nearest even, and
// leaves it in dst as a float32. Other types change nothing.
func Round[T float32 | float64](dst []T, in dtype.Type) {
	values, narrow := any(dst).([]float32)
	if !narrow || !in.Half() {
		return
	}
	const piece = 1024
	var bytes [2 * piece]byte
	for len(values) > 0 {
		some := values[:min(len(values), piece)]
		if in == dtype.BF16 {
			BF16(bytes[:], some)
			for i := range some {
				some[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(bytes[2*i:])) << 16)
			}
		} else {
			F16(bytes[:], some)
			for i := range some {
				some[i] = fromF16(binary.LittleEndian.Uint16(bytes[2*i:]))
			}
		}
		values = values[len(some):]
	}
}

// fromF16 returns the value of an IEEE binary16 number.
func fromF16(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, fraction := uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch {
	case exponent == 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	case exponent > 0:
		return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
}

// rounded is v in the type in.
func rounded[T float32 | float64](v T, in dtype.Type) T {
	one := [1]T{v}
	Round(one[:], in)
	return one[0]
}

// finish rounds drawn values to a half type. A uniform that rounds to the high
// end becomes the low one, as the high end is not part of the range.
func finish[T float32 | float64](dst []T, draw dist.Draw, in dtype.Type) {
	if !in.Half() {
		return
	}
	Round(dst, in)
	if u, ok := draw.(dist.Uniform); ok {
		low, high := rounded(T(u.Low), in), rounded(T(u.High), in)
		for i, v := range dst {
			if v == high {
				dst[i] = low
			}
		}
	}
}
