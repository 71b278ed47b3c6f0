package npy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValuesOfEveryTypeAreThoseOfTheBytes(t *testing.T) {
	types := map[string]string{
		"BOOL": "[]uint8", "U8": "[]uint8", "I8": "[]int8", "I16": "[]int16", "U16": "[]uint16", "F16": "[]uint16", "I32": "[]int32", "U32": "[]uint32",
		"F32": "[]float32", "I64": "[]int64", "U64": "[]uint64", "F64": "[]float64", "C64": "[]complex64", "C128": "[]complex128",
	}
	for _, d := range allTypes() {
		for _, fortran := range []bool{false, true} {
			for _, shape := range [][]int64{{}, {0}, {3, 0, 2}, {7}, {1, 5}, {2, 1000}, {3, 4, 5}, {5, 1, 3, 2}} {
				file, want := arrayFile(d, fortran, shape)
				f, err := NewFile(bytes.NewReader(file), int64(len(file)), "x")
				require.NoError(t, err)
				values, err := f.Values()
				require.NoError(t, err)
				require.Equal(t, types[d.Name], fmt.Sprintf("%T", values), d.Descr)
				got, err := binary.Append([]byte{}, binary.LittleEndian, values)
				require.NoError(t, err)
				require.Equal(t, want, got, "%s %v fortran %v", d.Descr, shape, fortran)
			}
		}
	}
}

// zeros is a file of zeros behind a header.
type zeros struct{ header []byte }

func (z zeros) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(z.header)) {
		copy(p, z.header[off:])
	}
	return len(p), nil
}

func TestValuesHaveALimit(t *testing.T) {
	header := headerBytes("|u1", []int64{MaxValues + 1})
	f, err := NewFile(zeros{header}, int64(len(header))+MaxValues+1, "x.npy")
	require.NoError(t, err)
	_, err = f.Values()
	require.ErrorContains(t, err, "npy: \"x.npy\": the array has 268435457 bytes, the limit for all values at once is 268435456: read it in parts")
}
