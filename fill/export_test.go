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
	go func() {
		done <- newLeader(ctx, p, window{all: true}, Options{}.complete(), out).run()
		close(out)
	}()
	for range out {
		segments++
	}
	return segments, <-done
}

var Split = split

func RunWarm(task func()) { warm.run(task) }
