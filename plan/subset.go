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
	q.params, q.steps, q.tensors = nil, nil, nil
	number := make([]int, len(p.params)) // of a parameter in q, plus one
	for _, t := range p.tensors {
		if !keep[t.Name] {
			continue
		}
		delete(keep, t.Name)
		if number[t.Param] == 0 {
			q.params = append(q.params, p.params[t.Param])
			number[t.Param] = len(q.params)
		}
		t.Param = number[t.Param] - 1
		q.tensors = append(q.tensors, t)
		q.elements += t.Elements
	}
	for name := range keep {
		return nil, fmt.Errorf("plan: there is no tensor %s in it", shown.Quote(name))
	}
	q.steps = make([]Step, 0, len(p.steps))
	for _, s := range p.steps {
		if s.Param != Discard {
			s.Param = number[s.Param] - 1
		}
		if s.Param == Discard {
			if p.opts.Streams == Keyed {
				continue
			}
			s.Into, s.Block, s.Lost = layout.Region{}, -1, nil
		}
		q.words += s.Words
		q.steps = append(q.steps, s)
	}
	if q.wordsUnknown {
		q.words = 0
	}
	q.digest = sync.OnceValue(q.computeDigest)
	return &q, nil
}

// Stored returns the plan of the same draws with all tensors stored in another
// type.
func (p *Plan) Stored(in dtype.Type) *Plan {
	q := *p
	q.opts.DType = in
	q.tensors = slices.Clone(p.tensors)
	for i := range q.tensors {
		q.tensors[i].DType = in
	}
	q.digest = sync.OnceValue(q.computeDigest)
	return &q
}
