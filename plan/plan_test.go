package plan_test

import (
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// list is a mode that assigns what it holds.
type list struct {
	Gain  float64 `json:"gain" default:"1"`
	dists []dist.Dist
}

func (m *list) Assign(context.Context, *layout.Layout) ([]dist.Dist, error) { return m.dists, nil }

var info = registry.Info{ID: registry.ID{Name: "list", Version: 3}, New: func() registry.Mode { return &list{} }}

func params(shapes ...[]int64) *layout.Layout {
	l := &layout.Layout{}
	for i, s := range shapes {
		l.Params = append(l.Params, layout.Param{Name: string(rune('a' + i)), Shape: s, Role: layout.Query, Layer: i - 1})
	}
	return l
}

var three = []dist.Dist{
	{Draw: dist.Normal{Std: 0.02}},
	{Draw: dist.Constant{Value: 1}},
	{Draw: dist.Uniform{Low: -0.1, High: 0.1}, Post: []dist.Post{dist.Multiply{By: 0.5}}},
}

func build(t *testing.T, opts plan.Options, dists []dist.Dist, shapes ...[]int64) *plan.Plan {
	t.Helper()
	p, err := plan.Build(t.Context(), params(shapes...), info, &list{Gain: 2, dists: dists}, opts)
	require.NoError(t, err)
	return p
}

func TestStepsStandWhereTheStreamIs(t *testing.T) {
	p := build(t, plan.Options{Seed: 7}, three, []int64{3}, []int64{5}, []int64{4, 5})
	require.Equal(t, dist.Position{}, p.Steps().At(0).Start)
	require.Equal(t, int64(8), p.Steps().At(0).Words, "three small normals use two pairs")
	require.Equal(t, dist.Position{Words: 8, Cached: true, CachedAt: 4}, p.Steps().At(1).Start)
	require.Zero(t, p.Steps().At(1).Words)
	require.Equal(t, p.Steps().At(1).Start, p.Steps().At(2).Start)
	require.Equal(t, int64(20), p.Steps().At(2).Words)
	require.Equal(t, int64(28), words(t, p))
	require.Equal(t, int64(28), p.Elements())
	require.Equal(t, "list@3", p.Mode())
	require.Equal(t, []string{"gain=2"}, p.Settings())

	wide := build(t, plan.Options{DType: dtype.F64}, three, []int64{3}, []int64{5}, []int64{4, 5})
	require.Equal(t, int64(40), wide.Steps().At(2).Words)
}

func TestDigestChangesWithEverythingThatDecidesABitAndWithNothingElse(t *testing.T) {
	shapes := [][]int64{{3}, {5}, {4, 5}}
	base := build(t, plan.Options{Seed: 7}, three, shapes...).Digest()
	require.Regexp(t, `^sha256:[0-9a-f]{64}$`, base)
	require.Equal(t, base, build(t, plan.Options{Seed: 7, SeedText: "7", DType: dtype.F32}, three, shapes...).Digest())

	other := func(i int, d dist.Dist) []dist.Dist {
		out := append([]dist.Dist{}, three...)
		out[i] = d
		return out
	}
	withFormula := three[0]
	withFormula.Formula = "words"
	require.Equal(t, base, build(t, plan.Options{Seed: 7}, other(0, withFormula), shapes...).Digest())

	digests := map[string]string{"base": base}
	for name, p := range map[string]*plan.Plan{
		"seed":     build(t, plan.Options{Seed: 8}, three, shapes...),
		"dtype":    build(t, plan.Options{Seed: 7, DType: dtype.BF16}, three, shapes...),
		"shape":    build(t, plan.Options{Seed: 7}, three, []int64{3}, []int64{5}, []int64{5, 4}),
		"std":      build(t, plan.Options{Seed: 7}, other(0, dist.Dist{Draw: dist.Normal{Std: math.Nextafter(0.02, 1)}}), shapes...),
		"mean":     build(t, plan.Options{Seed: 7}, other(0, dist.Dist{Draw: dist.Normal{Mean: 1, Std: 0.02}}), shapes...),
		"kind":     build(t, plan.Options{Seed: 7}, other(0, dist.Dist{Draw: dist.Uniform{High: 0.02}}), shapes...),
		"constant": build(t, plan.Options{Seed: 7}, other(1, dist.Dist{Draw: dist.Constant{Value: math.Copysign(0, -1)}}), shapes...),
		"zero":     build(t, plan.Options{Seed: 7}, other(1, dist.Dist{Draw: dist.Constant{}}), shapes...),
		"post":     build(t, plan.Options{Seed: 7}, other(2, dist.Dist{Draw: dist.Uniform{Low: -0.1, High: 0.1}}), shapes...),
		"factor":   build(t, plan.Options{Seed: 7}, other(2, dist.Dist{Draw: dist.Uniform{Low: -0.1, High: 0.1}, Post: []dist.Post{dist.Multiply{By: 0.25}}}), shapes...),
	} {
		for otherName, digest := range digests {
			require.NotEqual(t, digest, p.Digest(), "%s and %s", name, otherName)
		}
		digests[name] = p.Digest()
	}
}

func TestBuildRefusesPlansThatCannotBeDrawn(t *testing.T) {
	l := params([]int64{3})
	for name, c := range map[string]struct {
		dists []dist.Dist
		opts  plan.Options
		want  string
	}{
		"count":       {dists: nil, want: "0 distributions to 1 parameters"},
		"no draw":     {dists: []dist.Dist{{}}, want: "no distribution"},
		"std below 0": {dists: []dist.Dist{{Draw: dist.Normal{Std: -1}}}, want: `parameter "a"`},
		"too large":   {dists: []dist.Dist{{Draw: dist.Constant{Value: 1e39}}}, want: "overflow"},
		"streams":     {dists: three[:1], opts: plan.Options{Streams: "other"}, want: "other"},
	} {
		_, err := plan.Build(t.Context(), l, info, &list{dists: c.dists}, c.opts)
		require.ErrorContains(t, err, c.want, name)
	}
	_, err := plan.Build(t.Context(), l, info, &list{dists: []dist.Dist{{Draw: dist.Constant{Value: 1e39}}}}, plan.Options{DType: dtype.F64})
	require.NoError(t, err, "float64 holds it")
	_, err = plan.Build(t.Context(), params([]int64{1 << 40, 1 << 40}), info, &list{dists: three[:1]}, plan.Options{})
	require.ErrorContains(t, err, "2^63")
}

func TestJSONHoldsTheContract(t *testing.T) {
	p := build(t, plan.Options{Seed: math.MaxUint64, SeedText: "-1"}, three, []int64{3}, nil, []int64{4, 5})
	text, err := json.Marshal(p)
	require.NoError(t, err)
	require.JSONEq(t, `{"mode":"list@3","options":{"gain":2},"seed":-1,"streams":"torch","dtype":"f32","digest":"`+p.Digest()+`",
	 "total_values":24,"total_words":28,"notes":[],"parameters":[
	 {"name":"a","shape":[3],"dtype":"f32","role":"q","layer":null,"distribution":{"kind":"normal","mean":0,"std":0.02},"first_word":0,"words":8},
	 {"name":"b","shape":[],"dtype":"f32","role":"q","layer":0,"distribution":{"kind":"constant","value":1},"first_word":8,"words":0},
	 {"name":"c","shape":[4,5],"dtype":"f32","role":"q","layer":1,"distribution":{"kind":"uniform","low":-0.1,"high":0.1,"post":[{"multiply":0.5}]},"first_word":8,"words":20}]}`, string(text))
}

// words are those of a plan that knows them.
func words(t *testing.T, p *plan.Plan) int64 {
	t.Helper()
	n, known := p.Words()
	require.True(t, known)
	return n
}
