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
