package battery

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
)

// The tests here hold the fast paths against slow ones, which are the formulas
// as they are written.

func TestTheTablesAreTheFunctions(t *testing.T) {
	upper, quantile := upperNodes(), quantileNodes()
	r := rand.New(rand.NewPCG(1, 2))
	near := func(want, got, floor float64, at float64) {
		t.Helper()
		require.LessOrEqual(t, math.Abs(got-want), max(1e-12*math.Abs(want), floor), "at %v: %v, %v", at, got, want)
	}
	for z := 0.0; z < 9; z += 1e-3 * r.Float64() {
		near(Upper(z), upper.upper(z), 0, z)
	}
	for z := range 9 * upperSteps { // where two cells meet
		for _, at := range []float64{(float64(z) + 0.5) / upperSteps, math.Nextafter((float64(z)+0.5)/upperSteps, 0)} {
			near(Upper(at), upper.upper(at), 0, at)
		}
	}
	for p := 0.5; p > 1e-12; p *= 1 - 1e-3*r.Float64() {
		near(normalQuantile(p), quantile.quantile(p), 1e-15, p)
	}
	for i := range quantileCells {
		p := math.Float64frombits(uint64(i+quantileFirst) << quantileShift)
		near(normalQuantile(p), quantile.quantile(p), 1e-15, p)
	}
	for _, p := range []float64{0, 1, 0.5, 0.75, 1e-300, math.NaN(), -1} {
		want := normalQuantile(p)
		require.True(t, quantile.quantile(p) == want || want != want, "%v", p)
	}
}

// lawsToTest are laws of every kind, with one-sided and narrow cuts.
func lawsToTest(t *testing.T) []Law {
	t.Helper()
	var out []Law
	for _, d := range []dist.Draw{
		dist.Normal{Std: 1}, dist.Normal{Mean: 3, Std: 0.02}, dist.Uniform{Low: -0.1, High: 0.3},
		truncated(0, 0.02, -2, 2).Draw, truncated(1, 2, -3, 0.5).Draw, truncated(0, 1, 0.5, 2).Draw, truncated(0, 1, -4, -1).Draw, truncated(0, 1, -0.01, 0.02).Draw,
	} {
		l, ok := LawOf(dist.Dist{Draw: d})
		require.True(t, ok)
		out = append(out, l)
	}
	return out
}

func drawOf[T Float](l Law, n int, seed uint64) []T {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]T, n)
	for i := range out {
		out[i] = T(l.Quantile(r.Float64() + 1e-17))
	}
	return out
}

func TestManyValuesHaveTheTailsOfOne(t *testing.T) {
	for _, l := range lawsToTest(t) {
		values := append(drawOf[float64](l, 200, 3), l.Mean()+9*l.Std(), l.Mean()-9*l.Std(), l.Mean()+40*l.Std(), l.Mean(), l.location)
		below, above, z := make([]float64, len(values)), make([]float64, len(values)), make([]float64, len(values))
		c := l.curve()
		fill(&c, below, above, values)
		standardise(&c, z, values)
		for i, v := range values {
			want := l.tailsOf(v)
			require.InDelta(t, want.below, below[i], 1e-12*want.below+1e-15, "%s at %v", l, v)
			require.InDelta(t, want.above, above[i], 1e-12*want.above+1e-15, "%s at %v", l, v)
			exact := l.normalised(v)
			require.InDelta(t, exact, z[i], 1e-11*max(1, math.Abs(exact)), "%s at %v", l, v)
		}
	}
}

func TestSortingIsSorting(t *testing.T) {
	sortingIsSorting[float32](t)
	sortingIsSorting[float64](t)
}

func sortingIsSorting[T Float](t *testing.T) {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	var largest T = math.MaxFloat32
	shapes := map[string]func(i int) T{
		"normal":             func(int) T { return T(r.NormFloat64()) },
		"uniform":            func(int) T { return T(r.Float64()) },
		"equal":              func(int) T { return 3 },
		"two values":         func(int) T { return T(r.IntN(2)) },
		"few values":         func(int) T { return T(r.IntN(50)) },
		"half of them zero":  func(int) T { return T(max(0, r.NormFloat64())) },
		"sorted":             func(i int) T { return T(i) },
		"falling":            func(i int) T { return T(-i) },
		"one far out":        func(i int) T { return T(r.NormFloat64() * math.Pow(10, float64(30*(i%7777/7776)))) },
		"all sizes":          func(int) T { return T(math.Exp(60 * r.NormFloat64())) },
		"the whole range":    func(int) T { return largest * T(2*r.Float64()-1) },
		"tiny":               func(int) T { return T(r.NormFloat64() * 1e-43) },
		"a narrow peak":      func(i int) T { return T(r.NormFloat64()) * T([]float64{1, 1e-9}[i%2]) },
		"far from 0, narrow": func(int) T { return 1e6 + T(r.NormFloat64()) },
		"one at the end":     func(i int) T { return T(i / 149_999) },
	}
	for name, f := range shapes {
		for _, n := range []int{0, 1, 2, 23, 127, 128, 1000, 65536, 65537, 150_000} {
			values := make([]T, n)
			for i := range values {
				values[i] = f(i)
				if values[i]-values[i] != 0 {
					values[i] = largest
				}
			}
			want := contents(values)
			sortFloats(values)
			require.True(t, slices.IsSorted(values), "%s, %d values", name, n)
			require.Equal(t, want, contents(values), "%s, %d values", name, n)
		}
	}
}

// contents is a number that depends on the values, not on their order.
func contents[T Float](values []T) uint64 {
	sum := uint64(0)
	for _, v := range values {
		sum += mix(math.Float64bits(float64(v)))
	}
	return sum
}

func TestSixteenthsAreThoseOfTheLaw(t *testing.T) {
	for _, l := range lawsToTest(t) {
		s, d := sixteenthsOf[float32](l), sixteenthsOf[float64](l)
		for _, v := range append(drawOf[float32](l, 4000, 4), float32(l.Mean()-20*l.Std()), float32(l.Mean()+20*l.Std()), 0, math.MaxFloat32, -math.MaxFloat32) {
			require.Equal(t, uint64(sixteenth(l, v)), s.of(v), "%s at %v", l, v)
			require.Equal(t, uint64(sixteenth(l, float64(v))), d.of(float64(v)), "%s at %v", l, v)
		}
		for j, v := range s.from { // on both sides of every boundary
			before := math.Nextafter32(v, float32(math.Inf(-1)))
			require.Equal(t, uint64(j+1), s.of(v), "%s", l)
			require.Equal(t, uint64(sixteenth(l, before)), s.of(before), "%s", l)
			require.Less(t, sixteenth(l, before), j+1)
		}
	}
	// Of so few different numbers several sixteenths begin at one.
	narrow, ok := LawOf(dist.Dist{Draw: dist.Normal{Mean: 1, Std: 1e-7}})
	require.True(t, ok)
	s := sixteenthsOf[float32](narrow)
	for v := float32(0.999999); v < 1.000001; v = math.Nextafter32(v, 2) {
		require.Equal(t, uint64(sixteenth(narrow, v)), s.of(v))
	}
}

// slowOneSample are the statistics of T3 to T6 and T9 by the formulas.
func slowOneSample[T Float](s Sample[T]) map[string]float64 {
	n, l := len(s.Values), s.Law
	size := float64(n)
	mean, zero := 0.0, 0.0
	for _, v := range s.Values {
		mean += float64(v) / size
	}
	for _, v := range s.Values {
		zero += (float64(v) - mean) * (float64(v) - mean)
	}
	serial := 0.0
	for k := 1; k <= lags; k++ {
		r := 0.0
		for i := k; i < n; i++ {
			r += (float64(s.Values[i]) - mean) * (float64(s.Values[i-k]) - mean)
		}
		serial += r / zero * r / zero / float64(n-k)
	}
	out := map[string]float64{"T9 serial correlation": serial * size * (size + 2)}
	runs, squares := 1.0, make([]chance, 0, s.Rows)
	for i := 1; i < n; i++ {
		if (float64(s.Values[i]) > l.Mean()) != (float64(s.Values[i-1]) > l.Mean()) {
			runs++
		}
	}
	for i := range s.Rows {
		sum := 0.0
		for _, v := range s.Values[i*s.Cols : (i+1)*s.Cols] {
			sum += l.normalised(float64(v)) * l.normalised(float64(v))
		}
		squares = append(squares, chance{ChiSquareLower(sum, s.Cols), ChiSquareUpper(sum, s.Cols), i})
	}
	out["T9 row squares"] = chanceTests("", "", n, squares)[0].Stat
	sorted := slices.Sorted(slices.Values(s.Values))
	k := binsFor(n)
	var smooth [4]float64
	var anderson accurate
	distance, counts := 0.0, make([]float64, k)
	for i, v := range sorted {
		at := l.tailsOf(float64(v))
		below, above := l.LogTails(float64(v))
		anderson.add((2*float64(i) + 1) * below)
		anderson.add((2*(size-float64(i)) - 1) * above)
		distance = max(distance, float64(i+1)/size-at.below, at.below-float64(i)/size)
		for j, p := range legendre(at.below) {
			smooth[j] += p
		}
		counts[min(k-1, int(at.below*float64(k)))]++
	}
	for j := 1; j < 4; j++ {
		out[fmt.Sprintf("T3 S%d", j+1)] = smooth[j] / math.Sqrt(size)
	}
	for _, c := range counts {
		out["T6 chi-square"] += (c - size/float64(k)) * (c - size/float64(k)) / (size / float64(k))
	}
	out["T4 Anderson-Darling"], out["T5 Kolmogorov"] = -size-anderson.total()/size, distance
	n1 := 0.0
	for _, v := range s.Values {
		if float64(v) > l.Mean() {
			n1++
		}
	}
	expected := 2*n1*(size-n1)/size + 1
	out["T9 runs"] = (runs - expected) / math.Sqrt((expected-1)*(expected-2)/(size-1))
	return out
}

// The p-values of the fast paths are those of the formulas to nine digits.
func TestPValuesAreThoseOfTheFormulas(t *testing.T) {
	for i, l := range lawsToTest(t) {
		for _, n := range []int{4096, 70_000} {
			if n > 4096 && i > 4 {
				continue // the formulas are slow
			}
			pValuesOfFormulas(t, Sample[float32]{Values: drawOf[float32](l, n, uint64(i)), Law: l, Rows: n / 50, Cols: 50})
			wrong := drawOf[float64](l, n, uint64(i))
			for j := range wrong {
				wrong[j] = l.Mean() + 1.01*(wrong[j]-l.Mean())
			}
			wrong[n/2] = l.Mean() + 8*l.Std()
			pValuesOfFormulas(t, Sample[float64]{Values: wrong, Law: l, Type: F64, Rows: n / 50, Cols: 50})
		}
	}
}

func pValuesOfFormulas[T Float](t *testing.T, s Sample[T]) {
	t.Helper()
	want := slowOneSample(s)
	if s.Rows*s.Cols != len(s.Values) {
		delete(want, "T9 row squares")
	}
	found := map[string]Test{}
	n := len(s.Values)
	for _, f := range OneSample(s) {
		found[f.Name] = f
	}
	for name, stat := range want {
		f, ok := found[name]
		require.True(t, ok, name)
		p := map[string]float64{
			"T9 serial correlation": ChiSquareUpper(stat, lags), "T4 Anderson-Darling": AndersonDarling(stat), "T9 row squares": AndersonDarling(stat),
			"T5 Kolmogorov": Kolmogorov(stat, float64(n)), "T6 chi-square": ChiSquareUpper(stat, binsFor(n)-1),
		}[name]
		if name == "T9 runs" || name[:4] == "T3 S" {
			p = TwoSided(stat)
		}
		require.InDelta(t, p, f.P, 1e-9*p, "%s of %d values of %s: statistic %v, %v", name, n, s.Law, stat, f.Stat)
	}
}

// Between is the part of TwoSample that it says, and both are the formulas:
// also of lists with equal values, of other sizes, and apart.
func TestRanksAreThoseOfTheFormulas(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, c := range []struct {
		n, m   int
		values int64
		shift  float64
	}{{16, 16, 1000, 0}, {4096, 4096, 1 << 40, 0}, {5000, 300, 100, 0}, {300, 9000, 20, 1}, {100, 200, 3, 0}, {5000, 5000, 1 << 30, 2000}, {5000, 5000, 1 << 30, -2000}} {
		list := func(n int, shift float64) []float64 {
			out := make([]float64, n)
			for i := range out {
				out[i] = float64(r.Int64N(c.values))/float64(c.values) + shift
			}
			slices.Sort(out)
			return out
		}
		x, y := list(c.n, c.shift), list(c.m, 0)
		distance, atEnds, inSteps := slowRanks(x, y)
		for _, of := range []struct {
			tests    []Test
			anderson float64
		}{{Between(slices.Clone(y), slices.Clone(x)), atEnds}, {TwoSample(y, x, F64), inSteps}} {
			require.InEpsilon(t, of.anderson, find(t, of.tests, "T4' Anderson-Darling").Stat, 1e-11, "%+v", c)
			require.InEpsilon(t, distance, find(t, of.tests, "T5' Kolmogorov").Stat, 1e-11, "%+v", c)
		}
	}
}

// slowRanks has the statistic of Anderson and Darling in both ways to take equal
// values: all at the end of their group, or in equal steps.
func slowRanks(x, y []float64) (distance, atEnds, inSteps float64) {
	before := 0.0
	n, m := float64(len(x)), float64(len(y))
	all := slices.Concat(x, y)
	slices.Sort(all)
	for start, end := 0, 0; start < len(all); start = end {
		for end = start; end < len(all) && all[end] == all[start]; end++ {
		}
		a, b := float64(notAbove(x, all[start])), float64(notAbove(y, all[start]))
		distance = max(distance, math.Abs(a/n-b/m))
		if end < len(all) {
			i, w := float64(end), n+m
			atEnds += float64(end-start) * (a*w - n*i) / i * (a*w - n*i) / (w - i) / (n * m)
		}
		after := a*(n+m) - n*float64(end)
		for at := start + 1; at <= end && at < len(all); at++ {
			share, i := float64(at-start)/float64(end-start), float64(at)
			d := (1-share)*before + share*after
			inSteps += d / i * d / (n + m - i) / (n * m)
		}
		before = after
	}
	return distance, atEnds, inSteps
}

func TestTheFirstValueThatIsNotFiniteIsFound(t *testing.T) {
	for _, n := range []int{1, 2, 5, 4096, 4099, 10_000} {
		values := make([]float32, n)
		for i := range values {
			values[i] = math.MaxFloat32
		}
		require.Equal(t, -1, Finite(values))
		for _, at := range []int{n - 1, n / 2, 0} {
			for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				values[at] = float32(v)
				require.Equal(t, at, Finite(values))
			}
		}
	}
}
