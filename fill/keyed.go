package fill

import (
	"context"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// dealer cuts a plan with keyed streams into segments. Nothing depends on what
// was drawn before, so there is nothing to walk.
type dealer struct {
	ctx           context.Context
	holder        *holder
	plan          *plan.Plan
	window        window
	segment, mask int64
	gap           int64
	out           chan<- segment
	root          rng.Key
	current       []piece
	load          int64 // values in the current pieces
}

func newDealer(ctx context.Context, p *plan.Plan, w window, h *holder, opts Options, out chan<- segment) *dealer {
	const dealt = 1 << 20 // nobody walks ahead, so segments may be short
	d := &dealer{ctx: ctx, plan: p, window: w, holder: h, segment: opts.segment, mask: opts.mask, gap: opts.gap, out: out, root: rng.NewKey(p.Seed())}
	if d.segment == 0 {
		d.segment = dealt
	}
	if d.gap == 0 {
		d.gap = gapKeyed
	}
	return d
}

// run schedules every step. The only step of a parameter has the key of its
// name, one of several that key folded with its number.
func (d *dealer) run() error {
	if err := d.holder.undrawn(d.ctx, d.out); err != nil {
		return err
	}
	for i, s := range d.plan.Steps().All() {
		wanted := d.window.of(s, d.gap)
		if none(wanted) {
			continue
		}
		p, err := d.holder.part(d.ctx, i, s)
		if err != nil {
			return err
		}
		name := s.Key
		if name == "" {
			name = d.plan.Params().At(s.Param).Name
		}
		p.key = d.root.Named(name)
		if s.Block >= 0 {
			p.key = p.key.Block(s.Block)
		}
		if err := d.add(p, wanted); err != nil {
			return err
		}
	}
	return d.emit()
}

// add schedules those elements of a part that are wanted.
func (d *dealer) add(p *part, wanted runs) error {
	if p.whole {
		wanted = p.all()
	}
	switch draw := p.draw.(type) {
	case dist.Filled, dist.Orthonormal: // made as a whole
		first, end := hull(wanted)
		return d.send([]piece{{part: p, first: first, count: end - first}})
	case dist.Sparse:
		return d.sparse(p, draw, wanted)
	}
	for first, end := range wanted {
		if err := d.cut(p, first, end, nil); err != nil {
			return err
		}
	}
	return nil
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
		if p.whole {
			count = p.n
		}
		d.current = append(d.current, piece{part: p, first: first, count: count, mask: mask})
		d.load += count
		first += count
	}
	return nil
}

// sparse schedules elements of a sparse matrix, whose zeros have to be known for
// as many of them as a mask holds.
func (d *dealer) sparse(p *part, draw dist.Sparse, wanted runs) error {
	rows, cols := p.shape[0], p.shape[1]
	zeros := int64(math.Ceil(draw.Sparsity * float64(rows)))
	_, last := hull(wanted)
	var mask *rng.Mask
	high := int64(0) // of the mask
	for first, end := range wanted {
		for first < end {
			if first >= high {
				high = min(last, first+d.mask)
				if p.whole {
					high = last
				}
				var err error
				if mask, err = rng.NewKeyedMask(p.key, rows, cols, zeros, first, high, stopper(d.ctx)); err != nil {
					return err
				}
			}
			until := min(end, high)
			if err := d.cut(p, first, until, mask); err != nil {
				return err
			}
			first = until
		}
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
			rng.Round(dst, p.in)
			return nil
		}
	case dist.Sparse:
		key, normal := p.key.FoldIn(0), dist.Dist{Draw: dist.Normal{Std: draw.Std}}
		return func(dst []T, first int64) error {
			rng.FillKeyed(dst, key, normal, first)
			rng.Round(dst, p.in)
			rng.Zero(dst, first, pc.mask)
			return nil
		}
	default:
		return func(dst []T, first int64) error {
			rng.FillKeyed(dst, p.key, dist.Dist{Draw: draw}, first)
			rng.Round(dst, p.in)
			return nil
		}
	}
}
