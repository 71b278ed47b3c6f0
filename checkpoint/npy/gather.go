package npy

import "unsafe"

const (
	// panelBytes is how much of the file is held at once while a block is
	// filled: it stays in a cache of the processor.
	panelBytes = 1 << 20
	// panelSlabs is how many slabs a panel has whose runs are read one by one;
	// so many neighbours are written together.
	panelSlabs = 256
	// sparse is the gap between two runs, in bytes, from which on each is read
	// on its own.
	sparse = 8 << 10
	// maxRuns bounds the list of runs of a panel.
	maxRuns = 4 << 10
)

// gather collects a range of elements, in C order, from a file in Fortran
// order. The range falls into boxes of indices. A slab is what the file holds
// for one index of the last dimension, which varies slowest there and fastest in
// dst; within a slab a box is a list of runs, elements that follow one another
// in the file. A panel takes the same runs of several slabs, and goes to dst as
// a transposed tile a run.
type gather struct {
	file  *File
	dst   []byte
	first int64 // what cStride gives for dst's first element
	size  int64

	shape            []int64 // without sizes of 1
	cStride, fStride []int64

	runs  []run
	panel []byte
}

// run is elements that follow one another in a slab, and in dst are
// cStride[0] apart. Both places count elements, at index 0 of the last dimension.
type run struct{ from, to, width int64 }

// gather fills dst with the elements from first on, in C order, as the file's
// bytes.
func (f *File) gather(dst []byte, first int64) error {
	g := f.newGather(dst)
	g.first = first
	n := len(g.shape)
	g.setCStrides(g.shape)
	return g.split(make([]int64, n), make([]int64, n), 0, first, first+int64(len(dst))/g.size)
}

func (f *File) newGather(dst []byte) *gather {
	g := &gather{file: f, dst: dst, size: int64(f.dtype.Size)}
	stride := int64(1)
	for _, d := range f.shape {
		if d != 1 {
			g.shape, g.fStride = append(g.shape, d), append(g.fStride, stride)
			stride *= d
		}
	}
	return g
}

func (g *gather) setCStrides(shape []int64) {
	g.cStride = make([]int64, len(shape))
	stride := int64(1)
	for d := len(shape) - 1; d >= 0; d-- {
		g.cStride[d], stride = stride, stride*shape[d]
	}
}

// ReadBox fills dst with the elements whose index lies, in every dimension, from
// lo to before hi, in C order and little-endian. The file must be
// [File.Strided], and the box not empty.
func (f *File) ReadBox(dst []byte, lo, hi []int64) error {
	g := f.newGather(dst)
	var begin, end, extent []int64
	for d, size := range f.shape {
		if size != 1 {
			begin, end, extent = append(begin, lo[d]), append(end, hi[d]), append(extent, hi[d]-lo[d])
		}
	}
	g.setCStrides(extent)
	for d := range begin {
		g.first += begin[d] * g.cStride[d]
	}
	if err := g.box(begin, end); err != nil {
		return err
	}
	if f.dtype.BigEndian {
		swap(dst, f.dtype.Part)
	}
	return nil
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
			lo[d], hi[d] = 0, g.shape[d]
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
// before hi. It lists the runs of a slab; those that lie close make one panel.
func (g *gather) box(lo, hi []int64) error {
	last := len(lo) - 1
	index := append([]int64(nil), lo...)
	most := int64(panelBytes) / panelSlabs / g.size
	g.runs = g.runs[:0]
	for {
		from, to := int64(0), -g.first
		for d := range last {
			from += index[d] * g.fStride[d]
			to += index[d] * g.cStride[d]
		}
		for left := hi[0] - lo[0]; left > 0; {
			r := run{from, to, min(left, most)}
			if err := g.add(r, most, lo[last], hi[last]); err != nil {
				return err
			}
			left, from, to = left-r.width, from+r.width, to+r.width*g.cStride[0]
		}
		d := 1
		for ; d < last; d++ {
			if index[d]++; index[d] < hi[d] {
				break
			}
			index[d] = lo[d]
		}
		if d >= last {
			return g.flush(lo[last], hi[last])
		}
	}
}

// add puts a run to the ones before it, or begins a new panel with it.
func (g *gather) add(r run, most, begin, end int64) error {
	if n := len(g.runs); n > 0 {
		before := g.runs[n-1]
		apart := (r.from - before.from - before.width) * g.size
		if apart >= sparse || r.from+r.width-g.runs[0].from > most || n == maxRuns {
			if err := g.flush(begin, end); err != nil {
				return err
			}
		}
	}
	g.runs = append(g.runs, r)
	return nil
}

// flush copies the listed runs of all slabs from begin to before end.
func (g *gather) flush(begin, end int64) error {
	slab := g.fStride[len(g.fStride)-1]
	from := g.runs[0].from
	tail := g.runs[len(g.runs)-1]
	span := tail.from + tail.width - from
	together := (slab-span)*g.size < sparse && slab*g.size*16 <= panelBytes
	pitch, count := span+64/g.size, int64(panelSlabs) // a pitch of a power of 2 would share few cache lines
	if together {
		pitch, count = slab, panelBytes/(slab*g.size)
	}
	for at := begin; at < end; at += count {
		n := min(count, end-at)
		need := ((n-1)*pitch + span) * g.size
		if int64(len(g.panel)) < need {
			g.panel = make([]byte, max(need, min(panelBytes, int64(len(g.dst)))))
		}
		reads, length := n, span*g.size
		if together {
			reads, length = 1, need
		}
		for i := range reads {
			if err := g.file.readFull(g.panel[i*pitch*g.size:][:length], g.file.data+((at+i)*slab+from)*g.size); err != nil {
				return err
			}
		}
		for _, r := range g.runs {
			g.transpose(r.to+at, r.from-from, r.width, n, pitch)
		}
	}
	g.runs = g.runs[:0]
	return nil
}

// transpose copies a tile of width by slabs elements.
func (g *gather) transpose(to, from, width, slabs, pitch int64) {
	switch g.size {
	case 1:
		transpose[uint8](g.dst, g.panel, to, from, width, slabs, g.cStride[0], pitch)
	case 2:
		transpose[uint16](g.dst, g.panel, to, from, width, slabs, g.cStride[0], pitch)
	case 4:
		transpose[uint32](g.dst, g.panel, to, from, width, slabs, g.cStride[0], pitch)
	case 8:
		transpose[uint64](g.dst, g.panel, to, from, width, slabs, g.cStride[0], pitch)
	case 16:
		transpose[[2]uint64](g.dst, g.panel, to, from, width, slabs, g.cStride[0], pitch)
	}
}

// tile is the rows and columns that are copied before the next ones: few enough
// for their lines and pages to be at hand.
const tile = 32

func transpose[E any](dstBytes, srcBytes []byte, to, from, width, slabs, dstPitch, srcPitch int64) {
	dst, src := elements[E](dstBytes)[to:], elements[E](srcBytes)[from:]
	for i := int64(0); i < width; i += tile {
		for s := int64(0); s < slabs; s += tile {
			copyTile(dst[i*dstPitch+s:], src[s*srcPitch+i:], int(min(tile, width-i)), int(min(tile, slabs-s)), int(dstPitch), int(srcPitch))
		}
	}
}

// copyTile writes row after row. By itself its loop stays in registers; within
// transpose it would not.
//
//go:noinline
func copyTile[E any](dst, src []E, rows, columns, dstPitch, srcPitch int) {
	for i := range rows {
		row, column := dst[i*dstPitch:][:columns], src[i:]
		for len(row) >= 4 {
			r, c := (*[4]E)(row), column[:3*srcPitch+1]
			r[0], r[1], r[2], r[3] = c[0], c[srcPitch], c[2*srcPitch], c[3*srcPitch]
			row, column = row[4:], column[min(4*srcPitch, len(column)):]
		}
		for k := range row {
			row[k] = column[k*srcPitch]
		}
	}
}

// elements views bytes that begin where Go puts an allocation as elements.
func elements[E any](p []byte) []E {
	var e E
	return unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(p))), len(p)/int(unsafe.Sizeof(e)))
}
