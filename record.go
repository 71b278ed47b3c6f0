package weightinit

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/record"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/modes/elementary"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// Rebuild makes the plan again from the record in an output's metadata and
// nothing else. modes is where the record's mode is looked up. A record that
// is missing, broken or of another version is an error.
func Rebuild(ctx context.Context, metadata map[string]string, modes *registry.Registry) (*Plan, error) {
	r, err := record.Parse(metadata)
	if err != nil {
		return nil, err
	}
	opts, err := optionsOf(r)
	if err != nil {
		return nil, err
	}
	var settings []string
	if !r.Program {
		if settings, err = r.Settings(); err != nil {
			return nil, err
		}
	}
	var p *Plan
	if r.Program {
		if r.Plan == "" {
			return nil, &NoPlanError{Digest: r.Digest}
		}
		p, err = rebuildProgram(r, opts)
	} else if r.Scheme != "" {
		p, err = rebuildTensor(ctx, r, settings, opts)
	} else {
		p, err = rebuildModel(ctx, r, settings, opts, modes)
	}
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return p, nil
}

// Recorded is what an output's record says of itself, before anything is made
// again.
type Recorded struct {
	// Mode is the full id of the mode, such as "gpt2@1"; empty for a tensor.
	Mode string
	// Digest is the plan's.
	Digest string
	// DType is the stored type; a plugin's mode is told it. 0 means that each
	// tensor has its own.
	DType dtype.Type
	// Program tells that a plan file was run, and no mode asked.
	Program bool
	// Plugin names the plugin that the mode comes from; nil for a built-in one.
	Plugin *registry.Plugin
}

// ReadRecord reads the record in an output's metadata.
func ReadRecord(metadata map[string]string) (Recorded, error) {
	r, err := record.Parse(metadata)
	if err != nil {
		return Recorded{}, err
	}
	opts, err := optionsOf(r)
	if err != nil {
		return Recorded{}, err
	}
	out := Recorded{Mode: r.Mode, Digest: r.Digest, DType: opts.DType, Program: r.Program}
	if r.Plugin != "" {
		out.Plugin = &registry.Plugin{Name: r.Plugin, Version: r.PluginVersion, H1: r.PluginH1}
	}
	return out, nil
}

func optionsOf(r record.Record) (plan.Options, error) {
	seed, err := model.ParseSeed(r.Seed)
	if err != nil {
		return plan.Options{}, fmt.Errorf("record: %w", err)
	}
	var stored dtype.Type
	if !r.Program || r.DType != record.OwnTypes {
		if stored, err = dtype.Parse(r.DType); err != nil {
			return plan.Options{}, fmt.Errorf("record: dtype %s: use a file made by this version", shown.Quote(r.DType))
		}
	}
	streams, err := plan.ParseStreams(r.Streams)
	if err != nil {
		return plan.Options{}, fmt.Errorf("record: %w", err)
	}
	opts := plan.Options{Seed: seed, SeedText: r.Seed, DType: stored, Streams: streams}
	if r.Drawn != "" {
		if opts.Drawn, err = dtype.Parse(r.Drawn); err != nil {
			return plan.Options{}, fmt.Errorf("record: drawn %s: use a file made by this version", shown.Quote(r.Drawn))
		}
	}
	return opts, nil
}

// NoPlanError is returned by [Rebuild] for an output of a plan file that was too
// large for the record: [RebuildProgram] takes it.
type NoPlanError struct {
	// Digest is the plan's.
	Digest string
}

func (e *NoPlanError) Error() string {
	return "record: made of a plan file that was too large to be part of it: give the plan file"
}

func rebuildProgram(r record.Record, opts plan.Options) (*Plan, error) {
	data, err := base64.StdEncoding.DecodeString(r.Plan)
	if err != nil {
		return nil, fmt.Errorf("plan: no base64 (%s)", shown.Text(err.Error()))
	}
	return BuildProgram(data, opts)
}

// RebuildProgram makes the plan again from the plan file and from what else the
// record in an output's metadata says. Whether it is the same plan, the digest
// tells: see [ReadRecord].
func RebuildProgram(metadata map[string]string, file []byte) (*Plan, error) {
	r, err := record.Parse(metadata)
	if err != nil {
		return nil, err
	}
	if !r.Program {
		return nil, errors.New("record: not made of a plan file: the record needs none")
	}
	opts, err := optionsOf(r)
	if err != nil {
		return nil, err
	}
	return BuildProgram(file, opts)
}

func rebuildModel(ctx context.Context, r record.Record, settings []string, opts plan.Options, modes *registry.Registry) (*Plan, error) {
	info, err := modes.Lookup(r.Mode)
	if err != nil {
		return nil, err
	}
	cfg, _, err := model.Parse("weightinit.config", []byte(r.Config), model.JSON)
	if err != nil {
		return nil, err
	}
	return Build(ctx, cfg, info, settings, opts)
}

func rebuildTensor(ctx context.Context, r record.Record, settings []string, opts plan.Options) (*Plan, error) {
	info, err := elementary.Schemes().Lookup(r.Scheme)
	if err != nil {
		return nil, err
	}
	shape, err := r.TensorShape()
	if err != nil {
		return nil, err
	}
	return BuildTensor(ctx, info, settings, shape, opts)
}
