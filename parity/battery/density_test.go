package battery_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/integrate/quad"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
)

// The density is the derivative of the distribution function, so it integrates
// to the chance of an interval.
func TestTheDensityIntegratesToTheChance(t *testing.T) {
	for name, d := range map[string]dist.Dist{
		"normal":  {Draw: dist.Normal{Mean: 1, Std: 0.02}},
		"uniform": {Draw: dist.Uniform{Low: -0.3, High: 0.1}},
		"cut":     {Draw: dist.TruncNormal{Mean: 0.5, Std: 2, A: -1, B: 1.5}},
		"scaled":  {Draw: dist.TruncNormal{Std: 1, A: -2, B: 1}, Post: []dist.Post{dist.Multiply{By: -3}}},
	} {
		l, ok := battery.LawOf(d)
		require.True(t, ok, name)
		low, high := l.Quantile(0.1), l.Quantile(0.9)
		require.InDelta(t, 0.8, quad.Fixed(l.Density, low, high, 200, nil, 0), 1e-9, name)
		require.Zero(t, l.Density(l.Mean()+1e3*l.Std()), name)
	}
	l, _ := battery.LawOf(dist.Dist{Draw: dist.Constant{Value: 2}})
	require.Zero(t, l.Density(2))
}
