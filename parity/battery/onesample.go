package battery

import (
	"fmt"
	"math"
	"slices"
)

// Sample is a list of values and what is known of it.
type Sample[T Float] struct {
	// Values are in C order. The tests sort them (and [Jitter] narrow ones):
	// the caller gives the slice away.
	Values []T
	Law    Law
	Type   Type
	// Rows and Cols are the sizes of a matrix whose values these are, in
	// order; 0 otherwise.
	Rows, Cols int
	// Pooled tells that the values are those of several tensors, so that
	// their order and their bounds mean nothing.
	Pooled bool
}

// OneSample runs every test of the sample against its law whose number of
// values is large enough, in a fixed order: facts first, and nothing else if a
// value is not finite or the law is a constant.
func OneSample[T Float](s Sample[T]) []Test {
	n := len(s.Values)
	if i := Finite(s.Values); i >= 0 {
		t := fact("T0 finite", n, true, fmt.Sprintf("value %v at index %d", s.Values[i], i))
		t.Index = int64(i)
		return []Test{t}
	}
	if v, ok := s.Law.Constant(); ok {
		return []Test{constantTest(s.Values, v, s.Type)}
	}
	tests := []Test{fact("T0 finite", n, false, "all values are finite")}
	if n == 0 {
		return tests
	}
	if s.Law.bounded() && !s.Pooled {
		tests = append(tests, boundsTest(s))
	}
	drawn := s
	drawn.Law = drawnAs(s.Values, s.Law, s.Type)
	if n >= 16 {
		tests = append(tests, momentTests(drawn)...)
	}
	jitter(s.Values, drawn.Law, s.Law, s.Type)
	if n >= 16 && n < 4096 {
		stdOfFew(s, tests)
	}
	var order []Test
	if !s.Pooled {
		order = orderTests(s)
	}
	sortFloats(s.Values)
	tests = append(tests, shapeTests(s)...)
	tests = append(tests, edgeTest(s))
	if s.Law.kind == normal {
		tests = append(tests, tailTests(s)...)
	}
	return append(tests, order...)
}

// constantTest is the fact that every value is v, rounded to the type.
// -0 equals 0.
func constantTest[T Float](values []T, v float64, t Type) Test {
	want := t.round(v)
	for i, got := range values {
		if float64(got) != want {
			f := fact("T0 constant", len(values), true, fmt.Sprintf("%v at index %d, declared %v", got, i, want))
			f.Index = int64(i)
			return f
		}
	}
	return fact("T0 constant", len(values), false, fmt.Sprintf("every value is %v", want))
}

// round returns v rounded to the type, ties to even. A value beyond the range
// of float32 is not expected here: no plan holds one.
func (t Type) round(v float64) float64 {
	if t == F64 {
		return v
	}
	single := float64(float32(v))
	if t == F32 || v == 0 {
		return single
	}
	unit := t.ULP(single)
	return math.RoundToEven(single/unit) * unit
}

// boundsTest is the fact that no value lies outside the law's bounds, but for
// rounding.
func boundsTest[T Float](s Sample[T]) Test {
	low, high := s.Law.Bounds()
	slack := 1e-6 * s.Law.Std()
	least, most := low-max(slack, s.Type.ULP(low)), high+max(slack, s.Type.ULP(high))
	for i, v := range s.Values {
		if x := float64(v); x < least || x > most {
			t := fact("T7 bounds", len(s.Values), true, fmt.Sprintf("%s at index %d, declared [%s, %s]", number(x), i, number(low), number(high)))
			t.Index = int64(i)
			return t
		}
	}
	return fact("T7 bounds", len(s.Values), false, fmt.Sprintf("all in [%s, %s]", number(low), number(high)))
}

// rawMoments is the number of values from which raw skewness and kurtosis are
// safe to fail a run; below, their p-values are far from uniform.
const rawMoments = 1 << 18

// momentTests are T1, T2, and the raw part of T3.
func momentTests[T Float](s Sample[T]) []Test {
	l, n := s.Law, len(s.Values)
	root := math.Sqrt(float64(n))
	m := momentsOf(s.Values, l.Mean())
	shift := (m.mean - l.Mean()) / l.Std()
	mean := newTest("T1 mean", n, shift*root, TwoSided(shift*root), true)
	mean.Effect, mean.EffectText = shift, fmt.Sprintf("%+.4f std (%s, declared %s)", shift, number(m.mean), number(l.Mean()))
	mean.SE, mean.Margin = 1/root, MeanMargin
	mean.Equivalence = EquivalentMean(shift, mean.SE, MeanMargin)

	se := math.Sqrt((l.Kurtosis() - 1) / (4 * float64(n)))
	ratio := math.Log(m.std / l.Std())
	std := newTest("T2 std", n, ratio/se, TwoSided(ratio/se), true)
	std.Effect, std.SE, std.Log, std.Margin = math.Expm1(ratio), se, true, StdMargin
	std.Found, std.Wanted = m.std, l.Std()
	std.EffectText = fmt.Sprintf("%+.3g%% (%s, declared %s)", 100*std.Effect, number(m.std), number(l.Std()))
	std.Equivalence = EquivalentStd(ratio, se, StdMargin)
	tests := []Test{mean, std}
	if n >= 64 {
		symmetric := math.Abs(l.Moment(3)) < 1e-9 // else the errors are larger
		skewSE, kurtosisSE := rawErrors(l.Moment(4), l.Moment(6), l.Moment(8))
		tests = append(tests,
			rawTest("T3 skewness", n, m.skew-l.Moment(3), skewSE/root, n >= rawMoments && symmetric, m.skew),
			rawTest("T3 kurtosis", n, m.kurtosis-l.Moment(4), kurtosisSE/root, n >= rawMoments && symmetric, m.kurtosis))
	}
	return tests
}

// stdOfFew gives T2 the chance that is right for few values: that of the sum of
// their squares, each as a standard normal value. The values have been through
// [Jitter]: one that was rounded onto a bound of its law, or beyond, would count
// as far out.
func stdOfFew[T Float](s Sample[T], tests []Test) {
	i := slices.IndexFunc(tests, func(t Test) bool { return t.Name == "T2 std" })
	sum := 0.0
	for _, v := range s.Values {
		z := s.Law.normalised(float64(v))
		sum += float64(z * z)
	}
	tests[i].Stat, tests[i].P = sum, ChiSquareTwoSided(sum, len(s.Values))
}

func rawTest(name string, n int, difference, se float64, gate bool, found float64) Test {
	t := newTest(name, n, difference/se, TwoSided(difference/se), gate)
	t.Effect, t.EffectText, t.SE = difference, fmt.Sprintf("%+.4f (%.4f)", difference, found), se
	return t
}

// rawErrors returns the standard errors of skewness and kurtosis for one value
// of a symmetric law; n values have a root n-th of them.
func rawErrors(k4, k6, k8 float64) (skewness, kurtosis float64) {
	return math.Sqrt(max(0, k6-6*k4+9)), math.Sqrt(max(0, k8-4*k4*k6+4*k4*k4*k4-k4*k4))
}

// legendre returns the normalised Legendre polynomials of degree 1 to 4 at
// t = 2u - 1: of mean 0, variance 1 and uncorrelated for a uniform u.
func legendre(u float64) [4]float64 {
	t := 2*u - 1
	q := float64(t * t)
	return [4]float64{
		math.Sqrt(3) * t,
		math.Sqrt(5) * (float64(3*q) - 1) / 2,
		math.Sqrt(7) * t * (float64(5*q) - 3) / 2,
		3 * (float64(float64(35*q)-30)*q + 3) / 8,
	}
}

// binsFor returns the number of equally likely bins for n values; 0 for none.
func binsFor(n int) int {
	switch {
	case n >= 1<<16:
		return 1024
	case n >= 1<<12:
		return 128
	}
	return 0
}

// tamest is the number of values from which the lattice of torch's normals
// shows at the extremes: they cannot pass 5.768 standard deviations.
const tamest = 1 << 28

// edgeTest is T7 on sorted values: how likely extremes as far out, or as far
// in, as those seen are.
func edgeTest[T Float](s Sample[T]) Test {
	l, n := s.Law, len(s.Values)
	least, most := float64(s.Values[0]), float64(s.Values[n-1])
	step := 0.0
	if l.kind == uniform && s.Type != F64 {
		step = l.scale / (1 << 24) // torch's uniforms are multiples of it
	}
	belowMost, _ := l.LogTails(most + step)
	_, aboveLeast := l.LogTails(least)
	tameMost, tameLeast := math.Exp(float64(n)*belowMost), math.Exp(float64(n)*aboveLeast)
	wildMost, wildLeast := -math.Expm1(float64(n)*belowMost), -math.Expm1(float64(n)*aboveLeast)
	p := 4 * min(tameMost, tameLeast, wildMost, wildLeast)
	switch {
	case l.bounded():
		p = 2 * min(tameMost, tameLeast)
	case n > tamest:
		p = 2 * min(wildMost, wildLeast)
	}
	t := newTest("T7 edges", n, max(-l.edgeAt(least), l.edgeAt(most)), clamp(p), true)
	t.EffectText = fmt.Sprintf("smallest %s, largest %s", number(least), number(most))
	return t
}

// edgeAt returns x in standard deviations from the mean.
func (l Law) edgeAt(x float64) float64 { return (x - l.Mean()) / l.Std() }

// tailTests are T8: how many values lie beyond 3, 4 and 5 standard deviations.
// The values are sorted.
func tailTests[T Float](s Sample[T]) []Test {
	n := len(s.Values)
	var tests []Test
	for c := 3.0; c <= 5; c++ {
		low, high := s.Law.location-c*s.Law.scale, s.Law.location+c*s.Law.scale
		beyond := int64(below(s.Values, low) + n - notAbove(s.Values, high))
		chance := 2 * Upper(c)
		t := newTest(fmt.Sprintf("T8 beyond %g std", c), n, float64(beyond), BinomialTwoSided(beyond, int64(n), chance), true)
		t.Discrete = true
		t.EffectText = fmt.Sprintf("%d values, expected %.4g", beyond, float64(n)*chance)
		tests = append(tests, t)
	}
	return tests
}

// notAbove returns how many of the sorted values are at most x.
func notAbove[T Float](sorted []T, x float64) int {
	i, _ := slices.BinarySearchFunc(sorted, x, func(v T, x float64) int {
		if float64(v) <= x {
			return -1
		}
		return 1
	})
	return i
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// number is how a value is shown to people.
func number(v float64) string { return fmt.Sprintf("%.6g", v) }
