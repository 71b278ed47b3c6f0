package fill_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// program makes random programs, and runs them one event after the other.
type program struct {
	t       *rapid.T
	l       *layout.Layout
	streams map[int]bool
	slots   int
}

func (p *program) pick(n int, name string) int { return rapid.IntRange(0, n-1).Draw(p.t, name) }

func (p *program) memory() int { return p.pick(len(p.l.Params), "memory") }

// newProgram returns a program whose every memory is written as a whole.
func newProgram(t *rapid.T) *layout.Layout {
	p := &program{t: t, l: &layout.Layout{}, streams: map[int]bool{0: true}}
	for i := range rapid.IntRange(1, 4).Draw(t, "memories") {
		shape := []int64{rapid.Int64Range(1, 7).Draw(t, "rows"), rapid.Int64Range(1, 40).Draw(t, "cols")}
		p.l.Params = append(p.l.Params, layout.Param{
			Name: string(rune('a' + i)), Shape: shape, Layer: layout.NoLayer,
			DType: rapid.SampledFrom(dtype.All()).Draw(t, "type"), Unnamed: i > 0 && rapid.Bool().Draw(t, "unnamed"),
		})
		p.whole(i)
	}
	for range rapid.IntRange(0, 12).Draw(t, "events") {
		p.event()
	}
	return p.l
}

func (p *program) add(e layout.Event) { p.l.Replay = append(p.l.Replay, e) }

func (p *program) draw() dist.Draw {
	return rapid.SampledFrom([]dist.Draw{
		dist.Normal{Std: 1}, dist.Uniform{Low: 0.001, High: 0.1}, dist.TruncNormal{Std: 1, A: -1, B: 2},
		dist.TruncNormal{Std: 0.02, A: -2, B: 2}, dist.Constant{Value: 1.25},
	}).Draw(p.t, "draw")
}

func (p *program) stream() int {
	stream := p.pick(2, "stream")
	if !p.streams[stream] {
		seed := rapid.Uint64().Draw(p.t, "seed")
		p.add(layout.Event{Do: layout.Seed, Stream: stream, Seed: &seed})
		p.streams[stream] = true
	}
	return stream
}

func (p *program) whole(i int) {
	p.add(layout.Event{Param: i, Dist: one(p.draw()), Shape: p.l.Params[i].Shape, Stream: p.stream()})
}

func (p *program) event() {
	i := p.memory()
	shape := p.l.Params[i].Shape
	all := layout.View{Param: i, Shape: shape}
	switch p.pick(9, "event") {
	case 0:
		p.add(layout.Event{Param: layout.Lost, Dist: one(p.draw()), Shape: shape, In: rapid.SampledFrom(dtype.All()).Draw(p.t, "in"), Stream: p.stream()})
	case 1:
		p.whole(i)
	case 2: // rows
		row := rapid.Int64Range(0, shape[0]-1).Draw(p.t, "row")
		d := rapid.SampledFrom([]dist.Draw{dist.Constant{}, dist.Constant{Value: 3}, dist.Normal{Std: 2}}).Draw(p.t, "rows")
		p.add(layout.Event{Param: i, Dist: one(d), Shape: []int64{1, shape[1]}, Into: layout.Rows(shape, 0, row, 1)})
	case 3: // elementwise with numbers
		do := rapid.SampledFrom([]layout.Do{layout.Add, layout.Subtract, layout.Multiply, layout.Divide}).Draw(p.t, "do")
		from := []layout.Operand{{View: &all}, {Value: 0.37}}
		if p.pick(4, "reversed") == 0 {
			from[0], from[1] = from[1], from[0]
		}
		p.add(layout.Event{Do: do, To: all, From: from})
	case 4:
		do := rapid.SampledFrom([]layout.Do{layout.Negate, layout.Abs, layout.Sqrt, layout.Log, layout.Exp, layout.Expm1, layout.Clamp}).Draw(p.t, "do")
		low := -0.5
		p.add(layout.Event{Do: do, To: all, From: []layout.Operand{{View: &all}}, Low: &low})
	case 5: // from another memory, maybe of another type
		j := p.memory()
		n := min(elements(shape), elements(p.l.Params[j].Shape))
		if p.pick(2, "size") == 0 {
			n = rapid.Int64Range(0, n).Draw(p.t, "n")
		}
		do := rapid.SampledFrom([]layout.Do{layout.Copy, layout.Add, layout.Multiply}).Draw(p.t, "do")
		to, from := layout.View{Param: i, Shape: []int64{n}}, layout.View{Param: j, Shape: []int64{n}}
		operands := []layout.Operand{{View: &from}}
		if do != layout.Copy {
			operands = append(operands, layout.Operand{View: &to})
		}
		p.add(layout.Event{Do: do, To: to, From: operands})
	case 6: // transposed onto itself
		to := layout.View{Param: i, Shape: []int64{shape[1], shape[0]}, Strides: []int64{shape[0], 1}}
		p.add(layout.Event{Do: layout.Copy, To: to, From: []layout.Operand{{View: &layout.View{Param: i, Shape: to.Shape, Strides: []int64{1, shape[1]}}}}})
	case 7:
		s := p.stream()
		p.slots++
		p.add(layout.Event{Do: layout.Save, Stream: s, Slot: p.slots})
	case 8:
		if p.slots > 0 {
			p.add(layout.Event{Do: layout.Load, Stream: p.stream(), Slot: 1 + p.pick(p.slots, "slot")})
		}
	}
}

func elements(shape []int64) int64 { return dist.Elements(shape) }

// naive runs a program in float64 arrays, as a framework does.
func naive(t *rapid.T, l *layout.Layout, seed uint64) [][]float64 {
	out := make([][]float64, len(l.Params))
	for i, p := range l.Params {
		out[i] = make([]float64, p.Elements())
	}
	streams, slots := map[int]*rng.Stream{0: rng.New(seed)}, map[int]*rng.Stream{}
	for _, e := range l.Replay {
		switch e.Do {
		case layout.Seed:
			streams[e.Stream] = rng.New(*e.Seed)
		case layout.Save:
			slots[e.Slot] = streams[e.Stream].Clone()
		case layout.Load:
			streams[e.Stream] = slots[e.Slot].Clone()
		case layout.Draw:
			naiveDraw(t, l, e, streams[e.Stream], out)
		default:
			naiveCompute(e, l.Params[e.To.Param].DType, out)
		}
	}
	return out
}

func naiveDraw(t *rapid.T, l *layout.Layout, e layout.Event, s *rng.Stream, out [][]float64) {
	if e.In == 0 {
		e.In = l.Params[e.Param].DType
	}
	var values []float64
	if e.In == dtype.F64 {
		values = eventAlone[float64](t, s, e)
	} else {
		values = eventAlone[float32](t, s, e)
	}
	if e.Param != layout.Lost {
		copy(out[e.Param][e.Into.First:], values)
	}
}

func naiveCompute(e layout.Event, of dtype.Type, out [][]float64) {
	at := func(v layout.View, i int64) int64 {
		if v.Strides == nil {
			return v.Offset + i
		}
		return v.Offset + i/v.Shape[1]*v.Strides[0] + i%v.Shape[1]*v.Strides[1]
	}
	n := elements(e.To.Shape)
	results := make([]float64, n)
	for i := range n {
		var x []float64
		for _, o := range e.From {
			v := o.Value
			if o.View != nil {
				v = out[o.View.Param][at(*o.View, i)]
			}
			if of != dtype.F64 {
				v = float64(float32(v))
			}
			x = append(x, v)
		}
		results[i] = round(naiveDo(e, x), of)
	}
	for i := range n {
		out[e.To.Param][at(e.To, i)] = results[i]
	}
}

func naiveDo(e layout.Event, x []float64) float64 {
	switch e.Do {
	case layout.Add:
		return x[0] + x[1]
	case layout.Subtract:
		return x[0] - x[1]
	case layout.Multiply:
		return x[0] * x[1]
	case layout.Divide:
		return x[0] / x[1]
	case layout.Negate:
		return -x[0]
	case layout.Abs:
		return math.Abs(x[0])
	case layout.Sqrt:
		return math.Sqrt(x[0])
	case layout.Log:
		return math.Log(x[0])
	case layout.Exp:
		return math.Exp(x[0])
	case layout.Expm1:
		return math.Expm1(x[0])
	case layout.Clamp:
		if x[0] < *e.Low {
			return *e.Low
		}
	}
	return x[0]
}

func round(v float64, to dtype.Type) float64 {
	if to == dtype.F64 {
		return v
	}
	some := []float32{float32(v)}
	rng.Round(some, to)
	return float64(some[0])
}

func TestProgramsGiveWhatRunsOneStepAfterTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newProgram(t)
		seed := rapid.Uint64().Draw(t, "seed")
		want := naive(t, l, seed)
		p, err := plan.FromProgram(l, plan.Options{Seed: seed})
		require.NoError(t, err)
		for _, opts := range []fill.Options{{Workers: 1}, {Workers: 3, ChunkValues: 16}} {
			got := collectBytes(t, p, opts)
			require.Len(t, got, p.Tensors().Len())
			for i, tensor := range p.Tensors().All() {
				values := decodeAll(got[i], tensor.DType)
				for k, v := range values {
					expected := want[tensor.Param][k]
					if v != expected && !(math.IsNaN(v) && math.IsNaN(expected)) || math.Signbit(v) != math.Signbit(expected) && v == 0 {
						t.Fatalf("tensor %q, element %d: %v, want %v", tensor.Name, k, v, expected)
					}
				}
			}
		}
		for i, tensor := range p.Tensors().All() { // a part, alone
			if tensor.Elements < 3 {
				continue
			}
			whole := collectBytes(t, p, fill.Options{})[i]
			part := newCollect(t, p)
			require.NoError(t, fill.RunRange(t.Context(), p, i, 1, tensor.Elements-2, part, fill.Options{}))
			size := tensor.DType.Size()
			require.Equal(t, whole[size:int64(len(whole))-size], part.values[i][size:int64(len(whole))-size])
		}
	})
}

func collectBytes(t require.TestingT, p *plan.Plan, opts fill.Options) [][]byte {
	sink := newCollect(t, p)
	require.NoError(t, fill.Run(context.Background(), p, sink, opts))
	return sink.values
}

func decodeAll(data []byte, of dtype.Type) []float64 {
	l := &layout.Literal{DType: of, Data: data}
	out := make([]float64, l.Elements())
	for i := range out {
		out[i] = l.At(int64(i))
	}
	return out
}
