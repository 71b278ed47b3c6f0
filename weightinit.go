// Package weightinit creates the starting weights of neural networks by named
// schemes, bit for bit the numbers that PyTorch's CPU generator would draw.
//
// It holds the few calls that most Go programs need. One tensor into a slice of
// yours:
//
//	w := make([]float32, 64*128)
//	err := weightinit.Fill(w, []int64{64, 128}, "xavier_uniform", weightinit.Seed(7), weightinit.Set("gain", 1.5))
//
// A model into a file:
//
//	config, _, err := model.Load("config.json")
//	p, err := weightinit.Prepare(ctx, config, weightinit.Mode("gpt2"), weightinit.Seed(42))
//	err = p.WriteSafetensors(ctx, "model.safetensors")
//
// The parts are packages of their own: model (config to layout), registry and
// modes (who decides the distributions), plan (the frozen program), rng (the
// bits), fill (running a plan), checkpoint (files) and parity (comparing).
package weightinit

import (
	"cmp"
	"context"
	"fmt"

	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/model"
	_ "github.com/weightinit/weightinit/modes/standard" // the built-in modes
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// Source is a model's config, such as package model reads.
type Source interface {
	// Layout returns the parameters of a version of the model; 0 is the one
	// that the config itself means.
	Layout(version int) (*layout.Layout, error)
}

// Plan is a frozen program that makes the tensors of a model, or one tensor. It
// is safe for use by several goroutines.
type Plan struct {
	*plan.Plan
	// file is the plan file that it was made of; nil for a plan of a config.
	file []byte
}

// Prepare freezes the model of source with a mode and a seed, by default those
// that the config asks for. The options are [Mode], [Modes], [Set], [Seed],
// [DType], [Drawn] and [Streams]. Nothing is drawn yet.
func Prepare(ctx context.Context, source Source, opts ...Option) (*Plan, error) {
	s, err := collect(prepares, opts)
	if err != nil {
		return nil, err
	}
	if err := s.fromConfig(source); err != nil {
		return nil, err
	}
	info, err := s.registry.Lookup(s.mode)
	if err != nil {
		return nil, err
	}
	return Build(ctx, source, info, s.values, s.plan)
}

// fromConfig takes what no option says from a model.Config.
func (s *settings) fromConfig(source Source) error {
	config, ok := source.(model.Config)
	if s.mode == "" {
		s.mode = "gpt2"
		if ok {
			s.mode = config.Mode()
		}
	}
	if s.plan.SeedText != "" || !ok || config.SeedText() == "" {
		return nil
	}
	var err error
	s.plan.SeedText = config.SeedText()
	s.plan.Seed, err = model.ParseSeed(s.plan.SeedText)
	return err
}

// Build is [Prepare] with a mode that need not be registered, and its options
// as "key=value". The version of the model is the one that the mode was defined
// on.
func Build(ctx context.Context, source Source, info registry.Info, values []string, opts plan.Options) (*Plan, error) {
	m, err := registry.Configure(info, values)
	if err != nil {
		return nil, err
	}
	if _, replays := m.(registry.Replayer); replays {
		source = inType(source, opts)
	}
	l, err := source.Layout(info.ModelVersion)
	if err != nil {
		return nil, err
	}
	opts.AllowFilled = opts.AllowFilled || info.ID.Plugin != ""
	return wrap(plan.Build(ctx, l, info, m, opts))
}

// inType is the source of the model made in the type that opts asks for, which a
// framework's own draws depend on.
func inType(source Source, opts plan.Options) Source {
	made := cmp.Or(opts.Drawn, opts.DType)
	if config, ok := source.(model.Config); ok && made != 0 {
		return model.In(config, made)
	}
	return source
}

// TensorName is the name of the tensor of [BuildTensor].
const TensorName = "tensor"

// BuildTensor freezes a single tensor by an elementary scheme, such as those of
// package modes/elementary.
func BuildTensor(ctx context.Context, info registry.Info, values []string, shape []int64, opts plan.Options) (*Plan, error) {
	m, err := registry.Configure(info, values)
	if err != nil {
		return nil, err
	}
	if _, err := layout.ElementsOf(shape); err != nil {
		return nil, fmt.Errorf("shape %v: %w", shape, err)
	}
	l := &layout.Layout{Params: []layout.Param{{Name: TensorName, Shape: shape, Role: layout.Tensor, Layer: layout.NoLayer}}}
	return wrap(plan.Build(ctx, l, info, m, opts))
}

func wrap(p *plan.Plan, err error) (*Plan, error) {
	if err != nil {
		return nil, err
	}
	return &Plan{Plan: p}, nil
}
