package dist_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
)

func TestBilinearIsMXNets(t *testing.T) {
	// From MXNet's formula, computed in Python.
	for _, c := range []struct {
		shape []int64
		want  []float64
	}{
		{[]int64{1, 1, 3, 3}, []float64{0.0625, 0.1875, 0.1875, 0.1875, 0.5625, 0.5625, 0.1875, 0.5625, 0.5625}},
		{[]int64{1, 1, 4, 4}, []float64{
			0.0625, 0.1875, 0.1875, 0.0625, 0.1875, 0.5625, 0.5625, 0.1875,
			0.1875, 0.5625, 0.5625, 0.1875, 0.0625, 0.1875, 0.1875, 0.0625,
		}},
		{[]int64{1, 1, 5, 5}, []float64{
			0.11111111111111113, 0.22222222222222227, 0.33333333333333337, 0.22222222222222224, 0.11111111111111113,
			0.22222222222222227, 0.44444444444444453, 0.6666666666666667, 0.4444444444444445, 0.22222222222222227,
		}},
	} {
		got := make([]float64, len(c.want))
		dist.Bilinear{}.Values(got, 0, c.shape)
		require.Equal(t, c.want, got, "%v", c.shape)
		c.shape[0], c.shape[1] = 3, 2
		taps := c.shape[2] * c.shape[3]
		dist.Bilinear{}.Values(got[1:], 5*taps+1, c.shape)
		require.Equal(t, c.want, got, "every pair of channels has the same")
	}
	require.NoError(t, dist.Bilinear{}.CheckShape([]int64{0, 1, 2, 2}))
	require.ErrorContains(t, dist.Bilinear{}.CheckShape([]int64{1, 1, 2, 3}), "4 dimensions")
	require.ErrorContains(t, dist.Bilinear{}.CheckShape([]int64{2, 2, 2}), "4 dimensions")
}
