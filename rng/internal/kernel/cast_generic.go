package kernel

import (
	"encoding/binary"
	"math"
)

func bf16Generic(dst []byte, src []float32) {
	for i := range min(len(src), len(dst)/2) {
		binary.LittleEndian.PutUint16(dst[2*i:], bf16(src[i]))
	}
}

func f16Generic(dst []byte, src []float32) {
	for i := range min(len(src), len(dst)/2) {
		binary.LittleEndian.PutUint16(dst[2*i:], f16(src[i]))
	}
}

// bf16 rounds to the upper half of the float32 pattern, to nearest even; a
// carry out of the mantissa is the next exponent, and infinity at the end.
// Every NaN gives ffff, as in torch's conversion of a contiguous tensor; torch
// converts single numbers and strided tensors by another routine (7fc0).
func bf16(v float32) uint16 {
	if v != v {
		return 0xffff
	}
	bits := math.Float32bits(v)
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// f16 rounds to IEEE binary16, to nearest even.
func f16(v float32) uint16 {
	const (
		infinity  = 0x7c00
		overflow  = 0x477ff000 // 65520, the middle between 65504 and 65536
		smallest  = 0x38800000 // 2^-14, the smallest normal number
		rebias    = (127 - 15) << 23
		halfLast  = 0x0fff // with the lowest kept bit: half of the last place
		unitPlace = 0x1p-24
	)
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	bits &= 0x7fffffff
	switch {
	case bits > 0x7f800000: // NaN keeps the upper bits of its payload
		return sign | infinity | 0x200 | uint16(bits>>13&0x3ff)
	case bits >= overflow:
		return sign | infinity
	case bits >= smallest:
		return sign | uint16((bits-rebias+halfLast+bits>>13&1)>>13)
	}
	// A subnormal counts units of 2^-24. The scaling is exact (a value this
	// small gains bits at no end), so only the rounding to an integer rounds.
	units := math.RoundToEven(float64(math.Float32frombits(bits)) / unitPlace)
	return sign | uint16(units)
}
