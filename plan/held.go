package plan

import (
	"cmp"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
)

// Held is parameters that are computed of each other, and so are made together
// in memory: all draws first, then the operations in order.
type Held struct {
	// Params are the numbers of the parameters.
	Params []int
	Ops    []Op
	// First and End are the steps of the plan, [First, End), between which its
	// draws lie; both are 0 if it has none.
	First, End int
	// Bytes is the memory that it takes.
	Bytes int64
}

// Op is an operation of a [Held]: the values of a draw come to their place, or
// a computation.
type Op struct {
	// Step is the number of the plan's step whose values are put into its
	// elements Into; -1 for a computation.
	Step int
	// Event is the computation.
	Event layout.Event
}

// Move is what happens to a generator before a step.
type Move struct {
	// Do is layout.Seed, layout.Save or layout.Load.
	Do layout.Do
	// Stream is the generator, Slot that of Save and Load.
	Stream, Slot int
	// Seed is that of Seed; nil means the plan's.
	Seed *uint64
}

// Held returns what is made together in memory.
func (p *Plan) Held() View[Held] { return View[Held]{p.held} }

// WorkMemory returns the most bytes of [Held] parameters that a run has to keep
// at once, and the first parameter of the one that takes most.
func (p *Plan) WorkMemory() (bytes int64, param string) {
	type change struct {
		at    int
		bytes int64
	}
	var changes []change
	largest := int64(0)
	for _, h := range p.held {
		if h.Bytes > largest {
			largest, param = h.Bytes, p.params[h.Params[0]].Name
		}
		if h.End > 0 {
			changes = append(changes, change{h.First, h.Bytes}, change{h.End, -h.Bytes})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.bytes, b.bytes)) })
	now := int64(0)
	for _, c := range changes {
		now += c.bytes
		bytes = max(bytes, now)
	}
	return max(bytes, largest), param
}

// Type returns the type in which a parameter lies while it is made.
func (p *Plan) Type(param int) dtype.Type {
	if own := p.params[param].DType; own != 0 && p.replayed {
		return own
	}
	return p.opts.Drawn
}

// width is the size of an element in memory: halves lie there as float32.
func width(t dtype.Type) int64 {
	if t.Half() {
		return dtype.F32.Size()
	}
	return t.Size()
}

// complete notes what a run has to know of h beside its operations.
func (p *Plan) completeHeld(h *Held) {
	slices.Sort(h.Params)
	for _, param := range h.Params {
		h.Bytes += p.params[param].Elements * width(p.Type(param))
	}
	scratch := int64(0) // of one computation whose operands overlap its target
	for _, op := range h.Ops {
		if op.Step < 0 {
			scratch = max(scratch, dist.Elements(op.Event.To.Shape)*8)
			continue
		}
		s := p.steps[op.Step]
		h.Bytes += s.Elements * width(s.In)
		if h.End == 0 {
			h.First = op.Step
		}
		h.First, h.End = min(h.First, op.Step), max(h.End, op.Step+1)
	}
	h.Bytes += scratch
}
