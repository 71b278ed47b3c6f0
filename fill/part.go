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
	lost  []plan.Run
	n     int64
	shape []int64
	in    dtype.Type
	draw  dist.Draw
	posts []dist.Post
	// whole tells that a step after the draw needs all values at once: one
	// worker draws the part and holds it in memory.
	whole bool
	// held, if set, keeps the values in memory until all of its group are there.
	held *held
	// key is set for keyed streams only.
	key rng.Key
}

func newPart(number int, s plan.Step) *part {
	return &part{
		step: number, param: s.Param, into: s.Into, lost: s.Lost, n: s.Elements, shape: s.Shape,
		in: s.In, draw: s.Dist.Draw, posts: s.Dist.Post,
		whole: dist.Whole(s.Dist.Post),
	}
}

// all are the elements of the part.
func (p *part) all() runs {
	return func(yield func(int64, int64) bool) { yield(0, p.n) }
}
