// Package battery holds the statistical tests of parity: it says whether
// numbers look as if they were drawn from a declared law, or two lists of
// numbers as if from one law, and with which p-value.
//
// It is arithmetic on slices: it reads no files, knows no tensors' names, and
// judges no run. Package parity reads the values, runs Holm's rule ([Holm])
// over everything that ran, and makes the findings.
//
// All arithmetic is in float64. The same values give the same results on every
// run: where a test needs randomness ([Jitter]), its seed is fixed.
package battery

import "math"

// Float is a type of values; narrower types are widened to float32, which
// holds all of theirs.
type Float interface{ float32 | float64 }

// Type is what the values were stored as. It decides how far a value may lie
// beyond a bound, and whether the values are so coarse that they need
// [Jitter].
type Type int

// The types.
const (
	F32 Type = iota
	F64
	BF16
	F16
)

// format returns the significant bits and the exponent of the smallest normal
// number.
func (t Type) format() (digits, smallest int) {
	switch t {
	case F64:
		return 53, -1022
	case BF16:
		return 8, -126
	case F16:
		return 11, -14
	default:
		return 24, -126
	}
}

// Narrow reports whether the values need [Jitter].
func (t Type) Narrow() bool { return t == BF16 || t == F16 }

// ULP returns the distance from x to the next value away from zero.
func (t Type) ULP(x float64) float64 {
	digits, smallest := t.format()
	exponent := smallest
	if x != 0 && !math.IsInf(x, 0) && !math.IsNaN(x) {
		exponent = max(math.Ilogb(x), smallest)
	}
	return math.Ldexp(1, exponent-digits+1)
}

// Test is the result of one test.
type Test struct {
	// Name is the test's number and what it looks at, such as "T2 std".
	Name string
	// Stat is the statistic, P its p-value; both NaN for an exact fact.
	Stat, P float64
	// Gate tells that P counts in the run's verdict; others are for reading.
	Gate bool
	// Discrete tells that P takes few values, so that it is not uniform.
	Discrete bool
	// Fact tells that the test has no p-value, Failed that the fact is not
	// as it should be.
	Fact, Failed bool
	// Effect is the size of what was found, in the unit of Margin: in
	// declared standard deviations for a mean, relative for a standard
	// deviation, for others the statistic. EffectText is for people.
	Effect     float64
	EffectText string
	// Margin is the margin of equivalence, Equivalence the p-value of the two
	// one-sided tests against it; NaN for tests without.
	Margin, Equivalence float64
	// Found and Wanted are the two standard deviations of a test of them; 0 for
	// other tests.
	Found, Wanted float64
	// SE is the standard error of the effect (of its logarithm if Log), with
	// which [SmallestEffect] says what would have been seen; NaN if undefined.
	SE  float64
	Log bool
	// N is the number of values tested.
	N int64
	// Index is the first value at fault; -1 when there is none.
	Index int64
}

// newTest returns a test with no margin and no place.
func newTest(name string, n int, stat, p float64, gate bool) Test {
	nan := math.NaN()
	return Test{Name: name, Stat: stat, P: p, Gate: gate, Effect: stat, EffectText: number(stat),
		Margin: nan, Equivalence: nan, SE: nan, N: int64(n), Index: -1}
}

// fact returns an exact test.
func fact(name string, n int, failed bool, text string) Test {
	nan := math.NaN()
	return Test{Name: name, Stat: nan, P: nan, Gate: true, Fact: true, Failed: failed, Effect: nan, EffectText: text,
		Margin: nan, Equivalence: nan, SE: nan, N: int64(n), Index: -1}
}

// The margins of equivalence, and the limit of each of its two tests.
const (
	MeanMargin       = 0.01
	StdMargin        = 0.01
	EquivalenceLimit = 1e-6
)
