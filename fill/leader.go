package fill

import (
	"context"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// segmentWords is about how many words of the stream one worker draws before
// it takes the next segment, for a plan of so many values. The leader jumps
// from segment to segment in the time that a worker takes for some 2^17 values,
// and in the end workers wait for the longest segment that is left: the root
// makes the sum of both least. It is a multiple of 16, as the cuts of a step
// have to be.
func segmentWords(values int64) int64 {
	const jump, least, most = 1 << 17, 1 << 18, 1 << 24
	root := int64(math.Sqrt(float64(values) * jump))
	return min(max(root, least), most) / dist.Block * dist.Block
}

// maxPieces is the most pieces of a segment.
const maxPieces = 1 << 12

// maskValues is the number of elements whose zeros are kept at once for a
// sparse matrix: 64 MiB. Larger matrices permute their columns several times.
const maskValues = 1 << 29

// piece is a range of elements of one part; drawn from where its segment's
// stream stands then, as a tensor of count elements, or by the part's key.
type piece struct {
	part         *part
	first, count int64
	mask         *rng.Mask // of a sparse matrix
}

// segment is a list of pieces that one worker draws in order, from a stream
// that stands at the first word of the first piece. stream is nil if the parts
// have keys.
type segment struct {
	stream *rng.Stream
	pieces []piece
	// done, if set, takes the stream after the last piece.
	done chan<- *rng.Stream
	// passes, if set, takes the number of passes that a part of a truncated
	// normal needed.
	passes chan<- int64
}

// leader walks the stream once, making as few values as it can, and cuts the
// plan into segments.
type leader struct {
	ctx     context.Context
	plan    *plan.Plan
	segment int64 // words, or values, of a segment
	mask    int64 // elements of a mask
	out     chan<- segment
	wide    bool
	stream  *rng.Stream // without the words that are skipped
	skipped int64
	current segment
	load    int64 // of the current segment: words, or values where there are more
}

func newLeader(ctx context.Context, p *plan.Plan, opts Options, out chan<- segment) *leader {
	l := &leader{
		ctx: ctx, plan: p, segment: opts.segment, mask: opts.mask, out: out,
		wide: p.DType.Compute() == layout.F64, stream: rng.New(p.Seed),
	}
	if l.segment == 0 {
		l.segment = segmentWords(p.Values)
	}
	l.begin()
	return l
}

// here returns the stream, moved to where it stands: in one go over all words
// that were skipped since the last time.
func (l *leader) here() *rng.Stream {
	l.stream.Advance(l.skipped)
	l.skipped = 0
	return l.stream
}

func (l *leader) run() error {
	for i, step := range l.plan.Steps {
		if err := eachPart(i, step, l.add); err != nil {
			return err
		}
	}
	return l.emit()
}

// begin starts a segment where the stream stands.
func (l *leader) begin() { l.current, l.load = segment{stream: l.here().Clone()}, 0 }

// emit hands the current segment to a worker and begins the next.
func (l *leader) emit() error {
	if len(l.current.pieces) > 0 {
		if err := l.send(l.current); err != nil {
			return err
		}
	}
	l.begin()
	return nil
}

func (l *leader) send(s segment) error { return send(l.ctx, l.out, s) }

func send(ctx context.Context, out chan<- segment, s segment) error {
	select {
	case out <- s:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// add schedules a part and moves the stream to its end.
func (l *leader) add(p *part) error {
	if p.n == 0 {
		return nil
	}
	switch draw := p.draw.(type) {
	case dist.TruncNormal:
		return l.wait(p, draw)
	case dist.Sparse:
		return l.sparse(p, draw)
	case dist.Filled, dist.Orthogonal:
		return l.alone(p)
	}
	words := l.cost(p.draw, p.n).Words
	load := max(words, p.n)
	if l.load+load > l.segment || len(l.current.pieces) == maxPieces {
		if err := l.emit(); err != nil {
			return err
		}
	}
	if p.n > l.segment {
		if err := l.emit(); err != nil {
			return err
		}
		err := l.cut(p, words, func(int64, int64) (*rng.Mask, error) { return nil, nil })
		l.begin()
		return err
	}
	l.current.pieces = append(l.current.pieces, piece{part: p, count: p.n})
	l.load += load
	l.leave(p.draw, p.n)
	return nil
}

func (l *leader) cost(draw dist.Draw, n int64) dist.Cost {
	return dist.CostOf(draw, n, l.wide, l.stream.Position().Cached)
}

// leave moves the stream to the end of a draw of n values. Only draws of fewer
// than 16 normals touch the cached normal, and these are redrawn.
func (l *leader) leave(draw dist.Draw, n int64) {
	switch draw.(type) {
	case dist.Normal, dist.Orthogonal:
		if n < dist.Block {
			var small [dist.Block]float64
			rng.Fill(l.here(), dist.Dist{Draw: dist.Normal{Std: 1}}, small[:n])
			return
		}
	}
	l.skipped += l.cost(draw, n).Words
}

// alone schedules a part that is made as a whole as a segment of its own.
func (l *leader) alone(p *part) error {
	if err := l.emit(); err != nil {
		return err
	}
	l.current.pieces = []piece{{part: p, count: p.n}}
	l.leave(p.draw, p.n)
	return l.emit()
}

// wait schedules a part whose words depend on its values, and goes on where
// the worker's stream stands in the end.
func (l *leader) wait(p *part, draw dist.TruncNormal) error {
	if err := l.emit(); err != nil {
		return err
	}
	if size := l.truncatedSize(p.n); size < p.n {
		return l.waitForAll(p, draw, size)
	}
	done := make(chan *rng.Stream, 1)
	if err := l.send(segment{stream: l.here().Clone(), pieces: []piece{{part: p, count: p.n}}, done: done}); err != nil {
		return err
	}
	select {
	case l.stream = <-done:
		l.begin()
		return nil
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
}

// truncatedSize is how many elements of a truncated normal one worker makes:
// enough to make the jumps to its place in every pass cheap.
func (l *leader) truncatedSize(n int64) int64 {
	const workers = 8 // a guess: more parts than workers even out
	size := max(l.segment/8, min(l.segment, n/workers))
	return max(2*dist.Block, size/dist.Block*dist.Block)
}

// waitForAll schedules a truncated normal in parts that are made at the same
// time. Each starts where the tensor does and jumps to its place in every pass;
// the one that needs most passes tells where the stream goes on.
func (l *leader) waitForAll(p *part, draw dist.TruncNormal, size int64) error {
	count := p.n/size + 1
	passes := make(chan int64, count)
	sent := int64(0)
	for first := int64(0); first < p.n; sent++ {
		n := size
		if p.n-first-n < 2*dist.Block {
			n = p.n - first
		}
		if err := l.send(segment{stream: l.here().Clone(), pieces: []piece{{part: p, first: first, count: n}}, passes: passes}); err != nil {
			return err
		}
		first += n
	}
	most := int64(0)
	for range sent {
		select {
		case n := <-passes:
			most = max(most, n)
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		}
	}
	words := rng.TruncatedWords[float32](draw, p.n)
	if l.wide {
		words = rng.TruncatedWords[float64](draw, p.n)
	}
	for range most { // the distance of one pass is remembered
		l.here().Advance(words)
	}
	l.begin()
	return nil
}

// cut emits a long part in segments and leaves the stream at its end. Every
// cut is at a multiple of 16 elements and the last segment holds the whole
// tail, so each segment draws like a tensor of its own from where the stream
// stands. words is what the whole part draws.
func (l *leader) cut(p *part, words int64, mask func(first, count int64) (*rng.Mask, error)) error {
	perValue := words / p.n // 1 or 2; 0 for constants. The tail's 16 words do not reach another 1.
	if p.n <= l.segment {
		perValue = 0
	}
	for first := int64(0); first < p.n; {
		count, drawn := l.segment, l.segment*perValue
		if rest := p.n - first - count; rest < 2*dist.Block {
			count, drawn = p.n-first, words-first*perValue
		}
		m, err := mask(first, count)
		if err != nil {
			return err
		}
		if err := l.send(segment{stream: l.here().Clone(), pieces: []piece{{p, first, count, m}}}); err != nil {
			return err
		}
		l.here().Advance(drawn)
		first += count
	}
	return nil
}

// sparse schedules the normals of a sparse matrix with the zeros that the
// words after them make.
func (l *leader) sparse(p *part, draw dist.Sparse) error {
	if err := l.emit(); err != nil {
		return err
	}
	normal := dist.Normal{Std: draw.Std}
	words := l.cost(normal, p.n).Words
	start := l.here().Clone()
	l.leave(normal, p.n)
	permutations := l.here()
	end := permutations
	l.stream = start
	rows, cols := p.shape[0], p.shape[1]
	zeros := int64(math.Ceil(draw.Sparsity * float64(rows)))
	var mask *rng.Mask
	high := int64(0)
	err := l.cut(p, words, func(first, count int64) (*rng.Mask, error) {
		if first+count <= high {
			return mask, nil
		}
		high = min(p.n, first+max(l.mask, count))
		end = permutations.Clone()
		var err error
		mask, err = rng.NewMask(end, rows, cols, zeros, first, high, stopper(l.ctx))
		return mask, err
	})
	l.stream = end
	l.begin()
	return err
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
