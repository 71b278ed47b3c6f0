package planfile

import (
	"fmt"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
)

// finish turns memories and tensors into parameters and entries.
func (r *reader) finish() {
	l := r.doc.Layout
	n := namer{taken: make(map[string]bool, len(r.tensors)), r: r}
	r.nameMemories(&n)
	for i, e := range l.Replay {
		if _, constant := e.Dist.Draw.(dist.Constant); constant && e.Into == layout.Whole(r.memory[e.Param].elements) {
			l.Replay[i].Shape = l.Params[e.Param].Shape // however the step said all of it
		}
	}
	l.StateDict = n.entries(r.tensors)
	if r.saved != nil {
		l.Saved = n.entries(r.saved)
	}
}

// nameMemories makes a parameter of each memory. It has the name of the first
// tensor that lies in it, and the shape of the first that is all of it.
func (r *reader) nameMemories(n *namer) {
	params := make([]layout.Param, len(r.memory))
	for i, m := range r.memory {
		params[i] = layout.Param{DType: m.dtype, Layer: layout.NoLayer, Role: layout.Tensor}
	}
	for _, list := range [][]tensor{r.tensors, r.saved} {
		for _, t := range list {
			if t.at.memory < 0 {
				continue
			}
			p := &params[t.at.memory]
			if p.Name == "" && !n.taken[t.name] {
				p.Name, p.Buffer = t.name, !t.parameter
				n.taken[t.name] = true
			}
			if p.Shape == nil && t.where.offset == 0 && t.where.strides == nil && t.where.elements == r.memory[t.at.memory].elements {
				p.Shape = t.at.shape
			}
		}
	}
	for i := range params {
		p := &params[i]
		if p.Name == "" {
			p.Name, p.Unnamed = n.free(fmt.Sprintf("memory %d", i)), true
		}
		if p.Shape == nil {
			p.Shape = r.arena.keep([]int64{r.memory[i].elements})
		}
	}
	r.doc.Layout.Params = params
}

// namer gives tensors that lie in no memory, as they are stored, parameters of
// their own.
type namer struct {
	r     *reader
	taken map[string]bool
	made  map[string]own // by the name of the tensor
}

// own is the parameter of a tensor, which two lists may have.
type own struct {
	tensor tensor
	param  int
}

// free is a name that no parameter has, like the one given.
func (n *namer) free(name string) string {
	for i := 1; n.taken[name]; i++ {
		name = fmt.Sprintf("%s (%d)", name, i)
	}
	n.taken[name] = true
	return name
}

func (n *namer) entries(list []tensor) []layout.Entry {
	out := make([]layout.Entry, len(list))
	for i, t := range list {
		e := layout.Entry{Name: t.name, Shape: t.at.shape, SameAs: t.sameAs, Buffer: !t.parameter, ULPs: int(t.ulp)}
		switch {
		case t.isTie:
		case t.at.memory >= 0 && t.where.strides == nil:
			e.Param, e.First = int(t.at.memory), t.where.offset
		default:
			e.Param = n.param(t)
		}
		out[i] = e
	}
	return out
}

// param makes the parameter of a tensor with an event at the end.
func (n *namer) param(t tensor) int {
	if made, ok := n.made[t.name]; ok && made.tensor.same(t) {
		return made.param
	}
	l := n.r.doc.Layout
	l.Params = append(l.Params, layout.Param{
		Name: n.free(t.name), Shape: t.at.shape, DType: t.dtype, Buffer: !t.parameter, Layer: layout.NoLayer, Role: layout.Tensor,
	})
	param := len(l.Params) - 1
	l.Replay = append(l.Replay, n.r.fill(t, param))
	if n.made == nil {
		n.made = map[string]own{}
	}
	n.made[t.name] = own{t, param}
	return param
}

// same tells whether two tensors have the same values.
func (t tensor) same(u tensor) bool {
	sameValue := t.isValue == u.isValue && math.Float64bits(t.value) == math.Float64bits(u.value)
	return sameValue && t.dtype == u.dtype && slices.Equal(t.at.shape, u.at.shape) &&
		t.isLiteral == u.isLiteral && t.literal == u.literal &&
		t.at.memory == u.at.memory && t.at.offset == u.at.offset && slices.Equal(t.at.strides, u.at.strides)
}

// fill is the event that fills the parameter of a tensor.
func (r *reader) fill(t tensor, param int) layout.Event {
	if t.isValue && constant(t.dtype, t.value) {
		return layout.Event{Param: param, Dist: dist.Dist{Draw: dist.Constant{Value: t.value}}, Shape: t.at.shape, In: t.dtype}
	}
	e := layout.Event{Do: layout.Copy, Param: layout.Lost, To: layout.View{Param: param, Shape: t.at.shape}}
	switch {
	case t.isValue:
		e.From = []layout.Operand{{Value: t.value}}
	case t.isLiteral:
		e.From = []layout.Operand{{Literal: r.literals[t.literal]}}
	default:
		e.From = []layout.Operand{operand{isRegion: true, region: t.where}.of()}
	}
	return e
}

// constant tells whether a value can be said as a draw of a constant.
func constant(t dtype.Type, v float64) bool { return t.Valid() && isFinite(v) }
