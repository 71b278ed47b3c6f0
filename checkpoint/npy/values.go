package npy

import (
	"bytes"
	"fmt"
	"io"

	"github.com/sbinet/npyio/npy"

	"github.com/weightinit/weightinit/internal/shown"
)

// MaxValues is the most bytes of an array that [File.Values] returns.
const MaxValues = 256 << 20

// Values returns all values in C order, as a slice of the Go type that the file
// stores: []float32 for "F32", []int64 for "I64", []complex64 for "C64" and so
// on. Half precision ("F16"), for which Go has no type, is a []uint16 of bit
// patterns. Booleans are a []uint8 of their bytes, so that one that is neither
// 0 nor 1 shows. It is for arrays of at most [MaxValues] bytes; [File.ReadAt]
// reads any part of any array.
//
// The decoder is that of github.com/sbinet/npyio. It gets no file of the user's
// making: the header, which [NewFile] has checked, is written again, and there
// are as many bytes as it says.
func (f *File) Values() (any, error) {
	if f.Bytes() > MaxValues {
		return nil, fmt.Errorf("npy: %s: the array has %d bytes, the limit for all values at once is %d: read it in parts", shown.Path(f.path), f.Bytes(), MaxValues)
	}
	raw := make([]byte, f.Bytes())
	if err := f.readFull(raw, f.data); err != nil {
		return nil, err
	}
	switch f.dtype.Name {
	case "BOOL", "U8":
		return decode[uint8](f, raw, "|u1")
	case "I8":
		return decode[int8](f, raw, f.dtype.Descr)
	case "I16":
		return decode[int16](f, raw, f.dtype.Descr)
	case "I32":
		return decode[int32](f, raw, f.dtype.Descr)
	case "I64":
		return decode[int64](f, raw, f.dtype.Descr)
	case "U16":
		return decode[uint16](f, raw, f.dtype.Descr)
	case "F16":
		return decode[uint16](f, raw, f.dtype.Descr[:1]+"u2")
	case "U32":
		return decode[uint32](f, raw, f.dtype.Descr)
	case "U64":
		return decode[uint64](f, raw, f.dtype.Descr)
	case "F32":
		return decode[float32](f, raw, f.dtype.Descr)
	case "F64":
		return decode[float64](f, raw, f.dtype.Descr)
	case "C64":
		return decode[complex64](f, raw, f.dtype.Descr)
	case "C128":
		return decode[complex128](f, raw, f.dtype.Descr)
	}
	return nil, fmt.Errorf("npy: %s: values of %s are not decoded", shown.Path(f.path), f.dtype.Descr)
}

// decode hands the bytes of the file to the library, as an array of one
// dimension with the plainest header there is.
func decode[T any](f *File, raw []byte, descr string) (any, error) {
	header := headerBytes(descr, []int64{f.elements})
	values := make([]T, f.elements)
	if err := npy.Read(io.MultiReader(bytes.NewReader(header), bytes.NewReader(raw)), &values); err != nil {
		return nil, fmt.Errorf("npy: %s: decoding values of %s: %w", shown.Path(f.path), f.dtype.Descr, err)
	}
	if f.Strided() {
		values = cOrder(values, f.shape)
	}
	return values, nil
}

// cOrder returns the values of an array whose first dimension varies fastest,
// with the last varying fastest.
func cOrder[T any](values []T, shape []int64) []T {
	out := make([]T, 0, len(values))
	index := make([]int64, len(shape))
	for at := int64(0); len(out) < len(values); {
		out = append(out, values[at])
		stride := int64(len(values))
		for k := len(shape) - 1; k >= 0; k-- {
			stride /= shape[k]
			if index[k]++; index[k] < shape[k] {
				at += stride
				break
			}
			at -= (shape[k] - 1) * stride
			index[k] = 0
		}
	}
	return out
}
