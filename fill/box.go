package fill

import (
	"fmt"
	"slices"

	"github.com/weightinit/weightinit/plan"
)

// Region is a part of a tensor: along every dimension Sizes elements from
// Offsets on. Both are empty for a scalar. Its elements count in C order of its
// own sizes.
type Region struct {
	// Tensor is its number in the plan.
	Tensor         int
	Offsets, Sizes []int64
}

// Check returns an error if the region does not lie in the tensor t.
func (r Region) Check(t plan.Tensor) error {
	if len(r.Offsets) != len(t.Shape) || len(r.Sizes) != len(t.Shape) {
		return fmt.Errorf("%d offsets and %d sizes, the tensor has %d dimensions", len(r.Offsets), len(r.Sizes), len(t.Shape))
	}
	for d, size := range t.Shape {
		switch {
		case r.Offsets[d] < 0 || r.Offsets[d] > size:
			return fmt.Errorf("offset %d in dimension %d, which has %d elements", r.Offsets[d], d, size)
		case r.Sizes[d] < 0 || r.Sizes[d] > size-r.Offsets[d]:
			return fmt.Errorf("size %d from %d on in dimension %d, which has %d elements", r.Sizes[d], r.Offsets[d], d, size)
		}
	}
	return nil
}

// box is a region as elements of a parameter: rows of consecutive elements, at
// places that arithmetic tells, so that a column of any matrix is a few numbers.
// Row number i begins at first plus, for each of the levels, its digit of i
// times its stride; the outermost level counts slowest. Rows do not overlap, and
// come in order.
type box struct {
	first, row int64
	rows       int64
	levels     []level
}

type level struct{ count, stride int64 }

// straight is a box of n elements in a row.
func straight(first, n int64) box {
	if n == 0 {
		return box{first: first}
	}
	return box{first: first, row: n, rows: 1}
}

// boxOf is the region of a tensor, which passes its check.
func boxOf(t plan.Tensor, r Region) box {
	b := box{first: t.First, row: 1, rows: 1}
	stride := int64(1)
	for d := len(t.Shape) - 1; d >= 0; d-- {
		size := r.Sizes[d]
		switch {
		case size == 0:
			return box{first: t.First}
		case b.row == stride && len(b.levels) == 0:
			b.row *= size
		case size > 1:
			b.levels = append(b.levels, level{size, stride})
			b.rows *= size
		}
		b.first += r.Offsets[d] * stride
		stride *= t.Shape[d]
	}
	slices.Reverse(b.levels)
	return b
}

// start is where a row begins.
func (b *box) start(row int64) int64 {
	at := b.first
	for i := len(b.levels) - 1; i >= 0; i-- {
		l := b.levels[i]
		at += row % l.count * l.stride
		row /= l.count
	}
	return at
}

// end is behind the last element.
func (b *box) end() int64 {
	if b.rows == 0 {
		return b.first
	}
	return b.start(b.rows-1) + b.row
}

// find returns the first row with elements from element at on; rows if there
// is none.
func (b *box) find(at int64) int64 {
	if at < b.first || b.rows == 0 {
		return 0
	}
	row, left := int64(0), at-b.first
	for _, l := range b.levels {
		digit := min(left/l.stride, l.count-1)
		row = row*l.count + digit
		left -= digit * l.stride
	}
	if left >= b.row { // of the last row that does not begin after at
		row++
	}
	return row
}

// coarse returns the box with the rows joined that lie less than gap apart.
func (b box) coarse(gap int64) box {
	for len(b.levels) > 0 {
		last := len(b.levels) - 1
		l := b.levels[last]
		if l.stride-b.row >= gap {
			break
		}
		b.row += (l.count - 1) * l.stride
		b.rows /= l.count
		b.levels = b.levels[:last]
	}
	return b
}
