package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/internal/shown"
)

// bitsOf is [safetensors.Bits] and the one type more that .npy files have.
func bitsOf(dtype string) (int, bool) {
	if dtype == "C128" {
		return 128, true
	}
	return safetensors.Bits(dtype)
}

// float is a type of a sign, an exponent and a fraction, in 16 bits or fewer.
type float struct {
	exponent, fraction, bias int
	// special says what the largest exponent and the negative zero mean.
	special int
}

const (
	ieee   = iota // largest exponent: infinity and NaN
	finite        // all bits set: NaN; no infinity (OCP's E4M3)
	fnuz          // negative zero: NaN; no infinity
	plain         // every pattern is a number
)

var smallFloats = map[string]float{
	"F16":         {5, 10, 15, ieee},
	"F8_E5M2":     {5, 2, 15, ieee},
	"F8_E4M3":     {4, 3, 7, finite},
	"F8_E4M3FNUZ": {4, 3, 8, fnuz},
	"F8_E5M2FNUZ": {5, 2, 16, fnuz},
	"F4":          {2, 1, 1, plain},
}

// value returns the number of a bit pattern, which float64 holds exactly.
func (f float) value(b uint) float64 {
	width := f.exponent + f.fraction
	negative := b>>width&1 != 0
	exponent, fraction := int(b>>f.fraction)&(1<<f.exponent-1), b&(1<<f.fraction-1)
	top := exponent == 1<<f.exponent-1
	switch {
	case f.special == ieee && top && fraction == 0:
		return math.Inf(1 - 2*int(b>>width&1))
	case f.special == ieee && top,
		f.special == finite && top && fraction == 1<<f.fraction-1,
		f.special == fnuz && b == 1<<width:
		return math.NaN()
	}
	if exponent == 0 {
		exponent = 1
	} else {
		fraction |= 1 << f.fraction
	}
	v := math.Ldexp(float64(fraction), exponent-f.bias-f.fraction)
	if negative {
		v = -v
	}
	return v
}

// Decodable reports whether [Decode] knows the type. It does not know complex
// types, which are no single numbers, and the types of 6 bits, whose packing
// the safetensors format does not fix.
func Decodable(dtype string) bool {
	switch dtype {
	case "C64", "C128", "F6_E2M3", "F6_E3M2":
		return false
	}
	_, ok := bitsOf(dtype)
	return ok
}

// Decode fills dst with the numbers whose little-endian bytes are src, which
// must be exactly as many. All floating-point types and integers up to 32 bits
// come out exactly, larger integers rounded to float64. A BOOL is the number of
// its byte, so that one that is neither 0 nor 1 shows. Of two F4 in a byte the
// first is in the low bits. An error says that the type is not decoded, see
// [Decodable], or that the lengths do not fit.
func Decode(dst []float64, src []byte, dtype string) error {
	elementBits, ok := bitsOf(dtype)
	if !ok || !Decodable(dtype) {
		return fmt.Errorf("checkpoint: values of %s are not decoded", shown.Quote(dtype))
	}
	if len(dst)*elementBits != len(src)*8 {
		return fmt.Errorf("checkpoint: %d bytes are not %d values of %s", len(src), len(dst), dtype)
	}
	switch elementBits {
	case 4:
		f := smallFloats[dtype]
		for i, b := range src {
			dst[2*i], dst[2*i+1] = f.value(uint(b&15)), f.value(uint(b>>4))
		}
	case 8:
		decode8(dst, src, dtype)
	case 16:
		decode16(dst, src, dtype)
	case 32:
		decode32(dst, src, dtype)
	default:
		decode64(dst, src, dtype)
	}
	return nil
}

func decode8(dst []float64, src []byte, dtype string) {
	switch dtype {
	case "I8":
		for i, b := range src {
			dst[i] = float64(int8(b))
		}
	case "U8", "BOOL":
		for i, b := range src {
			dst[i] = float64(b)
		}
	case "F8_E8M0":
		for i, b := range src {
			dst[i] = math.Ldexp(1, int(b)-127)
			if b == 255 {
				dst[i] = math.NaN()
			}
		}
	default:
		f := smallFloats[dtype]
		for i, b := range src {
			dst[i] = f.value(uint(b))
		}
	}
}

func decode16(dst []float64, src []byte, dtype string) {
	f := smallFloats["F16"]
	for i := range dst {
		v := binary.LittleEndian.Uint16(src[2*i:])
		switch dtype {
		case "I16":
			dst[i] = float64(int16(v))
		case "U16":
			dst[i] = float64(v)
		case "F16":
			dst[i] = f.value(uint(v))
		case "BF16":
			dst[i] = float64(math.Float32frombits(uint32(v) << 16))
		}
	}
}

func decode32(dst []float64, src []byte, dtype string) {
	for i := range dst {
		v := binary.LittleEndian.Uint32(src[4*i:])
		switch dtype {
		case "I32":
			dst[i] = float64(int32(v))
		case "U32":
			dst[i] = float64(v)
		case "F32":
			dst[i] = float64(math.Float32frombits(v))
		}
	}
}

func decode64(dst []float64, src []byte, dtype string) {
	for i := range dst {
		v := binary.LittleEndian.Uint64(src[8*i:])
		switch dtype {
		case "I64":
			dst[i] = float64(int64(v))
		case "U64":
			dst[i] = float64(v)
		case "F64":
			dst[i] = math.Float64frombits(v)
		}
	}
}
