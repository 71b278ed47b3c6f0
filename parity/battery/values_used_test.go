package battery

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
)

// worst keeps the largest relative difference seen.
type worst struct {
	t    *testing.T
	most float64
	at   string
}

// near holds got against want; absolute differences below floor are nothing.
func (w *worst) near(want, got, tolerance, floor float64, format string, args ...any) {
	w.t.Helper()
	difference := math.Abs(got - want)
	if difference <= floor {
		return
	}
	relative := difference / math.Abs(want)
	if relative > w.most || math.IsNaN(relative) {
		w.most, w.at = relative, fmt.Sprintf(format, args...)
	}
	if !(relative <= tolerance) {
		w.t.Errorf("%s: got %v, want %v: relative difference %.2g", fmt.Sprintf(format, args...), got, want, relative)
	}
}

func (w *worst) log() { w.t.Helper(); w.t.Logf("largest relative difference %.2g at %s", w.most, w.at) }

func TestNormalTailsAreThoseOfSciPy(t *testing.T) {
	w := &worst{t: t}
	defer w.log()
	for _, v := range normalValues {
		w.near(v.twoSided, twoSidedFrom(v.z), 1e-12, 1e-320, "two-sided %v", v.z)
		w.near(v.logUpper, LogUpper(v.z), 1e-12, 0, "log upper %v", v.z)
	}
	require.Equal(t, math.Inf(-1), LogUpper(math.Inf(1)))
	require.Zero(t, Upper(50), "where the logarithm is needed")
}

// twoSidedFrom extends the two-sided value to the table's negative arguments,
// where SciPy's erfc is above 1.
func twoSidedFrom(z float64) float64 {
	if z < 0 {
		return 2 - TwoSided(z)
	}
	return TwoSided(z)
}

func TestChiSquareTailsAreThoseOfSciPy(t *testing.T) {
	w := &worst{t: t}
	defer w.log()
	for _, v := range chiSquareValues {
		w.near(v.upper, ChiSquareUpper(v.x, int(v.k)), 1e-9, 0, "upper %v with %v", v.x, v.k)
		w.near(v.lower, ChiSquareLower(v.x, int(v.k)), 1e-9, 0, "lower %v with %v", v.x, v.k)
		require.InDelta(t, min(1, 2*min(v.upper, v.lower)), ChiSquareTwoSided(v.x, int(v.k)), 1e-9)
	}
}

func TestBinomialTailsAreThoseOfSciPy(t *testing.T) {
	w := &worst{t: t}
	defer w.log()
	for _, v := range binomialValues {
		w.near(v.lower, BinomialLower(int64(v.k), int64(v.n), v.p), 1e-8, 0, "lower %v of %v with %v", v.k, v.n, v.p)
		w.near(v.upper, BinomialUpper(int64(v.k), int64(v.n), v.p), 1e-8, 0, "upper %v of %v with %v", v.k, v.n, v.p)
	}
	require.Equal(t, 1.0, BinomialTwoSided(0, 0, 0.5))
	require.Equal(t, 0.5, BinomialTwoSided(0, 2, 0.5))
}

func TestKolmogorovChancesAreThoseOfSciPy(t *testing.T) {
	w := &worst{t: t}
	defer w.log()
	for _, v := range kolmogorovValues {
		// The function takes the distance; n = 10^16 makes its correction nothing.
		w.near(v.p, Kolmogorov(v.w/1e8, 1e16), 1e-6, 0, "w %v", v.w)
	}
}

func TestAndersonDarlingChancesAreThoseOfTheExactLaw(t *testing.T) {
	for _, v := range []struct{ p, a, tolerance float64 }{
		{0.1, 1.9329578327, 1e-3}, {1e-2, 3.88, 0.01}, {1e-3, 5.97, 0.015}, {1e-4, 8.12, 0.015}, {1e-6, 12.52, 0.015}, {2e-9, 18.54, 0.015},
	} {
		require.InEpsilon(t, v.p, AndersonDarling(v.a), v.tolerance, "%v", v.a)
	}
	for a, last := 0.02, 1.0; a < 30; a += 0.01 { // it falls, also where the formulas meet
		p := AndersonDarling(a)
		require.LessOrEqual(t, p, last*1.0002, "%v", a)
		require.InDelta(t, last, p, 0.02)
		last = p
	}
}

func truncated(mean, std, a, b float64) dist.Dist {
	return dist.Dist{Draw: dist.TruncNormal{Mean: mean, Std: std, A: mean + a*std, B: mean + b*std}}
}

func TestCutNormalsAreThoseOfSciPy(t *testing.T) {
	w := &worst{t: t}
	defer w.log()
	for _, v := range truncatedValues {
		l, ok := LawOf(truncated(v.mean, v.std, v.a, v.b))
		require.True(t, ok)
		below, above := l.Tails(v.x)
		// Near an edge one rounding of x moves the chance.
		w.near(v.below, below, 2e-6, 1e-13, "below %+v", v)
		w.near(v.above, above, 2e-6, 1e-13, "above %+v", v)
		w.near(v.x, l.Quantile(v.q), 1e-9, 1e-12, "quantile %+v", v)
	}
	for _, v := range momentValues {
		l, ok := LawOf(truncated(0, 1, v.a, v.b))
		require.True(t, ok)
		w.near(v.mean, l.Mean(), 1e-12, 1e-14, "mean %+v", v)
		w.near(v.std, l.Std(), 1e-12, 0, "std %+v", v)
		for order, m := range map[int]float64{3: v.m3, 4: v.m4, 6: v.m6, 8: v.m8} {
			w.near(m, l.Moment(order), 1e-11, 1e-12, "moment %d %+v", order, v)
		}
	}
}

// sequence is that of the generating script.
func sequence(n int, state uint32) []float64 {
	out := make([]float64, n)
	for i := range out {
		state = 1664525*state + 1013904223
		out[i] = (float64(state) + 0.5) / (1 << 32)
	}
	return out
}

func normals(n int, state uint32, scale, shift float64) []float64 {
	out := sequence(n, state)
	for i, u := range out {
		out[i] = float64(normalQuantile(u)*scale) + shift
	}
	return out
}

func find(t *testing.T, tests []Test, name string) Test {
	t.Helper()
	for _, f := range tests {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no test %q in %v", name, tests)
	return Test{}
}

func TestStatisticsOfOneListAreThoseOfSciPy(t *testing.T) {
	w := &worst{t: t}
	defer w.log()
	l, _ := LawOf(dist.Dist{Draw: dist.Normal{Std: 1}})
	for _, v := range oneSampleValues {
		tests := OneSample(Sample[float64]{Values: normals(int(v.n), 1, 1.03, 0.01), Law: l, Type: F64})
		check := func(want float64, name string, get func(Test) float64) {
			w.near(want, get(find(t, tests, name)), 1e-9, 1e-12, "%s of %v", name, v.n)
		}
		stat := func(f Test) float64 { return f.Stat }
		effect := func(f Test) float64 { return f.Effect }
		check(v.t1, "T1 mean", stat)
		check(math.Expm1(v.logStd), "T2 std", effect)
		if v.n < 4096 {
			check(v.sumZ2, "T2 std", stat)
		}
		check(v.skew, "T3 skewness", effect)
		check(v.kurtosis-3, "T3 kurtosis", effect)
		check(v.s2, "T3 S2", stat)
		check(v.s3, "T3 S3", stat)
		check(v.s4, "T3 S4", stat)
		check(v.anderson, "T4 Anderson-Darling", stat)
		check(v.kolmogorov, "T5 Kolmogorov", stat)
		if v.n >= 4096 {
			check(v.chi, "T6 chi-square", stat)
			check(v.serial, "T9 serial correlation", stat)
		}
	}
}

func TestStatisticsOfTwoListsAreThoseOfSciPy(t *testing.T) {
	w := &worst{t: t}
	defer w.log()
	for _, v := range twoSampleValues {
		tests := TwoSample(normals(int(v.m), 7, 1.05, 0), normals(int(v.n), 1, 1, 0), F64)
		for name, want := range map[string]float64{"T1' mean": v.t1, "T2' std": v.t2, "T3' S1": v.s1, "T3' S2": v.s2, "T3' S3": v.s3,
			"T3' S4": v.s4, "T4' Anderson-Darling": v.anderson, "T5' Kolmogorov": v.kolmogorov} {
			w.near(want, find(t, tests, name).Stat, 1e-9, 1e-12, "%s of %v", name, v.n)
		}
	}
}

// matrix is that of the generating script: rows of the cosine transform, a
// little off.
func matrix(rows, n int) []float64 {
	u := sequence(rows*n, 11)
	for i := range u {
		k, j := float64(i/n+1), float64(i%n)
		u[i] = math.Sqrt(2/float64(n)) * math.Cos(math.Pi*(j+0.5)*k/float64(n)) * (1 + 1e-3*u[i])
	}
	return u
}

func mapped(values []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return out
}

// twoMatrices are the tests of two matrices with faults of rows, one value far
// out twice, and a row of zeros in both.
func twoMatrices(change func(float64) float64) []Test {
	x, y := mapped(normals(4200, 1, 1, 0), change), mapped(normals(4200, 7, 1, 0), change)
	for i := range 60 {
		x[17*60+i] *= 1.7
		x[59*60+i], y[59*60+i], y[9*60+i] = 0, 0, 0
	}
	x[7*60+11], x[7*60+12] = 60, 60
	return TwoSample(y, x, F64, 70, 60)
}

// namedSets are the tests of the sets of namedValues.
func namedSets(t *testing.T) map[string][]Test {
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
	cut := truncated(0.5, 2, -1, 2.5)
	cutLaw := law(cut.Draw)
	coarse := func(v float64) float64 { return math.RoundToEven(v*64) / 64 }
	x, y := normals(3000, 21, 1, 0), normals(2000, 23, 1, 0)
	for i := range 1500 {
		y[i] += 0.2 * x[700+i]
	}
	q, negative, diagonals := Orthogonal(matrix(39, 60), 39, 60, 1, F64)
	return map[string][]Test{
		"normal":         one(normals(64, 1, 1.03, 0.01), unit, 8),
		"normal matrix":  one(normals(5000, 1, 1.03, 0.01), unit, 50),
		"uniform matrix": one(mapped(sequence(4096, 3), func(u float64) float64 { return 4*u - 1 }), law(dist.Uniform{Low: -1, High: 3}), 64),
		"cut matrix":     one(mapped(sequence(5000, 5), cutLaw.Quantile), cutLaw, 50),
		"two":            TwoSample(normals(100, 7, 1.05, 0), normals(64, 1, 1, 0), F64),
		"two large":      TwoSample(normals(7000, 7, 1.05, 0), normals(5000, 1, 1, 0), F64),
		"two coarse":     TwoSample(mapped(normals(6000, 7, 1.05, 0), coarse), mapped(normals(5000, 1, 1, 0), coarse), F64),
		"two matrix":     twoMatrices(func(v float64) float64 { return v }),
		"two heavy":      twoMatrices(func(v float64) float64 { return v * v * v }),
		"orthogonal":     append(q, SignBalance(negative, diagonals)),
		"correlation":    {Correlate(NewSpectrum(x, unit), NewSpectrum(y, unit))},
		"uniform":        {Uniform(mapped(sequence(1000, 31), func(u float64) float64 { return math.Pow(u, 1.05) }))},
	}
}

// TestEveryTestIsThatOfSciPy holds every statistic and every p-value against
// what SciPy and numpy make of the same values.
func TestEveryTestIsThatOfSciPy(t *testing.T) {
	sets := namedSets(t)
	stats, chances := map[string]*worst{}, map[string]*worst{}
	of := func(m map[string]*worst, name string) *worst {
		if m[name] == nil {
			m[name] = &worst{t: t}
		}
		return m[name]
	}
	seen := map[string]int{}
	for _, v := range namedValues {
		f := find(t, sets[v.set], v.test)
		seen[v.set]++
		if f.Fact {
			of(stats, v.test).near(v.stat, f.Effect, 1e-9, 0, "%s of %s", v.test, v.set)
			require.Equal(t, v.p == 0, f.Failed, v.test)
			continue
		}
		of(stats, v.test).near(v.stat, f.Stat, 1e-9, 1e-12, "%s of %s", v.test, v.set)
		of(chances, v.test).near(v.p, f.P, 1e-8, 1e-300, "p of %s of %s", v.test, v.set)
	}
	for set, tests := range sets { // none is left out
		facts := 0
		for _, f := range tests {
			if f.Fact && f.Name != "T11 orthogonality" {
				facts++
			}
		}
		require.Equal(t, len(tests)-facts, seen[set], set)
	}
	for _, name := range slices.Sorted(maps.Keys(stats)) {
		p := 0.0
		if chances[name] != nil {
			p = chances[name].most
		}
		t.Logf("%-28s largest relative difference: statistic %.1e, p %.1e", name, stats[name].most, p)
	}
}

func TestTheNumbersOfValuesAreThoseOfTheTable(t *testing.T) {
	require.Equal(t, 321740.0, ValuesForStd(1e-6, 0.01, 3))
	require.Equal(t, 417096.0, ValuesForStd(2e-9, 0.01, 3))
	require.Equal(t, 166839.0, ValuesForStd(2e-9, 0.01, 1.8))
	require.Equal(t, 637103.0, ValuesForMean(1e-6, 0.01))
	require.Equal(t, 33037.0, ValuesForMean(2e-9, 0.05))
}

func TestHolmStopsAtTheFirstThatHolds(t *testing.T) {
	adjusted, fails, strictest := Holm([]float64{0.5, 1e-9, math.NaN(), 2e-7, 4e-7}, 1e-6)
	require.Equal(t, []bool{false, true, false, true, true}, fails, "2e-7 against 1e-6/3, 4e-7 against 1e-6/2")
	require.Equal(t, 2.5e-7, strictest)
	require.InDelta(t, 4e-9, adjusted[1], 1e-20)
	require.InDelta(t, 6e-7, adjusted[3], 1e-18)
	require.InDelta(t, 8e-7, adjusted[4], 1e-18)
	require.Equal(t, 0.5, adjusted[0])
	require.True(t, math.IsNaN(adjusted[2]))

	_, fails, _ = Holm([]float64{4e-7, 4e-7, 4e-7, 1e-9}, 1e-6)
	require.Equal(t, []bool{false, false, false, true}, fails, "4e-7 is above 1e-6/3, so nothing after it fails")
}
