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
