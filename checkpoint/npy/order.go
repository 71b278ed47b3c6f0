package npy

import (
	"fmt"
	"io"

	"github.com/weightinit/weightinit/internal/shown"
)

// ReadAt reads len(dst) bytes of the values from byte off on, as they would lie
// in C order and little-endian, whatever the order of the file. As with
// [io.ReaderAt], reading beyond the end gives what there is and io.EOF. Beside
// dst it takes at most about 64 KiB. Large pieces are quicker: a file in
// Fortran order is read once for every piece, where its dimensions ask for it.
func (f *File) ReadAt(dst []byte, off int64) (int, error) {
	total := f.Bytes()
	if off < 0 || off > total {
		return 0, fmt.Errorf("npy: %s: no byte %d, there are %d", shown.Path(f.path), off, total)
	}
	want := dst[:min(int64(len(dst)), total-off)]
	if err := f.readPlain(want, off); err != nil {
		return 0, err
	}
	if len(want) < len(dst) {
		return len(want), io.EOF
	}
	return len(want), nil
}

func (f *File) readPlain(dst []byte, off int64) error {
	if f.Plain() {
		return f.readFull(dst, f.data+off)
	}
	size := int64(f.dtype.Size)
	// The part of an element at either end comes through a buffer.
	for len(dst) > 0 {
		skip := off % size
		if whole := int64(len(dst)) / size * size; skip == 0 && whole > 0 {
			if err := f.readElements(dst[:whole], off/size); err != nil {
				return err
			}
			dst, off = dst[whole:], off+whole
			continue
		}
		var element [16]byte
		if err := f.readElements(element[:size], off/size); err != nil {
			return err
		}
		n := copy(dst, element[skip:size])
		dst, off = dst[n:], off+int64(n)
	}
	return nil
}

// readElements fills dst with the elements from first on, in C order.
func (f *File) readElements(dst []byte, first int64) error {
	size := int64(f.dtype.Size)
	if !f.strided() {
		if err := f.readFull(dst, f.data+first*size); err != nil {
			return err
		}
	} else {
		g := gather{file: f, dst: dst, first: first}
		g.init()
		if err := g.run(first, first+int64(len(dst))/size); err != nil {
			return err
		}
	}
	if f.dtype.BigEndian {
		swap(dst, f.dtype.Part)
	}
	return nil
}

// swap reverses the bytes of every part of p.
func swap(p []byte, part int) {
	for ; len(p) >= part; p = p[part:] {
		for i, j := 0, part-1; i < j; i, j = i+1, j-1 {
			p[i], p[j] = p[j], p[i]
		}
	}
}

// gather collects a range of elements, in C order, from a file in Fortran
// order. The range falls into boxes of indices; the elements of a box are
// visited in the file's order, so that the file is read forwards.
type gather struct {
	file  *File
	dst   []byte
	first int64 // the C index of dst's first element

	cStride, fStride []int64
	window           []byte // bytes of the file
	windowAt         int64  // where they begin, counted from the first value
}

// windowBytes is how much is read at once where the elements lie close.
const windowBytes = 64 << 10

// sparse is the gap between two runs, in bytes, from which on each is read on
// its own.
const sparse = 4 << 10

func (g *gather) init() {
	shape := g.file.shape
	g.cStride = make([]int64, len(shape))
	g.fStride = make([]int64, len(shape))
	c, f := int64(1), int64(1)
	for i := range shape {
		j := len(shape) - 1 - i
		g.cStride[j], g.fStride[i] = c, f
		c, f = c*shape[j], f*shape[i]
	}
}

// run collects the elements of the C indices from begin to before end.
func (g *gather) run(begin, end int64) error {
	lo := make([]int64, len(g.file.shape))
	hi := make([]int64, len(g.file.shape))
	return g.split(lo, hi, 0, begin, end)
}

// split cuts a range into boxes. The indices of the dimensions before dim are
// fixed in lo and hi; begin and end count within them.
func (g *gather) split(lo, hi []int64, dim int, begin, end int64) error {
	if begin >= end {
		return nil
	}
	inner := g.cStride[dim]
	q0, q1 := begin/inner, end/inner
	r0, r1 := begin%inner, end%inner
	one := func(q, from, to int64) error {
		lo[dim], hi[dim] = q, q+1
		return g.split(lo, hi, dim+1, from, to)
	}
	if r0 != 0 {
		if q0 == q1 {
			return one(q0, r0, r1)
		}
		if err := one(q0, r0, inner); err != nil {
			return err
		}
		q0++
	}
	if q0 < q1 {
		lo[dim], hi[dim] = q0, q1
		for d := dim + 1; d < len(lo); d++ {
			lo[d], hi[d] = 0, g.file.shape[d]
		}
		if err := g.box(lo, hi); err != nil {
			return err
		}
	}
	if r1 != 0 {
		return one(q1, 0, r1)
	}
	return nil
}

// box collects the elements whose index lies, in every dimension, from lo to
// before hi.
func (g *gather) box(lo, hi []int64) error {
	size := int64(g.file.dtype.Size)
	index := make([]int64, len(lo))
	copy(index, lo)
	last := int64(0) // where the box ends in the file
	for d := range lo {
		last += (hi[d] - 1) * g.fStride[d]
	}
	boxEnd := (last + 1) * size
	width := hi[0] - lo[0]
	dense := g.rest(lo, hi)
	for {
		at, to := int64(0), int64(0)
		for d := range index {
			at += index[d] * g.fStride[d]
			to += index[d] * g.cStride[d]
		}
		if err := g.copyRun(at*size, width, to-g.first, boxEnd, dense); err != nil {
			return err
		}
		d := 1
		for ; d < len(index); d++ {
			if index[d]++; index[d] < hi[d] {
				break
			}
			index[d] = lo[d]
		}
		if d == len(index) {
			return nil
		}
	}
}

// rest reports whether the next run of a box mostly lies close behind a run.
func (g *gather) rest(lo, hi []int64) bool {
	for d := 1; d < len(lo); d++ {
		if hi[d]-lo[d] > 1 {
			return (g.fStride[d]-(hi[0]-lo[0]))*int64(g.file.dtype.Size) < sparse
		}
	}
	return false
}

// copyRun copies width elements that follow one another in the file, from byte
// at on, to every place that is cStride[0] elements apart in dst.
func (g *gather) copyRun(at, width, to, boxEnd int64, dense bool) error {
	size := int64(g.file.dtype.Size)
	for width > 0 {
		if at < g.windowAt || at+size > g.windowAt+int64(len(g.window)) {
			want := width * size
			if dense {
				want = boxEnd - at
			}
			if err := g.fill(at, min(want, windowBytes)); err != nil {
				return err
			}
		}
		src := g.window[at-g.windowAt:]
		n := min(width, int64(len(src))/size)
		for i := range n {
			copy(g.dst[(to+i*g.cStride[0])*size:][:size], src[i*size:])
		}
		width -= n
		at += n * size
		to += n * g.cStride[0]
	}
	return nil
}

func (g *gather) fill(at, n int64) error {
	if int64(cap(g.window)) < n {
		g.window = make([]byte, n, max(n, min(windowBytes, g.file.Bytes())))
	}
	g.window, g.windowAt = g.window[:n], at
	return g.file.readFull(g.window, g.file.data+at)
}
