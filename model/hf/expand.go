package hf

import (
	"fmt"
	"slices"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/formula"
	"github.com/weightinit/weightinit/layout"
)

// maxVisits bounds the lines that are looked at, rounds of loops counted.
const maxVisits = 1 << 23

// tensor is a tensor of the state dict.
type tensor struct {
	name   string
	shape  []int64
	dtype  dtype.Type // 0: the model's
	buffer bool
	// One of these says what it holds: a constant, a table, a draw, or nothing
	// where it is always another's.
	value *float64
	table string
	draw  int // number of the draw, -1 for none
	steps []doneStep
	pad   *int64
	// to is the tensor that this one is tied to, -1 for none.
	to int
	// seen is when the walk first met the name.
	seen int
}

// doneStep is a step with its numbers.
type doneStep struct {
	op   string
	as   dtype.Type // of cast, 0: the model's
	nums []float64
}

// draw is a draw of the framework, kept or not.
type draw struct {
	name  string // of the tensor that it is for
	op    string
	nums  []float64
	shape []int64
	in    dtype.Type // 0: the model's
}

// expansion is a table with the numbers of a config.
type expansion struct {
	c       *Config
	draws   []draw
	tensors []tensor
	number  map[string]int // of a tensor, by its name
	seen    map[string]int
	visits  int
	held    []*held // by tensor, where known
}

// phase is one of the two rounds of a part.
type phase uint8

const (
	making phase = iota
	initializing
)

// expand runs the table.
func (c *Config) expand() (*expansion, error) {
	e := &expansion{c: c, number: map[string]int{}, seen: map[string]int{}}
	for _, part := range c.family.parts {
		for _, round := range []phase{making, initializing} {
			if err := e.walk(part, scope{fields: c.fields}, "", round); err != nil {
				return nil, err
			}
		}
	}
	if err := e.tie(); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *expansion) walk(items []item, s scope, prefix string, round phase) error {
	for _, it := range items {
		if e.visits++; e.visits > maxVisits {
			return fieldFault("", "the model has too many layers: its table would take more than %d steps", maxVisits)
		}
		var err error
		if it.leaf != nil {
			err = e.visit(it.leaf, s, prefix, round)
		} else {
			err = e.loop(it.loop, s, prefix, round)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *expansion) loop(l *loop, s scope, prefix string, round phase) error {
	if on, err := s.holds(l.when); err != nil || !on {
		return err
	}
	n, err := s.integer(l.count)
	if err != nil {
		return err
	}
	if l.own {
		prefix = ""
	}
	for i := range n {
		inner := s.with(l.name, i)
		if e.visits++; e.visits > maxVisits {
			return fieldFault("", "the model has too many layers: its table would take more than %d steps", maxVisits)
		}
		if err := e.walk(l.body, inner, prefix+inner.name(l.prefix), round); err != nil {
			return err
		}
	}
	return nil
}

func (e *expansion) visit(l *leaf, s scope, prefix string, round phase) error {
	on, err := s.holds(l.when)
	if err != nil || !on {
		return err
	}
	if round == initializing && l.init == nil { // its constructor has said all
		return nil
	}
	name := s.name(l.name)
	if l.name != "" && !l.own {
		name = prefix + name
	}
	if _, met := e.seen[name]; !met {
		e.seen[name] = len(e.seen)
	}
	shape, err := s.integers(l.dims)
	if err != nil {
		return fmt.Errorf("tensor %q: %w", name, err)
	}
	if _, err := layout.ElementsOf(shape); err != nil {
		return fmt.Errorf("tensor %q: %w%s", name, err, e.c.fields.readBy(l.dims...))
	}
	rule := l.make
	if round == initializing {
		rule = l.init
	}
	if rule != nil {
		if err := e.draw(rule, name, shape, s); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
	}
	fixed := l.value != nil || l.table != "" || l.tied
	if l.declare && (round == making && (l.init == nil || fixed) || round == initializing && !fixed) {
		return e.declare(l, name, shape, s)
	}
	return nil
}

// draw notes a draw, unless it is switched off or has no elements.
func (e *expansion) draw(r *drawRule, name string, shape []int64, s scope) error {
	on, err := s.holds(r.when)
	if err != nil || !on {
		return err
	}
	if r.of != nil {
		if shape, err = s.integers(r.of); err != nil {
			return err
		}
	}
	n, err := layout.ElementsOf(shape)
	if err != nil || n == 0 {
		return err
	}
	d := draw{name: name, op: r.op, shape: shape}
	if d.in, err = typeOf(r.as); err != nil {
		return err
	}
	for _, num := range r.nums {
		v, err := s.float(num)
		if err != nil {
			return err
		}
		d.nums = append(d.nums, v)
	}
	if err := d.check(); err != nil {
		return err
	}
	e.draws = append(e.draws, d)
	return nil
}

// check refuses numbers that torch refuses.
func (d draw) check() error {
	if d.op == "normal" && len(d.nums) == 2 && !(d.nums[1] >= 0) {
		return fieldFault("", "tensor %q: the std %v of its normal draw must be 0 or more: see initializer_range", d.name, d.nums[1])
	}
	return nil
}

// typeOf reads the name of a type in a table; D and nothing are the model's.
func typeOf(name string) (dtype.Type, error) {
	if name == "" || name == "D" {
		return 0, nil
	}
	return dtype.ParseTorch(name)
}

// declare notes a tensor of the state dict.
func (e *expansion) declare(l *leaf, name string, shape []int64, s scope) error {
	if slices.Contains(shape, 0) {
		return fieldFault("", "tensor %q of shape %v would have no elements", name, shape)
	}
	if len(e.number) >= layout.MaxParams {
		return fieldFault("", "the model has more than %d tensors: use fewer layers", layout.MaxParams)
	}
	t := tensor{name: name, shape: shape, buffer: l.buffer, draw: -1, to: -1, table: l.table, seen: e.seen[name]}
	var err error
	if t.dtype, err = typeOf(l.dtype); err != nil {
		return err
	}
	switch {
	case l.value != nil:
		v, err := s.float(l.value)
		if err != nil {
			return err
		}
		t.value = &v
	case l.table == "" && !l.tied:
		err = e.drawn(&t, l, s)
	}
	if err != nil {
		return err
	}
	if i, twice := e.number[name]; twice {
		e.tensors[i] = t
		return nil
	}
	e.number[name] = len(e.tensors)
	e.tensors = append(e.tensors, t)
	return nil
}

// drawn says which draw a tensor holds: the last one, if that is its own.
func (e *expansion) drawn(t *tensor, l *leaf, s scope) error {
	k := len(e.draws) - 1
	if k < 0 || e.draws[k].name != t.name {
		return nil // it must be tied
	}
	t.draw = k
	if l.pad != nil {
		if err := t.padded(l.pad, s); err != nil {
			return err
		}
	}
	for _, st := range l.steps {
		done := doneStep{op: st.op}
		var err error
		if done.as, err = typeOf(st.as); err != nil {
			return err
		}
		for _, num := range st.nums {
			v, err := s.float(num)
			if err != nil {
				return err
			}
			done.nums = append(done.nums, v)
		}
		t.steps = append(t.steps, done)
	}
	return nil
}

func (t *tensor) padded(pad *formula.Expr, s scope) error {
	v, err := pad.Eval(s)
	if err != nil || v.IsNull() {
		return err
	}
	row, err := v.Int()
	if err != nil {
		return err
	}
	if row < -t.shape[0] || row >= t.shape[0] {
		return fieldFault(pad.String(), "the padding row %d does not lie in the %d rows of %q: give one that does, or null", row, t.shape[0], t.name)
	}
	if row < 0 {
		row += t.shape[0]
	}
	t.pad = &row
	return nil
}
