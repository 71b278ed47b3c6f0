package plan_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// columns is a matrix of 4 rows whose columns are two pieces, of 1 and of 2.
func columns() *layout.Layout {
	shape := []int64{4, 3}
	return &layout.Layout{Params: []layout.Param{{
		Name: "c", Shape: shape, Transposed: true, Pieces: []layout.Piece{
			{Role: layout.Query, Shape: []int64{4, 1}, At: layout.Rows(shape, 1, 0, 1), FanIn: 4, FanOut: 1},
			{Role: layout.Key, Shape: []int64{4, 2}, At: layout.Rows(shape, 1, 1, 2), FanIn: 4, FanOut: 2},
		},
	}}}
}

func pieces(post []dist.Post, dists ...dist.Dist) dist.Dist {
	return dist.Dist{Draw: dist.Pieces{Dists: dists}, Post: post}
}

func assigned(t *testing.T, l *layout.Layout, d dist.Dist) (*plan.Plan, error) {
	t.Helper()
	return plan.Build(t.Context(), l, info, &list{dists: []dist.Dist{d}}, plan.Options{Seed: 7, AllowFilled: true})
}

func TestAPieceIsAStepOfItsOwnShape(t *testing.T) {
	d := pieces([]dist.Post{dist.Multiply{By: 3}}, one(dist.Normal{Std: 1}), one(dist.Uniform{High: 1}, dist.Divide{By: 2}))
	p, err := assigned(t, columns(), d)
	require.NoError(t, err)
	require.Equal(t, 2, p.Steps().Len())
	first, second := p.Steps().At(0), p.Steps().At(1)
	require.Equal(t, []int64{4, 1}, first.Shape)
	require.Equal(t, layout.Region{First: 0, Rows: 4, Row: 1, Stride: 3}, first.Into)
	require.Equal(t, layout.Region{First: 1, Rows: 4, Row: 2, Stride: 3}, second.Into)
	require.Equal(t, []int{0, 1}, []int{first.Block, second.Block})
	require.EqualValues(t, 8, second.Words)
	require.Equal(t, []dist.Post{dist.Divide{By: 2}, dist.Multiply{By: 3}}, second.Dist.Post)
	require.Len(t, p.Rows(), 1)
	_, known := p.Law(0)
	require.False(t, known, "a tensor of two laws has none of its own")

	text := "weightinit-plan/1\nseed 7\nstreams torch\ndtype f32\n1:c [4 3] pieces 2" +
		" ([4 1] into 0 4 1 3 normal 0000000000000000 3ff0000000000000 multiply 4008000000000000)" +
		" ([4 2] into 1 4 2 3 uniform 0000000000000000 3ff0000000000000 divide 4000000000000000 multiply 4008000000000000)\n"
	require.Equal(t, fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))), p.Digest())

	raw, err := json.Marshal(p)
	require.NoError(t, err)
	require.Contains(t, string(raw), `"distribution":{"kind":"pieces","pieces":[{"kind":"normal","mean":0,"std":1},{"high":1,"kind":"uniform",`)
}

func TestPiecesThatCannotBeDrawn(t *testing.T) {
	normal := one(dist.Normal{Std: 1})
	whole := columns()
	whole.Params[0].Pieces = nil
	zero := dist.ZeroRows{Ranges: []dist.Range{{Count: 1}}}
	for name, c := range map[string]struct {
		layout *layout.Layout
		dist   dist.Dist
		fault  string
	}{
		"not fused":   {whole, pieces(nil, normal), "pieces: 1 for a parameter of 0"},
		"too few":     {columns(), pieces(nil, normal), "pieces: 1 for a parameter of 2"},
		"shape":       {columns(), pieces(nil, normal, one(dist.Dirac{Groups: 1})), "piece 1: dist: dirac: needs 3 to 5 dimensions"},
		"nested":      {columns(), pieces(nil, normal, pieces(nil, normal)), "piece 1 is pieces"},
		"filled":      {columns(), pieces(nil, normal, one(dist.Filled{})), "piece 1 is fill"},
		"rows":        {columns(), pieces([]dist.Post{zero}, normal, normal), "zero_rows cannot follow pieces"},
		"number":      {columns(), pieces(nil, normal, one(dist.Normal{Std: -1})), "std -1"},
		"none":        {columns(), pieces(nil), "0 for a parameter of 2"},
		"in blocks":   {columns(), one(dist.Blocks{Parts: []dist.Part{{Rows: 4, Dist: pieces(nil, normal)}}}), "block 0 is pieces"},
		"not by draw": {columns(), pieces(nil, normal, one(dist.TruncNormal{Std: 1, A: -1, B: 1, Algorithm: dist.TorchICDF})), "piece 1: trunc_normal"},
	} {
		_, err := assigned(t, c.layout, c.dist)
		require.ErrorContains(t, err, c.fault, name)
		require.NotContains(t, err.Error(), "\n")
	}
}

// replayed draws what its layout says.
type replayed struct{ list }

func (*replayed) Replays(*layout.Layout) bool { return true }

func TestOnlyAWholeParameterIsDrawnInPieces(t *testing.T) {
	normal := one(dist.Normal{Std: 1})
	both := pieces(nil, normal, normal)
	for _, e := range []layout.Event{
		{Param: layout.Lost, Dist: both, Shape: []int64{4, 3}},
		{Param: 0, Dist: both, Shape: []int64{12}},
		{Param: 0, Dist: both, Shape: []int64{4, 3}, Into: layout.Whole(12)},
	} {
		l := columns()
		l.Replay = []layout.Event{e}
		_, err := plan.Build(t.Context(), l, info, &replayed{list{dists: []dist.Dist{normal}}}, plan.Options{})
		require.ErrorContains(t, err, "only a whole parameter")
	}
	l := columns()
	l.Replay = []layout.Event{{Param: 0, Dist: both, Shape: []int64{4, 3}}}
	p, err := plan.Build(t.Context(), l, info, &replayed{list{dists: []dist.Dist{normal}}}, plan.Options{})
	require.NoError(t, err)
	require.Equal(t, 2, p.Steps().Len())
}

func TestDigestOfAFilledParameterHoldsWhatElseItsPluginIsTold(t *testing.T) {
	digests := map[string]string{}
	untold := ""
	for name, change := range map[string]func(l *layout.Layout){
		"nothing":    func(*layout.Layout) {},
		"range":      func(l *layout.Layout) { l.Model.InitializerRange = new(0.5) },
		"zero range": func(l *layout.Layout) { l.Model.InitializerRange = new(0.0) },
		"config":     func(l *layout.Layout) { l.Model.Config = []byte(`{"a":1}`) },
		"config 2":   func(l *layout.Layout) { l.Model.Config = []byte(`{"a":2}`) },
		"padding":    func(l *layout.Layout) { l.Params[0].PaddingRow = new(int64(0)) },
		"padding 1":  func(l *layout.Layout) { l.Params[0].PaddingRow = new(int64(1)) },
		"transposed": func(l *layout.Layout) { l.Params[0].Transposed = true },
		"pieces":     func(l *layout.Layout) { l.Params[0].Pieces = columns().Params[0].Pieces },
		"pieces' fan": func(l *layout.Layout) {
			l.Params[0].Pieces = columns().Params[0].Pieces
			l.Params[0].Pieces[0].FanIn = 5
		},
		"piece's role": func(l *layout.Layout) {
			l.Params[0].Pieces = columns().Params[0].Pieces
			l.Params[0].Pieces[0].Role = layout.Value
		},
	} {
		l := columns()
		l.Params[0].Pieces, l.Params[0].Transposed = nil, false
		change(l)
		p, err := assigned(t, l, one(dist.Filled{}))
		require.NoError(t, err)
		require.NotContains(t, digests, p.Digest(), name)
		digests[p.Digest()] = name
		drawn, err := assigned(t, l, one(dist.Normal{Std: 1}))
		require.NoError(t, err)
		if untold == "" {
			untold = drawn.Digest()
		}
		require.Equal(t, untold, drawn.Digest(), "what a mode is told decides no bit beside what it assigned")
	}
	text := "weightinit-plan/1\nseed 7\nstreams torch\ndtype f32\n1:c [4 3] fill 6:list@3 10:{\"gain\":0} 0: 0 0 0 0 0 0 0 0 0000000000000000" +
		fmt.Sprintf(" transposed padding_row 2 config %x\n", sha256.Sum256([]byte("{}")))
	l := columns()
	l.Params[0].Pieces, l.Params[0].PaddingRow, l.Model.Config = nil, new(int64(2)), []byte("{}")
	p, err := assigned(t, l, one(dist.Filled{}))
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))), p.Digest())
}

var _ registry.Replayer = (*replayed)(nil)
