package planfile

import (
	"fmt"
	"strconv"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
)

// spot is contiguous elements of a memory in which values of a type lie.
type spot struct {
	memory          int
	first, n, whole int64
	in              dtype.Type
}

// writeSteps writes the draws in the order of the stream, and between them what
// is computed, as soon as it can be.
func (w *writer) writeSteps() error {
	for i, s := range w.plan.Steps().All() {
		w.moves(s.Before)
		if s.Held > 0 {
			w.catchUp(s.Held - 1)
		}
		if err := w.draw(s); err != nil {
			return fmt.Errorf("%s: %w", w.subject(i, s), err)
		}
		if s.Held > 0 {
			w.done[s.Held-1]++
			w.compute(s.Held - 1)
		}
	}
	for g := range w.done {
		w.compute(g)
	}
	return nil
}

func (w *writer) subject(i int, s plan.Step) string {
	if s.Param == plan.Discard {
		return fmt.Sprintf("step %d", i)
	}
	return "parameter " + shown.Quote(w.plan.Params().At(s.Param).Name)
}

// catchUp writes what a group, and those that began before it, compute before
// the group takes the values of a step.
func (w *writer) catchUp(group int) {
	for g := 0; g <= group; g++ {
		w.compute(g)
	}
}

// compute writes the operations of a group up to the next draw.
func (w *writer) compute(group int) {
	ops := w.plan.Held().At(group).Ops
	for ; w.done[group] < len(ops) && ops[w.done[group]].Step < 0; w.done[group]++ {
		w.operation(ops[w.done[group]].Event)
	}
}

// moves writes what happens to generators.
func (w *writer) moves(list []plan.Move) {
	for _, m := range list {
		w.steps.begin("do", m.Do.String())
		switch {
		case m.Do != layout.Seed:
			w.steps.whole("slot", int64(m.Slot))
		case m.Seed == nil:
			w.steps.word("seed", "plan")
		default:
			w.steps.key("seed")
			w.steps.text = strconv.AppendUint(w.steps.text, *m.Seed, 10)
		}
		w.stream(m.Stream)
		w.steps.end()
	}
}

func (w *writer) stream(number int) {
	if number != 0 {
		w.steps.whole("stream", int64(number))
	}
}

// draw writes a draw with the steps after it.
func (w *writer) draw(s plan.Step) error {
	if s.Param == plan.Discard {
		return w.drawTo(s, nil)
	}
	if _, plain := w.plain[s.Param]; plain {
		return nil
	}
	if constant, ok := s.Dist.Draw.(dist.Constant); ok && len(s.Dist.Post) == 0 && s.In == w.plan.Type(s.Param) {
		w.set(w.regionText(w.view(s.Param, s.Into), w.wholeOf(s.Param)), constant.Value)
		return nil
	}
	end := spot{w.memoryOf(s.Param), s.Into.First, s.Elements, w.wholeOf(s.Param), w.plan.Type(s.Param)}
	at, err := w.rawValues(s, end)
	if err != nil {
		return err
	}
	if at, err = w.posts(s, at, end); err != nil {
		return err
	}
	if at != end || !s.Into.Contiguous() {
		to := w.view(s.Param, s.Into)
		w.copy(regionText(at.memory, at.first, at.whole, to.Shape, nil), w.regionText(to, w.wholeOf(s.Param)))
	}
	return nil
}

func (w *writer) wholeOf(param int) int64 { return w.plan.Params().At(param).Elements }

// rawValues writes the draw alone and returns where its values lie, free to be
// changed: at their end, or in a memory of their own when they are drawn again,
// go to a place that is not contiguous, or change their type.
func (w *writer) rawValues(s plan.Step, end spot) (spot, error) {
	fits := s.In == end.in && s.Into.Contiguous()
	if fits && !s.Again && w.raw == nil && !casts(s.Dist.Post) {
		return end, w.drawTo(s, &end)
	}
	own := func() spot {
		return spot{memory: w.newMemory(s.In, s.Elements), n: s.Elements, whole: s.Elements, in: s.In}
	}
	shared := s.Again || w.raw != nil
	if w.raw == nil {
		raw := own()
		if err := w.drawTo(s, &raw); err != nil {
			return raw, err
		}
		w.raw = &raw
	}
	raw := *w.raw
	if !s.Again {
		w.raw = nil
	}
	if !shared || len(s.Dist.Post) == 0 || casts(s.Dist.Post[:1]) {
		return raw, nil
	}
	to := end
	if !fits {
		to = own()
	}
	w.copy(w.spotText(raw), w.spotText(to))
	return to, nil
}

// drawTo writes a draw into a spot, or into nothing.
func (w *writer) drawTo(s plan.Step, to *spot) error {
	draw, shape := s.Dist.Draw, s.Shape
	var after []dist.Post
	switch d := draw.(type) {
	case dist.Normal, dist.Uniform:
		if to == nil {
			shape = []int64{s.Elements}
		}
	case dist.TruncNormal:
		if d.Algorithm == dist.TorchICDF {
			return fmt.Errorf("trunc_normal by %s: a plan file has that by %s only", d.Algorithm, dist.TorchRejection)
		}
		if draw = d.Unscaled(); d.Algorithm == dist.UnitThenScale {
			after = []dist.Post{dist.Multiply{By: d.Std}, dist.Add{By: d.Mean}}
		}
	case dist.Sparse, dist.Orthogonal, dist.Dirac, dist.Eye:
	case dist.Constant:
		if to != nil {
			w.set(w.spotText(*to), d.Value)
		}
		return nil
	case dist.Filled:
		return fmt.Errorf("its plugin fills it: a plan file cannot say that")
	default:
		return fmt.Errorf("%s: a plan file cannot say that", draw.Kind())
	}
	l := &w.steps
	l.begin("do", draw.Kind())
	for _, n := range dist.Numbers(draw) {
		switch v := n.Value.(type) {
		case float64:
			l.number(n.Name, v)
		case int64:
			l.whole(n.Name, v)
		}
	}
	l.word("dtype", s.In.Torch())
	l.list("shape", shape)
	w.stream(s.Stream)
	if to != nil {
		l.key("to")
		l.text = append(l.text, w.spotText(*to)...)
	}
	l.end()
	if to != nil {
		for _, post := range after {
			if err := w.post(post, *to, s.Shape); err != nil {
				return err
			}
		}
	}
	return nil
}

// posts writes the steps after a draw whose values lie at a spot, and returns
// where they lie afterwards.
func (w *writer) posts(s plan.Step, at, end spot) (spot, error) {
	for i, post := range s.Dist.Post {
		cast, ok := post.(dist.Cast)
		if !ok {
			if err := w.post(post, at, s.Shape); err != nil {
				return at, err
			}
			continue
		}
		next := spot{n: s.Elements, whole: s.Elements, in: cast.To}
		if cast.To == end.in && s.Into.Contiguous() && !casts(s.Dist.Post[i+1:]) {
			next = end
		} else {
			next.memory = w.newMemory(cast.To, s.Elements)
		}
		w.copy(w.spotText(at), w.spotText(next))
		at = next
	}
	return at, nil
}

// casts tells whether a step changes the type.
func casts(posts []dist.Post) bool {
	for _, post := range posts {
		if _, cast := post.(dist.Cast); cast {
			return true
		}
	}
	return false
}

// post writes one step after a draw of a shape.
func (w *writer) post(post dist.Post, at spot, shape []int64) error {
	place := w.spotText(at)
	switch post := post.(type) {
	case dist.Multiply:
		w.withNumber("multiply", place, post.By)
	case dist.Divide:
		w.withNumber("divide", place, post.By)
	case dist.Add:
		w.withNumber("add", place, post.By)
	case dist.Apply:
		w.steps.begin("do", post.Do)
		w.fromTo(place, place)
	case dist.Clamp:
		w.steps.begin("do", "clamp")
		w.bounds(post.To.Low, post.To.High)
		w.fromTo(place, place)
	case dist.ZeroRows:
		row := dist.RowSize(shape)
		for _, r := range post.Ranges {
			rows := at
			rows.first, rows.n = at.first+r.First*row, r.Count*row
			if rows.n > 0 {
				w.set(w.spotText(rows), 0)
			}
		}
	default:
		return fmt.Errorf("%s: a plan file cannot say that", post.Kind())
	}
	return nil
}

func (w *writer) withNumber(do string, place []byte, v float64) {
	w.steps.begin("do", do)
	w.fromTo(append(append(append([]byte{}, place...), `, {"value": `...), append(appendNumber(nil, v), '}')...), place)
}

func (w *writer) bounds(low, high *float64) {
	if low != nil {
		w.steps.number("low", *low)
	}
	if high != nil {
		w.steps.number("high", *high)
	}
}

// fromTo ends a step with its operands and its target.
func (w *writer) fromTo(from, to []byte) {
	l := &w.steps
	l.key("from")
	l.text = append(append(append(l.text, '['), from...), ']')
	l.key("to")
	l.text = append(l.text, to...)
	l.end()
}

func (w *writer) copy(from, to []byte) {
	w.steps.begin("do", "copy")
	w.fromTo(from, to)
}

func (w *writer) set(to []byte, v float64) {
	l := &w.steps
	l.begin("do", "set")
	l.number("value", v)
	l.key("to")
	l.text = append(l.text, to...)
	l.end()
}

// operation writes a computation between memories.
func (w *writer) operation(e layout.Event) {
	to := w.regionText(e.To, w.wholeOf(e.To.Param))
	if e.Do == layout.Copy && e.From[0].View == nil {
		w.fill(e, to)
		return
	}
	var from []byte
	for i, o := range e.From {
		if i > 0 {
			from = append(from, ", "...)
		}
		switch {
		case o.View != nil:
			from = append(from, w.regionText(*o.View, w.wholeOf(o.View.Param))...)
		case o.Literal != nil:
			from = fmt.Appendf(from, `{"literal": %d}`, w.literal(o.Literal))
		default:
			from = append(appendNumber(append(from, `{"value": `...), o.Value), '}')
		}
	}
	w.steps.begin("do", e.Do.String())
	w.bounds(e.Low, e.High)
	if e.Do == layout.Norm {
		dims := make([]int64, len(e.Dims))
		for i, d := range e.Dims {
			dims[i] = int64(d)
		}
		w.steps.list("dims", dims)
	}
	w.fromTo(from, to)
}

// fill writes a copy of a value or a literal.
func (w *writer) fill(e layout.Event, to []byte) {
	literal := e.From[0].Literal
	switch {
	case literal == nil:
		w.set(to, e.From[0].Value)
	case literal.DType == w.plan.Type(e.To.Param) && literal.Elements() == dist.Elements(e.To.Shape):
		l := &w.steps
		l.begin("do", "literal")
		l.whole("literal", int64(w.literal(literal)))
		l.key("to")
		l.text = append(l.text, to...)
		l.end()
	default:
		w.copy(fmt.Appendf(nil, `{"literal": %d}`, w.literal(literal)), to)
	}
}

// view is a region of a parameter as a view.
func (w *writer) view(param int, r layout.Region) layout.View {
	if r.Contiguous() {
		return layout.View{Param: param, Offset: r.First, Shape: []int64{r.Elements()}}
	}
	return layout.View{Param: param, Offset: r.First, Shape: []int64{r.Rows, r.Row}, Strides: []int64{r.Stride, 1}}
}

// regionText is a view as a region of the parameter's memory, which has whole
// elements.
func (w *writer) regionText(v layout.View, whole int64) []byte {
	return regionText(w.memoryOf(v.Param), v.Offset, whole, v.Shape, v.Strides)
}

func (w *writer) spotText(s spot) []byte {
	return regionText(s.memory, s.first, s.whole, []int64{s.n}, nil)
}

func regionText(memory int, offset, whole int64, shape, strides []int64) []byte {
	out := strconv.AppendInt([]byte(`{"memory": `), int64(memory), 10)
	if offset > 0 {
		out = strconv.AppendInt(append(out, `, "offset": `...), offset, 10)
	}
	if offset > 0 || strides != nil || len(shape) != 1 || shape[0] != whole {
		out = appendList(append(out, `, "shape": `...), shape)
	}
	if strides != nil {
		out = appendList(append(out, `, "strides": `...), strides)
	}
	return append(out, '}')
}
