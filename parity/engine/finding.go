package engine

import (
	"fmt"
	"math"
)

// Verdict is what one test says of one tensor.
type Verdict string

// The verdicts. Only Fail fails a run.
const (
	Pass Verdict = "pass"
	Fail Verdict = "fail"
	// Weak passes: nothing speaks against it, but there are too few values to
	// show that the two are equivalent.
	Weak Verdict = "weak"
	// Info is printed and never fails.
	Info Verdict = "info"
)

// Unit is how effects of a test are measured.
type Unit string

// The units.
const (
	// Plain is the test's own statistic, or a count.
	Plain Unit = ""
	// Sigma counts standard deviations, declared or the reference's.
	Sigma Unit = "sigma"
	// Percent is a relative size as a share: 0.01 is written 1%.
	Percent Unit = "%"
)

// Finding is the result of one test on one tensor (or on a pool of small
// ones), in the terms in which every report shows it.
type Finding struct {
	// Tensor is the name; for a pool "pool of N tensors", with Members.
	Tensor  string
	Members []string
	// Test is the short name of the test, such as "bits", "shape", "close" or
	// "T2 std".
	Test    string
	Verdict Verdict
	// P and Adjusted are the raw and the Holm-adjusted p-value; NaN for tests
	// without one.
	P, Adjusted float64
	// Unit is that of Effect, Margin and Sees.
	Unit Unit
	// Effect is the size of the effect, and EffectText how a person reads it,
	// such as "+3.0% (0.020601, declared 0.02)".
	Effect     float64
	EffectText string
	// Found and Wanted are, for a test of standard deviations, that of the values
	// and that which was declared or, without a law, is the reference's; 0 for
	// other tests.
	Found, Wanted float64
	// Shape is that of the tensor; nil for a pool, and where it is not known.
	Shape []int64
	// OfReference tells that the values are the reference's, not the
	// candidate's.
	OfReference bool
	// Margin is the equivalence margin; NaN when there is none.
	Margin float64
	// N is the number of values tested.
	N int64
	// Sees is the smallest effect that the test would have found; NaN when
	// that is not defined.
	Sees float64
	// Index is the first place that differs, in C order; -1 when there is none.
	Index int64
	// Detail is one line: what was found and what was wanted.
	Detail string
}

// Summary counts what a run of checks did.
type Summary struct {
	// Checks names the checks that ran, such as "bits" or "stats".
	Checks []string
	// Reference and Candidate say what was compared.
	Reference, Candidate string
	Tensors, Tests       int
	Failed, Weak         int
	// FamilyLimit is the family-wise limit of p-values, StrictestLimit the
	// smallest limit that a single one was held against; 0 without statistics.
	FamilyLimit, StrictestLimit float64
}

// Result is a whole run of checks.
type Result struct {
	Summary Summary
	// Findings are in the order of the reference's tensors and of the tests;
	// failures are not moved to the front (reports do that).
	Findings []Finding
}

// Passed reports whether no finding is a failure.
func (r Result) Passed() bool { return r.Summary.Failed == 0 }

// Why says in one line what the finding rests on: the p-value and the effect
// of a test of chance, and the detail.
func (f Finding) Why() string {
	if math.IsNaN(f.P) {
		return f.Detail
	}
	text := fmt.Sprintf("p=%.2g, %s", f.P, f.EffectText)
	if f.Detail != "" {
		text += ", " + f.Detail
	}
	return text
}
