package planfile

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
)

// law is what a draw draws.
func (s *step) law() dist.Draw {
	n := &s.numbers
	switch s.do {
	case "normal":
		return dist.Normal{Mean: n[keyMean], Std: n[keyStd]}
	case "uniform":
		return dist.Uniform{Low: n[keyLow], High: n[keyHigh]}
	case "trunc_normal":
		return dist.TruncNormal{Mean: n[keyMean], Std: n[keyStd], A: n[keyA], B: n[keyB]}
	case "sparse":
		return dist.Sparse{Sparsity: n[keySparsity], Std: n[keyStd]}
	case "orthogonal":
		return dist.Orthogonal{Gain: n[keyGain]}
	case "dirac":
		return dist.Dirac{Groups: s.groups}
	default:
		return dist.Eye{}
	}
}

func (r *reader) draw(s *step, e *layout.Event) error {
	if !s.dtype.Valid() {
		return fmt.Errorf("dtype: %s: nothing is drawn in whole numbers", s.dtype.Torch())
	}
	draw := s.law()
	if err := draw.Check(s.dtype.Max()); err != nil {
		return err
	}
	if err := draw.CheckShape(s.shape); err != nil {
		return fmt.Errorf("shape: %w", err)
	}
	e.Dist, e.Shape, e.In = dist.Dist{Draw: draw}, s.shape, s.dtype
	if s.seen&setOf(keyTo) == 0 {
		return nil
	}
	if s.to.strides != nil {
		return fmt.Errorf("to: strides %v: a draw goes to a contiguous region, draw elsewhere and copy", short(s.to.strides))
	}
	if n := dist.Elements(s.shape); n != s.to.elements {
		return fmt.Errorf("to: %d elements for a draw of %d", s.to.elements, n)
	}
	if t := r.memory[s.to.memory].dtype; t != s.dtype {
		return fmt.Errorf("to: memory %d is of %s, the draw of %s", s.to.memory, t.Torch(), s.dtype.Torch())
	}
	e.Param, e.Into = s.to.memory, s.to.contiguous()
	return nil
}

// set is a draw of a constant where that can be said.
func (r *reader) set(s *step, e *layout.Event) error {
	t := r.memory[s.to.memory].dtype
	if err := fits(t, s.value); err != nil {
		return fmt.Errorf("value: %w", err)
	}
	if into, ok := s.to.rows(); ok && constant(t, s.value) {
		e.Dist, e.In = dist.Dist{Draw: dist.Constant{Value: s.value}}, t
		e.Shape, e.Param, e.Into = r.arena.keep([]int64{s.to.elements}), s.to.memory, into
		return nil
	}
	e.Do, e.To, e.From = layout.Copy, s.to.view(), []layout.Operand{{Value: s.value}}
	return nil
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// fits reports why a tensor of a type cannot be filled with v.
func fits(t dtype.Type, v float64) error {
	if t.Whole() {
		return holds(t, v)
	}
	if isFinite(v) && math.Abs(v) > t.Max() {
		return fmt.Errorf("%v does not fit %s", v, t.Torch())
	}
	return nil
}

func (r *reader) setLiteral(s *step, e *layout.Event) error {
	l, err := r.literal(s.literal)
	if err != nil {
		return err
	}
	if t := r.memory[s.to.memory].dtype; t != l.DType {
		return fmt.Errorf("to: memory %d is of %s, literal %d of %s", s.to.memory, t.Torch(), s.literal, l.DType.Torch())
	}
	if n := l.Elements(); n != s.to.elements {
		return fmt.Errorf("to: %d elements for the %d of literal %d", s.to.elements, n, s.literal)
	}
	e.Do, e.To, e.From = layout.Copy, s.to.view(), []layout.Operand{{Literal: l}}
	return nil
}

func (r *reader) copy(s *step, e *layout.Event) error {
	if len(s.from) != 1 {
		return fmt.Errorf("from: %d operands, this step has 1", len(s.from))
	}
	o := s.from[0]
	if !o.isRegion && !o.isLiteral {
		return errors.New(`from: a value: use "set"`)
	}
	to := r.memory[s.to.memory].dtype
	if from, _ := r.typed(o); to.Whole() && from != to {
		return fmt.Errorf("from: %s to %s: nothing becomes whole numbers", from.Torch(), to.Torch())
	}
	e.Do = layout.Copy
	return r.operands(s, e)
}

// compute is a step that makes each element of its target of the elements at
// the same place.
func (r *reader) compute(s *step, e *layout.Event) error {
	e.Do, _ = layout.ParseDo(s.do)
	to := r.memory[s.to.memory].dtype
	if !to.Valid() {
		return fmt.Errorf("to: memory %d is of %s: nothing is computed in whole numbers", s.to.memory, to.Torch())
	}
	if n := e.Do.Operands(); len(s.from) != n {
		return fmt.Errorf("from: %d operands, this step has %d", len(s.from), n)
	}
	for i, o := range s.from {
		if t, _ := r.typed(o); t != 0 && t != to {
			return fmt.Errorf("from: operand %d is of %s, the target of %s: copy it first", i, t.Torch(), to.Torch())
		}
	}
	for _, k := range []key{keyLow, keyHigh} {
		if s.seen&setOf(k) == 0 {
			continue
		}
		bound := s.numbers[k]
		if math.IsNaN(bound) {
			return fmt.Errorf("%s: NaN is no bound", keyNames[k])
		}
		if k == keyLow {
			e.Low = &bound
		} else {
			e.High = &bound
		}
	}
	if e.Do == layout.Clamp && e.Low == nil && e.High == nil {
		return errors.New(`no "low" and no "high"`)
	}
	return r.operands(s, e)
}

// operands are those of an elementwise step: of the target's shape, or literals
// of as many elements or of one.
func (r *reader) operands(s *step, e *layout.Event) error {
	e.To = s.to.view()
	e.From = make([]layout.Operand, len(s.from))
	for i, o := range s.from {
		_, n := r.typed(o)
		if o.isRegion && !slices.Equal(o.region.shape, s.to.shape) {
			return fmt.Errorf("from: operand %d has shape %v, the target %v", i, short(o.region.shape), short(s.to.shape))
		}
		if o.isLiteral && n != s.to.elements && n != 1 {
			return fmt.Errorf("from: operand %d is a literal of %d elements, the target has %d", i, n, s.to.elements)
		}
		e.From[i] = o.of()
	}
	return nil
}

func (r *reader) norm(s *step, e *layout.Event) error {
	if len(s.from) != 1 || !s.from[0].isRegion {
		return errors.New("from: this step has 1 operand, a region")
	}
	from := s.from[0]
	to, t := r.memory[s.to.memory].dtype, r.memory[from.region.memory].dtype
	if !to.Valid() || t != to {
		return fmt.Errorf("from: the norm of %s is of that type, and memory %d of %s", t.Torch(), s.to.memory, to.Torch())
	}
	kept := int64(1)
	for i, d := range s.dims {
		if d >= int64(len(from.region.shape)) || i > 0 && d <= s.dims[i-1] {
			return fmt.Errorf("dims: %v: must be dimensions of shape %v, in order", short(s.dims), short(from.region.shape))
		}
		kept *= from.region.shape[d]
		e.Dims = append(e.Dims, int(d))
	}
	if kept != s.to.elements {
		return fmt.Errorf("to: %d elements, the norm over all dimensions of %v but %v has %d", s.to.elements, short(from.region.shape), short(s.dims), kept)
	}
	e.Do, e.To, e.From = layout.Norm, s.to.view(), []layout.Operand{from.of()}
	return nil
}
