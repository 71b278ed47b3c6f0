package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/plan"
)

func TestLawsFindsWhatStatsFindsForEachPlan(t *testing.T) {
	p, err := model.LookupPreset("toy-2l")
	require.NoError(t, err)
	var plans []*plan.Plan
	for _, mode := range []string{"gpt2@1", "xavier_normal@1", "gpt2@2", "kaiming_uniform@1"} {
		made, err := weightinit.Prepare(t.Context(), p.Config, weightinit.Mode(mode), weightinit.Seed(3))
		require.NoError(t, err)
		plans = append(plans, made.Plan)
	}
	path := t.TempDir() + "/model.safetensors"
	require.NoError(t, (&weightinit.Plan{Plan: plans[1]}).WriteSafetensors(t.Context(), path, weightinit.NoSync()))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer set.Close()
	for _, workers := range []int{1, 4} {
		var got []engine.Result
		require.NoError(t, engine.Laws(t.Context(), set, plans, engine.LawsOptions{Options: engine.Options{Workers: workers}}, func(number int, r engine.Result) {
			require.Len(t, got, number)
			got = append(got, r)
		}))
		require.Len(t, got, len(plans))
		for i, one := range plans {
			want, err := engine.Stats(t.Context(), nil, set, engine.StatsOptions{Declared: one})
			require.NoError(t, err)
			require.Equal(t, want.Passed(), got[i].Passed(), one.Mode())
			require.Equal(t, failing(want), failing(got[i]), one.Mode())
			if i == 1 {
				require.True(t, got[i].Passed())
				require.Equal(t, pValues(want), pValues(got[i]))
			}
		}
	}
}

func failing(r engine.Result) map[string]bool {
	out := map[string]bool{}
	for _, f := range r.Findings {
		if f.Verdict == engine.Fail {
			out[f.Tensor] = true
		}
	}
	return out
}

// pValues are those of the tests that both do.
func pValues(r engine.Result) map[string]float64 {
	out := map[string]float64{}
	for _, f := range r.Findings {
		if f.P == f.P && f.Test != "T13 singular values" {
			out[f.Tensor+" "+f.Test] = f.P
		}
	}
	return out
}

func TestACopyIsFoundForEveryPlanThatDrawsBoth(t *testing.T) {
	p, err := model.LookupPreset("toy-2l")
	require.NoError(t, err)
	made, err := weightinit.Prepare(t.Context(), p.Config, weightinit.Mode("gpt2"), weightinit.Seed(3))
	require.NoError(t, err)
	path := t.TempDir() + "/model.safetensors"
	require.NoError(t, made.WriteSafetensors(t.Context(), path, weightinit.NoSync()))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer set.Close()
	tensors := append([]checkpoint.Tensor{}, set.Tensors()...)
	q, ok := set.Lookup("layers.0.attn.q.weight")
	require.True(t, ok)
	for i, one := range tensors {
		if one.Name == "layers.1.attn.k.weight" {
			tensors[i] = q
			tensors[i].Name = one.Name
		}
	}
	failed := map[string]bool{}
	require.NoError(t, engine.Laws(t.Context(), engine.WithTensors(set, tensors), []*plan.Plan{made.Plan, made.Plan}, engine.LawsOptions{}, func(_ int, r engine.Result) {
		require.Equal(t, 1, r.Summary.Failed)
		for _, f := range r.Findings {
			if f.Verdict == engine.Fail {
				failed[f.Tensor] = true
				require.Equal(t, "T10 stream reuse", f.Test)
				require.Contains(t, f.Detail, "of \"layers.")
			}
		}
	}))
	require.Len(t, failed, 1)
}

func TestHowMuchALawSays(t *testing.T) {
	shape := []int64{8, 4}
	normal := dist.Of(dist.Normal{Std: 1}, "")
	for name, c := range map[string]struct {
		dist  dist.Dist
		known bool
		want  engine.Certainty
	}{
		"none":       {normal, false, engine.Untold},
		"normal":     {normal, true, engine.Random},
		"constant":   {dist.Of(dist.Constant{Value: 1}, ""), true, engine.Fixed},
		"diagonal":   {dist.Of(dist.Eye{}, ""), true, engine.Fixed},
		"filled":     {dist.Of(dist.Filled{}, ""), true, engine.Untold},
		"orthogonal": {dist.Of(dist.Orthogonal{Gain: 1}, ""), true, engine.Random},
		"zero rows":  {dist.Of(dist.Normal{Std: 1}, "", dist.ZeroRows{Ranges: []dist.Range{{Count: 1}}}), true, engine.Random},
	} {
		require.Equal(t, c.want, engine.CertaintyOf(c.dist, c.known, shape), name)
	}
}
