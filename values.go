package weightinit

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/modes/elementary"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// Fill draws a tensor of a shape into dst by an elementary scheme, such as
// "normal" or "kaiming_uniform", on all cores: in C order, with the bits that
// torch.nn.init gives a tensor of the type of dst after torch.manual_seed. The
// values of a []uint16 are the bits of the type that the option [DType] names,
// rounded from float32 or, with [Drawn], drawn in that type. The other options
// are [Seed], [Set] and [Workers].
func Fill[T float32 | float64 | uint16](dst []T, shape []int64, scheme string, opts ...Option) error {
	s, err := collect(fills, opts)
	if err != nil {
		return err
	}
	if err := typeOf(dst, &s.plan.DType); err != nil {
		return err
	}
	info, err := elementary.Schemes().Lookup(scheme)
	if err != nil {
		return err
	}
	p, err := BuildTensor(context.Background(), info, s.values, shape, s.plan)
	if err != nil {
		return err
	}
	if n := p.Elements(); n != int64(len(dst)) {
		return fmt.Errorf("weightinit: shape %v has %d elements, dst has %d", shape, n, len(dst))
	}
	if drawn(dst, p, s.fill.Workers) {
		return nil
	}
	return fill.Run(context.Background(), p.Plan, &sliceSink[T]{dst: dst}, s.fill)
}

// drawn draws a plan of one tensor straight into dst, if that is possible.
func drawn[T float32 | float64 | uint16](dst []T, p *Plan, workers int) bool {
	law := p.Params().At(0).Dist
	switch law.Draw.(type) {
	case dist.Constant, dist.Uniform, dist.Normal:
	default:
		return false
	}
	if len(law.Post) > 0 || p.Drawn() != p.DType() {
		return false
	}
	switch dst := any(dst).(type) {
	case []float32:
		fill.Slice(rng.New(p.Seed()), law, dst, workers)
	case []float64:
		fill.Slice(rng.New(p.Seed()), law, dst, workers)
	default:
		return false
	}
	return true
}

// typeOf completes the type that a tensor is stored in by that of dst.
func typeOf[T float32 | float64 | uint16](dst []T, stored *dtype.Type) error {
	var is dtype.Type
	switch any(dst).(type) {
	case []float32:
		is = dtype.F32
	case []float64:
		is = dtype.F64
	case []uint16:
		if !stored.Half() {
			return fmt.Errorf("weightinit: a []uint16 needs the option DType with %s or %s, not %s", dtype.BF16, dtype.F16, *stored)
		}
		return nil
	}
	if *stored != 0 && *stored != is {
		return fmt.Errorf("weightinit: DType is %s, and dst holds %s", *stored, is)
	}
	*stored = is
	return nil
}

// Values draws one tensor of the plan into dst, as float32 before it is rounded
// to the stored type. It makes little else (see [Plan.Slice]) and is meant for
// tensors that fit in memory. dst has the tensor's number of elements.
func (p *Plan) Values(ctx context.Context, name string, dst []float32) error {
	i, t, err := p.find(name)
	if err != nil {
		return err
	}
	if t.Elements != int64(len(dst)) {
		return fmt.Errorf("weightinit: tensor %q has %d elements, dst has %d", name, t.Elements, len(dst))
	}
	return p.slice(ctx, i, 0, dst)
}

// Slice draws the elements of one tensor from element first on, in C order, as
// float32 before they are rounded to the stored type. It jumps to their place,
// so any machine can make its own part of a model in a few milliseconds. With
// PyTorch's one generator, a truncated normal that stands before the tensor has
// to be drawn once to learn where the stream goes on; the plan remembers that.
func (p *Plan) Slice(ctx context.Context, name string, first int64, dst []float32) error {
	i, _, err := p.find(name)
	if err != nil {
		return err
	}
	return p.slice(ctx, i, first, dst)
}

func (p *Plan) find(name string) (int, plan.Tensor, error) {
	if p.Drawn() == dtype.F64 {
		return 0, plan.Tensor{}, fmt.Errorf("weightinit: tensor %q is drawn in f64, not f32", name)
	}
	for i, t := range p.Tensors().All() {
		if t.Name == name {
			return i, t, nil
		}
	}
	return 0, plan.Tensor{}, fmt.Errorf("weightinit: the plan has no tensor %q", name)
}

func (p *Plan) slice(ctx context.Context, tensor int, first int64, dst []float32) error {
	sink := &sliceSink[float32]{first: first, dst: dst}
	return fill.RunRange(ctx, p.Stored(dtype.F32), tensor, first, int64(len(dst)), sink, fill.Options{})
}

// sliceSink keeps the values of a tensor from element first on.
type sliceSink[T float32 | float64 | uint16] struct {
	first int64
	dst   []T
}

// WriteValues implements [fill.Sink]; no two calls write the same elements.
func (s *sliceSink[T]) WriteValues(_ int, first int64, data []byte) error {
	dst := s.dst[first-s.first:]
	switch dst := any(dst).(type) {
	case []float32:
		for i := range len(data) / 4 {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
	case []float64:
		for i := range len(data) / 8 {
			dst[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		}
	case []uint16:
		for i := range len(data) / 2 {
			dst[i] = binary.LittleEndian.Uint16(data[2*i:])
		}
	}
	return nil
}
