// Package plan freezes a layout, a mode and a seed into a program: what the
// generator does, step by step, and which tensors come out, with a digest over
// all that decides a bit.
//
// A plan is small and holds no values, so it can be printed, compared and
// checked before gigabytes are written. Package fill runs it.
//
// Three things are kept apart. A parameter ([Param]) is what the mode saw: a
// name, a shape, a role, and the law of its values. A step ([Step]) is what the
// generator does: one draw of a shape in a type, into some elements of a
// parameter or into none. A tensor ([Tensor]) is what lies in a file: a name, a
// shape, a stored type, and which elements of a parameter it holds. They are
// one to one for a model whose parameters are drawn one after the other; a
// model whose framework draws values and loses them, draws a parameter twice,
// fuses matrices or stores one draw as many tensors has more of one than of
// another.
package plan

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
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
	// DType is the stored type of every tensor that has none of its own; 0
	// means the layout's, else F32.
	DType dtype.Type
	// Drawn is the type in which values are drawn; 0 means the compute type of
	// DType or, for a mode that replays the framework's draws, DType. Another
	// one is torch's way for a model that is made in that type:
	// a half type has draws of its own.
	Drawn dtype.Type
	// Streams defaults to Torch.
	Streams Streams
	// AllowFilled admits [dist.Filled]: the caller can ask the plugin of the
	// mode for values when the plan is run.
	AllowFilled bool
}

// Param is a parameter of the model with the law of its values.
type Param struct {
	layout.Param
	// Dist is what the parameter is filled with: what the mode assigned or, in
	// a replayed plan, the draw that stays.
	Dist dist.Dist
	// Elements is the number of values.
	Elements int64
}

// Discard is the parameter of a step whose values nobody keeps.
const Discard = layout.Lost

// Step is one draw of the generator.
type Step struct {
	// Dist is what is drawn, with what is done to the values afterwards; never
	// [dist.Blocks], each of which is a step.
	Dist dist.Dist
	// Shape is that of the draw, Elements the number of its values. In is the
	// type in which they are drawn.
	Shape    []int64
	Elements int64
	In       dtype.Type
	// Param is the number of the parameter that takes the values, in the
	// elements Into; or [Discard].
	Param int
	Into  layout.Region
	// Lost are the elements of the parameter among these that a later step
	// replaces.
	Lost []Run
	// Block is the number of the step among those of its parameter; -1 for
	// the only one.
	Block int
	// Start is where the stream stands when the step begins; the zero
	// Position if StartUnknown, and always for Keyed streams, where the step
	// begins a stream of its own.
	Start dist.Position
	// Words is the number of words of the stream that the step uses; 0 if
	// WordsUnknown.
	Words int64
	// Stream is the generator; 0 is the one that has the plan's seed at the
	// start. Before is what happens to generators before the step.
	Stream int
	Before []Move
	// Again tells that the generator stays where it was: the next step draws
	// the same values once more.
	Again bool
	// Key is the name of the keyed stream that the step draws from; empty for
	// that of its parameter.
	Key string
	// Held is the number of the step's [Held], plus one; 0 for a step whose
	// values go to tensors as they are drawn.
	Held int
	// StartUnknown and WordsUnknown tell that only a run can tell: the words
	// of a truncated normal depend on the values, so with Torch streams the
	// places of all later steps do.
	StartUnknown, WordsUnknown bool
}

// Tensor is what lies in a file.
type Tensor struct {
	Name  string
	Shape []int64
	// DType is the stored type.
	DType dtype.Type
	// Param is the number of the parameter whose elements it holds: Elements
	// of them, from First on.
	Param           int
	First, Elements int64
	// ULPs is by how many units in the last place values may differ from
	// torch's, whose functions are not correctly rounded; 0 for bits, -1 where
	// nobody promises values.
	ULPs int
}

// StateEntry is a tensor of the state dict.
type StateEntry struct {
	Tensor
	// SameAs names the earlier one that it is tied to.
	SameAs string
	// Buffer tells that it is a persistent buffer and no parameter.
	Buffer bool
}

// Bytes returns the size of the tensor's values.
func (t Tensor) Bytes() int64 { return t.Elements * t.DType.Size() }

// Plan is a frozen program. [Build] makes it, and nothing changes it.
type Plan struct {
	info        registry.Info
	settings    []string
	optionsJSON []byte
	opts        Options
	notes       []registry.Note

	params  []Param
	steps   []Step
	held    []Held
	tensors []Tensor
	// state are the tensors of the state dict that are not tied, and
	// stateDict all of them.
	state     []Tensor
	stateDict []StateEntry
	// replayed tells that the steps are the framework's own, and part that the
	// plan is one of another's: both have discards. program tells that there
	// is no mode: every parameter has a type of its own.
	replayed, part, program bool

	elements, words int64
	wordsUnknown    bool

	assigner registry.Mode
	plugin   *registry.Plugin
	model    layout.Facts
	places   *Places

	digest func() string
}

// Mode returns the full id, such as "gpt2@1"; empty for a program, for which no
// mode was asked.
func (p *Plan) Mode() string {
	if p.program {
		return ""
	}
	return p.info.ID.String()
}

// Settings returns the mode's set options, "key=value", sorted.
func (p *Plan) Settings() []string { return append([]string{}, p.settings...) }

// OptionsJSON returns the same as a JSON object with sorted keys.
func (p *Plan) OptionsJSON() string { return string(p.optionsJSON) }

// Seed returns the seed modulo 2^64.
func (p *Plan) Seed() uint64 { return p.opts.Seed }

// SeedText returns the seed as the user gave it.
func (p *Plan) SeedText() string { return p.opts.SeedText }

// Streams returns how the random numbers of the parameters hang together.
func (p *Plan) Streams() Streams { return p.opts.Streams }

// DType returns the stored type of the tensors that have none of their own; 0
// for a program of which each tensor is stored in its own.
func (p *Plan) DType() dtype.Type { return p.opts.DType }

// Drawn returns the type in which the values are drawn.
func (p *Plan) Drawn() dtype.Type { return p.opts.Drawn }

// Notes returns what a user should know before the weights are made.
func (p *Plan) Notes() []registry.Note { return append([]registry.Note{}, p.notes...) }

// Params returns the parameters in the order of the model.
func (p *Plan) Params() View[Param] { return View[Param]{p.params} }

// Steps returns the draws in the order of the stream.
func (p *Plan) Steps() View[Step] { return View[Step]{p.steps} }

// Tensors returns what comes out, in the order of the state dict.
func (p *Plan) Tensors() View[Tensor] { return View[Tensor]{p.tensors} }

// StateDict returns the tensors of the state dict, in its order, with those that
// are tied and so in no file. Their names and shapes are not always those of
// the tensors in a file.
func (p *Plan) StateDict() View[StateEntry] { return View[StateEntry]{p.stateDict} }

// Elements returns the number of values of all tensors.
func (p *Plan) Elements() int64 { return p.elements }

// Words returns the number of words of the stream that all steps use; known
// is false where only a run can tell.
func (p *Plan) Words() (words int64, known bool) { return p.words, !p.wordsUnknown }

// Bytes returns the size of all tensors in their stored types.
func (p *Plan) Bytes() int64 {
	total := int64(0)
	for _, t := range p.tensors {
		total += t.Bytes()
	}
	return total
}

// Assigner returns the configured mode that the plan was made with. Whoever
// asks a plugin for values asks this mode.
func (p *Plan) Assigner() registry.Mode { return p.assigner }

// Model returns what the mode was told of the model.
func (p *Plan) Model() layout.Facts { return p.model }

// Config returns the config that the model was made of, as canonical JSON; nil
// for a plan that was made of none.
func (p *Plan) Config() []byte { return append([]byte(nil), p.model.Config...) }

// Plugin returns the plugin that the mode comes from; nil for a mode of this
// process. It decides no bit.
func (p *Plan) Plugin() *registry.Plugin { return p.plugin }

// Places returns what runs of the plan have found of places in the stream.
func (p *Plan) Places() *Places { return p.places }

// Digest identifies the bits that the plan makes: two plans of the same
// digest make the same tensors. It has the form "sha256:" and 64 hex digits.
func (p *Plan) Digest() string { return p.digest() }

// Build asks the mode for the distributions of l and freezes the result. It
// is an error when l does not pass its own check, when the mode has no rule
// for a parameter, or when a distribution's numbers cannot be drawn in the
// type that opts says.
//
// A mode that is a [registry.Replayer] is drawn by l.Replay instead of one
// parameter after the other.
func Build(ctx context.Context, l *layout.Layout, info registry.Info, mode registry.Mode, opts Options) (*Plan, error) {
	if opts.DType == 0 {
		opts.DType = l.DType
	}
	if r, ok := mode.(registry.Replayer); ok && opts.Drawn == 0 && r.Replays(l) {
		opts.Drawn = opts.DType // a framework makes the model in its type
	}
	if err := opts.complete(); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
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
	var plugin *registry.Plugin
	if external, ok := mode.(registry.External); ok {
		from := external.Plugin()
		plugin = &from
	}
	l = l.Clone()
	p := &Plan{info: info, assigner: mode, plugin: plugin, model: l.Model, opts: opts, places: new(Places)}
	if p.settings, err = registry.Settings(mode); err != nil {
		return nil, fmt.Errorf("plan: mode %q: %w", info.ID, err)
	}
	if p.optionsJSON, err = registry.OptionsJSON(mode); err != nil {
		return nil, fmt.Errorf("plan: mode %q: %w", info.ID, err)
	}
	for i, param := range l.Params {
		p.params = append(p.params, Param{Param: param, Dist: dists[i], Elements: param.Elements()})
	}
	p.tensorsOf(l)
	if err := p.lower(l, mode); err != nil {
		return nil, err
	}
	p.freeze()
	if n, ok := mode.(registry.Noter); ok {
		p.notes = append(p.notes, n.Notes(l)...)
	}
	return p, nil
}

// FromProgram freezes what a framework does to make a model, as l.Replay says
// it; no mode is asked. Parameters without a type of their own have l.DType. A
// DType in opts is the one in which all floating-point tensors are stored; 0
// means that each is stored in its own. Drawn has no meaning.
//
// The layout belongs to the plan from then on.
//
// It is an error, which names the step, when a computation reads what was never
// written, when a tensor is not made whole, or when a stream or a slot is used
// that nothing stands in.
func FromProgram(l *layout.Layout, opts Options) (*Plan, error) {
	stored := opts.DType
	opts.Drawn = l.DType
	if err := opts.complete(); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	opts.DType = stored
	if err := l.Check(); err != nil {
		return nil, err
	}
	p := &Plan{model: l.Model, opts: opts, params: make([]Param, 0, len(l.Params)), places: new(Places), optionsJSON: []byte("{}"), replayed: true, program: true}
	for _, param := range l.Params {
		p.params = append(p.params, Param{Param: param, Elements: param.Elements()})
	}
	p.tensorsOf(l)
	if err := p.lowerReplay(l.Replay); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if err := p.settle(); err != nil {
		return nil, err
	}
	p.freeze()
	return p, nil
}

// freeze completes a plan whose steps stand.
func (p *Plan) freeze() {
	p.place()
	bounds := p.inexact()
	for i := range p.tensors {
		t := &p.tensors[i]
		p.elements += t.Elements
		t.ULPs = boundFor(bounds[t.Param], t.ULPs)
	}
	for i := range p.stateDict {
		t := &p.stateDict[i].Tensor
		if p.stateDict[i].SameAs == "" {
			t.ULPs = boundFor(bounds[t.Param], t.ULPs)
		}
	}
	p.notes = p.ownNotes()
	p.digest = sync.OnceValue(p.computeDigest)
}

// boundFor is the bound of a tensor whose parameter has the one that was worked
// out; a measured one is better where there is any.
func boundFor(bound, measured int) int {
	if bound > 0 && measured > 0 {
		return measured
	}
	return bound
}

// complete sets the options that are left open.
func (o *Options) complete() error {
	if o.DType == 0 {
		o.DType = dtype.F32
	}
	if o.Drawn == 0 {
		o.Drawn = o.DType.Compute()
	}
	if o.Streams == "" {
		o.Streams = Torch
	}
	if o.SeedText == "" {
		o.SeedText = strconv.FormatUint(o.Seed, 10)
	}
	for _, t := range []dtype.Type{o.DType, o.Drawn} {
		if !t.Valid() {
			return fmt.Errorf("unknown type %s", t)
		}
	}
	_, err := ParseStreams(string(o.Streams))
	return err
}

// tensorsOf lists the state dict, and what a file holds of it.
func (p *Plan) tensorsOf(l *layout.Layout) {
	p.stateDict = p.stateEntries(l)
	for _, e := range p.stateDict {
		if e.SameAs == "" {
			p.state = append(p.state, e.Tensor)
		}
	}
	switch {
	case l.Saved != nil:
		p.tensors = slices.Grow(p.tensors, len(l.Saved))
		for _, e := range l.Saved {
			if e.SameAs == "" {
				p.tensors = append(p.tensors, p.tensor(e))
			}
		}
	case l.StateDict != nil:
		p.tensors = slices.Clone(p.state)
	default:
		for i, param := range l.Params {
			if param.Tied != "" || param.Unnamed {
				continue
			}
			slices := param.Stored
			if slices == nil {
				slices = []layout.Slice{{Name: param.Name, Shape: param.Shape}}
			}
			for _, s := range slices {
				p.tensors = append(p.tensors, p.tensor(layout.Entry{Name: s.Name, Shape: s.Shape, Param: i, First: s.First}))
			}
		}
	}
}

func (p *Plan) stateEntries(l *layout.Layout) []StateEntry {
	entries := l.StateDict
	if entries == nil {
		for i, param := range l.Params {
			if !param.Unnamed {
				entries = append(entries, layout.Entry{Name: param.Name, Shape: param.Shape, Param: i, SameAs: param.Tied, Buffer: param.Buffer})
			}
		}
	}
	out := make([]StateEntry, len(entries))
	for i, e := range entries {
		out[i] = StateEntry{Tensor: p.tensor(e), SameAs: e.SameAs, Buffer: e.Buffer}
	}
	return out
}

// tensor is an entry in the type that it is stored in.
func (p *Plan) tensor(e layout.Entry) Tensor {
	own := p.params[e.Param].DType
	stored := p.opts.DType
	switch {
	case own.Whole() || p.program && stored == 0 && own != 0 || !p.program && own != 0:
		stored = own
	case stored == 0:
		stored = p.opts.Drawn
	}
	return Tensor{Name: e.Name, Shape: e.Shape, DType: stored, Param: e.Param, First: e.First, Elements: dist.Elements(e.Shape), ULPs: e.ULPs}
}
