package plan

import (
	"fmt"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
)

// replay turns the events of a framework into steps.
//
// Most parameters are drawn and then changed element by element with numbers,
// and can be made in pieces: their changes become post steps of the draw
// (chains). Parameters that are computed of each other, or of literals, are
// held in memory (package fill): all of a connected component, when one of its
// computations cannot be a post step.
type replay struct {
	p      *Plan
	events []layout.Event
	live   []bool
	// component finds the parameters that computations link; held tells of a
	// component, by its root, that it is held.
	component []int
	held      map[int]bool
	// content is what a parameter consists of while the events are followed;
	// chains lists what each draw becomes in the end.
	content map[int]*chain
	chains  map[int][]*chain
	// absorbed are the events that became post steps.
	absorbed []bool
	// moves wait for the next step that uses the generator.
	moves []Move
	group map[int]int // of a root: its number in plan.held
	last  []Step      // constants, which use no words and come last
}

// chain is a parameter as one draw with post steps.
type chain struct {
	event, param int
	posts        []dist.Post
	// spoiled tells that the parameter is more than that: another draw came
	// into a part of it.
	spoiled bool
}

// lowerReplay makes steps of events, which it completes.
func (p *Plan) lowerReplay(events []layout.Event) error {
	r := &replay{
		p: p, events: events, live: make([]bool, len(events)), absorbed: make([]bool, len(events)), component: make([]int, len(p.params)),
		held: map[int]bool{}, content: map[int]*chain{}, chains: map[int][]*chain{}, group: map[int]int{},
	}
	for i := range r.component {
		r.component[i] = i
	}
	p.steps = make([]Step, 0, len(events))
	for _, step := range []func() error{r.check, r.cover, r.findLive, r.follow, r.emit} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// check checks each event by itself, and that streams and slots are known.
func (r *replay) check() error {
	streams, slots := map[int]bool{0: true}, map[int]bool{}
	for i := range r.events {
		e := &r.events[i]
		var err error
		switch {
		case e.Do == layout.Draw && r.setsWhole(e):
			err = r.p.checkComputation(*e)
		case e.Do == layout.Draw:
			if err = r.p.checkEvent(e); err == nil && !streams[e.Stream] {
				err = fmt.Errorf("stream %d has no seed", e.Stream)
			}
		case e.Do.Computes():
			err = r.p.checkComputation(*e)
		case e.Do == layout.Seed:
			streams[e.Stream] = true
		case !streams[e.Stream]:
			err = fmt.Errorf("%s: stream %d has no seed", e.Do, e.Stream)
		case e.Do == layout.Save:
			slots[e.Slot] = true
		case !slots[e.Slot]:
			err = fmt.Errorf("load: nothing was saved in slot %d", e.Slot)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.p.subject(i, *e), err)
		}
	}
	return nil
}

// setsWhole makes a computation of a constant for a type of whole numbers, in
// which nothing is drawn.
func (r *replay) setsWhole(e *layout.Event) bool {
	constant, ok := e.Dist.Draw.(dist.Constant)
	if !ok || len(e.Dist.Post) > 0 || e.Param < 0 || e.Param >= len(r.p.params) || !r.p.Type(e.Param).Whole() {
		return false
	}
	if e.Into == (layout.Region{}) {
		e.Into = layout.Whole(r.p.params[e.Param].Elements)
	}
	*e = layout.Event{Do: layout.Copy, To: regionView(e.Param, e.Into), From: []layout.Operand{{Value: constant.Value}}}
	return true
}

// cover checks that computations read what was written, and that tensors hold
// nothing else.
func (r *replay) cover() error {
	if !slices.ContainsFunc(r.events, func(e layout.Event) bool { return e.Do.Computes() }) {
		return nil // settle looks at draws
	}
	wanted := r.p.wantedRuns()
	written := make([]*canvas, len(r.p.params))
	for i, runs := range wanted {
		written[i] = &canvas{}
		wanted[i] = slices.Clone(runs)
	}
	var count runCount
	edges := wanted // and all runs that are read or written
	err := r.accesses(func(_, param int, runs []Run, _ bool) error {
		edges[param] = append(edges[param], runs...)
		return count.add(len(runs))
	})
	if err != nil {
		return err
	}
	for i := range edges {
		written[i] = newCanvas(edges[i])
	}
	err = r.accesses(func(i, param int, runs []Run, writes bool) error {
		for _, run := range runs {
			if writes {
				written[param].paint(run, nil)
			} else if at, any := written[param].bare(run); any {
				return fmt.Errorf("%s: %s reads element %d of %q, which was never written", r.p.subject(i, r.events[i]), r.events[i].Do, at, r.p.params[param].Name)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, runs := range r.p.wantedRuns() {
		if r.p.params[i].Unnamed || r.p.params[i].Tied != "" {
			continue
		}
		for _, run := range runs {
			if at, any := written[i].bare(run); any {
				return fmt.Errorf("plan: parameter %q: element %d of %d is never drawn", r.p.params[i].Name, at, r.p.params[i].Elements)
			}
		}
	}
	return nil
}

// accesses calls do with what each event reads and then with what it writes.
func (r *replay) accesses(do func(event, param int, runs []Run, writes bool) error) error {
	view := func(i int, v layout.View, writes bool) error {
		runs, err := viewRuns(v)
		if err != nil {
			return fmt.Errorf("%s: %w", r.p.subject(i, r.events[i]), err)
		}
		return do(i, v.Param, runs, writes)
	}
	for i, e := range r.events {
		if e.Do == layout.Draw && e.Param != Discard {
			if e.Into.Rows > maxRuns {
				return fmt.Errorf("%s: a draw into %d rows: the limit is %d", r.p.subject(i, e), e.Into.Rows, maxRuns)
			}
			if err := do(i, e.Param, runsOf(e.Into), true); err != nil {
				return err
			}
		}
		if !e.Do.Computes() {
			continue
		}
		for _, operand := range e.From {
			if operand.View != nil {
				if err := view(i, *operand.View, false); err != nil {
					return err
				}
			}
		}
		if err := view(i, e.To, true); err != nil {
			return err
		}
	}
	return nil
}

// findLive walks backwards from the tensors: what no tensor needs is lost.
func (r *replay) findLive() error {
	wanted := make([]bool, len(r.p.params))
	for i, param := range r.p.params {
		wanted[i] = !param.Unnamed && param.Tied == ""
	}
	for i, e := range slices.Backward(r.events) {
		switch {
		case e.Do == layout.Draw:
			if e.Param == Discard || !wanted[e.Param] {
				continue
			}
			r.live[i] = true
			if e.Into == layout.Whole(r.p.params[e.Param].Elements) {
				wanted[e.Param] = false
			}
		case e.Do.Computes():
			if !wanted[e.To.Param] {
				continue
			}
			r.live[i] = true
			if r.p.wholeOf(e.To) {
				wanted[e.To.Param] = false
			}
			for _, operand := range e.From {
				if operand.View != nil {
					wanted[operand.View.Param] = true
				}
			}
		}
	}
	return nil
}

func (r *replay) root(param int) int {
	for r.component[param] != param {
		r.component[param] = r.component[r.component[param]]
		param = r.component[param]
	}
	return param
}

func (r *replay) isHeld(param int) bool { return r.held[r.root(param)] }

// follow makes chains of draws and computations, and finds what is held.
func (r *replay) follow() error {
	var heldParams []int
	for i, e := range r.events {
		if !r.live[i] {
			continue
		}
		if e.Do == layout.Draw {
			r.draw(i, e)
			continue
		}
		if !e.Do.Computes() {
			continue
		}
		for _, operand := range e.From {
			if operand.View != nil {
				r.component[r.root(operand.View.Param)] = r.root(e.To.Param)
			}
		}
		if !r.absorb(e) {
			heldParams = append(heldParams, e.To.Param)
		}
	}
	for _, param := range heldParams {
		r.held[r.root(param)] = true
	}
	for _, c := range r.content {
		if !r.p.params[c.param].Unnamed && !r.isHeld(c.param) {
			r.chains[c.event] = append(r.chains[c.event], c)
		}
	}
	for _, list := range r.chains {
		slices.SortFunc(list, func(a, b *chain) int { return a.param - b.param })
	}
	return nil
}

// draw follows a live draw.
func (r *replay) draw(i int, e layout.Event) {
	if e.Into == layout.Whole(r.p.params[e.Param].Elements) {
		r.content[e.Param] = &chain{event: i, param: e.Param, posts: e.Dist.Post}
		return
	}
	if c := r.content[e.Param]; c != nil && !c.spoiled {
		if rows, ok := r.zeroRows(c, e); ok {
			c.posts = append(slices.Clip(c.posts), rows)
			r.absorbed[i] = true
			return
		}
		c.spoiled = true
	}
}

// zeroRows is e as a post step of c, if it sets whole rows of its draw to +0.
func (r *replay) zeroRows(c *chain, e layout.Event) (dist.ZeroRows, bool) {
	constant, ok := e.Dist.Draw.(dist.Constant)
	shape := r.events[c.event].Shape
	if !ok || math.Float64bits(constant.Value) != 0 || len(e.Dist.Post) > 0 || len(shape) == 0 || !e.Into.Contiguous() {
		return dist.ZeroRows{}, false
	}
	if _, plain := r.events[c.event].Dist.Draw.(dist.Constant); plain {
		return dist.ZeroRows{}, false
	}
	row := dist.RowSize(shape)
	if row == 0 || e.Into.First%row != 0 || e.Into.Elements()%row != 0 {
		return dist.ZeroRows{}, false
	}
	return dist.ZeroRows{Ranges: []dist.Range{{First: e.Into.First / row, Count: e.Into.Elements() / row}}}, true
}

// absorb makes post steps of a computation; false if it cannot be one.
func (r *replay) absorb(e layout.Event) bool {
	if !r.p.wholeOf(e.To) || r.p.Type(e.To.Param).Whole() {
		return false
	}
	from, number, reversed, ok := r.source(e)
	if !ok {
		return false
	}
	c := r.content[from]
	if c == nil || c.spoiled {
		return false
	}
	posts, ok := postsOf(e, number, reversed)
	if !ok {
		return false
	}
	if is, to := r.p.Type(from), r.p.Type(e.To.Param); is != to {
		if is == dtype.F64 || to == dtype.F64 {
			return false // the steps of a draw are all done in float32 or in float64
		}
		posts = append([]dist.Post{dist.Cast{To: to}}, posts...)
	}
	r.content[e.To.Param] = &chain{event: c.event, param: e.To.Param, posts: append(slices.Clip(c.posts), posts...)}
	return true
}

// source is the one parameter that e takes as a whole, and its number if it has
// one; reversed tells that the number comes first.
func (r *replay) source(e layout.Event) (from int, number float64, reversed, ok bool) {
	from = -1
	for i, operand := range e.From {
		switch {
		case operand.View != nil:
			if from >= 0 || !r.p.wholeOf(*operand.View) {
				return 0, 0, false, false
			}
			from = operand.View.Param
		case operand.Literal != nil:
			if operand.Literal.Elements() != 1 {
				return 0, 0, false, false
			}
			number, reversed = operand.Literal.At(0), i == 0
		default:
			number, reversed = operand.Value, i == 0
		}
	}
	return from, number, reversed, from >= 0
}

// postsOf is a computation with one number as post steps.
func postsOf(e layout.Event, number float64, reversed bool) ([]dist.Post, bool) {
	switch e.Do {
	case layout.Copy:
		return nil, true
	case layout.Add:
		return []dist.Post{dist.Add{By: number}}, finite(number)
	case layout.Subtract:
		if reversed {
			return []dist.Post{dist.Apply{Do: "negate"}, dist.Add{By: number}}, finite(number)
		}
		return []dist.Post{dist.Add{By: -number}}, finite(number)
	case layout.Multiply:
		return []dist.Post{dist.Multiply{By: number}}, finite(number)
	case layout.Divide:
		return []dist.Post{dist.Divide{By: number}}, !reversed && finite(number)
	case layout.Clamp:
		return []dist.Post{dist.Clamp{To: dist.Bounds{Low: e.Low, High: e.High}}}, true
	case layout.Norm:
		return nil, false
	default:
		return []dist.Post{dist.Apply{Do: e.Do.String()}}, true
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
