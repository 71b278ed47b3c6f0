package hf

import (
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
)

// replay says what transformers draws: every draw in order, those that nobody
// keeps as lost ones, then what uses no words. order and at are the places of
// the tensors in the layout.
func (e *expansion) replay(l *layout.Layout, order, at []int) error {
	holds := make([]int, len(e.draws)) // 1 + the number of the tensor that a draw stays in
	for i := range e.tensors {
		if t := &e.tensors[i]; t.draw >= 0 {
			holds[t.draw] = i + 1
		}
	}
	l.Replay = make([]layout.Event, 0, len(e.draws)+len(e.tensors)/2)
	var computed []layout.Event
	for k, d := range e.draws {
		event := layout.Event{Param: layout.Lost, Shape: d.shape, Dist: dist.Dist{Draw: d.dist()}, In: e.c.orMade(d.in)}
		if holds[k] > 0 {
			t := &e.tensors[holds[k]-1]
			event.Param = at[holds[k]-1]
			rest, err := e.posts(t, &event)
			if err != nil {
				return fmt.Errorf("tensor %q: %w", t.name, err)
			}
			more, err := e.computations(t, event.Param, rest, l)
			if err != nil {
				return fmt.Errorf("tensor %q: %w", t.name, err)
			}
			computed = append(computed, more...)
			event.Dist.Formula = d.formula()
		}
		l.Replay = append(l.Replay, event)
	}
	for place, i := range order {
		t := &e.tensors[i]
		switch {
		case t.value != nil:
			l.Replay = append(l.Replay, layout.Event{
				Param: place, Shape: t.shape, In: e.c.orMade(t.dtype),
				Dist: dist.Of(dist.Constant{Value: *t.value}, fmt.Sprint(*t.value)),
			})
		case t.table != "":
			events, err := e.tableEvents(t, place)
			if err != nil {
				return fmt.Errorf("tensor %q: %w", t.name, err)
			}
			computed = append(computed, events...)
		}
	}
	l.Replay = append(l.Replay, computed...)
	return nil
}

// orMade is t, or the type of the model for 0.
func (c *Config) orMade(t dtype.Type) dtype.Type {
	if t == 0 {
		return c.made
	}
	return t
}

// dist is the draw as data. Of a discard that gives no numbers any will do.
func (d draw) dist() dist.Draw {
	n := d.nums
	switch d.op {
	case "uniform":
		if n == nil {
			n = []float64{0, 1}
		}
		return dist.Uniform{Low: n[0], High: n[1]}
	case "normal":
		if n == nil {
			n = []float64{0, 1}
		}
		return dist.Normal{Mean: n[0], Std: n[1]}
	}
	return dist.TruncNormal{Mean: n[0], Std: n[1], A: n[2], B: n[3]}
}

func (d draw) formula() string {
	text := d.op + "("
	for i, n := range d.nums {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%.6g", n)
	}
	return text + ")"
}

// functions are the steps that are a function of one argument.
var functions = map[string]string{"log": "log", "exp": "exp", "expm1": "expm1", "neg": "negate", "abs": "abs"}

// posts gives the draw of a tensor the steps that follow in the type that it is
// drawn in. The rest are computations in the tensor's own type.
func (e *expansion) posts(t *tensor, event *layout.Event) (rest []doneStep, err error) {
	if t.pad != nil {
		event.Dist.Post = append(event.Dist.Post, dist.ZeroRows{Ranges: []dist.Range{{First: *t.pad, Count: 1}}})
	}
	for i, s := range t.steps {
		switch {
		case s.op == "cast" && e.c.orMade(s.as) == event.In:
		case s.op == "cast":
			return t.steps[i:], nil
		case s.op == "isp":
			return t.steps[i:], nil
		default:
			event.Dist.Post = append(event.Dist.Post, s.post())
		}
	}
	return nil, nil
}

// post is a step as one after a draw.
func (s doneStep) post() dist.Post {
	switch s.op {
	case "mul":
		return dist.Multiply{By: s.nums[0]}
	case "div":
		return dist.Divide{By: s.nums[0]}
	case "add":
		return dist.Add{By: s.nums[0]}
	case "sub":
		return dist.Add{By: -s.nums[0]}
	case "clamp":
		return dist.Clamp{To: dist.Bounds{Low: &s.nums[0], High: &s.nums[1]}}
	case "clamp_min":
		return dist.Clamp{To: dist.Bounds{Low: &s.nums[0]}}
	}
	return dist.Apply{Do: functions[s.op]}
}

// computations are steps that are done to the whole parameter, in its type.
func (e *expansion) computations(t *tensor, param int, steps []doneStep, l *layout.Layout) ([]layout.Event, error) {
	whole := layout.View{Param: param, Shape: t.shape}
	var out []layout.Event
	compute := func(do layout.Do, to layout.View, from ...layout.Operand) {
		out = append(out, layout.Event{Do: do, Param: layout.Lost, To: to, From: from})
	}
	for i, s := range steps {
		switch {
		case s.op == "cast":
			if as := e.c.orMade(s.as); as != e.c.orMade(t.dtype) || i > 0 {
				return nil, fmt.Errorf("a cast to %s amid its steps is not covered", as.Torch())
			}
		case s.op == "isp": // x + log(-expm1(-x))
			n := len(l.Params)
			l.Params = append(l.Params, layout.Param{Name: t.name + " (working memory)", Shape: t.shape, Layer: layout.NoLayer, DType: t.dtype, Unnamed: true})
			work := layout.View{Param: n, Shape: t.shape}
			compute(layout.Negate, work, layout.Operand{View: &whole})
			for _, do := range []layout.Do{layout.Expm1, layout.Negate, layout.Log} {
				compute(do, work, layout.Operand{View: &work})
			}
			compute(layout.Add, whole, layout.Operand{View: &whole}, layout.Operand{View: &work})
		default:
			do, from, low, high := s.computation(&whole)
			out = append(out, layout.Event{Do: do, Param: layout.Lost, To: whole, From: from, Low: low, High: high})
		}
	}
	return out, nil
}

// computation is a step on the elements of a view.
func (s doneStep) computation(v *layout.View) (do layout.Do, from []layout.Operand, low, high *float64) {
	from = []layout.Operand{{View: v}}
	switch s.op {
	case "mul", "div", "add", "sub":
		do = map[string]layout.Do{"mul": layout.Multiply, "div": layout.Divide, "add": layout.Add, "sub": layout.Subtract}[s.op]
		return do, append(from, layout.Operand{Value: s.nums[0]}), nil, nil
	case "clamp":
		return layout.Clamp, from, &s.nums[0], &s.nums[1]
	case "clamp_min":
		return layout.Clamp, from, &s.nums[0], nil
	}
	do, _ = layout.ParseDo(functions[s.op])
	return do, from, nil, nil
}
