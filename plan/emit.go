package plan

import (
	"fmt"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
)

// emit appends the steps.
func (r *replay) emit() error {
	for i, e := range r.events {
		var err error
		switch {
		case e.Do == layout.Seed || e.Do == layout.Save || e.Do == layout.Load:
			r.moves = append(r.moves, Move{Do: e.Do, Stream: e.Stream, Slot: e.Slot, Seed: e.Seed})
		case e.Do == layout.Draw:
			err = r.emitDraw(i, e)
		case r.live[i] && r.isHeld(e.To.Param):
			h := r.heldOf(e.To.Param)
			h.Ops = append(h.Ops, Op{Step: -1, Event: e})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.p.subject(i, e), err)
		}
	}
	r.emitConstants()
	r.fillGroups()
	for i := range r.p.held {
		r.p.completeHeld(&r.p.held[i])
	}
	return nil
}

// heldOf is the group of a held parameter.
func (r *replay) heldOf(param int) *Held {
	root := r.root(param)
	g, known := r.group[root]
	if !known {
		g = len(r.p.held)
		r.group[root] = g
		r.p.held = append(r.p.held, Held{})
	}
	return &r.p.held[g]
}

// fillGroups lists the parameters of the groups.
func (r *replay) fillGroups() {
	for i := range r.p.params {
		if g, known := r.group[r.root(i)]; known {
			r.p.held[g].Params = append(r.p.held[g].Params, i)
		}
	}
}

// emitDraw appends the steps of a draw: one for each chain that begins with it,
// of which all but the last leave the generator where it was; one for a part of
// a parameter; or a discard.
func (r *replay) emitDraw(i int, e layout.Event) error {
	chains := r.chains[i]
	switch {
	case r.live[i] && r.isHeld(e.Param):
		return r.emitHeld(i, e)
	case r.absorbed[i]:
		return nil
	case len(chains) > 0:
		for k, c := range chains {
			one := e
			one.Param, one.Into = c.param, layout.Whole(r.p.params[c.param].Elements)
			one.Dist.Post = c.posts
			from := len(r.p.steps)
			if err := r.append(i, one, k < len(chains)-1); err != nil {
				return err
			}
			for j := from; j < len(r.p.steps) && len(chains) > 1; j++ {
				r.p.steps[j].Key = r.p.params[chains[0].param].Name
			}
		}
		return nil
	case !r.live[i]:
		e.Param, e.Into = Discard, layout.Region{}
		e.Dist.Post = nil
		return r.append(i, e, false)
	case r.wholeElsewhere(i, e):
		e.Param, e.Into = Discard, layout.Region{}
		e.Dist.Post = nil
		return r.append(i, e, false)
	default:
		return r.append(i, e, false)
	}
}

// wholeElsewhere tells that a live whole draw only lives on as a chain of other
// parameters, or as none: its own is not what it drew any more.
func (r *replay) wholeElsewhere(i int, e layout.Event) bool {
	if e.Into != layout.Whole(r.p.params[e.Param].Elements) {
		return false
	}
	c := r.content[e.Param]
	return c == nil || c.event != i
}

// append appends the steps of one draw. again leaves the generator in place.
func (r *replay) append(i int, e layout.Event, again bool) error {
	if _, draws := e.Dist.Draw.(dist.Drawer); !draws && e.Param == Discard {
		return nil // uses no words
	}
	var pieces []layout.Piece
	if param := r.events[i].Param; param >= 0 && param < len(r.p.params) {
		pieces = r.p.params[param].Pieces
	}
	from := len(r.p.steps)
	if err := r.p.event(e, pieces); err != nil {
		return err
	}
	if _, draws := e.Dist.Draw.(dist.Drawer); draws {
		for k := from; k < len(r.p.steps); k++ {
			r.p.steps[k].Stream, r.p.steps[k].Again = e.Stream, again
		}
		if len(r.p.steps) > from {
			r.p.steps[from].Before, r.moves = r.moves, nil
		}
		return nil
	}
	if r.p.constantOnly(from, e) {
		r.last = append(r.last, r.p.steps[from])
		r.p.steps = r.p.steps[:from]
	}
	return nil
}

// constantOnly tells that the one step from on is all that a parameter is.
func (p *Plan) constantOnly(from int, e layout.Event) bool {
	_, constant := e.Dist.Draw.(dist.Constant)
	return constant && len(p.steps) == from+1 && e.Param != Discard && e.Into == layout.Whole(p.params[e.Param].Elements)
}

// emitConstants appends the constants in the order of the tensors, so that it
// does not count where among the draws a constant was set. One in which
// something else is drawn later has to stay before that.
func (r *replay) emitConstants() {
	partly := map[int]bool{}
	for _, s := range r.p.steps {
		if s.Param != Discard {
			partly[s.Param] = true
		}
	}
	order := map[int]int{}
	for i, t := range r.p.tensors {
		if _, known := order[t.Param]; !known {
			order[t.Param] = i
		}
	}
	var first, last []Step
	for _, s := range r.last {
		if partly[s.Param] {
			first = append(first, s)
		} else {
			last = append(last, s)
		}
	}
	slices.SortStableFunc(last, func(a, b Step) int { return order[a.Param] - order[b.Param] })
	if len(first) > 0 {
		for g := range r.p.held {
			for k := range r.p.held[g].Ops {
				if r.p.held[g].Ops[k].Step >= 0 {
					r.p.held[g].Ops[k].Step += len(first)
				}
			}
		}
	}
	r.p.steps = slices.Concat(first, r.p.steps, last)
}

// emitHeld appends a draw whose values wait in memory.
func (r *replay) emitHeld(i int, e layout.Event) error {
	h := r.heldOf(e.Param)
	if constant, ok := e.Dist.Draw.(dist.Constant); ok && len(e.Dist.Post) == 0 {
		h.Ops = append(h.Ops, Op{Step: -1, Event: layout.Event{
			Do: layout.Copy, To: regionView(e.Param, e.Into), From: []layout.Operand{{Value: constant.Value}},
		}})
		return nil
	}
	from := len(r.p.steps)
	if err := r.append(i, e, false); err != nil {
		return err
	}
	for k := from; k < len(r.p.steps); k++ {
		r.p.steps[k].Held = r.group[r.root(e.Param)] + 1
		h.Ops = append(h.Ops, Op{Step: k})
	}
	return nil
}

// regionView is a region as a view.
func regionView(param int, region layout.Region) layout.View {
	if region.Contiguous() {
		return layout.View{Param: param, Offset: region.First, Shape: []int64{region.Elements()}}
	}
	return layout.View{Param: param, Offset: region.First, Shape: []int64{region.Rows, region.Row}, Strides: []int64{region.Stride, 1}}
}
