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
	require.Panics(t, func() { rng.Apply([]float32{1, 2}, 2, []int64{2, 2}, dist.L2Normalize{Dim: 1}) }, "a part has no length")
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

func TestOrthonormalMatricesAreTorchsWithinRounding(t *testing.T) {
	// torch 2.15.0, float64, Generator().manual_seed(5): orthogonal_ with gain
	// 0.5 of each block of 2 rows and 3 columns in turn, and orthogonal_ with
	// gain 2 of 4 rows and 3 columns.
	blocks := []float64{
		-0.25471908859420456, -0.3159633660826114, -0.2920365340149815, -0.40841881614239295, -0.22218893883231922, 0.18391885732956845,
		-0.006482409355995811, -0.3365203773030579, 0.3697458776359092, 0.21242891825470267, -0.01604530531376027, 0.45234555692139294,
		0.11340020070555346, -0.3396141409218085, 0.34900233490033006, 0.021652758852318654, -0.45107798544644867, -0.21461549123876597,
		0.4604172030263636, 0.1914855328462841, 0.03673268119746955, -0.4848923691748531, 0.03264386326600993, -0.11753198929256674,
	}
	centre := []float64{
		-0.523711135567412, -1.1004024933128664, -1.5858023972841013, 0.7181670792524762, -1.6274301397728286, 0.8910217776513718,
		-1.5080443334480196, -0.1829283299466787, 0.6188547840217881, -0.9673494617334408, -0.3272960723454188, 0.5552744409860169,
	}
	got, err := rng.Orthonormal[float64](rng.New(5), dist.BlockOrthogonal{SplitSizes: []int64{2, 3}, Gain: 0.5}, []int64{4, 6}, proceed)
	require.NoError(t, err)
	require.InDeltaSlice(t, blocks, got, 1e-13)
	got, err = rng.Orthonormal[float64](rng.New(5), dist.DeltaOrthogonal{Gain: 2}, []int64{4, 3, 2, 3}, proceed)
	require.NoError(t, err)
	for i, v := range got {
		want := 0.0
		if i%6 == 1 { // tap (0, 1) of 2 times 3
			want = centre[i/6]
		}
		require.InDelta(t, want, v, 1e-13, "%d", i)
	}
}
