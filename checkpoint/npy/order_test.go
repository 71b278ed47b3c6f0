package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/internal/fault"
)

// arrayFile builds a file of a type, an order and a shape by the plainest loop:
// element number i in C order has the bytes of i+1.
func arrayFile(d DType, fortran bool, shape []int64) (file, cOrder []byte) {
	n := int64(1)
	for _, s := range shape {
		n *= s
	}
	data := make([]byte, n*int64(d.Size))
	cOrder = []byte{}
	for i := range n {
		var le [16]byte
		binary.LittleEndian.PutUint64(le[:], uint64(i+1))
		binary.LittleEndian.PutUint64(le[8:], uint64(3*i+7))
		cOrder = append(cOrder, le[:d.Size]...)
		stored := le[:d.Size]
		if d.BigEndian {
			var be []byte
			for p := 0; p < d.Size; p += d.Part {
				for k := d.Part - 1; k >= 0; k-- {
					be = append(be, le[p+k])
				}
			}
			stored = be
		}
		place, rest, stride := int64(0), i, int64(1)
		if fortran {
			index := make([]int64, len(shape))
			for k := len(shape) - 1; k >= 0; k-- {
				index[k], rest = rest%shape[k], rest/shape[k]
			}
			for k := range shape {
				place += index[k] * stride
				stride *= shape[k]
			}
		} else {
			place = i
		}
		copy(data[place*int64(d.Size):], stored)
	}
	header := headerBytes(d.Descr, shape)
	if fortran {
		header = bytes.Replace(header, []byte("False"), []byte("True "), 1)
	}
	return append(header, data...), cOrder
}

func allTypes() []DType {
	var all []DType
	for _, d := range dtypes {
		all = append(all, d)
		if d.Size > 1 {
			big, ok := parseDescr(">" + d.Descr[1:])
			if !ok {
				panic(d.Descr)
			}
			all = append(all, big)
		}
	}
	return all
}

func TestReadAtGivesCOrderLittleEndian(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom(allTypes()).Draw(t, "dtype")
		shape := rapid.SliceOfN(rapid.Int64Range(0, 6), 0, 5).Draw(t, "shape")
		file, want := arrayFile(d, rapid.Bool().Draw(t, "fortran"), shape)
		f, err := NewFile(bytes.NewReader(file), int64(len(file)), "x")
		require.NoError(t, err)
		require.Equal(t, int64(len(want)), f.Bytes())
		off := rapid.IntRange(0, len(want)).Draw(t, "off")
		n := rapid.IntRange(0, len(want)-off).Draw(t, "n")
		got := make([]byte, n)
		m, err := f.ReadAt(got, int64(off))
		require.NoError(t, err)
		require.Equal(t, n, m)
		require.Equal(t, want[off:off+n], got)
		rest := make([]byte, len(want)-off+3)
		m, err = f.ReadAt(rest, int64(off))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, want[off:], rest[:m])
	})
}

// Arrays larger than the window, with gaps below and above the limit from which
// runs are read one by one.
func TestFortranOrderBeyondTheWindow(t *testing.T) {
	d, _ := parseDescr("<f4")
	for _, shape := range [][]int64{{2, 60_000}, {60_000, 2}, {300, 400}, {1500, 90}, {40, 50, 60}, {1, 70_000, 2}} {
		file, want := arrayFile(d, true, shape)
		counting := &countingReader{r: bytes.NewReader(file)}
		f, err := NewFile(counting, int64(len(file)), "x")
		require.NoError(t, err)
		for _, piece := range []int{len(want), 1 << 16, 12_345} {
			counting.n = 0
			for off := 0; off < len(want); off += piece {
				got := make([]byte, min(piece, len(want)-off))
				_, err := f.ReadAt(got, int64(off))
				require.NoError(t, err)
				require.True(t, bytes.Equal(want[off:off+len(got)], got), "%v at %d", shape, off)
			}
			if piece == len(want) {
				require.LessOrEqual(t, counting.n, 2*len(want), "%v", shape)
			}
		}
	}
}

type countingReader struct {
	r io.ReaderAt
	n int
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	c.n += len(p)
	return c.r.ReadAt(p, off)
}

func TestReadAtOutsideTheValues(t *testing.T) {
	d, _ := parseDescr("<f4")
	file, _ := arrayFile(d, false, []int64{2, 3})
	f, err := NewFile(bytes.NewReader(file), int64(len(file)), "x")
	require.NoError(t, err)
	for _, off := range []int64{-1, 25} {
		_, err := f.ReadAt(make([]byte, 1), off)
		require.ErrorContains(t, err, "no byte")
	}
	n, err := f.ReadAt(make([]byte, 1), 24)
	require.Zero(t, n)
	require.ErrorIs(t, err, io.EOF)
}

// short is a file whose values cannot be read.
type short struct {
	io.ReaderAt
	from int64
	err  error
}

func (s short) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > s.from {
		return 0, s.err
	}
	return s.ReaderAt.ReadAt(p, off)
}

func TestFailedReadsAreFaultsOfTheSystem(t *testing.T) {
	d, _ := parseDescr(">i2")
	for _, fortran := range []bool{false, true} {
		file, _ := arrayFile(d, fortran, []int64{300, 300})
		for _, cause := range []error{io.EOF, errors.New("input/output\nerror")} {
			f, err := NewFile(short{bytes.NewReader(file), 1000, cause}, int64(len(file)), "x")
			require.NoError(t, err)
			_, err = f.ReadAt(make([]byte, 30_000), 0)
			require.ErrorIs(t, err, ReadFailed)
			require.True(t, fault.IsCannotRun(err))
			require.NotContains(t, err.Error(), "\n")
			_, err = f.Values()
			require.ErrorIs(t, err, ReadFailed)
			_, err = NewFile(short{bytes.NewReader(file), 20, cause}, int64(len(file)), "x")
			require.ErrorIs(t, err, ReadFailed)
		}
	}
}
