package battery

import "math"

// FactOf returns an exact test that knows no chance: it fails when bad is not
// empty or when index is not -1. good is the text when it holds.
func FactOf(name string, n, index int, good, bad string) Test {
	t := fact(name, n, bad != "" || index >= 0, good)
	if t.Failed {
		t.EffectText, t.Index = bad, int64(index)
	}
	return t
}

// EquivalentWithin returns the p-value of the two one-sided tests against
// another margin than the test's own; NaN for a test without one.
func (t Test) EquivalentWithin(margin float64) float64 {
	switch {
	case math.IsNaN(t.Margin):
		return t.Margin
	case margin == t.Margin:
		return t.Equivalence
	case t.Log:
		return EquivalentStd(math.Log1p(t.Effect), t.SE, margin)
	}
	return EquivalentMean(t.Effect, t.SE, margin)
}
