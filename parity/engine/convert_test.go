package engine_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/parity/engine"
)

func mixedSets(t *testing.T) (reference, candidate memory) {
	reference = memory{
		tensor(t, "same", "F32", []int64{2}, f32(1, 2)),
		tensor(t, "far", "F32", []int64{2, 2}, f32(1, 2, 3, 4)),
		tensor(t, "gone", "F32", nil, f32(1)),
		tensor(t, "shape", "F32", []int64{2}, f32(1, 2)),
		tensor(t, "near", "F32", []int64{1}, f32(1)),
	}
	candidate = memory{
		tensor(t, "same", "F32", []int64{2}, f32(1, 2)),
		tensor(t, "far", "F32", []int64{2, 2}, f32(1, 2, 3.5, 5)),
		tensor(t, "shape", "F32", []int64{2, 1}, f32(1, 2)),
		tensor(t, "near", "F32", []int64{1}, f32(math.Nextafter32(1, 2))),
		tensor(t, "new", "F64", nil, f64(1)),
	}
	return reference, candidate
}

func both(t *testing.T, reference, candidate memory) (bits, near engine.Result) {
	b, err := engine.Bits(t.Context(), reference, candidate, engine.Options{})
	require.NoError(t, err)
	c, err := engine.Close(t.Context(), reference, candidate, engine.CloseOptions{})
	require.NoError(t, err)
	return engine.NewResult("bits", "ref", "cand", b.Findings()), engine.NewResult("close", "ref", "cand", c.Findings())
}

func TestFindingsSayWhatTheReportsSay(t *testing.T) {
	reference, candidate := mixedSets(t)
	bits, near := both(t, reference, candidate)
	type row struct {
		tensor, test, detail string
		verdict              engine.Verdict
		index                int64
	}
	rows := func(r engine.Result) (out []row) {
		for _, f := range r.Findings {
			require.True(t, math.IsNaN(f.P) && math.IsNaN(f.Adjusted) && math.IsNaN(f.Margin) && math.IsNaN(f.Sees))
			out = append(out, row{f.Tensor, f.Test, f.Detail, f.Verdict, f.Index})
		}
		return out
	}
	require.Equal(t, []row{
		{"same", "bits", "all bits equal", engine.Pass, -1},
		{"far", "bits", "2 of 4 values differ, the first at index 2 [1, 0]: reference 40400000 (3), candidate 40600000 (3.5), 2097152 ulp", engine.Fail, 2},
		{"gone", "missing", "missing in the candidate", engine.Fail, -1},
		{"shape", "shape", "shape: reference [2], candidate [2, 1]", engine.Fail, -1},
		{"near", "bits", "1 of 1 values differ, the first at index 0 [0]: reference 3f800000 (1), candidate 3f800001 (1.0000001192092896), 1 ulp", engine.Fail, 0},
		{"new", "extra", "not in the reference", engine.Fail, -1},
	}, rows(bits))
	require.Equal(t, []row{
		{"same", "close", "all values within rtol 1.3e-06 and atol 1e-05", engine.Pass, -1},
		{"far", "close", "2 of 4 values not within rtol 1.3e-06 and atol 1e-05; the first at index 2 [1, 0]: reference 3, candidate 3.5; " +
			"greatest difference 1 at [1, 1], relative 0.25 at [1, 1]", engine.Fail, 2},
		{"gone", "missing", "missing in the candidate", engine.Fail, -1},
		{"shape", "shape", "shape: reference [2], candidate [2, 1]", engine.Fail, -1},
		{"near", "close", "all values within rtol 1.3e-06 and atol 1e-05", engine.Pass, -1},
		{"new", "extra", "not in the reference", engine.Fail, -1},
	}, rows(near))
	require.Equal(t, engine.Summary{Checks: []string{"bits"}, Reference: "ref", Candidate: "cand", Tensors: 6, Tests: 6, Failed: 5}, bits.Summary)
	require.Equal(t, 4, near.Summary.Failed)
	require.False(t, near.Passed())
	require.Equal(t, 1.0, near.Findings[1].Effect)
}

func TestMergeKeepsTheFindingsOfATensorTogether(t *testing.T) {
	reference, candidate := mixedSets(t)
	bits, near := both(t, reference, candidate)
	stats := engine.NewResult("stats", "ref", "cand", []engine.Finding{
		{Tensor: "pool of 2 tensors", Members: []string{"same", "other"}, Test: "T2 std", Verdict: engine.Weak},
	})
	stats.Summary.FamilyLimit, stats.Summary.StrictestLimit = 1e-6, 1e-9
	all := engine.Merge(bits, near, stats)
	var names []string
	for _, f := range all.Findings {
		names = append(names, f.Tensor+" "+f.Test)
	}
	require.Equal(t, []string{
		"same bits", "same close", "far bits", "far close", "gone missing", "shape shape", "near bits", "near close", "new extra",
		"pool of 2 tensors T2 std",
	}, names)
	require.Equal(t, engine.Summary{
		Checks: []string{"bits", "close", "stats"}, Reference: "ref", Candidate: "cand", Tensors: 7, Tests: 10, Failed: 6, Weak: 1,
		FamilyLimit: 1e-6, StrictestLimit: 1e-9,
	}, all.Summary)
	require.True(t, engine.Merge().Passed())
}

func TestSelectHidesTensors(t *testing.T) {
	reference, candidate := mixedSets(t)
	keep := func(name string) bool { return name == "same" || name == "near" }
	report, err := engine.Close(t.Context(), engine.Select(reference, keep), engine.Select(candidate, keep), engine.CloseOptions{})
	require.NoError(t, err)
	require.Len(t, report.Tensors, 2)
	require.True(t, report.Passed())
	_, ok := engine.Select(reference, keep).Lookup("far")
	require.False(t, ok)
}
