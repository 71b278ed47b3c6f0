package plan_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

func TestKeyedStepsBeginStreamsOfTheirOwn(t *testing.T) {
	cut := dist.TruncNormal{Std: 1, A: -2, B: 2}
	for _, c := range []struct {
		name         string
		draw         dist.Draw
		shape        []int64
		narrow, wide int64
		unknown      bool
	}{
		{"uniform", dist.Uniform{High: 1}, []int64{7}, 7, 14, false},
		{"normal", dist.Normal{Std: 1}, []int64{8}, 8, 16, false},
		{"odd normal", dist.Normal{Std: 1}, []int64{7}, 8, 16, false},
		{"constant", dist.Constant{}, []int64{7}, 0, 0, false},
		{"empty normal", dist.Normal{Std: 1}, []int64{0, 3}, 0, 0, false},
		{"empty trunc_normal", cut, []int64{0}, 0, 0, false},
		{"trunc_normal", cut, []int64{7}, 0, 0, true},
		{"sparse", dist.Sparse{Sparsity: 0.5, Std: 1}, []int64{3, 5}, 16 + 10, 32 + 10, false},
		{"orthogonal", dist.Orthogonal{Gain: 1}, []int64{3, 5}, 16, 32, false},
		{"blocks", dist.Blocks{Parts: []dist.Part{{Rows: 1, Dist: dist.Dist{Draw: dist.Normal{Std: 1}}}, {Rows: 2, Dist: dist.Dist{Draw: dist.Uniform{High: 1}}}}},
			[]int64{3, 3}, 4 + 6, 8 + 12, false},
		{"blocks with a cut", dist.Blocks{Parts: []dist.Part{{Rows: 1, Dist: dist.Dist{Draw: cut}}, {Rows: 2, Dist: dist.Dist{Draw: dist.Uniform{High: 1}}}}},
			[]int64{3, 3}, 0, 0, true},
	} {
		for stored, words := range map[dtype.Type]int64{dtype.F32: c.narrow, dtype.BF16: c.narrow, dtype.F64: c.wide} {
			p := build(t, plan.Options{Streams: plan.Keyed, DType: stored}, []dist.Dist{{Draw: cut}, {Draw: c.draw}, three[0]}, []int64{9}, c.shape, []int64{3})
			s := p.Rows()[1]
			require.Equal(t, words, s.Words, "%s in %s", c.name, stored)
			require.Equal(t, c.unknown, s.WordsUnknown, c.name)
			require.Equal(t, dist.Position{}, s.Start)
			require.False(t, s.StartUnknown, "%s: nothing depends on the truncated normal before it", c.name)
			_, known := p.Words()
			require.False(t, known)
			require.False(t, p.Rows()[2].WordsUnknown)
		}
	}
}

func TestKeyedPlansHaveADigestOfTheirOwn(t *testing.T) {
	shapes := [][]int64{{3}, {5}, {4, 5}}
	torch := build(t, plan.Options{Seed: 7}, three, shapes...)
	keyed := build(t, plan.Options{Seed: 7, Streams: plan.Keyed}, three, shapes...)
	require.NotEqual(t, torch.Digest(), keyed.Digest())
	require.Equal(t, keyed.Digest(), build(t, plan.Options{Seed: 7, Streams: plan.Keyed}, three, shapes...).Digest())
	text, err := json.Marshal(keyed)
	require.NoError(t, err)
	require.Contains(t, string(text), `"streams":"keyed"`)
	require.Contains(t, string(text), `"first_word":0,"words":20`)
	require.Empty(t, keyed.Notes(), "normal and uniform are torch's own")
}

func TestKeyedPlansNoteWhatTorchDoesNotHave(t *testing.T) {
	parts := dist.Blocks{Parts: []dist.Part{{Rows: 4, Dist: dist.Dist{Draw: dist.Sparse{Std: 1}}}}}
	dists := []dist.Dist{{Draw: dist.TruncNormal{Std: 1, A: -2, B: 2}}, {Draw: parts}, {Draw: dist.TruncNormal{Std: 1, A: -2, B: 2}}, {Draw: dist.Orthogonal{Gain: 1}}}
	shapes := [][]int64{{3}, {4, 5}, {5}, {3, 3}}
	notes := build(t, plan.Options{Streams: plan.Keyed}, dists, shapes...).Notes()
	require.Len(t, notes, 4)
	require.Contains(t, notes[0].Text, `2 parameters, the first of them "a", are trunc_normal`)
	require.Contains(t, notes[1].Text, `parameter "b" is sparse`)
	require.Contains(t, notes[2].Text, `parameter "b" is made of blocks`)
	require.Contains(t, notes[3].Text, "orthogonal")
	require.Equal(t, []registry.Level{registry.Remark, registry.Remark, registry.Remark, registry.Warning},
		[]registry.Level{notes[0].Level, notes[1].Level, notes[2].Level, notes[3].Level})
	require.Len(t, build(t, plan.Options{}, dists, shapes...).Notes(), 1, "with torch's stream all but the last are torch's")
}

func TestParseStreams(t *testing.T) {
	for _, s := range []plan.Streams{plan.Torch, plan.Keyed} {
		got, err := plan.ParseStreams(string(s))
		require.NoError(t, err)
		require.Equal(t, s, got)
	}
	for _, bad := range []string{"", "Keyed", "x\n"} {
		_, err := plan.ParseStreams(bad)
		require.ErrorContains(t, err, `use "torch" or "keyed"`)
		require.NotContains(t, err.Error(), "\n")
	}
}
