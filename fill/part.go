package fill

import (
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// part is a step of the plan that is drawn.
type part struct {
	step int
	// param is the parameter that takes the values, in the elements into;
	// plan.Discard if nobody does, but the run has to know how many words it
	// takes.
	param int
	into  layout.Region
	n     int64
	shape []int64
	in    dtype.Type
	draw  dist.Draw
	posts []dist.Post
	// whole tells that a step after the draw needs all values at once: one
	// worker draws the part and holds it in memory.
	whole bool
	// key is set for keyed streams only.
	key rng.Key
}

func newPart(number int, s plan.Step) *part {
	return &part{
		step: number, param: s.Param, into: s.Into, n: s.Elements, shape: s.Shape,
		in: s.In, draw: s.Dist.Draw, posts: s.Dist.Post,
		whole: dist.Whole(s.Dist.Post),
	}
}

// window is the part of a plan that a run makes: elements [first, end) of one
// parameter, or everything.
type window struct {
	all        bool
	param      int
	first, end int64
}

// of returns the elements [first, end) of a step that have values in the
// window: few more than those if its region is not contiguous.
func (w window) of(s plan.Step) (first, end int64) {
	switch {
	case s.Param == plan.Discard:
		return 0, 0
	case w.all:
		return 0, s.Elements
	case s.Param != w.param:
		return 0, 0
	case w.end <= s.Into.First:
		return 0, 0
	case s.Into.Contiguous():
		first, end = w.first-s.Into.First, w.end-s.Into.First
	default: // whole rows of the region
		first = (w.first - s.Into.First) / s.Into.Stride * s.Into.Row
		end = ((w.end-s.Into.First)/s.Into.Stride + 1) * s.Into.Row
	}
	first, end = max(first, 0), min(end, s.Elements)
	if first >= end {
		return 0, 0
	}
	return first, end
}

// last returns the number of steps up to the last one with values in the
// window.
func (w window) last(p *plan.Plan) int {
	if w.all {
		return p.Live()
	}
	for n := p.Live(); n > 0; n-- {
		if first, end := w.of(p.Steps().At(n - 1)); first < end {
			return n
		}
	}
	return 0
}
