// Package hf holds the mode hf_from_config, which draws what transformers'
// AutoModel….from_config draws for a config of a known model type.
//
// What that is stands in the layout's Replay, which package model/hf makes; the
// mode has no rule of its own.
package hf

import (
	"context"
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// FromConfig is the mode. It has no options.
type FromConfig struct{}

// ErrNoReplay is the error of a layout of which nobody knows what a framework
// draws for it.
var ErrNoReplay = fmt.Errorf("the model is none of transformers': use this mode with a config.json that has a model_type, or a mode that goes by roles, such as gpt2 or xavier_uniform")

// Replays implements [registry.Replayer].
func (FromConfig) Replays(l *layout.Layout) bool { return l.Replay != nil }

// Assign implements [registry.Mode]: what each parameter finally holds. A
// parameter that is computed of several draws or of none has no distribution.
func (FromConfig) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	if l.Replay == nil {
		return nil, fmt.Errorf("mode %q: %w", id, ErrNoReplay)
	}
	out := make([]dist.Dist, len(l.Params))
	number := make(map[string]int, len(l.Params))
	for i, p := range l.Params {
		number[p.Name] = i
	}
	for i, e := range l.Replay {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		switch {
		case e.Do == layout.Draw && e.Param >= 0 && e.Param < len(out):
			out[e.Param] = e.Dist
		case e.Do.Computes() && e.To.Param >= 0 && e.To.Param < len(out):
			out[e.To.Param] = dist.Dist{}
		}
	}
	for i, p := range l.Params {
		if to, tied := number[p.Tied]; tied {
			out[i] = out[to]
		}
	}
	return out, nil
}

var id = registry.ID{Name: "hf_from_config", Version: 1}

// Infos returns the mode.
func Infos() []registry.Info {
	return []registry.Info{{
		ID:      id,
		Summary: "what transformers' from_config draws for a Hugging Face config, bit for bit",
		Source:  "transformers 5.23.0 and 5.24.0 with torch 2.15.0, AutoModel….from_config",
		Rules: []registry.Rule{
			{Formula: "the draws of the model's own constructors and init functions, in their order"},
		},
		Notes: []string{
			"needs a config.json with a model_type; modes by roles take these configs too",
			"codegen as in 5.24.0: 5.23.0 makes attn.out_proj after attn.qkv_proj",
			"drawn in the config's dtype, or in the one asked for, as from_config(config, dtype=...) does",
		},
		New: func() registry.Mode { return FromConfig{} },
	}}
}
