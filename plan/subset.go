package plan

import (
	"fmt"
	"slices"
	"sync"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
)

// Subset returns the plan of some of the tensors, in the order of p: the same
// bits for these, and nothing else. With Torch streams the draws of the others
// stay as discards, which a run skips where it can. Unknown names are an error.
func (p *Plan) Subset(names []string) (*Plan, error) {
	keep := make(map[string]bool, len(names))
	for _, name := range names {
		keep[name] = true
	}
	q := *p
	q.part, q.elements, q.words = true, 0, 0
	q.params, q.steps, q.held, q.tensors, q.state, q.stateDict = nil, nil, nil, nil, nil, nil
	sub := &subset{from: p, to: &q, number: make([]int, len(p.params)), group: make([]int, len(p.held)), of: map[int]int{}}
	for g, h := range p.held {
		for _, param := range h.Params {
			sub.of[param] = g
		}
	}
	for _, t := range p.tensors {
		if !keep[t.Name] {
			continue
		}
		delete(keep, t.Name)
		t.Param = sub.param(t.Param)
		q.tensors = append(q.tensors, t)
		q.elements += t.Elements
	}
	for name := range keep {
		return nil, fmt.Errorf("plan: there is no tensor %s in it", shown.Quote(name))
	}
	q.state = q.tensors
	for _, t := range q.tensors {
		q.stateDict = append(q.stateDict, StateEntry{Tensor: t})
	}
	sub.steps()
	if q.wordsUnknown {
		q.words = 0
	}
	q.digest = sync.OnceValue(q.computeDigest)
	return &q, nil
}

// subset copies parts of one plan to another.
type subset struct {
	from, to *Plan
	// number is that of a parameter in to, plus one; group that of a Held.
	number, group []int
	// of is the Held of a parameter.
	of map[int]int
}

// param is the number of a parameter in the new plan, where it has to be: with
// all others of its Held.
func (s *subset) param(old int) int {
	if s.number[old] > 0 {
		return s.number[old] - 1
	}
	s.to.params = append(s.to.params, s.from.params[old])
	s.number[old] = len(s.to.params)
	if g, held := s.of[old]; held && s.group[g] == 0 {
		s.group[g] = 1
		for _, other := range s.from.held[g].Params {
			s.param(other)
		}
	}
	return s.number[old] - 1
}

// steps copies what is drawn, and then the Held with the new numbers.
func (s *subset) steps() {
	p, q := s.from, s.to
	step := make([]int, len(p.steps)) // the new number
	q.steps = make([]Step, 0, len(p.steps))
	groups := 0
	for g := range s.group {
		if s.group[g] > 0 {
			groups++
			s.group[g] = groups
		}
	}
	for i, one := range p.steps {
		if one.Param != Discard {
			one.Param = s.number[one.Param] - 1
		}
		if one.Held > 0 {
			one.Held = s.group[one.Held-1]
		}
		if one.Param == Discard {
			if p.opts.Streams == Keyed {
				continue
			}
			one.Into, one.Block, one.Lost, one.Held = layout.Region{}, -1, nil, 0
		}
		step[i] = len(q.steps)
		if !one.Again {
			q.words += one.Words
		}
		q.steps = append(q.steps, one)
	}
	for g, h := range p.held {
		if s.group[g] == 0 {
			continue
		}
		q.held = append(q.held, s.renumbered(h, step))
	}
}

// renumbered is h with the numbers of the new plan.
func (s *subset) renumbered(h Held, step []int) Held {
	out := Held{Bytes: h.Bytes}
	for _, param := range h.Params {
		out.Params = append(out.Params, s.number[param]-1)
	}
	if h.End > 0 {
		out.First, out.End = step[h.First], step[h.End-1]+1
	}
	for _, op := range h.Ops {
		if op.Step >= 0 {
			op.Step = step[op.Step]
		} else {
			op.Event.To.Param = s.number[op.Event.To.Param] - 1
			op.Event.From = slices.Clone(op.Event.From)
			for i, operand := range op.Event.From {
				if operand.View != nil {
					view := *operand.View
					view.Param = s.number[view.Param] - 1
					op.Event.From[i].View = &view
				}
			}
		}
		out.Ops = append(out.Ops, op)
	}
	return out
}

// Stored returns the plan of the same draws with all tensors stored in another
// type.
func (p *Plan) Stored(in dtype.Type) *Plan {
	q := *p
	q.opts.DType = in
	q.tensors = slices.Clone(p.tensors)
	for i := range q.tensors {
		if !q.tensors[i].DType.Whole() {
			q.tensors[i].DType = in
		}
	}
	q.digest = sync.OnceValue(q.computeDigest)
	return &q
}
