package engine

import (
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
)

// lengths says which vectors of a tensor have which length after its steps:
// those along the dimension of the last [dist.L2Normalize].
func lengths(posts []dist.Post) (dim int64, length float64, ok bool) {
	for i, post := range posts {
		if l2, is := post.(dist.L2Normalize); is {
			dim, length, ok = l2.Dim, math.Abs(scaled(1, posts[i+1:])), true
		}
	}
	return dim, length, ok && length > 0 && !math.IsInf(length, 0)
}

// lengthTest is the fact that every vector has its declared length, within the
// rounding of its elements.
func lengthTest[T battery.Float](s section, values []T, typ battery.Type) battery.Test {
	dim, length, _ := lengths(s.dist.Post)
	size, stride := s.shape[dim], dist.Elements(s.shape[dim+1:])
	allowed := 4 * typ.ULP(1) // an element is rounded at most four times
	if typ.Narrow() {
		allowed += math.Sqrt(float64(size)) * 0x1p-24 / length // the smallest step
	}
	const name = "T0 l2_normalize"
	for at := range int64(len(values)) / max(size, 1) {
		first := at/stride*stride*size + at%stride
		sum := 0.0
		for k := range size {
			v := float64(values[first+k*stride]) / length
			sum += float64(v * v)
		}
		if off := math.Abs(math.Sqrt(sum) - 1); !(off <= allowed) {
			return battery.FactOf(name, len(values), int(first), "", fmt.Sprintf("the vector along dimension %d from index %d on has length %s, declared %s",
				dim, first, full(math.Sqrt(sum)*length), full(length)))
		}
	}
	return battery.FactOf(name, len(values), -1, fmt.Sprintf("every vector along dimension %d has length %s", dim, full(length)), "")
}
