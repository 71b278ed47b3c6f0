package fill

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// DefaultWorkMemory is the most bytes of parameters that are held at once: 1
// GiB.
const DefaultWorkMemory = 1 << 30

// WorkMemoryError tells that parameters which are computed of each other take
// more memory than a run may use.
type WorkMemoryError struct {
	// Param is the first parameter of those that take most.
	Param string
	// Need and Have are bytes.
	Need, Have int64
}

// Error returns one line.
func (e *WorkMemoryError) Error() string {
	return fmt.Sprintf("fill: %q and what it is computed of have to be held in memory: %d bytes are needed, %d may be used", e.Param, e.Need, e.Have)
}

// holder keeps the memory of parameters that are computed of each other, from
// the first of their draws that is scheduled to the last of their operations.
type holder struct {
	plan   *plan.Plan
	wanted []bool // by group
	room   *semaphore.Weighted
	states []*held
}

func newHolder(p *plan.Plan, w window, budget int64) (*holder, error) {
	h := &holder{plan: p, wanted: make([]bool, p.Held().Len()), states: make([]*held, p.Held().Len()), room: semaphore.NewWeighted(budget)}
	for g, group := range p.Held().All() {
		for _, param := range group.Params {
			h.wanted[g] = h.wanted[g] || w.all || len(w.boxes[param]) > 0
		}
	}
	if need, param := p.WorkMemory(); need > budget {
		return nil, &WorkMemoryError{Param: param, Need: need, Have: budget}
	}
	return h, nil
}

// begin gives the state of the group of a step, with memory for it.
func (h *holder) begin(ctx context.Context, group int) (*held, error) {
	if s := h.states[group]; s != nil {
		return s, nil
	}
	of := h.plan.Held().At(group)
	if err := h.room.Acquire(ctx, of.Bytes); err != nil {
		return nil, context.Cause(ctx)
	}
	s := &held{plan: h.plan, group: of, draws: map[int]*memory{}, release: func() { h.room.Release(of.Bytes) }}
	for _, op := range of.Ops {
		if op.Step >= 0 {
			step := h.plan.Steps().At(op.Step)
			s.draws[op.Step] = newMemory(step.In, step.Elements)
			s.left.Add(step.Elements)
		}
	}
	h.states[group] = s
	return s, nil
}

// part makes a part of a step, with memory for its values if they are held.
func (h *holder) part(ctx context.Context, number int, s plan.Step) (*part, error) {
	p := newPart(number, s)
	if s.Held == 0 || s.Param == plan.Discard || !h.wanted[s.Held-1] {
		return p, nil
	}
	var err error
	p.held, err = h.begin(ctx, s.Held-1)
	return p, err
}

// undrawn schedules the groups that wait for no draw.
func (h *holder) undrawn(ctx context.Context, out chan<- segment) error {
	for g, group := range h.plan.Held().All() {
		values := int64(0)
		for _, op := range group.Ops {
			if op.Step >= 0 {
				values += h.plan.Steps().At(op.Step).Elements
			}
		}
		if !h.wanted[g] || values > 0 {
			continue
		}
		s, err := h.begin(ctx, g)
		if err != nil {
			return err
		}
		if err := send(ctx, out, segment{held: s}); err != nil {
			return err
		}
	}
	return nil
}

// held is a group under way.
type held struct {
	plan  *plan.Plan
	group plan.Held
	// draws take the values of steps; left counts those that are missing.
	draws   map[int]*memory
	left    atomic.Int64
	params  map[int]*memory
	release func()
}

// takeHeld keeps values of a part, and finishes the group with the last ones.
func takeHeld[T float32 | float64](w *worker, p *part, first int64, values []T) error {
	p.held.draws[p.step].put(first, values)
	if p.held.left.Add(-int64(len(values))) > 0 {
		return nil
	}
	return p.held.finish(w)
}

// finish does all operations and hands the parameters over.
func (h *held) finish(w *worker) error {
	defer h.release()
	h.params = map[int]*memory{}
	for _, param := range h.group.Params {
		h.params[param] = newMemory(h.plan.Type(param), h.plan.Params().At(param).Elements)
	}
	for _, op := range h.group.Ops {
		if op.Step >= 0 {
			h.put(op.Step)
			continue
		}
		h.compute(op.Event)
	}
	h.draws = nil
	for _, param := range h.group.Params {
		if err := h.params[param].hand(w, param); err != nil {
			return err
		}
	}
	h.params = nil
	return nil
}

// put brings the values of a draw to their place.
func (h *held) put(step int) {
	s := h.plan.Steps().At(step)
	from, to := h.draws[step], h.params[s.Param]
	row := int64(0)
	for r := range s.Into.Rows {
		to.copyFrom(s.Into.First+r*s.Into.Stride, from, row, s.Into.Row)
		row += s.Into.Row
	}
	delete(h.draws, step)
}

// memory is a parameter or the values of a draw: float32 for all types of up to
// 32 bits, in which halves are rounded, float64, or bytes of whole numbers.
type memory struct {
	of     dtype.Type
	narrow []float32
	wide   []float64
	bytes  []byte
}

func newMemory(of dtype.Type, n int64) *memory {
	switch {
	case of.Whole():
		return &memory{of: of, bytes: make([]byte, n*of.Size())}
	case of == dtype.F64:
		return &memory{of: of, wide: make([]float64, n)}
	default:
		return &memory{of: of, narrow: make([]float32, n)}
	}
}

// put stores drawn values from element first on.
func (m *memory) put(first int64, values any) {
	switch values := values.(type) {
	case []float32:
		copy(m.narrow[first:], values)
	case []float64:
		copy(m.wide[first:], values)
	}
}

// copyFrom copies n elements of another memory, rounded to the type of m.
func (m *memory) copyFrom(at int64, from *memory, first, n int64) {
	switch {
	case m.wide != nil && from.wide != nil:
		copy(m.wide[at:at+n], from.wide[first:])
	case m.wide != nil:
		for i := range n {
			m.wide[at+i] = from.at(first + i)
		}
	case from.wide != nil:
		for i := range n {
			m.narrow[at+i] = float32(from.wide[first+i])
		}
	default:
		copy(m.narrow[at:at+n], from.narrow[first:])
	}
	if from.of != m.of {
		rng.Round(m.narrow[min(at, int64(len(m.narrow))):min(at+n, int64(len(m.narrow)))], m.of)
	}
}

// at is an element as a float64.
func (m *memory) at(i int64) float64 {
	switch {
	case m.wide != nil:
		return m.wide[i]
	case m.narrow != nil:
		return float64(m.narrow[i])
	default:
		return (&layout.Literal{DType: m.of, Data: m.bytes}).At(i)
	}
}

// hand gives the elements of a finished parameter to whoever takes them.
func (m *memory) hand(w *worker, param int) error {
	chunk := int64(w.opts.ChunkValues)
	switch {
	case m.of.Whole():
		return w.outlet.raw(param, m.bytes, m.of.Size())
	case m.of == dtype.F64:
		return handChunks(w, param, m.wide, chunk)
	default:
		return handChunks(w, param, m.narrow, chunk)
	}
}

func handChunks[T float32 | float64](w *worker, param int, values []T, chunk int64) error {
	p := &part{param: param, into: layout.Whole(int64(len(values)))}
	for first := int64(0); first < int64(len(values)); first += chunk {
		if err := hand(w, p, first, values[first:min(first+chunk, int64(len(values)))]); err != nil {
			return err
		}
	}
	return nil
}

// raw hands over elements of whole numbers.
func (o *outlet) raw(param int, data []byte, size int64) error {
	for i := range o.takers[param].targets {
		t := &o.takers[param].targets[i]
		for row := range t.box.rows {
			start := t.box.start(row)
			if err := o.sink.WriteValues(t.number, t.at+row*t.box.row, data[start*size:(start+t.box.row)*size]); err != nil {
				return err
			}
		}
	}
	return nil
}

// loose is the normal that a truncated one is whose cut no value reaches.
func loose(p *part) {
	if t, ok := p.draw.(dist.TruncNormal); ok && t.Loose(p.n, p.in) {
		p.draw = dist.Normal{Mean: t.Mean, Std: t.Std}
	}
}
