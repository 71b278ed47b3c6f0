package battery_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/rng"
)

func TestSingularValuesOfIndependentValuesAreNoAlarm(t *testing.T) {
	const runs = 1000
	for name, draw := range map[string]dist.Draw{
		"normal":  dist.Normal{Std: 0.02},
		"uniform": dist.Uniform{Low: -1, High: 1},
		"shifted": dist.Normal{Mean: 3, Std: 0.1},
	} {
		for _, shape := range [][2]int{{64, 64}, {32, 256}, {200, 33}} {
			t.Run(fmt.Sprint(name, shape), func(t *testing.T) {
				low := 0
				for seed := range runs {
					values := make([]float32, shape[0]*shape[1])
					rng.FillKeyed(values, rng.NewKey(uint64(seed)).Named(name), dist.Of(draw, ""), 0)
					one, ok := battery.Singular(values, shape[0], shape[1])
					require.True(t, ok)
					require.Greater(t, one.P, 1e-6)
					if one.P < 0.05 {
						low++
					}
				}
				t.Logf("%d of %d p-values are below 0.05", low, runs)
				require.LessOrEqual(t, low, 85, "the smallest of several, times their number: at most 0.05 of them, and 5 errors more")
			})
		}
	}
}

func TestSingularValuesOfWhatWasTrained(t *testing.T) {
	const n = 128
	normal := func(count int, name string) []float32 {
		out := make([]float32, count)
		rng.FillKeyed(out, rng.NewKey(5).Named(name), dist.Of(dist.Normal{Std: 1}, ""), 0)
		return out
	}
	product := func(rank int) []float32 {
		a, b, out := normal(n*rank, "a"), normal(rank*n, "b"), make([]float32, n*n)
		for i := range n {
			for k := range rank {
				for j := range n {
					out[i*n+j] += float32(a[i*rank+k] * b[k*n+j])
				}
			}
		}
		return out
	}
	t.Run("product of full rank", func(t *testing.T) {
		one, ok := battery.Singular(product(n), n, n)
		require.True(t, ok)
		require.Less(t, one.P, 1e-9)
	})
	t.Run("one direction twice as large as the largest by chance", func(t *testing.T) {
		values, update := normal(n*n, "w"), product(1)
		for i := range values {
			values[i] += float32(update[i] * 2 * 2 / float32(math.Sqrt(n)))
		}
		one, ok := battery.Singular(values, n, n)
		require.True(t, ok)
		require.Less(t, one.P, 1e-9)
		require.Contains(t, one.EffectText, "times those of independent values")
	})
	t.Run("too small", func(t *testing.T) {
		_, ok := battery.Singular(normal(31*100, "w"), 31, 100)
		require.False(t, ok)
		_, ok = battery.Singular(make([]float32, 64*64), 64, 64)
		require.False(t, ok)
	})
}
