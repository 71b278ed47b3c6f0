package battery_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
)

// TestFalseAlarmsAreAsRareAsTheLimitSays counts p-values below 0.01 of 400
// good samples of 4,096 values for each of two laws: 8 are expected.
func TestFalseAlarmsAreAsRareAsTheLimitSays(t *testing.T) {
	low, runs := map[string]int{}, map[string]int{}
	for seed := range uint64(800) {
		var d dist.Draw = dist.Normal{Std: 0.02}
		if seed%2 == 1 {
			d = dist.Uniform{Low: -1, High: 1}
		}
		l, ok := battery.LawOf(dist.Dist{Draw: d})
		require.True(t, ok)
		s := battery.Sample[float32]{Values: draw(1000+seed, d, 4096), Law: l, Rows: 64, Cols: 64}
		for _, f := range battery.OneSample(s) {
			if f.Fact || !f.Gate || f.Discrete {
				continue
			}
			runs[f.Name]++
			if f.P < 0.01 {
				low[f.Name]++
			}
			require.Greater(t, f.P, 2e-9, "%s of seed %d", f.Name, seed)
		}
	}
	require.Greater(t, len(runs), 12)
	for name, n := range runs {
		require.Equal(t, 800, n, name)
		require.LessOrEqual(t, low[name], 22, "%s: 5 standard deviations above 8", name)
	}
	t.Log(low)
}
