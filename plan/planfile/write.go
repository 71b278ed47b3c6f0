package planfile

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
)

// RoundedError is returned by [Write] for a plan whose tensors are stored in
// another type than they are made in: a plan file leaves that to whoever runs
// it.
type RoundedError struct {
	// Tensor is the first such tensor, made in the type Made and stored as
	// Stored.
	Tensor       string
	Made, Stored dtype.Type
}

func (e *RoundedError) Error() string {
	return fmt.Sprintf("tensor %s is made in %s and stored as %s, and a plan file says what is made: write the plan in %s, and choose the stored type when it is run",
		shown.Quote(e.Tensor), e.Made.Torch(), e.Stored.Torch(), e.Made.Torch())
}

// Write writes a plan as a plan file, one step and one tensor a line. The plan
// that [Parse] and plan.FromProgram make of it gives the same tensors; it has
// the same digest if the plan was made by plan.FromProgram or replayed.
//
// Seed and kind of streams are not part of a plan file. It is an error, which
// names the parameter, when the plan has something that the format cannot say:
// values that a plugin fills, vectors that are normalised, structured families
// other than sparse, orthogonal, dirac and eye.
func Write(to io.Writer, p *plan.Plan, info map[string]string) error {
	w := &writer{plan: p, literalNumber: map[*layout.Literal]int{}, done: make([]int, p.Held().Len()), number: make([]int, p.Params().Len())}
	for i := range w.number {
		w.number[i] = -1
	}
	if err := w.checkTypes(); err != nil {
		return err
	}
	w.findPlain()
	if err := w.writeSteps(); err != nil {
		return err
	}
	w.writeTensors()
	return w.document(to, info)
}

// writer collects the parts of a document.
type writer struct {
	plan   *plan.Plan
	number []int // of a parameter's memory; -1 until it is used
	memory []memory
	// plain are parameters that are a single value or literal, and have no
	// memory.
	plain map[int]layout.Operand
	// done counts the operations of a Held that have been written.
	done []int
	// raw is where the values of a draw lie that is drawn again.
	raw *spot

	literals       []*layout.Literal
	literalNumber  map[*layout.Literal]int
	steps          lines
	tensors, saved lines
}

// lines are the members of a list, one a line.
type lines struct {
	text  []byte
	count int
}

// begin begins a line with its first member.
func (l *lines) begin(key, text string) {
	if l.count++; l.count > 1 {
		l.text = append(l.text, ',')
	}
	l.text = append(l.text, "\n  {\""...)
	l.text = append(l.text, key...)
	l.text = append(l.text, `": `...)
	l.text = strictjson.AppendString(l.text, text)
}

func (l *lines) key(key string) {
	l.text = append(l.text, `, "`...)
	l.text = append(l.text, key...)
	l.text = append(l.text, `": `...)
}

func (l *lines) number(key string, v float64) {
	l.key(key)
	l.text = appendNumber(l.text, v)
}

func (l *lines) whole(key string, v int64) {
	l.key(key)
	l.text = strconv.AppendInt(l.text, v, 10)
}

func (l *lines) word(key, text string) {
	l.key(key)
	l.text = strictjson.AppendString(l.text, text)
}

func (l *lines) list(key string, list []int64) {
	l.key(key)
	l.text = appendList(l.text, list)
}

func appendList(dst []byte, list []int64) []byte {
	dst = append(dst, '[')
	for i, n := range list {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = strconv.AppendInt(dst, n, 10)
	}
	return append(dst, ']')
}

func (l *lines) end() { l.text = append(l.text, '}') }

// checkTypes refuses what is rounded when it is stored.
func (w *writer) checkTypes() error {
	check := func(t plan.Tensor) error {
		if made := w.plan.Type(t.Param); made != t.DType {
			return &RoundedError{t.Name, made, t.DType}
		}
		return nil
	}
	for _, t := range w.plan.Tensors().All() {
		if err := check(t); err != nil {
			return err
		}
	}
	for _, e := range w.plan.StateDict().All() {
		if e.SameAs != "" {
			continue
		}
		if err := check(e.Tensor); err != nil {
			return err
		}
	}
	return nil
}

// findPlain finds the parameters that are a value or a literal and one tensor.
func (w *writer) findPlain() {
	w.plain = map[int]layout.Operand{}
	p := w.plan
	single := make([]bool, p.Params().Len()) // every tensor of it is all of it
	order := make([]int, len(single))        // of the first tensor
	for i, param := range p.Params().All() {
		single[i] = !param.Unnamed && param.Elements > 0
	}
	see := func(at int, t plan.Tensor) {
		param := p.Params().At(t.Param)
		single[t.Param] = single[t.Param] && t.First == 0 && t.Name == param.Name && slices.Equal(t.Shape, param.Shape)
		order[t.Param] = at
	}
	for i, t := range p.Tensors().All() {
		see(i, t)
	}
	for i, e := range p.StateDict().All() {
		if e.SameAs == "" {
			see(i, e.Tensor)
		}
	}
	w.plainSteps(single)
	w.plainHeld(single, order)
}

// plainSteps finds those that one constant fills.
func (w *writer) plainSteps(single []bool) {
	steps := make([]int, len(single))
	for _, s := range w.plan.Steps().All() {
		if s.Param != plan.Discard {
			steps[s.Param]++
		}
	}
	for _, s := range w.plan.Steps().All() {
		if s.Param == plan.Discard || steps[s.Param] != 1 || !single[s.Param] || s.Held > 0 || len(s.Dist.Post) > 0 {
			continue
		}
		constant, ok := s.Dist.Draw.(dist.Constant)
		if ok && s.Elements == w.plan.Params().At(s.Param).Elements && s.In == w.plan.Type(s.Param) {
			w.plain[s.Param] = layout.Operand{Value: constant.Value}
		}
	}
}

// plainHeld finds those that are copied from a value or a literal at the end of
// the plan, in the order of the tensors: where a reader puts them.
func (w *writer) plainHeld(single []bool, order []int) {
	last := w.plan.StateDict().Len() + w.plan.Tensors().Len()
	for g := w.plan.Held().Len() - 1; g >= 0; g-- {
		h := w.plan.Held().At(g)
		if len(h.Params) != 1 || len(h.Ops) != 1 || h.Ops[0].Step >= 0 {
			return
		}
		e, param := h.Ops[0].Event, h.Params[0]
		n := w.plan.Params().At(param).Elements
		if !single[param] || order[param] >= last || e.Do != layout.Copy || e.From[0].View != nil || dist.Elements(e.To.Shape) != n {
			return
		}
		if l := e.From[0].Literal; l != nil && (l.DType != w.plan.Type(param) || l.Elements() != n) {
			return
		}
		w.plain[param], last = e.From[0], order[param]
		w.done[g] = 1
	}
}

// document writes the whole.
func (w *writer) document(to io.Writer, info map[string]string) error {
	b := bufio.NewWriter(to)
	fmt.Fprintf(b, "{\n \"format\": %q", Format)
	if len(info) > 0 {
		b.WriteString(",\n \"info\": {")
		for i, key := range slices.Sorted(maps.Keys(info)) {
			if i > 0 {
				b.WriteString(", ")
			}
			b.Write(strictjson.AppendString(nil, key))
			b.WriteString(": ")
			b.Write(strictjson.AppendString(nil, info[key]))
		}
		b.WriteByte('}')
	}
	var memory lines
	for _, m := range w.memory {
		memory.begin("dtype", m.dtype.Torch())
		memory.whole("elements", m.elements)
		memory.end()
	}
	for _, part := range []struct {
		key  string
		list lines
	}{{"memory", memory}, {"steps", w.steps}, {"tensors", w.tensors}} {
		writeList(b, part.key, part.list)
	}
	if w.saved.count > 0 {
		writeList(b, "saved", w.saved)
	}
	if len(w.literals) > 0 {
		list, err := literalLines(w.literals)
		if err != nil {
			return err
		}
		writeList(b, "literals", list)
	}
	b.WriteString("\n}\n")
	return b.Flush()
}

func writeList(b *bufio.Writer, key string, list lines) {
	fmt.Fprintf(b, ",\n %q: [", key)
	b.Write(list.text)
	if list.count > 0 {
		b.WriteString("\n ")
	}
	b.WriteByte(']')
}

// writeTensors says what comes out.
func (w *writer) writeTensors() {
	p := w.plan
	var own []plan.Tensor // the state dict without ties
	for _, e := range p.StateDict().All() {
		if e.SameAs == "" {
			own = append(own, e.Tensor)
		}
		w.entry(&w.tensors, e)
	}
	same := func(a, b plan.Tensor) bool {
		return a.Name == b.Name && a.Param == b.Param && a.First == b.First && slices.Equal(a.Shape, b.Shape)
	}
	var files []plan.Tensor
	for _, t := range p.Tensors().All() {
		files = append(files, t)
	}
	if slices.EqualFunc(own, files, same) {
		return
	}
	for _, t := range files {
		w.entry(&w.saved, plan.StateEntry{Tensor: t, Buffer: p.Params().At(t.Param).Buffer})
	}
}

func (w *writer) entry(list *lines, e plan.StateEntry) {
	list.begin("name", e.Name)
	defer list.end()
	if e.SameAs != "" {
		list.word("same_as", e.SameAs)
		w.isParameter(list, e)
		return
	}
	list.word("dtype", e.DType.Torch())
	list.list("shape", e.Shape)
	w.isParameter(list, e)
	switch plain, ok := w.plain[e.Param]; {
	case ok && plain.Literal != nil:
		list.whole("literal", int64(w.literal(plain.Literal)))
	case ok:
		list.number("value", plain.Value)
	default:
		list.whole("memory", int64(w.memoryOf(e.Param)))
		if e.First > 0 {
			list.whole("offset", e.First)
		}
	}
	if e.ULPs != 0 {
		list.key("exact")
		list.text = append(list.text, "false"...)
	}
	if e.ULPs > 0 {
		list.whole("ulp", int64(e.ULPs))
	}
}

func (w *writer) isParameter(list *lines, e plan.StateEntry) {
	list.key("parameter")
	list.text = strconv.AppendBool(list.text, !e.Buffer)
}

// memoryOf is the number of a parameter's memory.
func (w *writer) memoryOf(param int) int {
	if w.number[param] < 0 {
		w.number[param] = w.newMemory(w.plan.Type(param), w.plan.Params().At(param).Elements)
	}
	return w.number[param]
}

func (w *writer) newMemory(t dtype.Type, elements int64) int {
	w.memory = append(w.memory, memory{t, elements})
	return len(w.memory) - 1
}

// literal is the number of a literal.
func (w *writer) literal(l *layout.Literal) int {
	n, known := w.literalNumber[l]
	if !known {
		n = len(w.literals)
		w.literals = append(w.literals, l)
		w.literalNumber[l] = n
	}
	return n
}
