package battery

import (
	"slices"
	"sync"
)

// The sizes of the sort.
const (
	// sortBlock is how many values travel together.
	sortBlock = 32
	// sortBuckets is the most buckets of the first level: as many blocks stay
	// in a core's own cache.
	sortBuckets = 2048
	// sortSmall is the most values that are sorted by one level, within that
	// cache.
	sortSmall = 1 << 16
	// sortCells is the most cells of the last level.
	sortCells = 1 << 14
	// sortPlain is the number of values below which the library's sort is as
	// fast.
	sortPlain = 128
)

// sortFloats sorts finite values in place, with less than 2 MB beside them
// however many they are. It puts them into buckets by their place between the
// ends of a sample, and those into cells of about one value: values that look
// like a draw from some law take linear time. Whatever does not spread out, such
// as many equal values, is left to the library.
func sortFloats[T Float](values []T) {
	if len(values) < sortPlain {
		slices.Sort(values)
		return
	}
	pool := &sorters32
	if _, double := any(T(0)).(float64); double {
		pool = &sorters64
	}
	s, ok := pool.Get().(*sorter[T])
	if !ok {
		s = new(sorter[T])
	}
	s.sort(values)
	pool.Put(s)
}

// The sorters not in use: one is a megabyte, and a run sorts hundreds of lists.
var sorters32, sorters64 sync.Pool

// sorter holds what a sort needs beside the values.
type sorter[T Float] struct {
	cells   [sortCells + 1]uint32
	cell    []uint16
	scratch []T
	buckets buckets[T]
}

// scaleTo places values on a line: T(count) times their place between low and
// high. Its order is that of the values. false when the ends do not make sense.
type scaleTo[T Float] struct{ low, scale, count T }

func scaleBetween[T Float](low, high T, count int) (scaleTo[T], bool) {
	s := scaleTo[T]{low, T(count) / (high - low), T(count)}
	// Not for equal ends, nor where the width or its inverse overflows.
	return s, high > low && s.scale > 0 && s.scale-s.scale == 0
}

// of returns the place of v, from 0 to count+1: those at the ends are for what
// lies outside.
func (s scaleTo[T]) of(v T) int {
	f := (v - s.low) * s.scale
	if !(f >= 0) {
		return 0
	}
	if f >= s.count {
		return int(s.count) + 1
	}
	return int(f) + 1
}

// sampleEnds returns the smallest and the largest of 256 values. The extremes
// of all would be at the mercy of one outlier.
func sampleEnds[T Float](values []T) (low, high T) {
	step := len(values) / 256
	low, high = values[0], values[0]
	for i := range 256 {
		v := values[i*step+i*step/256%max(1, step)]
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	return low, high
}

func ends[T Float](values []T, low, high T) (T, T) {
	for _, v := range values {
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	return low, high
}

func (s *sorter[T]) sort(values []T) {
	if len(values) <= sortSmall {
		low, high := ends(values, values[0], values[0])
		s.small(values, values, nil, low, high)
		return
	}
	count := 16
	for count < sortBuckets && count < len(values)>>13 {
		count *= 2
	}
	low, high := sampleEnds(values)
	place, ok := scaleBetween(low, high, count-2)
	if !ok {
		slices.Sort(values)
		return
	}
	b := &s.buckets
	b.clear(count)
	b.deal(values, place)
	b.gather(values)
	s.finish(values, b, place)
}

// buckets are the values of the first level: whole blocks at the front of the
// list, and the rest of each bucket in its buffer.
type buckets[T Float] struct {
	buffers []T      // sortBlock for each bucket
	held    []uint32 // how many are in the buffer
	blocks  []uint32 // how many blocks are written
	of      []uint16 // the bucket of each block
}

// clear makes count empty buckets.
func (b *buckets[T]) clear(count int) {
	if cap(b.held) < count {
		*b = buckets[T]{make([]T, count*sortBlock), make([]uint32, count), make([]uint32, count), nil}
	}
	b.held, b.blocks = b.held[:count], b.blocks[:count]
	clear(b.held)
	clear(b.blocks)
	b.of = b.of[:0]
}

// deal puts values into buffers, and full ones back to the front of the list:
// never farther than what was read already.
func (b *buckets[T]) deal(values []T, place scaleTo[T]) {
	written := 0
	buffers, held := b.buffers, b.held
	for _, v := range values {
		k := place.of(v)
		c := held[k]
		buffers[uint(k)*sortBlock+uint(c)] = v
		c++
		if c == sortBlock {
			copy(values[written:written+sortBlock], buffers[k*sortBlock:])
			written += sortBlock
			b.of = append(b.of, uint16(k))
			b.blocks[k]++
			c = 0
		}
		held[k] = c
	}
}

// gather moves the blocks of each bucket together, in place.
func (b *buckets[T]) gather(values []T) {
	next, end := make([]uint32, len(b.blocks)), make([]uint32, len(b.blocks))
	at := uint32(0)
	for k, n := range b.blocks {
		next[k] = at
		at += n
		end[k] = at
	}
	block := func(i uint32) []T { return values[i*sortBlock : (i+1)*sortBlock] }
	var hand [sortBlock]T
	for k := range next {
		for next[k] < end[k] {
			i := next[k]
			owner := b.of[i]
			if int(owner) == k {
				next[k]++
				continue
			}
			j := next[owner]
			next[owner]++
			copy(hand[:], block(i))
			copy(block(i), block(j))
			copy(block(j), hand[:])
			b.of[i], b.of[j] = b.of[j], owner
		}
	}
}

// finish sorts each bucket to where it belongs, from the last one on: what is
// still to be read lies before it.
func (s *sorter[T]) finish(values []T, b *buckets[T], place scaleTo[T]) {
	source, to := len(b.of)*sortBlock, len(values)
	for k := len(b.blocks) - 1; k >= 0; k-- {
		whole := int(b.blocks[k]) * sortBlock
		source -= whole
		rest := b.buffers[k*sortBlock:][:b.held[k]]
		n := whole + len(rest)
		to -= n
		if n == 0 {
			continue
		}
		from, into := values[source:source+whole], values[to:to+n]
		switch {
		case n > sortSmall:
			copy(into, from)
			copy(into[whole:], rest)
			if n > len(values)/2 {
				slices.Sort(into)
			} else {
				sortFloats(into)
			}
		case k > 0 && k < len(b.blocks)-1:
			low := place.low + T(k-1)/place.scale
			s.small(into, from, rest, low, low+1/place.scale)
		default:
			first := values[source]
			if whole == 0 {
				first = rest[0]
			}
			low, high := ends(from, first, first)
			low, high = ends(rest, low, high)
			s.small(into, from, rest, low, high)
		}
	}
}

// small sorts two lists into dst, which may overlap the first. Most values are
// between low and high.
func (s *sorter[T]) small(dst, a, b []T, low, high T) {
	count := 16
	for count < sortCells && count < len(dst) {
		count *= 2
	}
	place, ok := scaleBetween(low, high, count-2)
	if !ok || len(dst) < 24 {
		copy(dst, a)
		copy(dst[len(a):], b)
		slices.Sort(dst)
		return
	}
	if len(s.scratch) < len(dst) {
		s.scratch, s.cell = make([]T, len(dst)+len(dst)/4), make([]uint16, len(dst)+len(dst)/4)
	}
	cells := s.cells[:count+1]
	clear(cells)
	scratch, cell := s.scratch[:len(dst)], s.cell[:len(dst)]
	for i, v := range a {
		k := place.of(v)
		cell[i] = uint16(k)
		cells[k+1]++
	}
	behind := cell[len(a):]
	for i, v := range b {
		k := place.of(v)
		behind[i] = uint16(k)
		cells[k+1]++
	}
	largest := uint32(0)
	at := uint32(0)
	for k, n := range cells {
		at += n
		cells[k] = at
		largest = max(largest, n)
	}
	for i, v := range a {
		k := cell[i]
		scratch[cells[k]] = v
		cells[k]++
	}
	for i, v := range b {
		k := behind[i]
		scratch[cells[k]] = v
		cells[k]++
	}
	if largest > 24 { // cells[k] is now where cell k ends
		from := uint32(0)
		for _, to := range cells[:count] {
			if to-from > 24 {
				slices.Sort(scratch[from:to])
			}
			from = to
		}
	}
	insert(scratch)
	copy(dst, scratch)
}

// insert sorts values that are near their places.
func insert[T Float](values []T) {
	last := values[0]
	for i := 1; i < len(values); i++ {
		v := values[i]
		if v >= last {
			last = v
			continue
		}
		j := i
		for ; j > 0 && values[j-1] > v; j-- {
			values[j] = values[j-1]
		}
		values[j] = v
	}
}
