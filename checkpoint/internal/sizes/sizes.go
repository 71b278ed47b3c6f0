// Package sizes computes how much a tensor of a given shape takes, without
// trusting the shape, and writes shapes for messages.
package sizes

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Of returns the bytes and the elements of a tensor whose elements take
// elementBits bits; problem says in words why there is no such tensor. No size
// may be negative. The product of the sizes that are not 0, and its bytes, must
// fit into an int64 even when another size is 0, so that no reader's order of
// multiplication matters.
func Of(shape []int64, elementBits int) (size, elements int64, problem string) {
	product, zero := int64(1), false
	for _, d := range shape {
		switch {
		case d < 0:
			return 0, 0, "has a negative size"
		case d == 0:
			zero = true
		case product > math.MaxInt64/d:
			return 0, 0, "has more than 2^63-1 elements (sizes that are 0 left out), the limit"
		default:
			product *= d
		}
	}
	high, low := bits.Mul64(uint64(product), uint64(elementBits))
	if high>>2 != 0 {
		return 0, 0, "has more than 2^63-1 bytes (sizes that are 0 left out), the limit"
	}
	if zero {
		return 0, 0, ""
	}
	if low%8 != 0 {
		return 0, 0, fmt.Sprintf("takes %d bits, which are no whole bytes", low)
	}
	return int64(high<<61 | low>>3), product, ""
}

// Text writes a shape between two brackets, cut when it has many sizes.
func Text(shape []int64, open, close string) string {
	const most = 8
	var b strings.Builder
	b.WriteString(open)
	for i, d := range shape {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == most {
			fmt.Fprintf(&b, "… %d sizes", len(shape))
			break
		}
		fmt.Fprint(&b, d)
	}
	b.WriteString(close)
	return b.String()
}
