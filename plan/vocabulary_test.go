package plan_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/plan"
)

var truncNormal = dist.TruncNormal{Mean: 0.5, Std: 1, A: -2, B: 2}

func one(d dist.Draw, posts ...dist.Post) dist.Dist { return dist.Dist{Draw: d, Post: posts} }

func TestAfterATruncatedNormalOnlyARunCanTell(t *testing.T) {
	normal, uniform := one(dist.Normal{Std: 1}), one(dist.Uniform{High: 1})
	p := build(t, plan.Options{}, []dist.Dist{uniform, one(truncNormal), uniform, normal}, []int64{4}, []int64{40}, []int64{5}, []int64{3})
	first := p.Steps().At(1)
	require.Equal(t, dist.Position{Words: 4}, first.Start)
	require.False(t, first.StartUnknown)
	require.True(t, first.WordsUnknown)
	for _, s := range []plan.Step{p.Steps().At(2), p.Steps().At(3)} {
		require.True(t, s.StartUnknown)
		require.Zero(t, s.Start)
		require.False(t, s.WordsUnknown, "a tensor of 16 or more leaves the cached normal alone")
	}
	require.Equal(t, int64(5), p.Steps().At(2).Words)
	require.Equal(t, int64(8), p.Steps().At(3).Words)
	_, known := p.Words()
	require.False(t, known)

	text, err := json.Marshal(p)
	require.NoError(t, err)
	var got struct {
		TotalWords *int64 `json:"total_words"`
		Parameters []struct {
			FirstWord *int64 `json:"first_word"`
			Words     *int64 `json:"words"`
		}
	}
	require.NoError(t, json.Unmarshal(text, &got))
	require.Nil(t, got.TotalWords)
	require.Equal(t, int64(4), *got.Parameters[1].FirstWord)
	require.Nil(t, got.Parameters[1].Words)
	require.Nil(t, got.Parameters[2].FirstWord)
	require.Equal(t, int64(5), *got.Parameters[2].Words)
}

func TestAfterFewTruncatedNormalsTheCachedNormalIsUnknownToo(t *testing.T) {
	normal := one(dist.Normal{Std: 1})
	p := build(t, plan.Options{}, []dist.Dist{one(truncNormal), normal, normal, normal}, []int64{7}, []int64{4}, []int64{3}, []int64{16})
	require.False(t, p.Steps().At(1).WordsUnknown, "four normals take two pairs in any case")
	require.Equal(t, int64(8), p.Steps().At(1).Words)
	require.True(t, p.Steps().At(2).WordsUnknown)
	require.Equal(t, int64(16), p.Steps().At(3).Words)

	empty := build(t, plan.Options{}, []dist.Dist{one(truncNormal), normal}, []int64{0}, []int64{3})
	_, known := empty.Words()
	require.True(t, known)
}

func TestWhatARunCannotDrawIsRefused(t *testing.T) {
	by := func(a dist.Algorithm) dist.TruncNormal {
		d := truncNormal
		d.Algorithm = a
		return d
	}
	inBlock := func(d dist.Draw) dist.Draw { return dist.Blocks{Parts: []dist.Part{{Rows: 4, Dist: one(d)}}} }
	for _, c := range []struct {
		draw  dist.Draw
		shape []int64
		want  string
	}{
		{by(dist.TorchICDF), []int64{4}, "cannot draw trunc_normal by torch_icdf"},
		{inBlock(by(dist.TorchICDF)), []int64{4}, "block 0: trunc_normal"},
		{dist.TruncNormal{Mean: 1e300, Std: 1, A: -3e38, B: 3e38}, []int64{4}, "out of bounds"},
		{dist.Dirac{Groups: 1}, []int64{4, 2, 0}, "size 0 in dimension 2"},
		{dist.Sparse{Sparsity: 0.5}, []int64{1 << 28, 1}, "permutes at most 214748363"},
		{dist.Orthogonal{Gain: 1}, []int64{1 << 13, 1<<13 + 1}, "the limit is 67108864"},
		{dist.Filled{}, []int64{4}, "plugin"},
		{dist.Eye{}, []int64{4}, "2 dimensions"},
	} {
		_, err := plan.Build(t.Context(), params(c.shape), info, &list{dists: []dist.Dist{one(c.draw)}}, plan.Options{})
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, `parameter "a"`)
		require.NotContains(t, err.Error(), "\n")
	}
	for _, c := range []struct {
		draw  dist.Draw
		shape []int64
	}{
		{by(dist.UnitThenScale), []int64{4}}, {dist.Dirac{Groups: 1}, []int64{4, 0, 0}},
		{dist.Orthogonal{Gain: 1}, []int64{1 << 13, 1 << 13}}, {dist.Filled{}, []int64{4}},
	} {
		_, err := plan.Build(t.Context(), params(c.shape), info, &list{dists: []dist.Dist{one(c.draw)}}, plan.Options{AllowFilled: true})
		require.NoError(t, err, "%#v", c.draw)
	}
}

func TestOrthogonalIsSaidToBeInexact(t *testing.T) {
	orthogonal, normal := one(dist.Orthogonal{Gain: 1}), one(dist.Normal{Std: 1})
	square := []int64{3, 3}
	require.Empty(t, build(t, plan.Options{}, []dist.Dist{normal}, square).Notes())
	require.Empty(t, build(t, plan.Options{}, []dist.Dist{orthogonal}, []int64{0, 3}).Notes())
	p := build(t, plan.Options{}, []dist.Dist{normal, orthogonal}, square, square)
	require.Len(t, p.Notes(), 1)
	require.Contains(t, p.Notes()[0].Text, `parameter "b" is orthogonal and not bit-exact`)
	blocks := one(dist.Blocks{Parts: []dist.Part{{Rows: 1, Dist: normal}, {Rows: 2, Dist: orthogonal}}})
	p = build(t, plan.Options{}, []dist.Dist{blocks, orthogonal}, square, square)
	require.Contains(t, p.Notes()[0].Text, `2 parameters, the first of them "a", are`)
}

func TestNormalisedIsSaidToBeInexactAndItsLimitIsNamed(t *testing.T) {
	normalised := one(dist.Normal{Std: 1}, dist.L2Normalize{Dim: 1})
	p := build(t, plan.Options{}, []dist.Dist{normalised, one(dist.DeltaOrthogonal{Gain: 1})}, []int64{3, 3}, []int64{3, 2, 1})
	require.Len(t, p.Notes(), 2)
	require.Contains(t, p.Notes()[0].Text, `parameter "b" is delta_orthogonal and not bit-exact`)
	require.Contains(t, p.Notes()[1].Text, `parameter "a" is normalised and not bit-exact`)
	text, err := p.MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(text), `"post":[{"l2_normalize":1}]`)
	_, err = plan.Build(t.Context(), params([]int64{1 << 15, 1 << 15}), info, &list{dists: []dist.Dist{normalised}}, plan.Options{})
	require.ErrorContains(t, err, "l2_normalize: shape [32768 32768] has 1073741824 elements: the limit is 536870912")
}

// TestDigestsOfTheFirstVersionStay: files carry them.
func TestDigestsOfTheFirstVersionStay(t *testing.T) {
	p := build(t, plan.Options{Seed: 7}, three, []int64{3}, []int64{5}, []int64{4, 5})
	require.Equal(t, "sha256:b5ad8dfb6edd2228e1ab5fafb57c4f15481e15c6c54cc6123e12f0c8c66f41dc", p.Digest())
}

func TestDigestSeparatesTheWholeVocabulary(t *testing.T) {
	part := func(rows int64, d dist.Dist) dist.Part { return dist.Part{Rows: rows, Dist: d} }
	constant := one(dist.Constant{Value: 1})
	twice := one(dist.Constant{Value: 1}, dist.Multiply{By: 2})
	blocks := func(parts ...dist.Part) dist.Draw { return dist.Blocks{Parts: parts} }
	rows := func(ranges ...dist.Range) dist.Post { return dist.ZeroRows{Ranges: ranges} }
	minusZero := math.Copysign(0, -1)
	all := []dist.Dist{
		one(dist.ZeroInit{}), one(dist.BlockOrthogonal{SplitSizes: []int64{1, 3}, Gain: 1}),
		one(dist.BlockOrthogonal{SplitSizes: []int64{2, 1}, Gain: 1}), one(dist.BlockOrthogonal{SplitSizes: []int64{1, 3}}),
		one(dist.Constant{Value: 1}, dist.L2Normalize{}), one(dist.Constant{Value: 1}, dist.L2Normalize{Dim: 1}),
		one(truncNormal), one(dist.TruncNormal{Mean: 0.5, Std: 1, A: -2, B: 2, Algorithm: dist.UnitThenScale}),
		one(dist.TruncNormal{Mean: 0.5, Std: 1, A: -2, B: 2.5}), one(dist.TruncNormal{Mean: 0.5, Std: 1, A: -2.5, B: 2}),
		one(dist.TruncNormal{Mean: 0.25, Std: 1, A: -2, B: 2}), one(dist.TruncNormal{Mean: 0.5, Std: 2, A: -2, B: 2}),
		one(dist.Eye{}), one(dist.Orthogonal{Gain: 1}), one(dist.Orthogonal{Gain: 2}),
		one(dist.Sparse{Sparsity: 0.5, Std: 1}), one(dist.Sparse{Sparsity: 0.25, Std: 1}), one(dist.Sparse{Sparsity: 0.5, Std: 2}),
		one(blocks(part(4, constant))), one(blocks(part(2, constant), part(2, constant))),
		one(blocks(part(1, constant), part(3, constant))), one(blocks(part(3, constant), part(1, constant))),
		one(blocks(part(4, twice))), one(blocks(part(4, constant)), dist.Multiply{By: 2}),
		one(blocks(part(2, twice), part(2, constant))), one(blocks(part(2, constant), part(2, twice))),
		one(dist.Filled{}), one(dist.Filled{}, dist.Multiply{By: 2}),
		constant, twice, one(dist.Constant{Value: 1}, dist.Divide{By: 2}), one(dist.Constant{Value: 1}, dist.Multiply{By: 0}),
		one(dist.Constant{Value: 1}, dist.Multiply{By: minusZero}),
		one(dist.Constant{Value: 1}, rows()), one(dist.Constant{Value: 1}, rows(), rows()),
		one(dist.Constant{Value: 1}, rows(dist.Range{First: 0, Count: 1})), one(dist.Constant{Value: 1}, rows(dist.Range{First: 1, Count: 1})),
		one(dist.Constant{Value: 1}, rows(dist.Range{First: 0, Count: 2})),
		one(dist.Constant{Value: 1}, rows(dist.Range{First: 0, Count: 1}, dist.Range{First: 1, Count: 1})),
		one(dist.Constant{Value: 1}, rows(dist.Range{First: 0, Count: 1}), dist.Multiply{By: 2}),
		one(dist.Constant{Value: 1}, dist.Multiply{By: 2}, rows(dist.Range{First: 0, Count: 1})),
	}
	seen := map[string]int{}
	for i, d := range all {
		p := build(t, plan.Options{AllowFilled: true}, []dist.Dist{d}, []int64{4, 3})
		other, dup := seen[p.Digest()]
		require.False(t, dup, "%+v and %+v", d, all[min(other, len(all)-1)])
		seen[p.Digest()] = i
		_, err := json.Marshal(p)
		require.NoError(t, err)
	}
	for _, c := range []struct {
		shape []int64
		draws []dist.Draw
	}{
		{[]int64{4, 3, 3}, []dist.Draw{dist.Dirac{Groups: 1}, dist.Dirac{Groups: 2}, dist.DeltaOrthogonal{Gain: 1}, dist.DeltaOrthogonal{Gain: 2}}},
		{[]int64{4}, []dist.Draw{dist.LSTMForgetBias{Value: 1}, dist.LSTMForgetBias{Value: 2}, dist.Constant{Value: 1}}},
		{[]int64{4, 4, 3, 3}, []dist.Draw{dist.Bilinear{}, dist.Dirac{Groups: 1}}},
	} {
		digests := map[string]bool{}
		for _, draw := range c.draws {
			digests[build(t, plan.Options{}, []dist.Dist{one(draw)}, c.shape).Digest()] = true
		}
		require.Len(t, digests, len(c.draws), "%v", c.shape)
	}
}

func TestDigestOfAFilledParameterHoldsWhatItsPluginIsAsked(t *testing.T) {
	filled := []dist.Dist{one(dist.Filled{})}
	base := build(t, plan.Options{AllowFilled: true}, filled, []int64{4})
	digest := func(gain float64, layers int64) string {
		l := params([]int64{4})
		l.Model.Layers = layers
		p, err := plan.Build(t.Context(), l, info, &list{Gain: gain, dists: filled}, plan.Options{AllowFilled: true})
		require.NoError(t, err)
		return p.Digest()
	}
	require.Equal(t, base.Digest(), digest(2, 0))
	require.NotEqual(t, base.Digest(), digest(3, 0))
	require.NotEqual(t, base.Digest(), digest(2, 1))
}

func TestJSONNamesTheNumbersAsTheProtocolDoes(t *testing.T) {
	for _, c := range []struct {
		dist  dist.Dist
		shape []int64
		want  string
	}{
		{one(truncNormal), []int64{4}, `{"kind":"trunc_normal","mean":0.5,"std":1,"a":-2,"b":2,"algorithm":"torch_rejection"}`},
		{one(dist.Eye{}, dist.Divide{By: 3}), []int64{4, 4}, `{"kind":"eye","post":[{"divide":3}]}`},
		{one(dist.Dirac{Groups: 2}), []int64{4, 2, 1}, `{"kind":"dirac","groups":2}`},
		{one(dist.Orthogonal{Gain: 0.5}), []int64{4, 4}, `{"kind":"orthogonal","gain":0.5}`},
		{one(dist.Sparse{Sparsity: 0.5, Std: 2}), []int64{4, 4}, `{"kind":"sparse","sparsity":0.5,"std":2}`},
		{one(dist.Filled{}), []int64{4}, `{"kind":"fill"}`},
		{one(dist.Blocks{Parts: []dist.Part{{Rows: 1, Dist: one(dist.Constant{Value: 3})}, {Rows: 3, Dist: one(dist.Eye{}, dist.Multiply{By: 2})}}},
			dist.ZeroRows{Ranges: []dist.Range{{First: 1, Count: 2}}}), []int64{4, 3},
			`{"kind":"blocks","blocks":[{"rows":1,"dist":{"kind":"constant","value":3}},{"rows":3,"dist":{"kind":"eye","post":[{"multiply":2}]}}],
			  "post":[{"zero_rows":[{"first":1,"count":2}]}]}`},
	} {
		p := build(t, plan.Options{AllowFilled: true}, []dist.Dist{c.dist}, c.shape)
		text, err := json.Marshal(p)
		require.NoError(t, err)
		var got struct {
			Parameters []struct{ Distribution json.RawMessage }
		}
		require.NoError(t, json.Unmarshal(text, &got))
		require.JSONEq(t, strings.TrimSpace(c.want), string(got.Parameters[0].Distribution))
	}
}
