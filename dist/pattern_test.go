package dist_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
)

func TestEveryPatternInPiecesIsTheWhole(t *testing.T) {
	shapes := map[string][]int64{
		"eye": {5, 7}, "dirac": {4, 3, 2}, "bilinear": {2, 1, 3, 3}, "zero_init": {7, 3}, "lstm_forget_bias": {12},
	}
	for _, family := range dist.Families() {
		p, ok := family.(dist.Pattern)
		if !ok {
			continue
		}
		shape, known := shapes[p.Kind()]
		require.True(t, known, "%s needs a shape here", p.Kind())
		switch p.(type) {
		case dist.Dirac:
			p = dist.Dirac{Groups: 2}
		case dist.LSTMForgetBias:
			p = dist.LSTMForgetBias{Value: 3}
		}
		require.NoError(t, dist.Dist{Draw: p}.CheckShape(shape))
		want := make([]float64, dist.Elements(shape))
		p.Values(want, 0, shape)
		for piece := 1; piece < len(want); piece++ {
			got := make([]float64, len(want))
			for at := 0; at < len(got); at += piece {
				part := got[at:min(at+piece, len(got))]
				for i := range part {
					part[i] = math.NaN()
				}
				p.Values(part, int64(at), shape)
			}
			require.Equal(t, want, got, "%s in pieces of %d", p.Kind(), piece)
		}
	}
}

func TestZeroInitIsZerOsAlgorithm(t *testing.T) {
	// hadamard(8)[:5, :3] / 2**(3/2) by the doubling [[H, H], [H, -H]], in Python.
	r := 0.35355339059327373
	want := []float64{r, r, r, r, -r, r, r, r, -r, r, -r, -r, r, r, r}
	got := make([]float64, len(want))
	dist.ZeroInit{}.Values(got, 0, []int64{5, 3})
	require.Equal(t, want, got)

	for shape, one := range map[[2]int64]float64{{4, 2}: 0.5, {2, 1}: 1 / math.Sqrt(2), {3, 1}: 0.5, {16, 15}: 0.25, {17, 15}: 1 / math.Sqrt(32)} {
		got := make([]float64, shape[0]*shape[1])
		dist.ZeroInit{}.Values(got, 0, shape[:])
		require.Equal(t, one, got[0], "%v", shape)
	}
	wide := make([]float64, 6)
	dist.ZeroInit{}.Values(wide, 0, []int64{2, 3})
	require.Equal(t, []float64{1, 0, 0, 0, 1, 0}, wide)
	dist.ZeroInit{}.Values(wide[:4], 0, []int64{2, 2})
	require.Equal(t, []float64{1, 0, 0, 1}, wide[:4])
}

func TestLSTMForgetBiasIsTheSecondQuarter(t *testing.T) {
	got := make([]float64, 8)
	dist.LSTMForgetBias{Value: 1.5}.Values(got, 0, []int64{8})
	require.Equal(t, []float64{0, 0, 1.5, 1.5, 0, 0, 0, 0}, got)
}

func TestShapesThatAFamilyCannotFill(t *testing.T) {
	blocks := dist.BlockOrthogonal{SplitSizes: []int64{2, 3}, Gain: 1}
	normal := dist.Normal{Std: 1}
	for _, c := range []struct {
		dist  dist.Dist
		shape []int64
		text  string
	}{
		{dist.Dist{Draw: dist.ZeroInit{}}, []int64{4}, "2 dimensions"},
		{dist.Dist{Draw: dist.LSTMForgetBias{}}, []int64{6}, "4 divides"},
		{dist.Dist{Draw: dist.LSTMForgetBias{}}, []int64{4, 4}, "1 dimension"},
		{dist.Dist{Draw: dist.DeltaOrthogonal{}}, []int64{4, 4}, "3 to 5"},
		{dist.Dist{Draw: dist.DeltaOrthogonal{}}, []int64{3, 4, 1}, "output channels"},
		{dist.Dist{Draw: blocks}, []int64{4, 4}, "divide"},
		{dist.Dist{Draw: blocks}, []int64{4, 3, 1}, "as many dimensions"},
		{dist.Dist{Draw: normal, Post: []dist.Post{dist.L2Normalize{Dim: 2}}}, []int64{4, 4}, "no dimension 2"},
		{dist.Dist{Draw: dist.Blocks{Parts: []dist.Part{of(4, normal)}}, Post: []dist.Post{dist.L2Normalize{}}}, []int64{4, 4}, "normalise each block"},
	} {
		require.ErrorContains(t, c.dist.CheckShape(c.shape), c.text)
	}
	require.NoError(t, dist.Dist{Draw: blocks}.CheckShape([]int64{4, 9}))
	for _, d := range []dist.Draw{dist.BlockOrthogonal{SplitSizes: []int64{4}}, dist.BlockOrthogonal{SplitSizes: []int64{4, 0}},
		dist.BlockOrthogonal{SplitSizes: []int64{1, 1}, Gain: math.Inf(1)}, dist.DeltaOrthogonal{Gain: math.NaN()}, dist.LSTMForgetBias{Value: 1e39}} {
		require.Error(t, d.Check(math.MaxFloat32), "%#v", d)
	}
	require.ErrorContains(t, dist.L2Normalize{}.CheckRun([]int64{1 << 15, 1 << 15}, dtype.F32), "the limit is 536870912")
}

func TestBlockOrthogonalCostsOneBlockAfterTheOther(t *testing.T) {
	for _, split := range [][]int64{{1, 1}, {1, 3}, {2, 2}, {3, 5}, {4, 4}, {3, 7}} {
		for count := range int64(5) {
			for _, cached := range []bool{false, true} {
				for _, in := range []dtype.Type{dtype.F32, dtype.F64} {
					var want dist.Cost
					for range count {
						one := dist.CostOf(dist.Normal{}, split[0]*split[1], in, want.CachedAfter(cached))
						want = want.Then(one)
					}
					got, known := dist.CostIn(dist.BlockOrthogonal{SplitSizes: split}, []int64{split[0] * count, split[1]}, in, cached)
					require.True(t, known)
					require.Equal(t, want, got, "%d of %v, cached %v", count, split, cached)
				}
			}
		}
	}
}

func TestBoxesCoverWhatTheySay(t *testing.T) {
	element := func(d dist.Orthonormal, shape []int64) (boxes [][]int64) {
		for box := range d.Boxes(shape) {
			var all []int64
			for first := range box.Runs(shape) {
				for i := range box.Shape[len(box.Shape)-1] {
					all = append(all, first+i)
				}
			}
			boxes = append(boxes, all)
		}
		return boxes
	}
	require.Equal(t, [][]int64{{0, 1, 2, 3, 4, 5}}, element(dist.Orthogonal{}, []int64{2, 3}))
	require.Equal(t, [][]int64{{1, 4, 7, 10}}, element(dist.DeltaOrthogonal{}, []int64{2, 2, 3}))
	require.Equal(t, [][]int64{{1, 5}}, element(dist.DeltaOrthogonal{}, []int64{2, 1, 1, 4}), "(size-1)/2, where dirac takes size/2")
	require.Equal(t, [][]int64{{0, 1, 4, 5}, {2, 3, 6, 7}, {8, 9, 12, 13}, {10, 11, 14, 15}},
		element(dist.BlockOrthogonal{SplitSizes: []int64{2, 2}}, []int64{4, 4}))
	require.Equal(t, [][]int64{{0, 1, 4, 5}, {2, 3, 6, 7}}, element(dist.BlockOrthogonal{SplitSizes: []int64{1, 2, 2}}, []int64{1, 2, 4})[:2])
	require.Empty(t, element(dist.BlockOrthogonal{SplitSizes: []int64{2, 2}}, []int64{4, 0}))
}
