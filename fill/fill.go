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
// has its place, so nothing waits, and [RunRange] makes any range alone.
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
// fixed order, and each element of each step comes exactly once.
type Sink interface {
	// WriteValues takes the elements of step from first on, little-endian in
	// the plan's dtype. data is reused after the call returns.
	WriteValues(step int, first int64, data []byte) error
}

// Filler makes the values of the steps that their mode fills itself
// ([dist.Filled]).
type Filler interface {
	// Fill calls each with the values of step, from element first on: in
	// order, without gap or overlap, all of them, as little-endian float64 if
	// wide, else float32. data is not used after each returns; an error of
	// each ends the call and is returned. Calls come from several goroutines.
	Fill(ctx context.Context, step plan.Step, wide bool, each func(first int64, data []byte) error) error
}

// Options tune a run. They never change a value.
type Options struct {
	// Workers is the number of goroutines that draw; 0 means one a core.
	Workers int
	// ChunkValues is the most values handed over at once; 0 means
	// [DefaultChunk].
	ChunkValues int
	// Progress, if set, is called from several goroutines with the number of
	// values that have just been taken by the sink.
	Progress func(values int64)
	// Filler is asked for the steps that are filled; a plan with such a step
	// is an error without it.
	Filler Filler
	// Overflow, if set, counts the values that are not finite.
	Overflow *Overflow

	watched []bool // the steps that Overflow looks at

	segment, mask int64 // for tests; 0 means what the leader or the dealer takes, and maskValues
}

// DefaultChunk is the number of values in a chunk: 1 MiB of float32.
const DefaultChunk = 1 << 18

// Run draws all steps of p into sink. It returns the first error of the sink
// or the filler or, when ctx is cancelled, the context's cause.
func Run(ctx context.Context, p *plan.Plan, sink Sink, opts Options) error {
	for _, s := range p.Steps {
		if _, filled := s.Dist.Draw.(dist.Filled); filled && opts.Filler == nil {
			return fmt.Errorf("fill: parameter %q is made by the plugin of mode %q, and there is none to ask", s.Param.Name, p.Mode)
		}
	}
	opts = opts.complete()
	if opts.Overflow != nil {
		opts.watched = opts.Overflow.start(p)
	}
	err := run(ctx, p, sink, opts, func(ctx context.Context, out chan<- segment) error {
		if p.Streams == plan.Keyed {
			return newDealer(ctx, p, opts, out).run()
		}
		return newLeader(ctx, p, opts, out).run()
	})
	if err == nil && opts.Overflow != nil && opts.Overflow.Strict {
		if found := opts.Overflow.Found(p); found != nil {
			return found
		}
	}
	return err
}

// complete sets the options that are left open.
func (opts Options) complete() Options {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.ChunkValues <= 0 {
		opts.ChunkValues = DefaultChunk
	}
	if opts.mask == 0 {
		opts.mask = maskValues
	}
	return opts
}

// run draws the segments that lead sends.
func run(ctx context.Context, p *plan.Plan, sink Sink, opts Options, lead func(ctx context.Context, out chan<- segment) error) error {
	group, ctx := errgroup.WithContext(ctx)
	segments := make(chan segment)
	group.Go(func() error {
		defer close(segments)
		return lead(ctx, segments)
	})
	large := make(chan struct{}, 1)
	for range opts.Workers {
		group.Go(func() error {
			w := newWorker(p, sink, opts, large)
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
