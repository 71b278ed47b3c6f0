// Package weightinit creates the starting weights of neural networks by named
// schemes, bit for bit the numbers that PyTorch's CPU generator would draw.
//
// It holds the few calls that most Go programs need:
//
//	cfg, _, err := model.Load("config.json")
//	p, err := weightinit.Plan(ctx, cfg, "gpt2", nil, plan.Options{Seed: 42})
//	err = weightinit.WriteSafetensors(ctx, p, cfg, "model.safetensors", weightinit.WriteOptions{})
//
// The parts are packages of their own: model (config to layout), registry and
// modes (who decides the distributions), plan (the frozen program), rng (the
// bits), fill (running a plan), checkpoint (files) and parity (comparing).
package weightinit

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/model"
	_ "github.com/weightinit/weightinit/modes/standard" // the built-in modes
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// Plan looks a mode up in the default registry, sets its options ("key=value")
// and freezes it with the model of cfg. The version of the model is the one
// that the mode was defined on.
func Plan(ctx context.Context, cfg *model.Config, mode string, settings []string, opts plan.Options) (*plan.Plan, error) {
	info, err := registry.Default().Lookup(mode)
	if err != nil {
		return nil, err
	}
	return PlanMode(ctx, cfg, info, settings, opts)
}

// PlanMode is [Plan] for a mode that need not be registered.
func PlanMode(ctx context.Context, cfg *model.Config, info registry.Info, settings []string, opts plan.Options) (*plan.Plan, error) {
	m, err := registry.Configure(info, settings)
	if err != nil {
		return nil, err
	}
	l, err := cfg.Layout(max(model.V1, info.ModelVersion))
	if err != nil {
		return nil, err
	}
	opts.AllowFilled = opts.AllowFilled || info.ID.Plugin != ""
	return plan.Build(ctx, l, info, m, opts)
}

// TensorName is the name under which [PlanTensor] plans its tensor.
const TensorName = "tensor"

// PlanTensor plans a single tensor by an elementary scheme, such as those of
// package modes/elementary.
func PlanTensor(ctx context.Context, info registry.Info, settings []string, shape []int64, opts plan.Options) (*plan.Plan, error) {
	m, err := registry.Configure(info, settings)
	if err != nil {
		return nil, err
	}
	if _, err := layout.ElementsOf(shape); err != nil {
		return nil, fmt.Errorf("shape %v: %w", shape, err)
	}
	l := &layout.Layout{Params: []layout.Param{{Name: TensorName, Shape: shape, Role: layout.Tensor, Layer: layout.NoLayer}}}
	return plan.Build(ctx, l, info, m, opts)
}

// Values draws one parameter of p in the compute type, before it is rounded to
// the plan's dtype. It makes only what lies before it in the stream, and is
// meant for tensors that fit in memory. dst has the parameter's number of
// elements.
func Values(ctx context.Context, p *plan.Plan, name string, dst []float32) error {
	if p.DType.Compute() != layout.F32 {
		return fmt.Errorf("weightinit: parameter %q is drawn in %s, not f32", name, p.DType.Compute())
	}
	for i, step := range p.Steps {
		if step.Param.Name != name {
			continue
		}
		if step.Elements != int64(len(dst)) {
			return fmt.Errorf("weightinit: parameter %q has %d elements, dst has %d", name, step.Elements, len(dst))
		}
		narrowed := *p
		narrowed.DType = layout.F32
		narrowed.Steps = p.Steps[:i+1]
		sink := &oneTensor{step: i, dst: dst}
		return fill.Run(ctx, &narrowed, sink, fill.Options{})
	}
	return fmt.Errorf("weightinit: the plan has no parameter %q", name)
}

// oneTensor keeps the values of one step.
type oneTensor struct {
	step int
	mu   sync.Mutex
	dst  []float32
}

func (s *oneTensor) WriteValues(step int, first int64, data []byte) error {
	if step != s.step {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range len(data) / 4 {
		bits := uint32(data[4*i]) | uint32(data[4*i+1])<<8 | uint32(data[4*i+2])<<16 | uint32(data[4*i+3])<<24
		s.dst[first+int64(i)] = math.Float32frombits(bits)
	}
	return nil
}
