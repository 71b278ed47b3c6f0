package fill

import (
	"context"
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// worker draws segments with buffers of its own.
type worker struct {
	plan   *plan.Plan
	outlet *outlet
	opts   Options
	large  chan struct{} // held by the one who makes a matrix in memory
	narrow []float32
	wide   []float64
	bytes  []byte
	passes int64 // of the truncated normal made last
}

func newWorker(p *plan.Plan, o *outlet, opts Options, large chan struct{}) *worker {
	return &worker{plan: p, outlet: o, opts: opts, large: large}
}

func (w *worker) run(ctx context.Context, s segment) error {
	if s.held != nil {
		return s.held.finish(w)
	}
	for _, pc := range s.pieces {
		if s.stream != nil {
			s.stream.MoveTo(pc.at)
		}
		var err error
		if pc.part.in == dtype.F64 {
			if w.wide == nil {
				w.wide = make([]float64, w.opts.ChunkValues)
			}
			err = drawPiece(ctx, w, s.stream, pc, w.wide)
		} else {
			if w.narrow == nil {
				w.narrow = make([]float32, w.opts.ChunkValues)
			}
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

// drawPiece draws a piece and hands its values over. What needs all values at
// once is held in memory, one part at a time.
func drawPiece[T float32 | float64](ctx context.Context, w *worker, s *rng.Stream, pc piece, buf []T) error {
	p := pc.part
	_, matrix := p.draw.(dist.Orthonormal)
	hold := p.whole && p.param != plan.Discard
	if matrix || hold {
		select {
		case w.large <- struct{}{}:
			defer func() { <-w.large }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if !hold {
		return drawValues(ctx, w, s, pc, buf, func(first int64, values []T) error { return deliver(w, p, first, values) })
	}
	held := make([]T, p.n)
	err := drawValues(ctx, w, s, pc, buf, func(first int64, values []T) error {
		copy(held[first:], values)
		return nil
	})
	if err != nil {
		return err
	}
	finish(p, 0, held)
	for first := int64(0); first < p.n; first += int64(len(buf)) {
		if err := hand(w, p, first, held[first:min(first+int64(len(buf)), p.n)]); err != nil {
			return err
		}
	}
	return nil
}

// drawValues makes the values of a piece before the steps that follow the draw,
// in order.
func drawValues[T float32 | float64](ctx context.Context, w *worker, s *rng.Stream, pc piece, buf []T, take func(first int64, values []T) error) error {
	var next func(dst []T, first int64) error
	switch draw := pc.part.draw.(type) {
	case dist.Filled:
		return drawFilled(ctx, w, pc.part, buf, take)
	case dist.Orthonormal:
		values, err := orthonormal[T](ctx, s, pc.part, draw)
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
		if err := take(pc.first+done, values); err != nil {
			return err
		}
		done += int64(len(values))
	}
	return nil
}

func orthonormal[T float32 | float64](ctx context.Context, s *rng.Stream, p *part, draw dist.Orthonormal) ([]T, error) {
	if s == nil {
		return rng.KeyedOrthonormal[T](p.key, draw, p.shape, stopper(ctx))
	}
	return rng.Orthonormal[T](s, draw, p.shape, stopper(ctx))
}

// source returns the function that makes the next values of a piece, which
// begin at element first of the part.
func source[T float32 | float64](ctx context.Context, w *worker, s *rng.Stream, pc piece) func(dst []T, first int64) error {
	p := pc.part
	if draw, ok := p.draw.(dist.Pattern); ok {
		return func(dst []T, first int64) error {
			rng.Pattern(dst, draw, first, p.shape)
			rng.Round(dst, p.in)
			return nil
		}
	}
	if s == nil {
		return keyedSource[T](ctx, w, pc)
	}
	switch draw := p.draw.(type) {
	case dist.TruncNormal:
		tensor, stop := rng.BeginTruncatedIn[T](s, draw, pc.count, p.in), stopper(ctx)
		if pc.count < p.n {
			tensor = rng.BeginTruncatedPart[T](s, draw, p.n, pc.first, pc.count, p.in)
		}
		return func(dst []T, _ int64) error {
			_, err := tensor.Next(dst, stop)
			if w.passes = tensor.Passes(); err != nil {
				return w.givenUp(p, w.passes, err)
			}
			return nil
		}
	case dist.Sparse:
		tensor := rng.BeginIn[T](s, dist.Dist{Draw: dist.Normal{Std: draw.Std}}, pc.count, p.in)
		return func(dst []T, first int64) error {
			tensor.Next(dst)
			rng.Zero(dst, first, pc.mask)
			return nil
		}
	default:
		tensor := rng.BeginIn[T](s, dist.Dist{Draw: draw}, pc.count, p.in)
		return func(dst []T, _ int64) error { tensor.Next(dst); return nil }
	}
}

// givenUp is the error of a truncated normal that was stopped.
func (w *worker) givenUp(p *part, passes int64, err error) error {
	name := "that is discarded"
	if p.param != plan.Discard {
		name = fmt.Sprintf("of parameter %q", w.plan.Params().At(p.param).Name)
	}
	return fmt.Errorf("trunc_normal %s after %d passes: %w", name, passes, err)
}

// room returns a buffer for so many bytes of encoded values.
func (w *worker) room(bytes int64) []byte {
	if int64(len(w.bytes)) < bytes {
		w.bytes = make([]byte, bytes)
	}
	return w.bytes[:bytes]
}

// deliver does the steps after the draw to values, which begin at element
// first of the part, and hands them over.
func deliver[T float32 | float64](w *worker, p *part, first int64, values []T) error {
	if p.param == plan.Discard {
		return nil
	}
	finish(p, first, values)
	return hand(w, p, first, values)
}

// finish does the steps after the draw to values, which begin at element first
// of the part.
func finish[T float32 | float64](p *part, first int64, values []T) {
	in := p.in
	for _, post := range p.posts {
		if cast, ok := post.(dist.Cast); ok {
			in = cast.To
		}
		rng.Apply(values, first, p.shape, post)
		rng.Round(values, in)
	}
}

// hand hands finished values over.
func hand[T float32 | float64](w *worker, p *part, first int64, values []T) error {
	if p.held != nil {
		return takeHeld(w, p, first, values)
	}
	n, err := put(w.outlet, p, first, values, w.room)
	if err == nil && n > 0 && w.opts.Progress != nil {
		w.opts.Progress(n)
	}
	return err
}

// drawFilled takes the values of a part from the filler, which is held to its
// contract.
func drawFilled[T float32 | float64](ctx context.Context, w *worker, p *part, buf []T, take func(first int64, values []T) error) error {
	width, done := int64(4), int64(0)
	if p.in == dtype.F64 {
		width = 8
	}
	param := w.plan.Params().At(p.param)
	err := w.opts.Filler.Fill(ctx, param, p.in == dtype.F64, func(first int64, data []byte) error {
		count := int64(len(data)) / width
		switch {
		case first != done:
			return fmt.Errorf("parameter %q: element %d was expected from its plugin, %d came", param.Name, done, first)
		case count*width != int64(len(data)):
			return fmt.Errorf("parameter %q: its plugin sent %d bytes, which is no whole number of values", param.Name, len(data))
		case count > p.n-done:
			return fmt.Errorf("parameter %q: its plugin sent more than %d values", param.Name, p.n)
		}
		for len(data) > 0 {
			values := buf[:min(int64(len(buf)), int64(len(data))/width)]
			data = data[decode(values, data):]
			if err := take(done, values); err != nil {
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
		return fmt.Errorf("parameter %q: its plugin sent %d values, %d were expected", param.Name, done, p.n)
	}
	return nil
}
