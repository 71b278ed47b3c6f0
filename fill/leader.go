package fill

import (
	"context"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// What it costs to move a generator ahead, in values: a worker passes so many in
// the time that it makes one, and jumps over any number in the time that it makes
// jump.
const passes, jump = 6, 1 << 17

// segmentWords is about how many words of the stream one worker draws before
// it takes the next segment, for a run of so many values. A jump from one
// segment to the next takes as long as 2^17 values, so segments of n words cost
//
//	values/n · 2^17   the walk of the leader, and at the end
//	n                 the wait for the last segment,
//
// which is least for n = sqrt(values · 2^17). It is a multiple of 16, as the
// cuts of a step have to be.
func segmentWords(values int64) int64 {
	const least, most = 1 << 18, 1 << 24
	root := int64(math.Sqrt(float64(values) * jump))
	return min(max(root, least), most) / dist.Block * dist.Block
}

// maxPieces is the most pieces of a segment.
const maxPieces = 1 << 12

// maskValues is the number of elements whose zeros are kept at once for a
// sparse matrix: 64 MiB. Larger matrices permute their columns several times.
const maskValues = 1 << 29

// piece is a range of elements of one part; drawn where at says, as a tensor of
// count elements, or by the part's key.
type piece struct {
	part         *part
	first, count int64
	at           dist.Position
	mask         *rng.Mask // of a sparse matrix
}

// segment is a list of pieces that one worker draws in order, with a stream
// that stands at the first of them or before. stream is nil if the parts have
// keys.
type segment struct {
	stream *rng.Stream
	pieces []piece
	// done, if set, takes the stream after the last piece.
	done chan<- *rng.Stream
	// passes, if set, takes the number of passes that a part of a truncated
	// normal needed.
	passes chan<- int64
	// held, if set, is a group that waits for no draw.
	held *held
}

// leader walks through the steps with their places in the stream, and cuts
// those that are wanted into segments. It draws nothing: only of a truncated
// normal it waits to hear how many words it took, once.
type leader struct {
	ctx     context.Context
	plan    *plan.Plan
	window  window
	segment int64 // words, or values, of a segment
	mask    int64 // elements of a mask
	gap     int64 // between runs that are drawn apart; 0: what gapOf says
	out     chan<- segment
	holder  *holder
	at      dist.Position // of the step under way
	stream  *rng.Stream   // not beyond at
	number  int           // of the generator that these two are
	others  generators
	current segment
	load    int64 // of the current segment: words, or values where there are more
	reach   int64 // the word where the last piece of the current segment ends
}

func newLeader(ctx context.Context, p *plan.Plan, w window, h *holder, opts Options, out chan<- segment) *leader {
	l := &leader{
		ctx: ctx, plan: p, window: w, holder: h, segment: opts.segment, mask: opts.mask, gap: opts.gap, out: out, stream: rng.New(p.Seed()),
	}
	if l.segment == 0 {
		l.segment = segmentWords(w.values(p))
	}
	return l
}

// here returns the stream, moved to where the walk is.
func (l *leader) here() *rng.Stream {
	l.stream.MoveTo(l.at)
	return l.stream
}

func (l *leader) run() error {
	if err := l.holder.undrawn(l.ctx, l.out); err != nil {
		return err
	}
	last := l.window.last(l.plan)
	for i, s := range l.plan.Steps().All() {
		if i == last {
			break
		}
		if err := l.turn(s); err != nil {
			return err
		}
		if err := l.step(i, s, i == last-1); err != nil {
			return err
		}
	}
	return l.emit()
}

// step schedules what is wanted of a step and moves on behind it, unless the
// next one draws the same again.
func (l *leader) step(i int, s plan.Step, last bool) error {
	var stand *rng.Stream
	if s.Again {
		stand = l.here().Clone()
	}
	cost, known := dist.CostIn(s.Dist.Draw, s.Shape, s.In, l.at.Cached)
	after := l.at.After(cost)
	if !known {
		after, known = l.plan.Places().After(i)
	}
	gap := l.gap
	if gap == 0 {
		gap = gapOf(s.Dist.Draw)
	}
	wanted := l.window.of(s, gap)
	made := !none(wanted)
	p := newPart(i, s)
	if made {
		var err error
		if p, err = l.holder.part(l.ctx, i, s); err != nil {
			return err
		}
	}
	loose(p)
	switch {
	case made && (known || last || s.Again):
		// Where the step ends is known, or matters to nobody.
		if err := l.add(p, wanted); err != nil {
			return err
		}
	case (made || !known) && !s.Again:
		if err := l.find(p, &after); err != nil {
			return err
		}
	}
	if s.Again {
		l.stream = stand
		return l.emit()
	}
	l.at = after
	return nil
}

// emit hands the current segment to a worker.
func (l *leader) emit() error {
	if len(l.current.pieces) == 0 {
		return nil
	}
	s := l.current
	l.current, l.load = segment{}, 0
	return l.send(s)
}

// take adds a piece of so many words to the current segment.
func (l *leader) take(pc piece, words int64) error {
	load := max(words, pc.count)
	if len(l.current.pieces) > 0 {
		load += passing(pc.at.Words - l.reach)
		if l.load+load > l.segment || len(l.current.pieces) == maxPieces {
			if err := l.emit(); err != nil {
				return err
			}
			load = max(words, pc.count)
		}
	}
	if len(l.current.pieces) == 0 {
		l.stream.MoveTo(pc.at)
		l.current.stream = l.stream.Clone()
	}
	l.current.pieces = append(l.current.pieces, pc)
	l.load += load
	l.reach = pc.at.Words + words
	return nil
}

// passing is how many words a worker draws in the time in which it passes over
// some.
func passing(words int64) int64 { return min(words/passes, jump) }

func (l *leader) send(s segment) error { return send(l.ctx, l.out, s) }

func send(ctx context.Context, out chan<- segment, s segment) error {
	select {
	case out <- s:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// add schedules those elements of a part that are wanted.
func (l *leader) add(p *part, wanted runs) error {
	if p.whole {
		wanted = p.all()
	}
	switch draw := p.draw.(type) {
	case dist.TruncNormal:
		return l.truncated(p, wanted)
	case dist.Sparse:
		return l.sparse(p, draw, wanted)
	case dist.Filled, dist.Orthonormal: // made as a whole
		if err := l.emit(); err != nil {
			return err
		}
		first, end := hull(wanted)
		if err := l.take(piece{part: p, first: first, count: end - first, at: l.at}, 0); err != nil {
			return err
		}
		return l.emit()
	}
	cost, _ := dist.CostIn(p.draw, p.shape, p.in, l.at.Cached)
	return l.cut(p, cost.Words, wanted, func(int64, int64) (*rng.Mask, error) { return nil, nil })
}

// find schedules a truncated normal whose words nobody knows yet, and waits
// until it is made to learn where the stream stands after it.
func (l *leader) find(p *part, after *dist.Position) error {
	if err := l.emit(); err != nil {
		return err
	}
	var err error
	if size := l.truncatedSize(p); size < p.n {
		*after, err = l.findInParts(p, size)
	} else {
		*after, err = l.findWhole(p)
	}
	if err == nil {
		l.plan.Places().Remember(p.step, *after)
	}
	return err
}

// findWhole lets one worker make the part.
func (l *leader) findWhole(p *part) (after dist.Position, err error) {
	done := make(chan *rng.Stream, 1)
	if err := l.send(segment{stream: l.here().Clone(), pieces: []piece{{part: p, count: p.n, at: l.at}}, done: done}); err != nil {
		return after, err
	}
	select {
	case stream := <-done:
		return stream.Position(), nil
	case <-l.ctx.Done():
		return after, context.Cause(l.ctx)
	}
}

// truncatedSize is how many elements of a truncated normal one worker makes:
// enough to make the jumps to its place in every pass cheap.
func (l *leader) truncatedSize(p *part) int64 {
	if p.whole {
		return p.n
	}
	const workers = 8 // a guess: more parts than workers even out
	size := max(l.segment/8, min(l.segment, p.n/workers))
	return max(2*dist.Block, size/dist.Block*dist.Block)
}

// findInParts lets workers make parts at the same time. Each starts where the
// tensor does and jumps to its place in every pass; the one that needs most
// passes tells where the stream goes on.
func (l *leader) findInParts(p *part, size int64) (after dist.Position, err error) {
	passes := make(chan int64, p.n/size+1)
	sent := 0
	err = l.truncatedParts(p, 0, p.n, size, func(s segment) error {
		s.passes = passes
		sent++
		return l.send(s)
	})
	if err != nil {
		return after, err
	}
	most := int64(0)
	for range sent {
		select {
		case n := <-passes:
			most = max(most, n)
		case <-l.ctx.Done():
			return after, context.Cause(l.ctx)
		}
	}
	after = l.at
	after.Words += most * rng.TruncatedWords(p.draw.(dist.TruncNormal), p.n, p.in)
	return after, nil
}

// truncated schedules elements of a truncated normal when it does not matter
// here how many words the whole takes.
func (l *leader) truncated(p *part, wanted runs) error {
	if err := l.emit(); err != nil {
		return err
	}
	size := l.truncatedSize(p)
	for first, end := range wanted {
		if size >= p.n && (p.n < 2*dist.Block || end-first == p.n) {
			return l.send(segment{stream: l.here().Clone(), pieces: []piece{{part: p, count: p.n, at: l.at}}})
		}
		first, end = aligned(first, end, p.n)
		if err := l.truncatedParts(p, first, end, min(size, p.n), l.send); err != nil {
			return err
		}
	}
	return nil
}

// truncatedParts sends the elements [first, end) of a truncated normal in parts
// of about size, which all begin where the whole tensor does.
func (l *leader) truncatedParts(p *part, first, end, size int64, send func(segment) error) error {
	for first < end {
		count := size
		if end-first-count < 2*dist.Block {
			count = end - first
		}
		if err := send(segment{stream: l.here().Clone(), pieces: []piece{{part: p, first: first, count: count, at: l.at}}}); err != nil {
			return err
		}
		first += count
	}
	return nil
}

// aligned widens the range [first, end) of a tensor of n elements to one that
// draws like a tensor of its own: it begins at a multiple of 16 and ends at one
// or, with the whole tail, with the tensor. Ranges that are leastGap apart stay
// apart.
func aligned(first, end, n int64) (int64, int64) {
	end = (end + dist.Block - 1) / dist.Block * dist.Block
	if n-end < 2*dist.Block {
		end = n
		first = min(first, max(n-2*dist.Block, 0))
	}
	return first / dist.Block * dist.Block, end
}

// cut schedules elements of a part in pieces of at most a segment. Every cut is
// at a multiple of 16 elements and the last piece of a run holds the whole tail,
// so each piece draws like a tensor of its own. words is what the whole part
// draws.
func (l *leader) cut(p *part, words int64, wanted runs, mask func(first, count int64) (*rng.Mask, error)) error {
	perValue := int64(0)
	if words > 0 {
		perValue = words / p.n // 1 or 2: the tail's 16 words do not reach another 1.
	}
	for first, end := range wanted {
		if p.n < 2*dist.Block {
			first, end = 0, p.n
		} else {
			first, end = aligned(first, end, p.n)
		}
		// The segments of a long run begin at equal distances, which package
		// jump remembers.
		long := end-first > l.segment
		if long {
			if err := l.emit(); err != nil {
				return err
			}
		}
		for first < end {
			count := l.segment
			if p.whole {
				count = p.n
			}
			if end-first-count < 2*dist.Block {
				count = end - first
			}
			m, err := mask(first, count)
			if err != nil {
				return err
			}
			at, draws := l.at, count*perValue
			at.Words += first * perValue
			if first+count == p.n {
				draws = words - first*perValue
			}
			if err := l.take(piece{part: p, first: first, count: count, at: at, mask: m}, draws); err != nil {
				return err
			}
			first += count
		}
		if long {
			if err := l.emit(); err != nil {
				return err
			}
		}
	}
	return nil
}

// sparse schedules elements of a sparse matrix: normals with the zeros that the
// words after them make.
func (l *leader) sparse(p *part, draw dist.Sparse, wanted runs) error {
	if err := l.emit(); err != nil {
		return err
	}
	normal := dist.Normal{Std: draw.Std}
	cost := dist.CostOf(normal, p.n, p.in, l.at.Cached)
	permutations := l.here().Clone()
	permutations.MoveTo(l.at.After(cost))
	rows, cols := p.shape[0], p.shape[1]
	zeros := int64(math.Ceil(draw.Sparsity * float64(rows)))
	_, last := hull(wanted)
	var mask *rng.Mask
	high := int64(0) // of the mask
	return l.cut(p, cost.Words, wanted, func(first, count int64) (*rng.Mask, error) {
		if first+count <= high {
			return mask, nil
		}
		high = max(first+count, min(last, first+max(l.mask, count)))
		var err error
		mask, err = rng.NewMask(permutations.Clone(), rows, cols, zeros, first, high, stopper(l.ctx))
		return mask, err
	})
}

// stopper returns a function that gives the cause once ctx is done.
func stopper(ctx context.Context) func() error {
	return func() error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}
}
