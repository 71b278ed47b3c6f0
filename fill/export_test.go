package fill

import (
	"context"

	"github.com/weightinit/weightinit/plan"
)

// Cut returns opts with segments of so many words and masks of so many
// elements.
func (o Options) Cut(segment, mask int64) Options {
	o.segment, o.mask = segment, mask
	return o
}

// Apart returns opts with runs that are drawn apart when so many elements or more
// are between them; at least LeastGap.
func (o Options) Apart(gap int64) Options {
	o.gap = gap
	return o
}

// LeastGap is the least that [Options.Apart] takes.
const LeastGap = leastGap

// Bound is the bound by which [Overflow] decides what it looks at.
var Bound = bound

// CountNotFinite is how [Overflow] counts.
var CountNotFinite = countNotFinite

// SegmentWords is about how many words a segment of a plan has.
var SegmentWords = segmentWords

// Walk lets the leader walk p, and nobody draw. It returns the number of
// segments.
func Walk(ctx context.Context, p *plan.Plan) (segments int, err error) {
	out := make(chan segment, 64)
	done := make(chan error, 1)
	opts := Options{}.complete()
	h, err := newHolder(p, window{all: true}, opts.WorkMemory)
	if err != nil {
		return 0, err
	}
	go func() {
		done <- newLeader(ctx, p, window{all: true}, h, opts, out).run()
		close(out)
	}()
	for range out {
		segments++
	}
	return segments, <-done
}

var Split = split

func RunWarm(task func()) { warm.run(task) }

// Elements lists the elements of a region in [from, end), with those joined that
// lie less than gap apart.
func Elements(t plan.Tensor, r Region, gap, from, end int64) (out []int64) {
	b := boxOf(t, r).coarse(gap)
	for first, last := range merged([]box{b}, from, end) {
		for at := first; at < last; at++ {
			out = append(out, at)
		}
	}
	return out
}
