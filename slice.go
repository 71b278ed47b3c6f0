package weightinit

import (
	"context"
	"fmt"

	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
)

// Slice draws the elements of one parameter of p from element first on, in C
// order, in the compute type, before they are rounded to the plan's dtype. It
// makes nothing else, so any machine can make its own part of a model. p must
// have keyed streams (plan.Keyed); with PyTorch's one generator a value is
// reached only through all before it: see [Values].
func Slice(ctx context.Context, p *plan.Plan, name string, first int64, dst []float32) error {
	if p.DType.Compute() != layout.F32 {
		return fmt.Errorf("weightinit: parameter %q is drawn in %s, not f32", name, p.DType.Compute())
	}
	for i, step := range p.Steps {
		if step.Param.Name != name {
			continue
		}
		narrowed := *p
		narrowed.DType = layout.F32
		return fill.RunRange(ctx, &narrowed, i, first, int64(len(dst)), &sliceSink{first: first, dst: dst}, fill.Options{})
	}
	return fmt.Errorf("weightinit: the plan has no parameter %q", name)
}

// sliceSink keeps the values of a slice that begins at element first.
type sliceSink struct {
	first int64
	dst   []float32
}

// WriteValues implements [fill.Sink]; no two calls write the same elements.
func (s *sliceSink) WriteValues(_ int, first int64, data []byte) error {
	one := oneTensor{dst: s.dst}
	return one.WriteValues(0, first-s.first, data)
}
