package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
)

func TestEveryDistributionIsShownWithItsNumbers(t *testing.T) {
	one := func(d dist.Draw, posts ...dist.Post) dist.Dist { return dist.Dist{Draw: d, Post: posts} }
	constant := one(dist.Constant{Value: 0.5})
	var many []dist.Part
	for i := range int64(9) {
		many = append(many, dist.Part{Rows: i + 1, Dist: constant})
	}
	for want, d := range map[string]dist.Dist{
		"constant 0.5, times 2, divided by 3": one(dist.Constant{Value: 0.5}, dist.Multiply{By: 2}, dist.Divide{By: 3}),
		"constant 0.5, 0 in row 3, rows 5 to 6": one(dist.Constant{Value: 0.5},
			dist.ZeroRows{Ranges: []dist.Range{{First: 3, Count: 1}, {First: 5, Count: 2}}}),
		"constant 0.5, 0 in no rows":                                 one(dist.Constant{Value: 0.5}, dist.ZeroRows{}),
		"uniform [-1, 1)":                                            one(dist.Uniform{Low: -1, High: 1}),
		"normal mean 0 std 0.02":                                     one(dist.Normal{Std: 0.02}),
		"trunc_normal mean 0 std 1 cut [-2, 2]":                      one(dist.TruncNormal{Std: 1, A: -2, B: 2}),
		"trunc_normal mean 0 std 0.5 cut [-2, 2] by unit_then_scale": one(dist.TruncNormal{Std: 0.5, A: -2, B: 2, Algorithm: dist.UnitThenScale}),
		"eye":                               one(dist.Eye{}),
		"dirac groups 2":                    one(dist.Dirac{Groups: 2}),
		"sparse sparsity 0.9 std 1":         one(dist.Sparse{Sparsity: 0.9, Std: 1}),
		"orthogonal gain 1 (not bit-exact)": one(dist.Orthogonal{Gain: 1}),
		"filled by its plugin":              one(dist.Filled{}),
		"pieces [eye, times 2] [constant 0.5], times 3": one(dist.Pieces{Dists: []dist.Dist{one(dist.Eye{}, dist.Multiply{By: 2}), constant}}, dist.Multiply{By: 3}),
		"pieces [constant 0.5] [constant 0.5] [constant 0.5] [constant 0.5] [constant 0.5] [constant 0.5] ...": one(dist.Pieces{Dists: []dist.Dist{
			constant, constant, constant, constant, constant, constant, constant,
		}}),
		"bilinear": one(dist.Bilinear{}),
		"block_orthogonal split_sizes [2 3] gain 1 (not bit-exact)": one(dist.BlockOrthogonal{SplitSizes: []int64{2, 3}, Gain: 1}),
		"normal mean 0 std 1, l2_normalize 1":                       one(dist.Normal{Std: 1}, dist.L2Normalize{Dim: 1}),
		"blocks 2 x [64 rows: constant 0.5] 1 x [8 rows: eye, times 2], times 3": one(dist.Blocks{Parts: []dist.Part{
			{Rows: 64, Dist: constant}, {Rows: 64, Dist: constant}, {Rows: 8, Dist: one(dist.Eye{}, dist.Multiply{By: 2})},
		}}, dist.Multiply{By: 3}),
		"blocks 1 x [1 rows: constant 0.5] 1 x [2 rows: constant 0.5] 1 x [3 rows: constant 0.5] 1 x [4 rows: constant 0.5] 1 x [5 rows: constant 0.5] 1 x [6 rows: constant 0.5] ...": one(dist.Blocks{Parts: many}),
	} {
		require.Equal(t, want, describeDist(d))
	}
}

func TestWhatOnlyARunCanTellIsAQuestionMark(t *testing.T) {
	require.Equal(t, "?", unless(true, "7"))
	require.Equal(t, "7", unless(false, "7"))
}
