package battery

import (
	"fmt"
	"math"
	"slices"
)

// TwoSample runs every test of two lists of values against each other whose
// numbers of values are large enough, in a fixed order. It sorts both lists.
// A reference of equal values is a constant, which the candidate must equal.
//
// shape are the sizes of the tensor whose values both lists are, in C order;
// without it nothing is made of the order. Of two equal numbers below 16 no test
// of chance runs: however the values lie, its p-value is 1e-4 at least.
func TwoSample[T Float](reference, candidate []T, t Type, shape ...int64) []Test {
	if tests, done := twoFacts(reference, candidate, t); done {
		return tests
	}
	tests := []Test{fact("T0 finite", len(candidate), false, "all values are finite")}
	foldAlike(reference, candidate, t)
	n, m := len(candidate), len(reference)
	var x, y sampleMoments
	if min(n, m) >= 16 {
		near := float64(reference[0])
		x, y = momentsOf(candidate, near), momentsOf(reference, near)
		tests = append(tests, twoMoments(x, y, n, m)...)
	}
	var order []Test
	if n == m && len(shape) > 0 {
		order = twoOrders(candidate, reference, shape)
	}
	sortFloats(reference)
	sortFloats(candidate)
	if min(n, m) >= 16 {
		tests = append(tests, twoShapes(candidate, reference, x, y)...)
	}
	if n != m || n >= 16 {
		tests = append(tests, twoTails(candidate, reference)...)
	}
	return append(tests, order...)
}

// Between runs T4' and T5' only: two lists that were both held against one
// law. Both must be sorted. Few of the values may be equal, as is so of values of
// a law: see [andersonBetween].
func Between[T Float](reference, candidate []T) []Test {
	if min(len(reference), len(candidate)) < 16 {
		return nil
	}
	n, m := float64(len(candidate)), float64(len(reference))
	total := len(candidate) + len(reference)
	distance, anderson := mergeRanks(candidate, reference)
	return []Test{newTest("T4' Anderson-Darling", total, anderson, AndersonDarling(anderson), true),
		distanceTest(total, distance, n, m)}
}

// latticed is the number of values of each list up to which the distance of
// T5' takes few values, being a multiple of 1/n if both have n.
const latticed = 4096

// distanceTest is T5'.
func distanceTest(total int, distance, n, m float64) Test {
	t := newTest("T5' Kolmogorov", total, distance, Kolmogorov(distance, n*m/(n+m)), true)
	t.Discrete = min(n, m) < latticed
	return t
}

// twoFacts are the tests after which no other makes sense.
func twoFacts[T Float](reference, candidate []T, t Type) ([]Test, bool) {
	for _, side := range []struct {
		what   string
		values []T
	}{{"candidate", candidate}, {"reference", reference}} {
		if i := Finite(side.values); i >= 0 {
			f := fact("T0 finite", len(side.values), true, fmt.Sprintf("the %s has %v at index %d", side.what, side.values[i], i))
			f.Index = int64(i)
			return []Test{f}, true
		}
	}
	if len(reference) == 0 || len(candidate) == 0 {
		return []Test{fact("T0 finite", len(candidate), false, "there are no values")}, true
	}
	first := reference[0]
	if !slices.ContainsFunc(reference, func(v T) bool { return v != first }) {
		return []Test{constantTest(candidate, float64(first), t)}, true
	}
	return nil, false
}

// twoMoments are T1', T2' and the raw part of T3'.
func twoMoments(x, y sampleMoments, n, m int) []Test {
	a, b := float64(n), float64(m)
	total, smaller := n+m, min(n, m)
	se := math.Sqrt(float64(x.std*x.std)/a + float64(y.std*y.std)/b)
	shift := x.mean - y.mean
	mean := newTest("T1' mean", total, shift/se, TwoSided(shift/se), smaller >= 1024)
	mean.Effect, mean.SE, mean.Margin = shift/y.std, se/y.std, MeanMargin
	mean.EffectText = fmt.Sprintf("%+.4f std (%s, reference %s)", mean.Effect, number(x.mean), number(y.mean))
	mean.Equivalence = EquivalentMean(mean.Effect, mean.SE, MeanMargin)

	se = math.Sqrt((x.kurtosis-1)/(4*a) + (y.kurtosis-1)/(4*b))
	ratio := math.Log(x.std / y.std)
	z := squaresZ(x, y, a, b)
	std := newTest("T2' std", total, z, TwoSided(z), smaller >= 4096)
	std.Effect, std.SE, std.Log, std.Margin = math.Expm1(ratio), se, true, StdMargin
	std.Found, std.Wanted = x.std, y.std
	std.EffectText = fmt.Sprintf("%+.3g%% (%s, reference %s)", 100*std.Effect, number(x.std), number(y.std))
	std.Equivalence = EquivalentStd(ratio, se, StdMargin)
	return []Test{mean, std}
}

// squaresZ is the difference of the variances of n and m values by its standard
// error, which comes from the squares of both lists as one: the form of a
// permutation test. A few values that make up most of the squares make up as
// much of the error, so heavy tails give no chance that is too small; a standard
// error from each list's own kurtosis does not grow with them.
func squaresZ(x, y sampleMoments, n, m float64) float64 {
	a, b := float64(x.std*x.std), float64(y.std*y.std)
	fourth := float64(n*fourthOf(x)) + float64(m*fourthOf(y))
	mean := (float64(n*a) + float64(m*b)) / (n + m)
	variance := fourth/(n+m) - float64(mean*mean)
	if !(variance > 1e-12*mean*mean) {
		return 0 // all values of both are as far from their mean
	}
	return (a - b) / math.Sqrt(variance*(1/n+1/m))
}

// fourthOf is the fourth central moment, which is 0 where the kurtosis is no number.
func fourthOf(s sampleMoments) float64 {
	if s.std == 0 {
		return 0
	}
	v := float64(s.std * s.std)
	return float64(s.kurtosis * v * v)
}

// pooled are what one pass over two sorted lists finds.
type pooled struct {
	distance float64
	anderson accurate
	// Sums of the smooth components over x and over y, and of their squares
	// over both.
	x, y, squares [4]float64
	inX, inY      []float64 // counts by bin
}

// merge walks through both sorted lists, a group of equal values at a time:
// all of them have the rank of the middle of the group.
func merge[T Float](x, y []T, bins int) pooled {
	r := pooled{inX: make([]float64, bins), inY: make([]float64, bins)}
	n, m := float64(len(x)), float64(len(y))
	w := n + m
	before := 0.0 // the difference where the group begins
	for i, j := 0, 0; i < len(x) || j < len(y); {
		i0, j0 := i, j
		v := nextOf(x, y, i, j)
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		a, b := float64(i-i0), float64(j-j0)
		start, end := float64(i0+j0), float64(i+j)
		// The difference of the distribution functions, times n m: a whole
		// number.
		d := float64(int64(i)*int64(len(y)) - int64(j)*int64(len(x)))
		r.distance = max(r.distance, math.Abs(d))
		r.anderson.add(andersonBetween(before, d, start, end, w))
		before = d
		for k, p := range legendre((start + end) / 2 / w) {
			r.x[k] += float64(a * p)
			r.y[k] += float64(b * p)
			r.squares[k] += float64((a + b) * float64(p*p))
		}
		if bins > 0 {
			k := min(bins-1, int((start+end)/2/w*float64(bins)))
			r.inX[k] += a
			r.inY[k] += b
		}
	}
	r.distance /= n * m
	return r
}

// andersonBetween is what a group of equal values adds to the statistic of Anderson
// and Darling: the difference of the distribution functions goes from before to
// after in equal steps, as it would on average if the values were in a random order.
// The statistic then has lighter tails than that of different values. (All the
// weight at the group's end, as is often seen, gives it the tails of one square if
// most values are equal: p-values a thousand times too small.)
func andersonBetween(before, after, start, end, w float64) float64 {
	step, sum := (after-before)/(end-start), 0.0
	for k := 1.0; k <= end-start && start+k < w; k++ {
		d, position := before+float64(step*k), start+k
		sum += float64(d*d) / float64(position*(w-position))
	}
	return sum
}

// nextOf returns the smaller of the next values of two lists that are not both
// used up.
func nextOf[T Float](x, y []T, i, j int) T {
	switch {
	case i == len(x):
		return y[j]
	case j == len(y):
		return x[i]
	}
	return min(x[i], y[j])
}

// twoShapes are T3' to T6' and the raw part of T3', on sorted lists of 16
// values or more.
func twoShapes[T Float](x, y []T, mx, my sampleMoments) []Test {
	n, m := float64(len(x)), float64(len(y))
	w, total := n+m, len(x)+len(y)
	bins := binsFor(min(len(x), len(y)))
	r := merge(x, y, bins)
	anderson := r.anderson.total() / (n * m)
	var tests []Test
	for j := range 4 {
		average := (r.x[j] + r.y[j]) / w
		variance := (r.squares[j] - w*float64(average*average)) / (w - 1)
		z, p := 0.0, 1.0
		if variance > 1e-12 {
			z = (r.x[j]/n - r.y[j]/m) / math.Sqrt(variance*(1/n+1/m))
			p = TwoSided(z)
		}
		tests = append(tests, newTest(fmt.Sprintf("T3' S%d", j+1), total, z, p, true))
	}
	tests = append(tests, twoRaw(x, y, mx, my)...)
	tests = append(tests, newTest("T4' Anderson-Darling", total, anderson, AndersonDarling(anderson), true),
		distanceTest(total, r.distance, n, m))
	if bins > 0 {
		stat, used := 0.0, 0
		up, down := math.Sqrt(m/n), math.Sqrt(n/m)
		for k := range r.inX {
			if c := r.inX[k] + r.inY[k]; c > 0 {
				used++
				d := float64(up*r.inX[k]) - float64(down*r.inY[k])
				stat += float64(d*d) / c
			}
		}
		if used > 1 {
			tests = append(tests, newTest("T6' chi-square", total, stat, ChiSquareUpper(stat, used-1), true))
		}
	}
	return tests
}

// twoRaw compare raw skewness and kurtosis, with errors from the moments of
// both lists together, each around its own mean.
func twoRaw[T Float](x, y []T, mx, my sampleMoments) []Test {
	if min(len(x), len(y)) < 64 {
		return nil
	}
	var m [4]float64 // orders 2, 4, 6, 8
	add := func(values []T, mean float64) {
		for start := 0; start < len(values); start += momentsChunk {
			var a, b, c, d float64
			for _, v := range values[start:min(len(values), start+momentsChunk)] {
				x := float64(v) - mean
				q := float64(x * x)
				f := float64(q * q)
				a += q
				b += f
				c += float64(f * q)
				d += float64(f * f)
			}
			m[0] += a
			m[1] += b
			m[2] += c
			m[3] += d
		}
	}
	add(x, mx.mean)
	add(y, my.mean)
	n, total := float64(len(x)+len(y)), len(x)+len(y)
	variance := m[0] / n
	k4, k6, k8 := m[1]/n/math.Pow(variance, 2), m[2]/n/math.Pow(variance, 3), m[3]/n/math.Pow(variance, 4)
	skewSE, kurtosisSE := rawErrors(k4, k6, k8)
	root := math.Sqrt(1/float64(len(x)) + 1/float64(len(y)))
	gate := min(len(x), len(y)) >= rawMoments
	raw := func(name string, a, b, se float64) Test {
		if !(se > 0) || math.IsNaN(a) || math.IsNaN(b) {
			t := newTest(name, total, 0, 1, false) // two or fewer different values
			t.EffectText = "not defined"
			return t
		}
		t := newTest(name, total, (a-b)/se, TwoSided((a-b)/se), gate)
		t.Effect, t.EffectText, t.SE = a-b, fmt.Sprintf("%+.4f (%.4f, reference %.4f)", a-b, a, b), se
		return t
	}
	return []Test{raw("T3' skewness", mx.skew, my.skew, skewSE*root), raw("T3' kurtosis", mx.kurtosis, my.kurtosis, kurtosisSE*root)}
}

// twoTails are T7' and T8', on sorted lists.
func twoTails[T Float](x, y []T) []Test {
	n, m := float64(len(x)), float64(len(y))
	w, total := n+m, len(x)+len(y)
	best, text := 1.0, "neither passes the other's extremes by much"
	for _, side := range []struct {
		beyond int
		share  float64
		text   string
	}{
		{len(x) - notAbove(x, float64(y[len(y)-1])), n / w, "of the candidate above the reference's largest"},
		{below(x, float64(y[0])), n / w, "of the candidate below the reference's smallest"},
		{len(y) - notAbove(y, float64(x[len(x)-1])), m / w, "of the reference above the candidate's largest"},
		{below(y, float64(x[0])), m / w, "of the reference below the candidate's smallest"},
	} {
		if p := math.Pow(side.share, float64(side.beyond)); p < best {
			best, text = p, fmt.Sprintf("%d values %s", side.beyond, side.text)
		}
	}
	edges := newTest("T7' edges", total, best, min(1, 4*best), true)
	edges.EffectText, edges.Discrete = text, true
	tests := []Test{edges}

	middle := coreOf(x, y)
	if min(len(x), len(y)) >= 64 {
		tests = append(tests, outlierTest(x, y, middle))
	}
	compare := func(name string, count func(v []T) int) {
		inX, inY := int64(count(x)), int64(count(y))
		t := newTest(name, total, float64(inX), BinomialTwoSided(inX, inX+inY, n/w), true)
		t.EffectText, t.Discrete = fmt.Sprintf("%d values, reference %d", inX, inY), true
		tests = append(tests, t)
	}
	for c := 3.0; c <= 5; c++ {
		compare(fmt.Sprintf("T8' beyond %g std", c), func(v []T) int {
			return below(v, middle.mean-c*middle.std) + len(v) - notAbove(v, middle.mean+c*middle.std)
		})
	}
	compare("T8' zeros", func(v []T) int { return notAbove(v, 0) - below(v, 0) })
	return tests
}

// below returns how many of the sorted values are below x.
func below[T Float](sorted []T, x float64) int {
	i, _ := slices.BinarySearchFunc(sorted, x, func(v T, x float64) int { return compare(float64(v), x) })
	return i
}
