package checkpoint

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/weightinit/weightinit/checkpoint/safetensors"
)

// pieceValues is how many elements [Together] hands on at once, and boxBytes
// about how many bytes of a tensor it holds.
const (
	pieceValues = 64 << 10
	boxBytes    = 16 << 20
)

// Piece is the same elements of two tensors of one shape.
type Piece struct {
	// A and B are the bytes, little-endian. The n-th element of either has the
	// same place in its tensor.
	A, B []byte
	// Count is the number of elements.
	Count int
	// ascending is how many elements at least follow one another in ascending
	// order of their index, before the order begins anew.
	ascending, start int64
	index            func(n int64) int64
}

// Index returns the index, in C order, of the n-th element.
func (p *Piece) Index(n int) int64 { return p.index(p.start + int64(n)) }

// Rising returns how many elements from the n-th on have rising indices.
func (p *Piece) Rising(n int) int {
	at := p.start + int64(n)
	return int(min(int64(p.Count-n), p.ascending-at%p.ascending))
}

// Together calls f with the elements of two tensors of one shape, a piece at a
// time, in an order in which both files can be read in long runs; the piece is
// valid until f returns. It ends with the first error. With several workers f is
// called from so many goroutines, if the files have two orders. ok is false, and
// nothing was read, when that is C order: then [Tensor.ReadAt] from start to end
// does it.
func Together(ctx context.Context, a, b Tensor, workers int, f func(p *Piece) error) (ok bool, err error) {
	aStrided, aReads := a.runs()
	bStrided, bReads := b.runs()
	switch {
	case !slices.Equal(a.Shape, b.Shape) || !aReads || !bReads || a.bytes == 0 || !aStrided && !bStrided:
		return false, nil
	case aStrided && bStrided:
		return true, inFileOrder(ctx, a, b, f)
	}
	return true, inBoxes(ctx, a, b, workers, boxBytes, f)
}

// runs reports whether the tensor lies in its file in another order than C
// order, and whether runs of it can be read at any place.
func (t Tensor) runs() (strided, ok bool) {
	switch s := t.source.(type) {
	case npySource:
		return s.Strided(), !t.sequential
	case *safetensors.File:
		elementBits, _ := bitsOf(t.DType)
		return false, elementBits%8 == 0
	}
	return false, false
}

// elementBytes is the size of an element, which is whole bytes.
func (t Tensor) elementBytes() int64 { return t.bytes / t.elements }

// inFileOrder walks two files in the order that both have.
func inFileOrder(ctx context.Context, a, b Tensor, f func(p *Piece) error) error {
	strides := cStrides(a.Shape)
	p := Piece{ascending: a.Shape[0], index: func(n int64) int64 {
		at := int64(0)
		for d, size := range a.Shape {
			at, n = at+n%size*strides[d], n/size
		}
		return at
	}}
	x, y := a.source.(npySource), b.source.(npySource)
	aSize, bSize := a.elementBytes(), b.elementBytes()
	aBytes, bBytes := make([]byte, min(pieceValues*aSize, a.bytes)), make([]byte, min(pieceValues*bSize, b.bytes))
	for p.start = 0; p.start < a.elements; p.start += int64(p.Count) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(pieceValues, a.elements-p.start)
		p.Count, p.A, p.B = int(n), aBytes[:n*aSize], bBytes[:n*bSize]
		if err := cmp.Or(x.ReadStored(p.A, p.start*aSize), y.ReadStored(p.B, p.start*bSize)); err != nil {
			return err
		}
		if err := f(&p); err != nil {
			return err
		}
	}
	return nil
}

// inBoxes walks boxes of indices, each of which both files hold in runs that are
// worth a read, though one has the first dimension innermost and the other the
// last. A box takes about so many bytes; each worker holds one.
func inBoxes(ctx context.Context, a, b Tensor, workers int, bytes int64, f func(p *Piece) error) error {
	sizes := boxSizes(a.Shape, bytes/max(a.elementBytes(), b.elementBytes()))
	var mu sync.Mutex
	at, left := make([]int64, len(sizes)), true
	take := func(lo []int64) bool {
		mu.Lock()
		defer mu.Unlock()
		if !left {
			return false
		}
		copy(lo, at)
		left = next(at, sizes, a.Shape)
		return true
	}
	group, ctx := errgroup.WithContext(ctx)
	for range max(workers, 1) {
		group.Go(func() error { return boxes(ctx, a, b, sizes, take, f) })
	}
	return group.Wait()
}

// boxes walks the boxes that take gives.
func boxes(ctx context.Context, a, b Tensor, sizes []int64, take func(lo []int64) bool, f func(p *Piece) error) error {
	aSize, bSize := a.elementBytes(), b.elementBytes()
	strides := cStrides(a.Shape)
	most := product(sizes)
	var aBytes, bBytes []byte
	lo, hi := make([]int64, len(sizes)), make([]int64, len(sizes))
	extent := make([]int64, len(sizes))
	for take(lo) {
		if aBytes == nil {
			aBytes, bBytes = make([]byte, most*aSize), make([]byte, most*bSize)
		}
		for d := range lo {
			hi[d] = min(lo[d]+sizes[d], a.Shape[d])
			extent[d] = hi[d] - lo[d]
		}
		n := product(extent)
		if err := cmp.Or(a.readBox(ctx, aBytes[:n*aSize], lo, hi), b.readBox(ctx, bBytes[:n*bSize], lo, hi)); err != nil {
			return err
		}
		p := Piece{ascending: n, index: func(n int64) int64 {
			at := int64(0)
			for d := len(lo) - 1; d >= 0; d-- {
				at, n = at+(lo[d]+n%extent[d])*strides[d], n/extent[d]
			}
			return at
		}}
		for ; p.start < n; p.start += int64(p.Count) {
			count := min(pieceValues, n-p.start)
			p.Count, p.A, p.B = int(count), aBytes[p.start*aSize:][:count*aSize], bBytes[p.start*bSize:][:count*bSize]
			if err := f(&p); err != nil {
				return err
			}
		}
	}
	return nil
}

// next moves lo to the next box, the first dimension fastest.
func next(lo, sizes, shape []int64) bool {
	for d := range lo {
		if lo[d] += sizes[d]; lo[d] < shape[d] {
			return true
		}
		lo[d] = 0
	}
	return false
}

// boxSizes chooses a box of about most elements whose runs are long in both
// orders.
func boxSizes(shape []int64, most int64) []int64 {
	run := int64(math.Sqrt(float64(most)))
	sizes := make([]int64, len(shape))
	for d := range sizes {
		sizes[d] = 1
	}
	take := func(dims []int) {
		n := int64(1)
		for _, d := range dims {
			sizes[d] = max(sizes[d], min(shape[d], max(1, run/n)))
			if n *= sizes[d]; sizes[d] < shape[d] {
				return
			}
		}
	}
	dims := make([]int, len(shape))
	for d := range dims {
		dims[d] = d
	}
	take(dims)
	slices.Reverse(dims)
	take(dims)
	for d := range sizes { // the first dimensions: whole runs of the file that is put in order
		sizes[d] = min(shape[d], sizes[d]*max(1, most/product(sizes)))
	}
	return sizes
}

// readBox fills dst with the elements from lo to before hi, in C order.
func (t Tensor) readBox(ctx context.Context, dst []byte, lo, hi []int64) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s, ok := t.source.(npySource); ok && s.Strided() {
		return s.ReadBox(dst, lo, hi)
	}
	// A run goes over the dimensions that are whole, and the one before them.
	size, strides := t.elementBytes(), cStrides(t.Shape)
	last := len(lo) - 1
	for last > 0 && hi[last]-lo[last] == t.Shape[last] {
		last--
	}
	run := (hi[last] - lo[last]) * strides[last] * size
	at := slices.Clone(lo)
	for ; len(dst) > 0; dst = dst[run:] {
		off := int64(0)
		for d := range at {
			off += at[d] * strides[d]
		}
		if err := t.ReadAt(dst[:run], off*size); err != nil {
			return err
		}
		for d := last - 1; d >= 0; d-- {
			if at[d]++; at[d] < hi[d] {
				break
			}
			at[d] = lo[d]
		}
	}
	return nil
}

// cStrides returns how many elements apart two neighbours of each dimension are
// in C order.
func cStrides(shape []int64) []int64 {
	out := make([]int64, len(shape))
	n := int64(1)
	for d := len(shape) - 1; d >= 0; d-- {
		out[d], n = n, n*shape[d]
	}
	return out
}

func product(sizes []int64) int64 {
	n := int64(1)
	for _, s := range sizes {
		n *= s
	}
	return n
}
