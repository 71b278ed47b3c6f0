package fill

import (
	"context"
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// worker draws segments with buffers of its own.
type worker struct {
	plan   *plan.Plan
	sink   Sink
	opts   Options
	large  chan struct{} // held by the one who makes a matrix in memory
	narrow []float32
	wide   []float64
	bytes  []byte
	passes int64 // of the truncated normal made last
}

func newWorker(p *plan.Plan, sink Sink, opts Options, large chan struct{}) *worker {
	w := &worker{plan: p, sink: sink, opts: opts, large: large}
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
	if s.done != nil {
		s.done <- s.stream
	}
	if s.passes != nil {
		s.passes <- w.passes
	}
	return nil
}

func drawPiece[T float32 | float64](ctx context.Context, w *worker, s *rng.Stream, pc piece, buf []T) error {
	var next func(dst []T, first int64) error
	switch draw := pc.part.draw.(type) {
	case dist.Filled:
		return drawFilled(ctx, w, pc.part, buf)
	case dist.Orthogonal:
		select {
		case w.large <- struct{}{}:
			defer func() { <-w.large }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		values, err := orthogonal[T](ctx, s, pc.part, draw.Gain)
		if err != nil {
			return err
		}
		next = func(dst []T, first int64) error { copy(dst, values[first:]); return nil }
	default:
		next = source[T](ctx, w, s, pc)
	}
	for done := int64(0); done < pc.count; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		values := buf[:min(int64(len(buf)), pc.count-done)]
		if err := next(values, pc.first+done); err != nil {
			return err
		}
		if err := deliver(w, pc.part, pc.first+done, values); err != nil {
			return err
		}
		done += int64(len(values))
	}
	return nil
}

func orthogonal[T float32 | float64](ctx context.Context, s *rng.Stream, p *part, gain float64) ([]T, error) {
	rows := p.shape[0]
	if s == nil {
		return rng.KeyedOrthogonal[T](p.key, gain, rows, p.n/rows, stopper(ctx))
	}
	return rng.Orthogonal[T](s, gain, rows, p.n/rows, stopper(ctx))
}

// source returns the function that makes the next values of a piece, which
// begin at element first of the part.
func source[T float32 | float64](ctx context.Context, w *worker, s *rng.Stream, pc piece) func(dst []T, first int64) error {
	p := pc.part
	switch draw := p.draw.(type) {
	case dist.Eye:
		return func(dst []T, first int64) error { rng.Eye(dst, first, p.shape[1]); return nil }
	case dist.Dirac:
		return func(dst []T, first int64) error { rng.Dirac(dst, first, p.shape, draw.Groups); return nil }
	}
	if s == nil {
		return keyedSource[T](ctx, w, pc)
	}
	switch draw := p.draw.(type) {
	case dist.TruncNormal:
		tensor, stop := rng.BeginTruncated[T](s, draw, pc.count), stopper(ctx)
		if pc.count < p.n {
			tensor = rng.BeginTruncatedPart[T](s, draw, p.n, pc.first, pc.count)
		}
		return func(dst []T, _ int64) error {
			_, err := tensor.Next(dst, stop)
			if w.passes = tensor.Passes(); err != nil {
				return w.givenUp(p, w.passes, err)
			}
			return nil
		}
	case dist.Sparse:
		tensor := rng.Begin[T](s, dist.Dist{Draw: dist.Normal{Std: draw.Std}}, pc.count)
		return func(dst []T, first int64) error {
			tensor.Next(dst)
			rng.Zero(dst, first, pc.mask)
			return nil
		}
	default:
		tensor := rng.Begin[T](s, dist.Dist{Draw: draw}, pc.count)
		return func(dst []T, _ int64) error { tensor.Next(dst); return nil }
	}
}

// givenUp is the error of a truncated normal that was stopped.
func (w *worker) givenUp(p *part, passes int64, err error) error {
	return fmt.Errorf("trunc_normal of parameter %q after %d passes: %w", w.plan.Steps[p.step].Param.Name, passes, err)
}

// encoded returns room for count encoded values.
func (w *worker) encoded(count int) []byte {
	size := w.plan.DType.Size()
	if w.bytes == nil {
		w.bytes = make([]byte, int64(w.opts.ChunkValues)*size)
	}
	return w.bytes[:int64(count)*size]
}

// deliver does the steps after the draw to values, which begin at element
// first of the part, rounds them and hands them over.
func deliver[T float32 | float64](w *worker, p *part, first int64, values []T) error {
	for _, post := range p.posts {
		rng.Apply(values, post.origin+first, post.rowSize, post.do)
	}
	data := view(values, w.plan.DType)
	if data == nil {
		data = w.encoded(len(values))
		encode(data, values, w.plan.DType)
	}
	if w.opts.watched != nil && w.opts.watched[p.step] {
		w.opts.Overflow.count(p.step, data, w.plan.DType)
	}
	if err := w.sink.WriteValues(p.step, p.base+first, data); err != nil {
		return err
	}
	if w.opts.Progress != nil {
		w.opts.Progress(int64(len(values)))
	}
	return nil
}

// drawFilled takes the values of a part from the filler, which is held to its
// contract.
func drawFilled[T float32 | float64](ctx context.Context, w *worker, p *part, buf []T) error {
	width, done := int64(4), int64(0)
	if w.wide != nil {
		width = 8
	}
	step := w.plan.Steps[p.step]
	err := w.opts.Filler.Fill(ctx, step, w.wide != nil, func(first int64, data []byte) error {
		count := int64(len(data)) / width
		switch {
		case first != done:
			return fmt.Errorf("parameter %q: element %d was expected from its plugin, %d came", step.Param.Name, done, first)
		case count*width != int64(len(data)):
			return fmt.Errorf("parameter %q: its plugin sent %d bytes, which is no whole number of values", step.Param.Name, len(data))
		case count > p.n-done:
			return fmt.Errorf("parameter %q: its plugin sent more than %d values", step.Param.Name, p.n)
		}
		for len(data) > 0 {
			values := buf[:min(int64(len(buf)), int64(len(data))/width)]
			data = data[decode(values, data):]
			if err := deliver(w, p, done, values); err != nil {
				return err
			}
			done += int64(len(values))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if done != p.n {
		return fmt.Errorf("parameter %q: its plugin sent %d values, %d were expected", step.Param.Name, done, p.n)
	}
	return nil
}
