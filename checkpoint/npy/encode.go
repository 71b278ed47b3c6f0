package npy

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/weightinit/weightinit/checkpoint/internal/sizes"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/layout"
)

// spareDigits is the room that NumPy leaves in a header so that the size of the
// first dimension can be replaced by a larger one in place.
const spareDigits = 21

// Descr returns the type under which values of d are stored. NumPy has no
// bfloat16: such values are stored as the unsigned integers of their bits.
func Descr(d layout.DType) (string, error) {
	switch d {
	case layout.F32:
		return "<f4", nil
	case layout.F64:
		return "<f8", nil
	case layout.F16:
		return "<f2", nil
	case layout.BF16:
		return "<u2", nil
	case dtype.Bool, dtype.U8, dtype.I8:
		return map[dtype.Type]string{dtype.Bool: "|b1", dtype.U8: "|u1", dtype.I8: "|i1"}[d], nil
	case dtype.I16, dtype.I32, dtype.I64:
		return fmt.Sprintf("<i%d", d.Size()), nil
	}
	return "", fmt.Errorf("npy: dtype %v is none that can be stored", d)
}

// Header returns the bytes that stand before the values of an array in C order:
// the very bytes that NumPy 2 writes (version 1.0, values at a multiple of 64).
// The values follow little-endian. A shape of more than 64 sizes, a negative
// size, or one whose bytes pass 2^63-1 is an error.
func Header(of layout.DType, shape []int64) ([]byte, error) {
	descr, err := Descr(of)
	if err != nil {
		return nil, err
	}
	if len(shape) > limits.Dims {
		return nil, fmt.Errorf("npy: %d dimensions, the limit is %d", len(shape), limits.Dims)
	}
	if _, _, problem := sizes.Of(shape, int(8*of.Size())); problem != "" {
		return nil, fmt.Errorf("npy: shape %s of %s %s", shapeText(shape), descr, problem)
	}
	return headerBytes(descr, shape), nil
}

// headerBytes encodes a header of known-good parts.
func headerBytes(descr string, shape []int64) []byte {
	b := make([]byte, prefixBytes+2, 2*alignment)
	copy(b, magic+"\x01\x00")
	b = append(b, "{'descr': '"...)
	b = append(b, descr...)
	b = append(b, "', 'fortran_order': False, 'shape': ("...)
	for i, d := range shape {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, d, 10)
	}
	if len(shape) == 1 {
		b = append(b, ',')
	}
	b = append(b, "), }"...)
	spaces := 0
	if len(shape) > 0 {
		spaces = spareDigits - len(strconv.FormatInt(shape[0], 10))
	}
	spaces += alignment - (len(b)+spaces+1)%alignment
	for range spaces {
		b = append(b, ' ')
	}
	b = append(b, '\n')
	binary.LittleEndian.PutUint16(b[prefixBytes:], uint16(len(b)-prefixBytes-2))
	return b
}
