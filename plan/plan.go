// Package plan freezes a layout, a mode and a seed into a program: an ordered
// list of steps, each a parameter with its distribution and its place in the
// stream, and a digest over all that decides a bit.
//
// A plan is small and holds no values, so it can be printed, compared and
// checked before gigabytes are written. Package fill runs it.
package plan

import (
	"context"
	"fmt"
	"strconv"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// Streams says how the random numbers of the parameters hang together.
type Streams string

// The kinds of streams.
const (
	// Torch is one sequential generator for the whole model, with the bits of
	// PyTorch's CPU generator.
	Torch Streams = "torch"
	// Keyed gives every parameter a stream of its own, by seed and name, with
	// the bits of torch.func._random. No value depends on another parameter,
	// and any part of a parameter can be made by itself.
	Keyed Streams = "keyed"
)

// ParseStreams reads a kind of streams by its name.
func ParseStreams(name string) (Streams, error) {
	switch s := Streams(name); s {
	case Torch, Keyed:
		return s, nil
	}
	return "", fmt.Errorf("streams %s: use %q or %q", shown.Quote(name), Torch, Keyed)
}

// Options are what a plan needs beside the layout and the mode.
type Options struct {
	// Seed is the seed modulo 2^64, as PyTorch takes it.
	Seed uint64
	// SeedText is the seed as the user gave it, such as "-1"; empty means the
	// decimal form of Seed.
	SeedText string
	// DType is the stored type of every parameter; 0 means F32.
	DType layout.DType
	// Streams defaults to Torch.
	Streams Streams
	// AllowFilled admits [dist.Filled]: the caller can ask the plugin of the
	// mode for values when the plan is run.
	AllowFilled bool
}

// Step fills one parameter.
type Step struct {
	Param layout.Param
	Dist  dist.Dist
	// Elements is the number of values of the parameter.
	Elements int64
	// Start is where the stream stands when the step begins; the zero
	// Position if StartUnknown, and always for Keyed streams, where the step
	// begins a stream of its own.
	Start dist.Position
	// Words is the number of words of the stream that the step uses; 0 if
	// WordsUnknown.
	Words int64
	// StartUnknown and WordsUnknown tell that only a run can tell: the words
	// of a truncated normal depend on the values, so with Torch streams the
	// places of all later steps do.
	StartUnknown, WordsUnknown bool
}

// Plan is a frozen program. It is not changed after [Build].
type Plan struct {
	// Mode is the full id, such as "gpt2@1".
	Mode string
	// Settings are the mode's set options, "key=value", sorted.
	Settings []string
	// OptionsJSON are the same as a JSON object with sorted keys.
	OptionsJSON []byte
	Seed        uint64
	SeedText    string
	Streams     Streams
	DType       layout.DType
	// Notes are what a user should know before the weights are made.
	Notes []string
	// Steps are in draw order, which is also the order of the state dict.
	Steps []Step
	// Values and Words are totals over all steps; Words is 0 if WordsUnknown.
	Values, Words int64
	// WordsUnknown tells that only a run can tell the number of words.
	WordsUnknown bool

	// Assigner is the configured mode that the plan was made with, and Model
	// what it was told of the model: who fills parameters itself is asked
	// again with them.
	Assigner registry.Mode
	Model    layout.Facts
	// Plugin is set when the mode comes from one; it decides no bit.
	Plugin *Plugin

	digest string
}

// Digest identifies the bits that the plan makes: two plans of the same
// digest make the same tensors. It has the form "sha256:" and 64 hex digits.
func (p *Plan) Digest() string { return p.digest }

// Bytes returns the size of all values in the stored type.
func (p *Plan) Bytes() int64 { return p.Values * p.DType.Size() }

// Build asks the mode for the distributions of l and freezes the result. It
// is an error when l does not pass its own check, when the mode has no rule
// for a parameter, or when a distribution's numbers cannot be drawn in the
// compute type of opts.DType.
func Build(ctx context.Context, l *layout.Layout, info registry.Info, mode registry.Mode, opts Options) (*Plan, error) {
	if opts.DType == 0 {
		opts.DType = layout.F32
	}
	if opts.Streams == "" {
		opts.Streams = Torch
	}
	if _, err := ParseStreams(string(opts.Streams)); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if opts.SeedText == "" {
		opts.SeedText = strconv.FormatUint(opts.Seed, 10)
	}
	if err := l.Check(); err != nil {
		return nil, err
	}
	dists, err := mode.Assign(ctx, l)
	if err != nil {
		return nil, err
	}
	if len(dists) != len(l.Params) {
		return nil, fmt.Errorf("plan: mode %q assigned %d distributions to %d parameters", info.ID, len(dists), len(l.Params))
	}
	p := &Plan{
		Assigner: mode, Model: l.Model,
		Mode: info.ID.String(), Seed: opts.Seed, SeedText: opts.SeedText,
		Streams: opts.Streams, DType: opts.DType,
		Steps: make([]Step, len(dists)),
	}
	if p.Settings, err = registry.Settings(mode); err != nil {
		return nil, fmt.Errorf("plan: mode %q: %w", info.ID, err)
	}
	if p.OptionsJSON, err = registry.OptionsJSON(mode); err != nil {
		return nil, fmt.Errorf("plan: mode %q: %w", info.ID, err)
	}
	if err := p.place(l, dists, opts.AllowFilled); err != nil {
		return nil, err
	}
	p.Notes = p.ownNotes()
	if n, ok := mode.(registry.Noter); ok {
		p.Notes = append(p.Notes, n.Notes(l)...)
	}
	p.digest = p.computeDigest()
	return p, nil
}
