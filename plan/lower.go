package plan

import (
	"fmt"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// lower turns what is drawn into steps, and checks that each can be.
func (p *Plan) lower(l *layout.Layout, mode registry.Mode) error {
	if r, ok := mode.(registry.Replayer); ok && r.Replays(l) {
		p.replayed = true
		if err := p.lowerReplay(l.Replay); err != nil {
			return fmt.Errorf("mode %q, %w", p.Mode(), err)
		}
		return p.settle()
	}
	for i, param := range p.params {
		event := layout.Event{Param: i, Dist: param.Dist, Shape: param.Shape}
		if err := p.checkEvent(&event); err != nil {
			return fmt.Errorf("mode %q, parameter %q: %w", p.Mode(), param.Name, err)
		}
		if err := p.event(event, param.Pieces); err != nil {
			return fmt.Errorf("mode %q, parameter %q: %w", p.Mode(), param.Name, err)
		}
	}
	return nil
}

// subject names what an event draws.
func (p *Plan) subject(number int, e layout.Event) string {
	if p.program {
		return fmt.Sprintf("step %d", number)
	}
	if e.Do == layout.Draw && e.Param >= 0 && e.Param < len(p.params) {
		return fmt.Sprintf("parameter %q", p.params[e.Param].Name)
	}
	return fmt.Sprintf("event %d", number)
}

// event appends the steps of one draw that has been checked: one, or one a
// block or piece.
func (p *Plan) event(e layout.Event, pieces []layout.Piece) error {
	step := Step{Dist: e.Dist, Shape: e.Shape, Elements: dist.Elements(e.Shape), In: e.In, Param: e.Param, Into: e.Into, Block: -1}
	switch draw := e.Dist.Draw.(type) {
	case dist.Blocks:
		return p.blocks(step, draw)
	case dist.Pieces:
		return p.pieces(step, draw, pieces)
	default:
		return p.append(step)
	}
}

// blocks appends a step a block of a tensor that is cut into rows.
func (p *Plan) blocks(whole Step, blocks dist.Blocks) error {
	first := int64(0)
	for i, block := range blocks.Parts {
		one := whole
		one.Shape, one.Block = dist.PartShape(whole.Shape, block.Rows), i
		one.Elements = dist.Elements(one.Shape)
		one.Into = layout.Rows(whole.Shape, 0, first, block.Rows)
		one.Into.First += whole.Into.First
		one.Dist = block.Dist
		one.Dist.Post = slices.Concat(block.Dist.Post, postsWithin(whole.Dist.Post, first, block.Rows))
		if err := p.append(one); err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
		first += block.Rows
	}
	return nil
}

// checkEvent also completes the type and the region of e.
func (p *Plan) checkEvent(e *layout.Event) error {
	if err := p.checkPieces(*e); err != nil {
		return err
	}
	if e.In == 0 {
		if e.In = p.opts.Drawn; e.Param >= 0 && e.Param < len(p.params) {
			e.In = p.Type(e.Param)
		}
	}
	if !e.In.Valid() {
		return fmt.Errorf("drawn in unknown type %s", e.In)
	}
	if p.program && e.Param >= 0 && e.Param < len(p.params) && e.In != p.Type(e.Param) {
		return fmt.Errorf("a draw in %s into a memory of %s", e.In.Torch(), p.Type(e.Param).Torch())
	}
	if err := e.Dist.Check(e.In.Max()); err != nil {
		return err
	}
	if _, err := layout.ElementsOf(e.Shape); err != nil {
		return err
	}
	if err := e.Dist.CheckShape(e.Shape); err != nil {
		return err
	}
	n := dist.Elements(e.Shape)
	if e.Param == Discard {
		return nil
	}
	if e.Param < 0 || e.Param >= len(p.params) {
		return fmt.Errorf("parameter %d of %d", e.Param, len(p.params))
	}
	param := p.params[e.Param]
	if e.Into == (layout.Region{}) {
		e.Into = layout.Whole(param.Elements)
	}
	r := e.Into
	last := r.First + (r.Rows-1)*r.Stride + r.Row
	switch {
	case r.First < 0 || r.Rows < 1 || r.Row < 0 || r.Stride < r.Row || last > param.Elements || last < 0:
		return fmt.Errorf("region %+v does not lie in %d elements", r, param.Elements)
	case r.Elements() != n:
		return fmt.Errorf("a draw of %d values into %d elements", n, r.Elements())
	}
	if param.Tied != "" {
		e.Param, e.Into = Discard, layout.Region{}
	}
	return nil
}

// postsWithin are the post steps of a tensor as its rows from first on see
// them.
func postsWithin(posts []dist.Post, first, rows int64) []dist.Post {
	var out []dist.Post
	for _, post := range posts {
		zero, ok := post.(dist.ZeroRows)
		if !ok {
			out = append(out, post)
			continue
		}
		var inside []dist.Range
		for _, r := range zero.Ranges {
			low, high := max(r.First-first, 0), min(r.First+r.Count-first, rows)
			if low < high {
				inside = append(inside, dist.Range{First: low, Count: high - low})
			}
		}
		if inside != nil {
			out = append(out, dist.ZeroRows{Ranges: inside})
		}
	}
	return out
}

func (p *Plan) append(s Step) error {
	if err := drawable(s, p.opts.AllowFilled); err != nil {
		return fmt.Errorf("%s: %w", s.Dist.Draw.Kind(), err)
	}
	p.steps = append(p.steps, s)
	return nil
}

// settle turns draws that later ones replace into discards, notes of others
// which of their elements later ones replace, and checks that every element of
// a tensor is drawn.
func (p *Plan) settle() error {
	p.numberHeldDraws()
	into := make([][]int, len(p.params))
	for i, s := range p.steps {
		if s.Param != Discard && s.Held == 0 {
			into[s.Param] = append(into[s.Param], i)
		}
	}
	held := map[int]bool{}
	for _, h := range p.held {
		for _, param := range h.Params {
			held[param] = true
			p.params[param].Dist = dist.Dist{}
		}
	}
	wanted := p.wantedRuns()
	var count runCount
	for i := range p.params {
		if p.params[i].Tied != "" || held[i] {
			continue
		}
		if err := p.settleParam(i, into[i], wanted[i], &count); err != nil {
			return fmt.Errorf("plan: parameter %q: %w", p.params[i].Name, err)
		}
	}
	return nil
}

// numberHeldDraws numbers the draws of held parameters, where there are several
// of one: with keyed streams each has a key of its own.
func (p *Plan) numberHeldDraws() {
	draws := map[int]int{}
	for i, s := range p.steps {
		if s.Held > 0 && s.Param != Discard {
			p.steps[i].Block = draws[s.Param]
			draws[s.Param]++
		}
	}
	for i, s := range p.steps {
		if s.Held > 0 && draws[s.Param] == 1 {
			p.steps[i].Block = -1
		}
	}
}

// wantedRuns lists, for each parameter, the elements that tensors hold.
func (p *Plan) wantedRuns() [][]Run {
	out := make([][]Run, len(p.params))
	for _, tensors := range [][]Tensor{p.tensors, p.state} {
		for _, t := range tensors {
			if t.Elements > 0 {
				out[t.Param] = append(out[t.Param], Run{t.First, t.First + t.Elements})
			}
		}
	}
	for i := range out {
		sortRuns(out[i])
		out[i] = joined(out[i])
	}
	return out
}

// maxRuns bounds the memory that the rows of one strided region take here.
const maxRuns = 1 << 24

func (p *Plan) settleParam(param int, steps []int, wanted []Run, count *runCount) error {
	runs := make([][]Run, len(steps))
	all := slices.Clone(wanted)
	for k, i := range steps {
		if rows := p.steps[i].Into.Rows; rows > maxRuns {
			return fmt.Errorf("a draw into %d rows: the limit is %d", rows, maxRuns)
		}
		if len(steps) > 1 {
			if err := count.add(int(p.steps[i].Into.Rows)); err != nil {
				return err
			}
		}
		runs[k] = runsOf(p.steps[i].Into)
		all = append(all, runs[k]...)
	}
	drawn := newCanvas(all) // from the last one on
	var live []int
	for k, i := range slices.Backward(steps) {
		s := &p.steps[i]
		var own []Run
		for _, r := range runs[k] {
			drawn.paint(r, func(fresh Run) { own = append(own, fresh) })
		}
		own = joined(own)
		none := total(own) == 0
		if s.Lost = without(runs[k], own); none {
			s.Param, s.Into, s.Block, s.Lost = Discard, layout.Region{}, -1, nil
			continue
		}
		if err := count.add(len(s.Lost)); err != nil {
			return err
		}
		live = append(live, i)
	}
	p.params[param].Dist = dist.Dist{} // of several draws there is no single one
	if len(live) == 1 {
		p.params[param].Dist = p.steps[live[0]].Dist
	}
	for k, i := range slices.Backward(live) {
		if p.steps[i].Block = len(live) - 1 - k; len(live) == 1 {
			p.steps[i].Block = -1
		}
	}
	for _, r := range wanted {
		if at, any := drawn.bare(r); any {
			return fmt.Errorf("element %d of %d is never drawn", at, p.params[param].Elements)
		}
	}
	return nil
}
