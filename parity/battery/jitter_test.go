package battery

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
)

// What is remembered of values seen before, and what is read from tables, gives
// what the functions give.
func TestJitterIsTheInverseOfTheLaw(t *testing.T) {
	for name, d := range map[string]dist.Dist{
		"normal":  {Draw: dist.Normal{Mean: 0.5, Std: 0.02}},
		"uniform": {Draw: dist.Uniform{Low: -1, High: 2}},
		"cut":     truncated(0, 1, -2, 1),
		"far cut": truncated(0, 1, 3, 5),
	} {
		l, ok := LawOf(d)
		require.True(t, ok)
		for _, typ := range []Type{BF16, F16} {
			values := make([]float64, 2000)
			for i := range values {
				values[i] = typ.round(l.Quantile((float64(i%700) + 0.5) / 700))
			}
			values[5], values[6], values[7] = 1e30, -60000, 0.1 // impossible, and none of the type
			original := append([]float64(nil), values...)
			few := append([]float64(nil), values[:1000]...)
			Jitter(values, l, typ)
			Jitter(few, l, typ)
			require.Equal(t, values[:1000], few, "%s: with and without remembering", name)
			state := uint64(0x5DEECE66D)
			for i, x := range original {
				state += 0x9E3779B97F4A7C15
				r := (float64(mix(state)>>11) + 0.5) / (1 << 53)
				low, high := typ.cell(x)
				b1, a1 := l.Tails(low)
				b2, a2 := l.Tails(high)
				if b2 == b1 && a2 == a1 {
					require.Equal(t, x, values[i], "%s: %v cannot be", name, x)
					continue
				}
				require.InDelta(t, l.between(b1+r*(b2-b1), a1+r*(a2-a1)), values[i], 1e-11*math.Abs(l.Std()), "%s at %v", name, x)
				require.True(t, low-1e-9 <= values[i] && values[i] <= high+1e-9)
			}
		}
	}
	values := []float32{1, 2}
	l, _ := LawOf(dist.Dist{Draw: dist.Normal{Std: 1}})
	Jitter(values, l, F32)
	require.Equal(t, []float32{1, 2}, values, "not a narrow type")
}

func BenchmarkJitter(b *testing.B) {
	l, _ := LawOf(dist.Dist{Draw: dist.Normal{Std: 0.02}})
	original, work := make([]float32, 1<<20), make([]float32, 1<<20)
	for i := range original {
		original[i] = float32(BF16.round(l.Quantile((float64(mix(uint64(i))>>11) + 0.5) / (1 << 53))))
	}
	for b.Loop() {
		copy(work, original)
		Jitter(work, l, BF16)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(work)), "ns/value")
}
