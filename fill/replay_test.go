package fill_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// replays is a mode that draws what the layout says.
type replays struct{}

func (replays) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	out := make([]dist.Dist, len(l.Params))
	for i := range out {
		out[i] = dist.Dist{Draw: dist.Constant{}}
	}
	return out, nil
}

func (replays) Replays(*layout.Layout) bool { return true }

func replay(t *testing.T, l *layout.Layout, opts plan.Options) (*plan.Plan, error) {
	t.Helper()
	info := registry.Info{ID: registry.ID{Name: "replays", Version: 1}, New: func() registry.Mode { return replays{} }}
	return plan.Build(t.Context(), l, info, replays{}, opts)
}

// script builds a layout with the draws of a framework.
type script struct {
	layout layout.Layout
	number map[string]int
}

func (s *script) param(name string, shape ...int64) {
	if s.number == nil {
		s.number = map[string]int{}
	}
	s.number[name] = len(s.layout.Params)
	s.layout.Params = append(s.layout.Params, layout.Param{Name: name, Shape: shape, Layer: layout.NoLayer})
}

func (s *script) draw(name string, d dist.Dist) {
	i := s.number[name]
	s.layout.Replay = append(s.layout.Replay, layout.Event{Param: i, Dist: d, Shape: s.layout.Params[i].Shape})
}

func (s *script) lose(d dist.Draw, sizes ...int64) {
	for _, n := range sizes {
		s.layout.Replay = append(s.layout.Replay, layout.Event{Param: layout.Lost, Dist: one(d), Shape: []int64{n}})
	}
}

// bert is the sequence of draws of a tiny BERT: constructors whose values are
// lost, parameters that are drawn again, a decoder that is tied. Every size
// below 16 passes a cached normal on, or takes one.
func bert() *layout.Layout {
	var s script
	normal, uniform := one(dist.Normal{Std: 0.02}), dist.Uniform{Low: -1, High: 1}
	linear := func(name string, out, in int64) {
		s.param(name+".weight", out, in)
		s.param(name+".bias", out)
	}
	norm := func(name string) {
		s.param(name+".weight", 5)
		s.param(name+".bias", 5)
	}
	const e, l, c = "bert.embeddings.", "bert.encoder.layer.0.", "cls.predictions."
	s.param(e+"word_embeddings.weight", 7, 5)
	s.param(e+"position_embeddings.weight", 1, 5)
	s.param(e+"token_type_embeddings.weight", 3, 5)
	norm(e + "LayerNorm")
	for _, name := range []string{"query", "key", "value"} {
		linear(l+"attention.self."+name, 5, 5)
	}
	linear(l+"attention.output.dense", 5, 5)
	norm(l + "attention.output.LayerNorm")
	linear(l+"intermediate.dense", 3, 5)
	linear(l+"output.dense", 5, 3)
	norm(l + "output.LayerNorm")
	s.param(c+"bias", 7)
	linear(c+"transform.dense", 5, 5)
	norm(c + "transform.LayerNorm")
	linear(c+"decoder", 7, 5)

	all := len(s.layout.Params)
	param := func(name string) *layout.Param { return &s.layout.Params[s.number[name]] }
	param(c + "decoder.weight").Tied = e + "word_embeddings.weight"
	param(c + "decoder.bias").Tied = c + "bias"
	param(e + "word_embeddings.weight").Stored = []layout.Slice{{Name: e + "word_embeddings.weight", Shape: []int64{7, 5}}, {Name: c + "decoder.weight", Shape: []int64{7, 5}}}
	param(c + "bias").Stored = []layout.Slice{{Name: c + "bias", Shape: []int64{7}}, {Name: c + "decoder.bias", Shape: []int64{7}}}

	// Constants draw nothing, so their place does not matter.
	for _, p := range s.layout.Params[:all] {
		switch n := len(p.Name); {
		case n > 16 && p.Name[n-16:] == "LayerNorm.weight":
			s.draw(p.Name, one(dist.Constant{Value: 1}))
		case p.Name[n-4:] == "bias":
			s.draw(p.Name, one(dist.Constant{}))
		}
	}
	s.lose(dist.Normal{Std: 1}, 35, 5, 15)
	s.lose(uniform, 25, 5, 25, 5, 25, 5, 25, 5, 15, 3, 15, 5)
	s.draw(e+"word_embeddings.weight", one(dist.Normal{Std: 0.02}, dist.ZeroRows{Ranges: []dist.Range{{First: 0, Count: 1}}}))
	s.draw(e+"position_embeddings.weight", normal)
	s.draw(e+"token_type_embeddings.weight", normal)
	for _, name := range []string{"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "intermediate.dense", "output.dense"} {
		s.draw(l+name+".weight", normal)
	}
	s.lose(uniform, 25, 5, 35, 7)
	s.draw(c+"transform.dense.weight", normal)
	s.draw(c+"decoder.weight", normal) // tied: drawn and lost
	return &s.layout
}

// TestAReplayedModelIsTheOneThatTorchMade compares with what transformers made
// (scripts/reference/replay_fixtures).
func TestAReplayedModelIsTheOneThatTorchMade(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "testdata", "torch", "replay.json"))
	require.NoError(t, err)
	var fixture struct {
		Seed    uint64
		Tensors map[string]map[string]string
	}
	require.NoError(t, json.Unmarshal(text, &fixture))
	require.Len(t, fixture.Tensors, len(dtype.All()))
	for name, want := range fixture.Tensors {
		in, err := dtype.Parse(name)
		require.NoError(t, err)
		p, err := replay(t, bert(), plan.Options{Seed: fixture.Seed, DType: in, Drawn: in})
		require.NoError(t, err)
		require.Equal(t, len(want), p.Tensors().Len())
		values := valuesOf(t, p, fill.Options{Workers: 2})
		for i, tensor := range p.Tensors().All() {
			require.Equal(t, want[tensor.Name], fmt.Sprintf("%x", sha256.Sum256(values[i])), "%s of %s", tensor.Name, name)
		}
		if in == dtype.F32 {
			words, known := p.Words()
			require.True(t, known)
			require.EqualValues(t, 728, words, "the next word")
		}
	}
}

func TestDiscardsAreRowsOfThePlan(t *testing.T) {
	p, err := replay(t, bert(), plan.Options{Seed: 42})
	require.NoError(t, err)
	discards := 0
	for _, row := range p.Rows() {
		if row.Discard {
			discards++
		}
	}
	require.Equal(t, 3+12+4+1, discards, "lost draws, and the tied decoder's")
	text, err := json.Marshal(p)
	require.NoError(t, err)
	require.Contains(t, string(text), `"kind":"discard"`)
	require.Contains(t, string(text), `"outputs":["cls.predictions.bias","cls.predictions.decoder.bias"]`)
}

// TestOneDrawIsStoredAsManyTensors: a stack of experts is one draw.
func TestOneDrawIsStoredAsManyTensors(t *testing.T) {
	whole := build(t, dtype.F32, []int64{3 * 4 * 5}, dists{normal})
	want := valuesOf(t, whole, fill.Options{})[0]
	l := &layout.Layout{Params: []layout.Param{{Name: "0", Shape: []int64{3, 4, 5}, Layer: layout.NoLayer}}}
	for expert := range int64(3) {
		for half, name := range []string{"gate", "up"} {
			l.Params[0].Stored = append(l.Params[0].Stored, layout.Slice{
				Name: fmt.Sprintf("experts.%d.%s", expert, name), Shape: []int64{2, 5}, First: expert*20 + int64(half)*10,
			})
		}
	}
	p, err := plan.Assigned(l, registry.ID{Name: "dists", Version: 1}, []dist.Dist{normal}, plan.Options{Seed: 5})
	require.NoError(t, err)
	require.EqualValues(t, 60, p.Elements())
	got := valuesOf(t, p, fill.Options{ChunkValues: 7})
	require.Len(t, got, 6)
	require.Equal(t, want, slices.Concat(got...))
	law, known := p.Law(3)
	require.True(t, known)
	require.True(t, law.Equal(normal))
	require.NotEqual(t, whole.Digest(), p.Digest())
	sink := newCollect(t, p)
	require.NoError(t, fill.RunRange(t.Context(), p, 4, 3, 2, sink, fill.Options{}))
	require.Equal(t, got[4][12:20], sink.values[4][12:20])
}

// TestColumnsOfAFusedMatrixAreDrawsOfTheirOwn: GPT-2's q, k and v are columns.
func TestColumnsOfAFusedMatrixAreDrawsOfTheirOwn(t *testing.T) {
	const d = 24
	apart := build(t, dtype.F32, []int64{d * d, d * d, d * d}, dists{normal, one(dist.Uniform{High: 1}), normal})
	want := valuesOf(t, apart, fill.Options{})
	l := &layout.Layout{Params: []layout.Param{{Name: "c_attn.weight", Shape: []int64{d, 3 * d}, Layer: layout.NoLayer}}}
	for i, draw := range []dist.Dist{normal, one(dist.Uniform{High: 1}), normal} {
		l.Replay = append(l.Replay, layout.Event{Dist: draw, Shape: []int64{d, d}, Into: layout.Rows(l.Params[0].Shape, 1, int64(i)*d, d)})
	}
	for _, opts := range []fill.Options{{}, fill.Options{Workers: 3, ChunkValues: 50}.Cut(64, 64)} {
		p, err := replay(t, l, plan.Options{Seed: 5})
		require.NoError(t, err)
		got := valuesOf(t, p, opts)[0]
		for i := range 3 {
			for row := range d {
				from := 4 * (row*3*d + i*d)
				require.Equal(t, want[i][4*row*d:4*(row+1)*d], got[from:from+4*d], "piece %d, row %d", i, row)
			}
		}
		for _, r := range [][2]int64{{100, 300}, {0, 1}, {d*3*d - 5, 5}, {50, 3}} {
			sink := newCollect(t, p)
			require.NoError(t, fill.RunRange(t.Context(), p, 0, r[0], r[1], sink, opts))
			require.Equal(t, got[4*r[0]:4*(r[0]+r[1])], sink.values[0][4*r[0]:4*(r[0]+r[1])])
			require.False(t, slices.Contains(sink.seen[0][:r[0]], true))
			require.False(t, slices.Contains(sink.seen[0][r[0]+r[1]:], true))
		}
	}
}

func TestAReplayThatDoesNotFillItsParametersIsRefused(t *testing.T) {
	half := layout.Region{Rows: 1, Row: 8, Stride: 8}
	event := func(n int64, into layout.Region) layout.Event {
		return layout.Event{Dist: normal, Shape: []int64{n}, Into: into}
	}
	for name, c := range map[string]struct {
		events []layout.Event
		want   string
	}{
		"nothing":      {nil, `parameter "w": element 0 of 16 is never drawn`},
		"half":         {[]layout.Event{event(8, half)}, "element 8 of 16 is never drawn"},
		"a gap":        {[]layout.Event{event(8, half), event(4, layout.Region{First: 12, Rows: 1, Row: 4, Stride: 4})}, "element 8 of 16 is never drawn"},
		"outside":      {[]layout.Event{event(8, layout.Region{First: 9, Rows: 1, Row: 8, Stride: 8})}, "does not lie in 16 elements"},
		"other number": {[]layout.Event{event(9, half)}, "9 values into 8 elements"},
		"no parameter": {[]layout.Event{{Param: 3, Dist: normal, Shape: []int64{1}}}, "parameter 3 of 1"},
	} {
		l := &layout.Layout{Params: []layout.Param{{Name: "w", Shape: []int64{16}}}, Replay: c.events}
		_, err := replay(t, l, plan.Options{})
		require.ErrorContains(t, err, c.want, name)
	}
}

// TestALaterDrawReplacesAnEarlierOne, which still moves the stream.
func TestALaterDrawReplacesAnEarlierOne(t *testing.T) {
	apart := build(t, dtype.F32, []int64{5, 5, 16}, dists{normal, normal, normal})
	want := valuesOf(t, apart, fill.Options{})
	l := &layout.Layout{Params: []layout.Param{{Name: "a", Shape: []int64{5}}, {Name: "b", Shape: []int64{16}}}}
	for _, param := range []int{0, 0, 1} {
		l.Replay = append(l.Replay, layout.Event{Param: param, Dist: normal, Shape: l.Params[param].Shape})
	}
	p, err := replay(t, l, plan.Options{Seed: 5})
	require.NoError(t, err)
	got := valuesOf(t, p, fill.Options{})
	require.Equal(t, want[1:], got)
}
