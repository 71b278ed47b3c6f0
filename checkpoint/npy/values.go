package npy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/sbinet/npyio/npy"

	"github.com/weightinit/weightinit/internal/shown"
)

// chunkElements is how many values [File.Values] hands on at once.
const chunkElements = 16 << 10

// Values calls each with all values, in C order, as float64: a piece at a time,
// first being the index of its first value. The slice is valid until each
// returns. Booleans are the number of their byte, so that one that is neither 0
// nor 1 shows. Integers of 64 bits are rounded to float64. Complex arrays are
// refused: they have no single number an element. An error of each ends the
// reading and is returned as it is.
func (f *File) Values(each func(first int64, values []float64) error) error {
	if f.dtype.Part != f.dtype.Size {
		return fmt.Errorf("npy: %s: the values are complex (%s), which are no single numbers", shown.Path(f.path), f.dtype.Descr)
	}
	size := int64(f.dtype.Size)
	raw := make([]byte, min(chunkElements, f.elements)*size)
	values := make([]float64, len(raw)/int(size))
	for first := int64(0); first < f.elements; {
		n := min(chunkElements, f.elements-first)
		piece := raw[:n*size]
		if err := f.readPlain(piece, first*size); err != nil {
			return err
		}
		if err := f.decode(values[:n], piece); err != nil {
			return err
		}
		if err := each(first, values[:n]); err != nil {
			return err
		}
		first += n
	}
	return nil
}

// decode turns the bytes of elements into numbers. It hands them to the library
// as an array of one dimension with the plainest header there is; half
// precision, which the library does not know, is decoded here.
func (f *File) decode(dst []float64, src []byte) error {
	switch f.dtype.Name {
	case "BOOL", "U8":
		return decodeAs[uint8](dst, src, "|u1")
	case "I8":
		return decodeAs[int8](dst, src, "|i1")
	case "I16":
		return decodeAs[int16](dst, src, "<i2")
	case "I32":
		return decodeAs[int32](dst, src, "<i4")
	case "I64":
		return decodeAs[int64](dst, src, "<i8")
	case "U16":
		return decodeAs[uint16](dst, src, "<u2")
	case "U32":
		return decodeAs[uint32](dst, src, "<u4")
	case "U64":
		return decodeAs[uint64](dst, src, "<u8")
	case "F32":
		return decodeAs[float32](dst, src, "<f4")
	case "F64":
		return decodeAs[float64](dst, src, "<f8")
	case "F16":
		for i := range dst {
			dst[i] = half(binary.LittleEndian.Uint16(src[2*i:]))
		}
		return nil
	}
	return fmt.Errorf("npy: %s: values of %s are not decoded", shown.Path(f.path), f.dtype.Descr)
}

func decodeAs[T uint8 | int8 | int16 | int32 | int64 | uint16 | uint32 | uint64 | float32 | float64](dst []float64, src []byte, descr string) error {
	header := headerBytes(descr, []int64{int64(len(dst))})
	values := make([]T, len(dst))
	if err := npy.Read(io.MultiReader(bytes.NewReader(header), bytes.NewReader(src)), &values); err != nil {
		return fmt.Errorf("npy: decoding values of %s: %w", descr, err)
	}
	for i, v := range values {
		dst[i] = float64(v)
	}
	return nil
}

// half returns the value of an IEEE 754 number of 16 bits, which float64 holds
// exactly.
func half(b uint16) float64 {
	exponent, fraction := int(b>>10&31), float64(b&1023)
	v := math.Ldexp(fraction, -24)
	switch {
	case exponent == 31 && fraction != 0:
		return math.NaN()
	case exponent == 31:
		v = math.Inf(1)
	case exponent > 0:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if b>>15 != 0 {
		v = -v
	}
	return v
}
