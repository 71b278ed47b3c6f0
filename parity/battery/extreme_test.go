package battery

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
)

// extremeSets are the tests of the sets of extremeValues.
func extremeSets(t *testing.T) map[string][]Test {
	t.Helper()
	law := func(d dist.Draw) Law {
		l, ok := LawOf(dist.Dist{Draw: d})
		require.True(t, ok)
		return l
	}
	unit := law(dist.Normal{Std: 1})
	one := func(values []float64, l Law, rows int) []Test {
		return OneSample(Sample[float64]{Values: values, Law: l, Type: F64, Rows: rows, Cols: len(values) / rows})
	}
	x, y := normals(3000, 21, 1, 0), normals(2000, 23, 1, 0)
	for i := range 1500 {
		y[i] -= 0.6 * x[700+i]
	}
	scaled := mapped(matrix(39, 60), func(v float64) float64 { return v * 1.2 })
	haar := func(values []float64, rows, cols int) []Test {
		tests, _, _ := Orthogonal(values, rows, cols, 1, F64)
		return tests
	}
	return map[string][]Test{
		"normal far":      one(normals(5000, 1, 1.2, 0.1), unit, 50),
		"uniform far":     one(mapped(sequence(4096, 3), func(u float64) float64 { return 3.6*math.Pow(u, 1.1) - 1 }), law(dist.Uniform{Low: -1, High: 3}), 64),
		"two far":         TwoSample(normals(7000, 7, 1.2, 0.1), normals(5000, 1, 1, 0), F64),
		"orthogonal far":  haar(scaled, 39, 60),
		"orthogonal long": haar(matrix(40, 2500), 40, 2500),
		"30 of 100":       {SignBalance(30, 100)},
		"20 of 200":       {SignBalance(20, 200)},
		"500 of 1024":     {SignBalance(500, 1024)},
		"4000 of 10000":   {SignBalance(4000, 10000)},
		"correlation far": {Correlate(NewSpectrum(x, unit), NewSpectrum(y, unit))},
		"uniformity far":  {Uniform(mapped(sequence(1000, 31), func(u float64) float64 { return math.Pow(u, 1.6) }))},
	}
}

// TestFarFromTheLawEveryTestIsThatOfSciPy is for chances so small that only
// formulas made for tails give them.
func TestFarFromTheLawEveryTestIsThatOfSciPy(t *testing.T) {
	sets := extremeSets(t)
	stats, chances, smallest := map[string]*worst{}, map[string]*worst{}, map[string]float64{}
	for _, v := range extremeValues {
		f := find(t, sets[v.set], v.test)
		if stats[v.test] == nil {
			stats[v.test], chances[v.test], smallest[v.test] = &worst{t: t}, &worst{t: t}, 1
		}
		if v.set == "orthogonal long" { // only some of the entries are looked at
			require.Contains(t, f.EffectText, "of 100000 entries")
			require.InEpsilon(t, v.stat/100_000, f.Stat/float64(f.N), 0.3)
			continue
		}
		stats[v.test].near(v.stat, f.Stat, 1e-9, 1e-300, "%s of %s", v.test, v.set)
		chances[v.test].near(v.p, f.P, 1e-8, 1e-300, "p of %s of %s", v.test, v.set)
		smallest[v.test] = min(smallest[v.test], v.p)
	}
	for _, name := range slices.Sorted(maps.Keys(stats)) {
		t.Logf("%-28s largest relative difference: statistic %.1e, p %.1e (down to p = %.1e)", name, stats[name].most, chances[name].most, smallest[name])
	}
}

func TestEntriesOfOrthogonalMatricesHaveTheTailsOfSciPy(t *testing.T) {
	w := &worst{t: t}
	defer w.log()
	for _, v := range haarValues {
		below, above := entryTails(v.q, (v.n-1)/2)
		w.near(v.below, below, 1e-9, 1e-300, "below %v of %v", v.q, v.n)
		w.near(v.above, above, 1e-9, 1e-300, "above %v of %v", v.q, v.n)
	}
}

func TestDensitiesAreThoseOfSciPy(t *testing.T) {
	w := &worst{t: t}
	defer w.log()
	for _, v := range densityValues {
		var d dist.Draw = dist.Normal{Mean: v.mean, Std: v.std}
		if v.a < v.b {
			d = dist.TruncNormal{Mean: v.mean, Std: v.std, A: v.mean + v.a*v.std, B: v.mean + v.b*v.std}
		}
		l, ok := LawOf(dist.Dist{Draw: d})
		require.True(t, ok)
		w.near(v.density, l.Density(v.x), 1e-11, 1e-300, "density at %v of %+v", v.x, d)
	}
	l, _ := LawOf(dist.Dist{Draw: dist.Uniform{Low: -1, High: 3}})
	for x, want := range map[float64]float64{-1.01: 0, -1: 0.25, 0: 0.25, 2.99: 0.25, 3.01: 0} {
		require.Equal(t, want, l.Density(x), x)
	}
	l, _ = LawOf(dist.Dist{Draw: dist.Constant{Value: 2}})
	require.Zero(t, l.Density(2), "a constant has none")
}

func TestEquivalenceIsThatOfSciPy(t *testing.T) {
	w := &worst{t: t}
	defer w.log()
	for _, v := range equivalenceValues {
		w.near(v.mean, EquivalentMean(v.effect, 1/math.Sqrt(v.n), v.margin), 1e-9, 1e-300, "mean of %+v", v)
		se := math.Sqrt(2 / (4 * v.n))
		w.near(v.std, EquivalentStd(math.Log1p(v.effect), se, v.margin), 1e-8, 1e-300, "std of %+v", v)
		test := Test{Effect: v.effect, SE: se, Margin: 0.02, Log: true}
		w.near(v.std, test.EquivalentWithin(v.margin), 1e-8, 1e-300, "another margin than the test's")
	}
	require.True(t, math.IsNaN(Test{Margin: math.NaN()}.EquivalentWithin(0.01)))
	require.Equal(t, 0.25, Test{Margin: 0.01, Equivalence: 0.25}.EquivalentWithin(0.01))
}

func TestHolmsRuleIsThatOfNumPy(t *testing.T) {
	p := make([]float64, len(holmValues))
	for i, v := range holmValues {
		p[i] = v.p
	}
	adjusted, fails, _ := Holm(p, 0.05)
	failed := 0
	for i, v := range holmValues {
		require.InDelta(t, v.adjusted, adjusted[i], 1e-12)
		require.Equal(t, v.adjusted <= 0.05, fails[i], "failing and an adjusted value below the limit are one thing")
		if fails[i] {
			failed++
		}
	}
	require.NotZero(t, failed)
	require.Less(t, failed, len(p))
}
