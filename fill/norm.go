package fill

import (
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
)

// norm is the 2-norm of a view over all dimensions but those that are kept, in
// C order of these.
//
// In float32 the sums are in torch's order, and so exact. Where the innermost
// dimension is kept, one square is added after the other, product and sum each
// rounded. Where it is summed over, there are eight sums side by side, which
// are added in turn; of what is left four squares are added in the same way,
// and the last three by fused multiply-adds.
func norm[T float32 | float64](m *memory, v layout.View, kept []int) []T {
	keep := make([]bool, len(v.Shape))
	for _, d := range kept {
		keep[d] = true
	}
	strides := v.Strides
	if strides == nil {
		strides = make([]int64, len(v.Shape))
		next := int64(1)
		for d := len(v.Shape) - 1; d >= 0; d-- {
			strides[d] = next
			next *= v.Shape[d]
		}
	}
	out, over := layout.View{Offset: v.Offset}, layout.View{}
	inner := true
	for d := range v.Shape {
		if v.Shape[d] > 1 {
			inner = !keep[d]
		}
		of := &over
		if keep[d] {
			of = &out
		}
		of.Shape, of.Strides = append(of.Shape, v.Shape[d]), append(of.Strides, strides[d])
	}
	if len(over.Shape) == 0 {
		over = layout.View{Shape: []int64{1}, Strides: []int64{1}}
	}
	if len(out.Shape) == 0 {
		out.Shape, out.Strides = []int64{1}, []int64{1}
	}
	lengths := make([]T, dist.Elements(out.Shape))
	n, place := dist.Elements(over.Shape), places(out)
	for i := range lengths {
		first := place()
		next := places(layout.View{Offset: first, Shape: over.Shape, Strides: over.Strides})
		lengths[i] = T(math.Sqrt(float64(squares(func() T { return T(m.at(next())) }, n, inner))))
	}
	return lengths
}

// squares sums n squares in torch's order.
func squares[T float32 | float64](next func() T, n int64, inner bool) T {
	total := T(0)
	add := func() { v := next(); s := T(v * v); total = T(total + s) }
	if !inner {
		for range n {
			add()
		}
		return total
	}
	const lanes = 8
	var sums [lanes]T
	for range n / lanes {
		for i := range sums {
			v := next()
			s := T(v * v)
			sums[i] = T(sums[i] + s)
		}
	}
	for _, s := range sums {
		total = T(total + s)
	}
	rest := n % lanes
	if rest >= lanes/2 {
		for range lanes / 2 {
			add()
		}
		rest -= lanes / 2
	}
	for range rest {
		v := float64(next())
		total = T(float64(total) + float64(v*v)) // of float32: as one fused multiply-add
	}
	return total
}
