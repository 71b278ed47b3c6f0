// Package fill runs a plan: it draws every step on all cores, in memory that
// does not depend on the size of the model, and hands the encoded values to a
// [Sink] it defines.
//
// It decides nothing about the numbers: package plan says what is drawn and
// package rng makes the bits. It writes no files: a checkpoint writer is a
// Sink, and so is a comparison.
package fill

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// Sink takes the values of a plan. Calls come from several goroutines, in no
// fixed order, and each element of each step comes exactly once.
type Sink interface {
	// WriteValues takes the elements of step from first on, little-endian in
	// the plan's dtype. data is reused after the call returns.
	WriteValues(step int, first int64, data []byte) error
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
}

// DefaultChunk is the number of values in a chunk: 1 MiB of float32.
const DefaultChunk = 1 << 18

// segmentWords is about how many words of the stream one worker draws before
// it takes the next segment. Segments have to be long against the cost of
// copying a generator's state (2.5 kB) and short against a model.
const segmentWords = 1 << 20

// piece is a range of elements of one step; drawn from where its segment's
// stream stands then, as a tensor of count elements.
type piece struct {
	step         int
	first, count int64
}

// segment is a list of pieces that one worker draws in order, from a stream
// that stands at the first word of the first piece.
type segment struct {
	stream *rng.Stream
	pieces []piece
}

// Run draws all steps of p into sink. It returns the first error of the sink
// or, when ctx is cancelled, the context's cause.
func Run(ctx context.Context, p *plan.Plan, sink Sink, opts Options) error {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.ChunkValues <= 0 {
		opts.ChunkValues = DefaultChunk
	}
	group, ctx := errgroup.WithContext(ctx)
	segments := make(chan segment)
	group.Go(func() error {
		defer close(segments)
		return schedule(ctx, p, segments)
	})
	for range opts.Workers {
		group.Go(func() error {
			w := newWorker(p, sink, opts)
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

// schedule walks the stream once, without making values, and cuts the plan
// into segments.
func schedule(ctx context.Context, p *plan.Plan, out chan<- segment) error {
	leader := rng.New(p.Seed)
	current := segment{stream: leader.Clone()}
	words := int64(0)
	emit := func() error {
		if len(current.pieces) > 0 {
			select {
			case out <- current:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		current, words = segment{stream: leader.Clone()}, 0
		return nil
	}
	for i, step := range p.Steps {
		if words > 0 && words+step.Words > segmentWords {
			if err := emit(); err != nil {
				return err
			}
		}
		if step.Elements > segmentWords {
			if err := emit(); err != nil {
				return err
			}
			if err := splitStep(ctx, leader, i, step, out); err != nil {
				return err
			}
			current, words = segment{stream: leader.Clone()}, 0
			continue
		}
		current.pieces = append(current.pieces, piece{i, 0, step.Elements})
		words += step.Words
		leave(leader, step)
	}
	return emit()
}

// leave moves the stream from the start of a step to its end. Only draws of
// fewer than 16 normals touch the cached normal, and these are redrawn.
func leave(s *rng.Stream, step plan.Step) {
	if _, normal := step.Dist.Draw.(dist.Normal); normal && step.Elements < dist.Block {
		var small [dist.Block]float64
		rng.Fill(s, step.Dist, small[:step.Elements])
		return
	}
	s.Advance(step.Words)
}

// splitStep emits a long step in segments and leaves the stream at its end.
// Every cut is at a multiple of 16 elements and the last segment holds the
// whole tail, so each segment draws like a tensor of its own from where the
// stream stands.
func splitStep(ctx context.Context, leader *rng.Stream, index int, step plan.Step, out chan<- segment) error {
	wordsPerValue := step.Words / step.Elements // 1 or 2; 0 for constants. The tail's 16 words do not reach another 1.
	for first := int64(0); first < step.Elements; {
		count, words := int64(segmentWords), segmentWords*wordsPerValue
		if rest := step.Elements - first - count; rest < 2*dist.Block {
			count, words = step.Elements-first, step.Words-first*wordsPerValue
		}
		select {
		case out <- segment{stream: leader.Clone(), pieces: []piece{{index, first, count}}}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		leader.Advance(words)
		first += count
	}
	return nil
}

// worker draws segments with buffers of its own.
type worker struct {
	plan   *plan.Plan
	sink   Sink
	opts   Options
	narrow []float32
	wide   []float64
	bytes  []byte
}

func newWorker(p *plan.Plan, sink Sink, opts Options) *worker {
	w := &worker{plan: p, sink: sink, opts: opts, bytes: make([]byte, int64(opts.ChunkValues)*p.DType.Size())}
	if p.DType.Compute() == layout.F64 {
		w.wide = make([]float64, opts.ChunkValues)
	} else {
		w.narrow = make([]float32, opts.ChunkValues)
	}
	return w
}

func (w *worker) run(ctx context.Context, s segment) error {
	for _, pc := range s.pieces {
		var err error
		if w.wide != nil {
			err = drawPiece(ctx, w, s.stream, pc, w.wide)
		} else {
			err = drawPiece(ctx, w, s.stream, pc, w.narrow)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func drawPiece[T float32 | float64](ctx context.Context, w *worker, s *rng.Stream, pc piece, buf []T) error {
	step := w.plan.Steps[pc.step]
	tensor := rng.Begin[T](s, step.Dist, pc.count)
	for done := int64(0); done < pc.count; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		part := buf[:min(int64(len(buf)), pc.count-done)]
		tensor.Next(part)
		data := w.bytes[:int64(len(part))*w.plan.DType.Size()]
		encode(data, part, w.plan.DType)
		if err := w.sink.WriteValues(pc.step, pc.first+done, data); err != nil {
			return err
		}
		done += int64(len(part))
		if w.opts.Progress != nil {
			w.opts.Progress(int64(len(part)))
		}
	}
	return nil
}
