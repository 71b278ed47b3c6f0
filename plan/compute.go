package plan

import (
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
)

// checkComputation checks one computation of a program: its operands, their
// types and where they lie.
func (p *Plan) checkComputation(e layout.Event) error {
	if err := p.checkView(e.To); err != nil {
		return fmt.Errorf("%s: to: %w", e.Do, err)
	}
	if len(e.From) != e.Do.Operands() {
		return fmt.Errorf("%s: %d operands, %d are needed", e.Do, len(e.From), e.Do.Operands())
	}
	n := dist.Elements(e.To.Shape)
	whole := p.Type(e.To.Param).Whole()
	if whole && e.Do != layout.Copy {
		return fmt.Errorf("%s: %s is no type to compute in", e.Do, p.Type(e.To.Param).Torch())
	}
	for i, operand := range e.From {
		if err := p.checkOperand(e, operand, n, whole); err != nil {
			return fmt.Errorf("%s: operand %d: %w", e.Do, i, err)
		}
	}
	if e.Do == layout.Clamp {
		for _, bound := range []*float64{e.Low, e.High} {
			if bound != nil && math.IsNaN(*bound) {
				return fmt.Errorf("clamp: a bound is NaN")
			}
		}
	}
	return nil
}

func (p *Plan) checkOperand(e layout.Event, o layout.Operand, n int64, whole bool) error {
	target := p.Type(e.To.Param)
	switch {
	case o.View != nil:
		if err := p.checkView(*o.View); err != nil {
			return err
		}
		if from := p.Type(o.View.Param); from.Whole() && e.Do != layout.Copy || whole && from != target {
			return fmt.Errorf("values of %s cannot become %s", from.Torch(), target.Torch())
		}
		if e.Do == layout.Norm {
			return checkNorm(*o.View, e.Dims, n)
		}
		if have := dist.Elements(o.View.Shape); have != n {
			return fmt.Errorf("%d elements for a target of %d", have, n)
		}
	case o.Literal != nil:
		if from := o.Literal.DType; from.Whole() && e.Do != layout.Copy || whole && from != target {
			return fmt.Errorf("values of %s cannot become %s", from.Torch(), target.Torch())
		}
		if have := o.Literal.Elements(); have != n && (have != 1 || e.Do == layout.Norm) {
			return fmt.Errorf("a literal of %d elements for a target of %d", have, n)
		}
		if e.Do == layout.Norm {
			return fmt.Errorf("a region is needed")
		}
	default:
		if e.Do == layout.Norm {
			return fmt.Errorf("a region is needed")
		}
		if whole && (o.Value != math.Trunc(o.Value) || math.Abs(o.Value) > 1<<53) {
			return fmt.Errorf("the value %v is no %s", o.Value, target.Torch())
		}
	}
	return nil
}

// checkNorm checks that n lengths come out along the dimensions dims of v.
func checkNorm(v layout.View, dims []int, n int64) error {
	out := int64(1)
	seen := map[int]bool{}
	for _, d := range dims {
		if d < 0 || d >= len(v.Shape) || seen[d] {
			return fmt.Errorf("dimension %d of shape %v", d, v.Shape)
		}
		seen[d] = true
		out *= v.Shape[d]
	}
	if out != n {
		return fmt.Errorf("%d lengths for a target of %d elements", out, n)
	}
	return nil
}

// checkView checks that v lies in its parameter and does not overlap itself.
func (p *Plan) checkView(v layout.View) error {
	if v.Param < 0 || v.Param >= len(p.params) {
		return fmt.Errorf("memory %d of %d", v.Param, len(p.params))
	}
	n, err := layout.ElementsOf(v.Shape)
	if err != nil {
		return err
	}
	all := p.params[v.Param].Elements
	if v.Offset < 0 || v.Offset > all {
		return fmt.Errorf("offset %d of a memory of %d elements", v.Offset, all)
	}
	if n == 0 {
		return nil
	}
	if v.Strides == nil {
		if n > all-v.Offset {
			return fmt.Errorf("elements %d and %d more do not lie in a memory of %d", v.Offset, n, all)
		}
		return nil
	}
	if len(v.Strides) != len(v.Shape) {
		return fmt.Errorf("%d strides for %d dimensions", len(v.Strides), len(v.Shape))
	}
	last := v.Offset
	for i, d := range v.Shape {
		s := v.Strides[i]
		switch {
		case s < 0:
			return fmt.Errorf("stride %d is negative", s)
		case d > 1 && s > (math.MaxInt64-last)/(d-1):
			return fmt.Errorf("shape %v with strides %v passes 2^63-1 elements", v.Shape, v.Strides)
		}
		last += (d - 1) * s
	}
	if last >= all {
		return fmt.Errorf("shape %v with strides %v from %d on does not lie in a memory of %d elements", v.Shape, v.Strides, v.Offset, all)
	}
	if overlaps(v) {
		return fmt.Errorf("shape %v with strides %v overlaps itself", v.Shape, v.Strides)
	}
	return nil
}

// overlaps tells whether two places of v may be one element: dimensions sorted
// by stride must each step over all smaller ones, as views of real tensors do.
func overlaps(v layout.View) bool {
	reach := int64(1)
	done := make([]bool, len(v.Shape))
	for range v.Shape {
		best := -1
		for i := range v.Shape {
			if !done[i] && (best < 0 || v.Strides[i] < v.Strides[best]) {
				best = i
			}
		}
		done[best] = true
		if v.Shape[best] == 1 {
			continue
		}
		if v.Strides[best] < reach {
			return true
		}
		reach = v.Strides[best]*(v.Shape[best]-1) + reach
	}
	return false
}

// contiguous tells whether the elements of v follow one another.
func contiguous(v layout.View) bool {
	if v.Strides == nil {
		return true
	}
	next := int64(1)
	for i := len(v.Shape) - 1; i >= 0; i-- {
		if v.Shape[i] != 1 && v.Strides[i] != next {
			return false
		}
		next *= v.Shape[i]
	}
	return true
}

// wholeOf tells whether v is all elements of its parameter in order.
func (p *Plan) wholeOf(v layout.View) bool {
	return v.Offset == 0 && contiguous(v) && dist.Elements(v.Shape) == p.params[v.Param].Elements
}

// viewRuns lists the runs of v; an error when there are too many to look at.
func viewRuns(v layout.View) ([]Run, error) {
	n := dist.Elements(v.Shape)
	if n == 0 {
		return nil, nil
	}
	if contiguous(v) {
		return []Run{{v.Offset, v.Offset + n}}, nil
	}
	row := int64(1)
	d := len(v.Shape)
	for d > 0 && (v.Shape[d-1] == 1 || v.Strides[d-1] == row) {
		row *= v.Shape[d-1]
		d--
	}
	rows := n / row
	if rows > maxRuns {
		return nil, fmt.Errorf("a region of %d rows: the limit is %d", rows, maxRuns)
	}
	out := make([]Run, 0, rows)
	at := make([]int64, d)
	for range rows {
		first := v.Offset
		for i, k := range at {
			first += k * v.Strides[i]
		}
		out = append(out, Run{first, first + row})
		for i := d - 1; i >= 0; i-- {
			if at[i]++; at[i] < v.Shape[i] {
				break
			}
			at[i] = 0
		}
	}
	sortRuns(out)
	return joined(out), nil
}
