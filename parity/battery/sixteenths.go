package battery

import "math"

// sixteenths says for values of a law which sixteenth of it they lie in.
type sixteenths[T Float] struct {
	// from[j] is the smallest value of sixteenth j+1, +Inf if there is none.
	from  [15]T
	place scaleTo[T]
	// cells are about equal parts of the line. A value of a cell lies in the
	// sixteenth first, or in the next one if it is at least next; where several
	// begin in one cell, next is NaN and all are asked.
	cells [sixteenthCells + 2]struct {
		next  T
		first uint8
	}
}

// sixteenthCells makes cells with a boundary rare.
const sixteenthCells = 510

// sixteenthsOf looks for the boundaries among the numbers of the type, so that
// the answers are those of the distribution function as it is computed.
func sixteenthsOf[T Float](l Law) *sixteenths[T] {
	s := new(sixteenths[T])
	for j := range s.from {
		s.from[j] = firstOf(func(v T) bool { return sixteenth(l, v) > j })
	}
	low, high := s.from[0], s.from[14]
	if math.IsInf(float64(high), 0) {
		high = low
	}
	place, ok := scaleBetween(low-(high-low)/32, high+(high-low)/32, sixteenthCells)
	if !ok {
		place = scaleTo[T]{0, 0, sixteenthCells} // one cell for all
	}
	s.place = place
	for i := range s.cells {
		c := &s.cells[i]
		c.next = T(math.Inf(1))
		here := 0
		for _, v := range s.from {
			switch k := place.of(v); {
			case k < i:
				c.first++
			case k == i:
				here++
				c.next = v
			}
		}
		if here > 1 {
			c.next = T(math.NaN())
		}
	}
	return s
}

// sixteenth is the answer that is looked up.
func sixteenth[T Float](l Law, v T) int { return min(15, max(0, int(16*l.CDF(float64(v))))) }

// of returns the sixteenth of v, which is finite.
func (s *sixteenths[T]) of(v T) uint64 {
	c := &s.cells[s.place.of(v)]
	q := uint64(c.first)
	if v < c.next {
		return q
	}
	if v >= c.next {
		return q + 1
	}
	q = 0
	for _, from := range s.from {
		if v >= from {
			q++
		}
	}
	return q
}

// firstOf returns the smallest finite number for which f, false at first and
// then true, is true; +Inf if there is none.
func firstOf[T Float](f func(T) bool) T {
	number := func(i int64) T { return T(math.Float64frombits(signed(i, 63))) }
	high := int64(math.Float64bits(math.Inf(1)))
	if _, single := any(T(0)).(float32); single {
		number = func(i int64) T { return T(math.Float32frombits(uint32(signed(i, 31)))) }
		high = int64(math.Float32bits(float32(math.Inf(1))))
	}
	low := -high // -Inf
	for low < high-1 {
		middle := low/2 + high/2 + (low%2+high%2)/2
		if middle == low || middle == high { // rounding towards 0
			middle = low + 1
		}
		if f(number(middle)) {
			high = middle
		} else {
			low = middle
		}
	}
	return number(high)
}

// signed returns the bits of the i-th number from 0 on, up or down, of a type
// whose sign is that bit.
func signed(i int64, sign int) uint64 {
	if i < 0 {
		return 1<<sign | uint64(-i)
	}
	return uint64(i)
}
