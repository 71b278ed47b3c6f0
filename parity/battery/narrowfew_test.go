package battery_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
)

// Some values of a narrow type round onto a bound of their law, or beyond. That
// must not look like a standard deviation that is too large, however few values
// there are.
func TestAFewNarrowValuesAtABoundAreNotFarOut(t *testing.T) {
	for name, d := range map[string]dist.Draw{
		"uniform": dist.Uniform{Low: -0.05, High: 0.05},
		"cut":     dist.TruncNormal{Std: 0.02, A: -0.04, B: 0.04},
	} {
		l := lawOf(t, d)
		for _, typ := range []battery.Type{battery.BF16, battery.F16} {
			var p []float64
			for seed := range uint64(2000) {
				values := draw(70_000+seed, d, 200)
				for i, v := range values {
					values[i] = narrow(v, typ)
				}
				std := named(t, battery.Alone(battery.Sample[float32]{Values: values, Law: l, Type: typ}), "T2 std")
				require.Greater(t, std.P, 1e-6, "%s of type %d, seed %d: %+v", name, typ, seed, std)
				p = append(p, std.P)
			}
			require.Greater(t, battery.Uniform(p).P, 1e-4, "%s of type %d", name, typ)
		}
	}
}
