package fill

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/rng"
)

// encode writes src to dst, little-endian, rounded to stored. len(dst) is
// len(src) elements of stored.
func encode[T float32 | float64](dst []byte, src []T, stored dtype.Type) {
	if stored == dtype.F64 {
		for i, v := range src {
			binary.LittleEndian.PutUint64(dst[8*i:], math.Float64bits(float64(v)))
		}
		return
	}
	values, narrow := any(src).([]float32)
	if !narrow { // a float64 is rounded to float32 first, as torch does
		var some [512]float32
		for len(src) > 0 {
			n := min(len(src), len(some))
			for i, v := range src[:n] {
				some[i] = float32(v)
			}
			encode(dst, some[:n], stored)
			src, dst = src[n:], dst[int64(n)*stored.Size():]
		}
		return
	}
	switch stored {
	case dtype.BF16:
		rng.BF16(dst, values)
	case dtype.F16:
		rng.F16(dst, values)
	default:
		for i, v := range values {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
		}
	}
}

// decode reads little-endian values of T into dst and returns the number of
// bytes read. src holds at least as many values as dst.
func decode[T float32 | float64](dst []T, src []byte) int {
	switch values := any(dst).(type) {
	case []float64:
		for i := range values {
			values[i] = math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:]))
		}
		return 8 * len(values)
	case []float32:
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
		return 4 * len(values)
	}
	return 0
}

// little reports whether numbers lie in memory as they do in files.
var little = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// view returns the memory of values as bytes if these are what encode would
// make of them; nil if not.
func view[T float32 | float64](values []T, stored dtype.Type) []byte {
	if !little || len(values) == 0 || int64(unsafe.Sizeof(values[0])) != stored.Size() {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), len(values)*int(stored.Size()))
}
