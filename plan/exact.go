package plan

import (
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
)

// inexact is how many units in the last place the values of steps and
// computations may be off, by parameter: -1 where nobody promises anything.
func (p *Plan) inexact() []int {
	out := make([]int, len(p.params))
	worse := func(param, bound int) {
		if out[param] >= 0 && (bound < 0 || bound > out[param]) {
			out[param] = bound
		}
	}
	for _, s := range p.steps {
		if s.Param != Discard {
			worse(s.Param, boundOf(s.Dist))
		}
	}
	for _, h := range p.held {
		for _, op := range h.Ops {
			if op.Step >= 0 {
				continue
			}
			bound := 0
			for _, operand := range op.Event.From {
				if operand.View != nil && bound >= 0 {
					if b := out[operand.View.Param]; b < 0 {
						bound = -1
					} else {
						bound = max(bound, b)
					}
				}
			}
			if bound >= 0 {
				bound += inexactDo(op.Event.Do, p.Type(op.Event.To.Param))
			}
			worse(op.Event.To.Param, bound)
		}
	}
	return out
}

// inexactDo is by how many units one computation may be off torch's.
func inexactDo(do layout.Do, in dtype.Type) int {
	switch do {
	case layout.Sqrt, layout.Log, layout.Log1p, layout.Exp, layout.Expm1, layout.Erfinv:
		return 1
	case layout.Norm:
		if in != dtype.F32 {
			return normULPs
		}
	}
	return 0
}

// normULPs bounds how far off torch's sums of squares are in types in which
// their order is not followed.
const normULPs = 4

func boundOf(d dist.Dist) int {
	if _, ok := d.Draw.(dist.Orthonormal); ok {
		return -1
	}
	bound := 0
	for _, post := range d.Post {
		switch post := post.(type) {
		case dist.Apply:
			if post.Inexact() {
				bound++
			}
		case dist.L2Normalize:
			return -1
		}
	}
	return bound
}
