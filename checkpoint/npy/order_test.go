package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
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
		defer f.Close()
		f.setBlockBytes(rapid.Int64Range(16, 2000).Draw(t, "block"))
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

// Blocks smaller than the array, rows smaller and larger than a block, runs that
// are read together and one by one.
func TestFortranOrderBeyondABlock(t *testing.T) {
	for _, descr := range []string{"<f4", ">f2", "|u1", "<c16"} {
		d, _ := parseDescr(descr)
		for _, shape := range [][]int64{{2, 6_000}, {6_000, 2}, {300, 400}, {1500, 90}, {3, 3, 40, 50}, {40, 50, 60}, {1, 7_000, 2}, {20_000, 7}} {
			file, want := arrayFile(d, true, shape)
			counting := &countingReader{r: bytes.NewReader(file)}
			f, err := NewFile(counting, int64(len(file)), "x")
			require.NoError(t, err)
			for _, block := range []int64{1 << 30, 100_000, 5_000} {
				require.NoError(t, f.Close()) // forgets the blocks
				f.setBlockBytes(block)
				for _, piece := range []int{len(want), 1 << 16, 12_345} {
					counting.n = 0
					for off := 0; off < len(want); off += piece {
						got := make([]byte, min(piece, len(want)-off))
						_, err := f.ReadAt(got, int64(off))
						require.NoError(t, err)
						require.True(t, bytes.Equal(want[off:off+len(got)], got), "%v at %d", shape, off)
					}
					// A block falls into two boxes at most, which read the file
					// once at most, gaps included.
					require.LessOrEqual(t, counting.n, 2*len(file)*(1+len(want)/int(f.blockBytes)), "%v by %d", shape, block)
				}
			}
			require.NoError(t, f.Close())
		}
	}
}

// A file that is read in both orders of its bytes costs one reading where one
// block holds it, and where its runs are long enough to be read by themselves.
func TestFortranOrderReadsOnce(t *testing.T) {
	d, _ := parseDescr("<f4")
	for _, c := range []struct {
		shape []int64
		block int64
	}{{[]int64{300, 400}, 1 << 30}, {[]int64{16_000, 40}, 320_000}, {[]int64{3, 40, 50, 20}, 1 << 30}} {
		file, want := arrayFile(d, true, c.shape)
		counting := &countingReader{r: bytes.NewReader(file)}
		f, err := NewFile(counting, int64(len(file)), "x")
		require.NoError(t, err)
		f.setBlockBytes(c.block)
		counting.n = 0
		got := make([]byte, 4096)
		for off := 0; off < len(want); off += len(got) {
			_, err := f.ReadAt(got[:min(len(got), len(want)-off)], int64(off))
			require.NoError(t, err)
		}
		require.Equal(t, len(want), counting.n, "%v", c.shape)
		require.NoError(t, f.Close())
	}
}

// Many readers of many files at once: all get their values, and no more blocks
// are kept than the cache holds.
func TestReadersShareTheBlocks(t *testing.T) {
	d, _ := parseDescr("<f4")
	file, want := arrayFile(d, true, []int64{60, 70})
	var readers errgroup.Group
	for range 40 {
		f, err := NewFile(bytes.NewReader(file), int64(len(file)), "x")
		require.NoError(t, err)
		f.setBlockBytes(4 * 70 * 10)
		for start := range 3 {
			readers.Go(func() error {
				got := make([]byte, 700)
				for off := start * 700; off < len(want); off += len(got) {
					n, err := f.ReadAt(got, int64(off))
					if err != nil && err != io.EOF {
						return err
					}
					if !bytes.Equal(got[:n], want[off:off+n]) {
						return fmt.Errorf("other values at %d", off)
					}
				}
				return nil
			})
		}
		defer f.Close()
	}
	require.NoError(t, readers.Wait())
	cache.room(nil, 0)
	require.LessOrEqual(t, len(cache.blocks), readersEach*runtime.GOMAXPROCS(0)+2)
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
