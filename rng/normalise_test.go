package rng_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/rng"
)

func TestL2NormalizeDividesEveryVectorByItsLength(t *testing.T) {
	shape := []int64{2, 3, 2}
	for dim := range int64(3) {
		values := []float64{3, 0, 4, 1e-300, 0, 2e300, -3, 5, 4, 12, 0, -7}
		from := append([]float64{}, values...)
		rng.Apply(values, 0, shape, dist.L2Normalize{Dim: dim})
		stride := dist.Elements(shape[dim+1:])
		for i, v := range from {
			first := int64(i)/(stride*shape[dim])*stride*shape[dim] + int64(i)%stride
			sum := 0.0
			for k := range shape[dim] {
				one := from[first+k*stride]
				sum += float64(one * one)
			}
			if sum == 0 {
				require.Equal(t, v, values[i], "a vector of length 0 stays")
				continue
			}
			require.Equal(t, v/math.Sqrt(sum), values[i], "dimension %d, element %d", dim, i)
		}
	}
	narrow := []float32{3, 4, 1, 1}
	rng.Apply(narrow, 0, []int64{2, 2}, dist.L2Normalize{Dim: 1})
	require.Equal(t, []float32{0.6, 0.8, 1 / float32(math.Sqrt(2)), 1 / float32(math.Sqrt(2))}, narrow)
	part := []float32{1, 2}
	rng.Apply(part, 2, []int64{2, 2}, dist.L2Normalize{Dim: 1})
	require.True(t, math.IsNaN(float64(part[0])), "a part has no length")
	rng.Apply([]float32{}, 0, []int64{0, 3}, dist.L2Normalize{Dim: 0})
	rng.Apply([]float32{}, 0, []int64{3, 0}, dist.L2Normalize{Dim: 1})
}

func TestEveryMatrixOfAnOrthonormalTensorIsAnOrthogonalDrawOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		draw  dist.Orthonormal
		shape []int64
	}{
		{dist.DeltaOrthogonal{Gain: 2}, []int64{6, 4, 3, 2}},
		{dist.BlockOrthogonal{SplitSizes: []int64{3, 5}, Gain: 0.5}, []int64{9, 10}},
		{dist.BlockOrthogonal{SplitSizes: []int64{2, 2, 4}, Gain: 1}, []int64{4, 2, 8}},
	} {
		one, parts := rng.New(7), rng.New(7)
		got, err := rng.Orthonormal[float64](one, c.draw, c.shape, proceed)
		require.NoError(t, err)
		key := rng.NewKey(7)
		keyed, err := rng.KeyedOrthonormal[float64](key, c.draw, c.shape, proceed)
		require.NoError(t, err)
		want, wantKeyed := make([]float64, len(got)), make([]float64, len(got))
		number, many := 0, c.draw.Kind() == "block_orthogonal"
		for box := range c.draw.Boxes(c.shape) {
			rows := box.Shape[0]
			matrix, err := rng.Orthogonal[float64](parts, c.draw.Factor(), rows, dist.Elements(box.Shape)/rows, proceed)
			require.NoError(t, err)
			own := key
			if many {
				own = key.Block(number)
			}
			other, err := rng.KeyedOrthogonal[float64](own, c.draw.Factor(), rows, dist.Elements(box.Shape)/rows, proceed)
			require.NoError(t, err)
			row := box.Shape[len(box.Shape)-1]
			for first := range box.Runs(c.shape) {
				matrix = matrix[copy(want[first:first+row], matrix):]
				other = other[copy(wantKeyed[first:first+row], other):]
			}
			number++
		}
		require.Equal(t, want, got, "%v", c.draw)
		require.Equal(t, wantKeyed, keyed, "%v", c.draw)
		require.Equal(t, parts.Position(), one.Position())
		cost, known := dist.CostIn(c.draw, c.shape, dtype.F64, false)
		require.True(t, known)
		require.Equal(t, one.Position(), dist.Position{}.After(cost))
	}
	empty, err := rng.Orthonormal[float32](rng.New(3), dist.DeltaOrthogonal{Gain: 1}, []int64{4, 2, 0}, proceed)
	require.NoError(t, err)
	require.Empty(t, empty)
	_, err = rng.Orthonormal[float32](rng.New(3), dist.DeltaOrthogonal{Gain: 1}, []int64{1 << 20, 1 << 20, 1}, proceed)
	require.ErrorContains(t, err, "delta_orthogonal")
}
