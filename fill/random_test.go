package fill_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
	"github.com/weightinit/weightinit/rng"
)

// drawnEvent returns a draw for a shape of two sizes.
func drawnEvent(t *rapid.T, shape []int64, param int, into layout.Region) layout.Event {
	all := []dist.Draw{
		dist.Normal{Mean: 0.5, Std: 2}, dist.Uniform{Low: -1, High: 3}, dist.Constant{Value: 1.5}, dist.Eye{},
		dist.TruncNormal{Std: 1, A: -1, B: 2}, dist.TruncNormal{Std: 1, A: 1.5, B: 2.5}, dist.Sparse{Sparsity: 0.4, Std: 1},
	}
	e := layout.Event{Param: param, Shape: shape, Into: into, In: rapid.SampledFrom(dtype.All()).Draw(t, "type")}
	e.Dist.Draw = rapid.SampledFrom(all).Draw(t, "draw")
	if rapid.Bool().Draw(t, "post") {
		e.Dist.Post = []dist.Post{dist.Multiply{By: -1.7}, dist.ZeroRows{Ranges: []dist.Range{{First: shape[0] - 1, Count: 1}}}}
	}
	return e
}

// drawnModel returns parameters, and draws that lose values, draw parameters
// again, and cut them into rows or columns.
func drawnModel(t *rapid.T) *layout.Layout {
	l := &layout.Layout{}
	size := rapid.Custom(func(t *rapid.T) int64 {
		return rapid.OneOf(rapid.Int64Range(1, 5), rapid.Int64Range(1, 40)).Draw(t, "size")
	})
	lose := func() {
		for range rapid.IntRange(0, 2).Draw(t, "lost") {
			l.Replay = append(l.Replay, drawnEvent(t, []int64{size.Draw(t, "rows"), size.Draw(t, "cols")}, layout.Lost, layout.Region{}))
		}
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "parameters") {
		shape := []int64{size.Draw(t, "rows"), size.Draw(t, "cols")}
		l.Params = append(l.Params, layout.Param{Name: string(rune('a' + i)), Shape: shape, Layer: layout.NoLayer})
		lose()
		if rapid.Bool().Draw(t, "again") { // a draw that a later one replaces
			l.Replay = append(l.Replay, drawnEvent(t, shape, i, layout.Region{}))
			lose()
		}
		dim := rapid.IntRange(0, 1).Draw(t, "dim")
		for first := int64(0); first < shape[dim]; {
			count := rapid.Int64Range(1, shape[dim]-first).Draw(t, "count")
			piece := []int64{shape[0], shape[1]}
			piece[dim] = count
			l.Replay = append(l.Replay, drawnEvent(t, piece, i, layout.Rows(shape, dim, first, count)))
			first += count
		}
		if rapid.Bool().Draw(t, "row") { // one row is set anew
			row := rapid.Int64Range(0, shape[0]-1).Draw(t, "set")
			l.Replay = append(l.Replay, drawnEvent(t, []int64{1, shape[1]}, i, layout.Rows(shape, 0, row, 1)))
		}
	}
	return l
}

// oneAfterTheOther draws the events in memory, as a framework does.
func oneAfterTheOther(t *rapid.T, l *layout.Layout, seed uint64) [][]float64 {
	out := make([][]float64, len(l.Params))
	for i, p := range l.Params {
		out[i] = make([]float64, p.Elements())
	}
	s := rng.New(seed)
	for _, e := range l.Replay {
		var values []float64
		if e.In == dtype.F64 {
			values = eventAlone[float64](t, s, e)
		} else {
			values = eventAlone[float32](t, s, e)
		}
		if e.Param == layout.Lost {
			continue
		}
		r := e.Into
		if r == (layout.Region{}) {
			r = layout.Whole(int64(len(values)))
		}
		for i, v := range values {
			out[e.Param][r.First+int64(i)/r.Row*r.Stride+int64(i)%r.Row] = v
		}
	}
	return out
}

func eventAlone[T float32 | float64](t *rapid.T, s *rng.Stream, e layout.Event) []float64 {
	n := dist.Elements(e.Shape)
	values := make([]T, n)
	var err error
	switch d := e.Dist.Draw.(type) {
	case dist.TruncNormal:
		_, err = rng.BeginTruncatedIn[T](s, d, n, e.In).Next(values, proceed)
	case dist.Sparse:
		rng.FillIn(s, one(dist.Normal{Std: d.Std}), values, e.In)
		var mask *rng.Mask
		mask, err = rng.NewMask(s, e.Shape[0], e.Shape[1], int64(math.Ceil(d.Sparsity*float64(e.Shape[0]))), 0, n, proceed)
		rng.Zero(values, 0, mask)
	case dist.Eye:
		for i := range min(e.Shape[0], e.Shape[1]) {
			values[i*e.Shape[1]+i] = 1
		}
	default:
		rng.FillIn(s, one(d), values, e.In)
	}
	require.NoError(t, err)
	for _, post := range e.Dist.Post {
		rng.Apply(values, 0, e.Shape, post)
		rng.Round(values, e.In)
	}
	out := make([]float64, n)
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

func floats(data []byte) []float64 {
	out := make([]float64, len(data)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return out
}

// TestAnyReplayIsOneDrawAfterTheOther draws random models of all types, whole,
// in ranges and in subsets, and compares with the draws made one by one.
func TestAnyReplayIsOneDrawAfterTheOther(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, seed := drawnModel(rt), rapid.Uint64().Draw(rt, "seed")
		want := oneAfterTheOther(rt, l, seed)
		info := registry.Info{ID: registry.ID{Name: "replays", Version: 1}, New: func() registry.Mode { return replays{} }}
		p, err := plan.Build(t.Context(), l, info, replays{}, plan.Options{Seed: seed, DType: dtype.F64})
		require.NoError(rt, err)
		opts := fill.Options{Workers: rapid.IntRange(1, 4).Draw(rt, "workers"), ChunkValues: rapid.IntRange(1, 300).Draw(rt, "chunk")}.Cut(rapid.Int64Range(1, 40).Draw(rt, "segment")*16, 64)

		tensor := rapid.IntRange(0, len(want)-1).Draw(rt, "tensor")
		n := int64(len(want[tensor]))
		first := rapid.Int64Range(0, n).Draw(rt, "first")
		count := rapid.Int64Range(0, n-first).Draw(rt, "elements")
		check := func() {
			sink := newCollect(t, p)
			require.NoError(rt, fill.RunRange(t.Context(), p, tensor, first, count, sink, opts))
			require.Equal(rt, want[tensor][first:first+count], floats(sink.values[tensor][8*first:8*(first+count)]))
		}
		check() // before any place is known
		whole := newCollect(t, p)
		require.NoError(rt, fill.Run(t.Context(), p, whole, opts))
		whole.digest() // every element came, and came once
		for i := range want {
			require.Equal(rt, want[i], floats(whole.values[i]), "parameter %d", i)
		}
		check()
		some, err := p.Subset([]string{l.Params[tensor].Name})
		require.NoError(rt, err)
		part := newCollect(t, some)
		require.NoError(rt, fill.Run(t.Context(), some, part, opts))
		require.Equal(rt, want[tensor], floats(part.values[0]))
	})
}
