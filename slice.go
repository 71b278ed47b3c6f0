package weightinit

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/plan"
)

// Values draws one tensor of p, rounded to nothing: as float32, the type in
// which it was computed. It makes little else (see [Slice]) and is meant for
// tensors that fit in memory. dst has the tensor's number of elements.
func Values(ctx context.Context, p *plan.Plan, name string, dst []float32) error {
	return slice(ctx, p, name, 0, dst, true)
}

// Slice draws the elements of one tensor of p from element first on, in C
// order, as float32, before they are rounded to the stored type. It jumps to
// their place, so any machine can make its own part of a model in a few
// milliseconds. A plan with PyTorch's one generator in which a truncated normal
// stands before the tensor has to draw it once, to learn where the stream goes
// on; p remembers that.
func Slice(ctx context.Context, p *plan.Plan, name string, first int64, dst []float32) error {
	return slice(ctx, p, name, first, dst, false)
}

func slice(ctx context.Context, p *plan.Plan, name string, first int64, dst []float32, whole bool) error {
	if p.Drawn() == dtype.F64 {
		return fmt.Errorf("weightinit: tensor %q is drawn in f64, not f32", name)
	}
	for i, t := range p.Tensors().All() {
		if t.Name != name {
			continue
		}
		if whole && t.Elements != int64(len(dst)) {
			return fmt.Errorf("weightinit: tensor %q has %d elements, dst has %d", name, t.Elements, len(dst))
		}
		sink := &sliceSink{first: first, dst: dst}
		return fill.RunRange(ctx, p.Stored(dtype.F32), i, first, int64(len(dst)), sink, fill.Options{})
	}
	return fmt.Errorf("weightinit: the plan has no tensor %q", name)
}

// sliceSink keeps the values of a tensor from element first on.
type sliceSink struct {
	first int64
	dst   []float32
}

// WriteValues implements [fill.Sink]; no two calls write the same elements.
func (s *sliceSink) WriteValues(_ int, first int64, data []byte) error {
	dst := s.dst[first-s.first:]
	for i := range len(data) / 4 {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return nil
}
