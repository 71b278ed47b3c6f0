package fill

import (
	"context"
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// RunRange draws count elements of one step, from element first on, into sink,
// which gets the same bytes that [Run] gives for them. It makes nothing else,
// but for a step with an orthogonal matrix, which has to be made whole. p must
// have keyed streams; a step that its plugin fills is an error.
func RunRange(ctx context.Context, p *plan.Plan, step int, first, count int64, sink Sink, opts Options) error {
	if p.Streams != plan.Keyed {
		return fmt.Errorf("fill: a slice by itself needs streams %q, the plan has %q", plan.Keyed, p.Streams)
	}
	if step < 0 || step >= len(p.Steps) {
		return fmt.Errorf("fill: step %d of a plan with %d", step, len(p.Steps))
	}
	s := p.Steps[step]
	if first < 0 || count < 0 || first > s.Elements || count > s.Elements-first {
		return fmt.Errorf("fill: parameter %q has %d elements: there are no %d from %d on", s.Param.Name, s.Elements, count, first)
	}
	if _, filled := s.Dist.Draw.(dist.Filled); filled {
		return fmt.Errorf("fill: parameter %q is made by the plugin of mode %q, and only as a whole", s.Param.Name, p.Mode)
	}
	opts = opts.complete()
	return run(ctx, p, sink, opts, func(ctx context.Context, out chan<- segment) error {
		d := newDealer(ctx, p, opts, out)
		d.first, d.end = first, first+count
		if err := d.step(step); err != nil {
			return err
		}
		return d.emit()
	})
}

// dealer cuts a plan with keyed streams into segments. Nothing depends on what
// was drawn before, so there is nothing to walk.
type dealer struct {
	ctx           context.Context
	plan          *plan.Plan
	segment, mask int64
	out           chan<- segment
	root          rng.Key
	// Of each step the elements in [first, end) are drawn.
	first, end int64
	current    []piece
	load       int64 // values in the current pieces
}

func newDealer(ctx context.Context, p *plan.Plan, opts Options, out chan<- segment) *dealer {
	const dealt = 1 << 20 // nobody walks ahead, so segments may be short
	d := &dealer{
		ctx: ctx, plan: p, segment: opts.segment, mask: opts.mask, out: out,
		root: rng.NewKey(p.Seed), end: math.MaxInt64,
	}
	if d.segment == 0 {
		d.segment = dealt
	}
	return d
}

func (d *dealer) run() error {
	for i := range d.plan.Steps {
		if err := d.step(i); err != nil {
			return err
		}
	}
	return d.emit()
}

// step schedules a step. A step without blocks has the key of its name, a
// block that key folded with its number.
func (d *dealer) step(index int) error {
	step := d.plan.Steps[index]
	key, block := d.root.Named(step.Param.Name), 0
	_, blocks := step.Dist.Draw.(dist.Blocks)
	return eachPart(index, step, func(p *part) error {
		p.key = key
		if blocks {
			p.key = key.Block(block)
			block++
		}
		first, end := max(d.first-p.base, 0), min(d.end-p.base, p.n)
		if first >= end {
			return nil
		}
		return d.add(p, first, end)
	})
}

// add schedules the elements [first, end) of a part.
func (d *dealer) add(p *part, first, end int64) error {
	switch draw := p.draw.(type) {
	case dist.Filled, dist.Orthogonal: // made as a whole
		return d.send([]piece{{part: p, first: first, count: end - first}})
	case dist.Sparse:
		return d.sparse(p, draw, first, end)
	}
	return d.cut(p, first, end, nil)
}

// cut schedules elements in pieces of at most a segment.
func (d *dealer) cut(p *part, first, end int64, mask *rng.Mask) error {
	for first < end {
		if d.load >= d.segment || len(d.current) == maxPieces {
			if err := d.emit(); err != nil {
				return err
			}
		}
		count := min(end-first, d.segment-d.load)
		d.current = append(d.current, piece{part: p, first: first, count: count, mask: mask})
		d.load += count
		first += count
	}
	return nil
}

// sparse schedules the elements of a sparse matrix, whose zeros have to be
// known for as many of them as a mask holds.
func (d *dealer) sparse(p *part, draw dist.Sparse, first, end int64) error {
	rows, cols := p.shape[0], p.shape[1]
	zeros := int64(math.Ceil(draw.Sparsity * float64(rows)))
	for first < end {
		high := min(end, first+d.mask)
		mask, err := rng.NewKeyedMask(p.key, rows, cols, zeros, first, high, stopper(d.ctx))
		if err != nil {
			return err
		}
		if err := d.cut(p, first, high, mask); err != nil {
			return err
		}
		first = high
	}
	return nil
}

// emit hands the current pieces to a worker.
func (d *dealer) emit() error {
	if len(d.current) == 0 {
		return nil
	}
	pieces := d.current
	d.current, d.load = nil, 0
	return d.send(pieces)
}

func (d *dealer) send(pieces []piece) error {
	return send(d.ctx, d.out, segment{pieces: pieces})
}

// keyedSource is [source] for parts with keys, but for those that draw nothing.
func keyedSource[T float32 | float64](ctx context.Context, w *worker, pc piece) func(dst []T, first int64) error {
	p := pc.part
	switch draw := p.draw.(type) {
	case dist.TruncNormal:
		stop := stopper(ctx)
		return func(dst []T, first int64) error {
			if passes, err := rng.FillKeyedTruncated(dst, p.key, draw, first, stop); err != nil {
				return w.givenUp(p, passes, err)
			}
			return nil
		}
	case dist.Sparse:
		key, normal := p.key.FoldIn(0), dist.Dist{Draw: dist.Normal{Std: draw.Std}}
		return func(dst []T, first int64) error {
			rng.FillKeyed(dst, key, normal, first)
			rng.Zero(dst, first, pc.mask)
			return nil
		}
	default:
		return func(dst []T, first int64) error {
			rng.FillKeyed(dst, p.key, dist.Dist{Draw: draw}, first)
			return nil
		}
	}
}
