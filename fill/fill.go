// Package fill runs a plan: it draws every step on all cores, in memory that
// does not depend on the size of the model, and hands the encoded values to a
// [Sink] it defines.
//
// It decides nothing about the numbers: package plan says what is drawn and
// package rng makes the bits. It writes no files: a checkpoint writer is a
// Sink, and so is a comparison.
//
// A few draws are special: the words of a truncated normal depend on its
// values, so what follows waits until all its parts are made; an orthogonal
// matrix is held in memory whole, one at a time.
// With keyed streams only the orthogonal matrix is left of these: every element
// has its place, so nothing waits.
//
// Only what somebody takes is made. Draws that are lost, and draws outside of
// what [RunRange] or [RunRegions] is asked for, cost a jump.
package fill

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/plan"
)

// Sink takes the values of a plan. Calls come from several goroutines, in no
// fixed order, and each element of each tensor comes exactly once.
type Sink interface {
	// WriteValues takes the elements of a tensor of the plan, by its number,
	// from first on, little-endian in its stored type. data is reused after
	// the call returns.
	WriteValues(tensor int, first int64, data []byte) error
}

// Filler makes the values of the parameters that their mode fills itself
// ([dist.Filled]).
type Filler interface {
	// Fill calls each with the values of param, from element first on: in
	// order, without gap or overlap, all of them, as little-endian float64 if
	// wide, else float32. data is not used after each returns; an error of
	// each ends the call and is returned. Calls come from several goroutines.
	Fill(ctx context.Context, param plan.Param, wide bool, each func(first int64, data []byte) error) error
}

// Options tune a run. They never change a value.
type Options struct {
	// Workers is the number of goroutines that draw; 0 means one a core.
	Workers int
	// ChunkValues is the most values handed over at once; 0 means
	// [DefaultChunk].
	ChunkValues int
	// WorkMemory is the most bytes of parameters that are held in memory at
	// once because they are computed of each other; 0 means
	// [DefaultWorkMemory]. More is a [*WorkMemoryError], before anything is
	// drawn.
	WorkMemory int64
	// Progress, if set, is called from several goroutines with the number of
	// values that have just been taken by the sink.
	Progress func(values int64)
	// Filler is asked for the steps that are filled; a plan with such a step
	// is an error without it.
	Filler Filler

	// For tests; 0 means what the leader or the dealer takes, maskValues, and
	// what gapOf says.
	segment, mask, gap int64
}

// DefaultChunk is the number of values in a chunk: 1 MiB of float32.
const DefaultChunk = 1 << 18

// Run draws all steps of p into sink. It returns the first error of the sink
// or the filler or, when ctx is cancelled, the context's cause.
func Run(ctx context.Context, p *plan.Plan, sink Sink, opts Options) error {
	if err := fillable(p, opts.Filler, func(plan.Step) bool { return true }); err != nil {
		return err
	}
	targets := make([]target, 0, p.Tensors().Len())
	for i, t := range p.Tensors().All() {
		targets = append(targets, target{number: i, param: t.Param, box: straight(t.First, t.Elements), stored: t.DType})
	}
	return draw(ctx, p, targets, sink, window{all: true}, opts)
}

// RunRange draws count elements of one tensor, from element first on, into
// sink, which gets the same bytes that [Run] gives for them. It makes little
// else: with Torch streams it jumps to the place, which a run has to find once
// when truncated normals stand before it (plan.Places); an orthogonal matrix is
// made whole. A tensor that a plugin fills is an error.
func RunRange(ctx context.Context, p *plan.Plan, tensor int, first, count int64, sink Sink, opts Options) error {
	if tensor < 0 || tensor >= p.Tensors().Len() {
		return fmt.Errorf("fill: tensor %d of a plan with %d", tensor, p.Tensors().Len())
	}
	t := p.Tensors().At(tensor)
	if first < 0 || count < 0 || first > t.Elements || count > t.Elements-first {
		return fmt.Errorf("fill: tensor %q has %d elements: there are no %d from %d on", t.Name, t.Elements, count, first)
	}
	for _, s := range p.Steps().All() {
		if _, filled := s.Dist.Draw.(dist.Filled); filled && s.Param == t.Param {
			return fmt.Errorf("fill: parameter %q is made by the plugin of mode %q, and only as a whole", p.Params().At(s.Param).Name, p.Mode())
		}
	}
	return drawTargets(ctx, p, []target{{number: tensor, param: t.Param, box: straight(t.First+first, count), at: first, stored: t.DType}}, sink, opts)
}

// RunRegions draws regions of tensors into sink, which gets the same bytes that
// [Run] gives for them: the number of the region in the list in place of the
// tensor's, and elements as they count in the region. Regions may overlap, or
// be the same. All are made in one walk through the plan, which makes little
// else, as [RunRange] does. Where the rows of a region lie close to each other,
// what is between them is drawn and lost.
func RunRegions(ctx context.Context, p *plan.Plan, regions []Region, sink Sink, opts Options) error {
	targets := make([]target, len(regions))
	for i, r := range regions {
		if r.Tensor < 0 || r.Tensor >= p.Tensors().Len() {
			return fmt.Errorf("fill: region %d: tensor %d of a plan with %d", i, r.Tensor, p.Tensors().Len())
		}
		t := p.Tensors().At(r.Tensor)
		if err := r.Check(t); err != nil {
			return fmt.Errorf("fill: region %d of tensor %q: %w", i, t.Name, err)
		}
		targets[i] = target{number: i, param: t.Param, box: boxOf(t, r), stored: t.DType}
	}
	w := newWindow(targets)
	if err := fillable(p, opts.Filler, func(s plan.Step) bool { return !none(w.of(s, 1)) }); err != nil {
		return err
	}
	return drawTargets(ctx, p, targets, sink, opts)
}

// fillable returns an error if a step that is made is filled, and there is
// nobody to fill it.
func fillable(p *plan.Plan, filler Filler, made func(plan.Step) bool) error {
	if filler != nil {
		return nil
	}
	for _, s := range p.Steps().All() {
		if _, filled := s.Dist.Draw.(dist.Filled); filled && s.Param != plan.Discard && made(s) {
			return fmt.Errorf("fill: parameter %q is made by the plugin of mode %q, and there is none to ask", p.Params().At(s.Param).Name, p.Mode())
		}
	}
	return nil
}

func drawTargets(ctx context.Context, p *plan.Plan, targets []target, sink Sink, opts Options) error {
	return draw(ctx, p, targets, sink, newWindow(targets), opts)
}

// draw makes what lies in the window, and hands it to the targets.
func draw(ctx context.Context, p *plan.Plan, targets []target, sink Sink, w window, opts Options) error {
	opts = opts.complete()
	holder, err := newHolder(p, w, opts.WorkMemory)
	if err != nil {
		return err
	}
	w.held = holder.wanted
	return work(ctx, p, newOutlet(p, targets, sink), opts, func(ctx context.Context, out chan<- segment) error {
		if p.Streams() == plan.Keyed {
			return newDealer(ctx, p, w, holder, opts, out).run()
		}
		return newLeader(ctx, p, w, holder, opts, out).run()
	})
}

// complete sets the options that are left open.
func (opts Options) complete() Options {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.ChunkValues <= 0 {
		opts.ChunkValues = DefaultChunk
	}
	if opts.WorkMemory <= 0 {
		opts.WorkMemory = DefaultWorkMemory
	}
	if opts.mask == 0 {
		opts.mask = maskValues
	}
	return opts
}

// work draws the segments that lead sends.
func work(ctx context.Context, p *plan.Plan, o *outlet, opts Options, lead func(ctx context.Context, out chan<- segment) error) error {
	group, ctx := errgroup.WithContext(ctx)
	segments := make(chan segment)
	group.Go(func() error {
		defer close(segments)
		return lead(ctx, segments)
	})
	large := make(chan struct{}, 1)
	for range opts.Workers {
		group.Go(func() error {
			w := newWorker(p, o, opts, large)
			for s := range segments {
				if err := w.run(ctx, s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	return nil
}
