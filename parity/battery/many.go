package battery

import (
	"math"
	"slices"
)

// powerQuantile is the normal quantile of the power for which effects and
// sample sizes are stated, 0.999.
const powerQuantile = 3.090232306167813

// Holm applies Holm's step-down rule to all p-values of a run: with family as
// the chance of a single false alarm in the whole run, whatever the tests have
// to do with each other. It returns for each p-value the adjusted one and
// whether it fails, and the strictest limit that one was held against (0 for
// no p-values). NaN never fails and is not counted.
func Holm(p []float64, family float64) (adjusted []float64, fails []bool, strictest float64) {
	adjusted, fails = make([]float64, len(p)), make([]bool, len(p))
	order := make([]int, 0, len(p))
	for i, v := range p {
		adjusted[i] = v
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	running, failing := 0.0, true
	for i, at := range order {
		left := float64(len(order) - i)
		failing = failing && p[at] <= family/left
		running = max(running, min(1, left*p[at]))
		adjusted[at], fails[at] = running, failing
	}
	if len(order) > 0 {
		strictest = family / float64(len(order))
	}
	return adjusted, fails, strictest
}

// EquivalentMean returns the p-value of the two one-sided tests that a
// difference of means lies within margin of 0, se being its standard error.
func EquivalentMean(difference, se, margin float64) float64 {
	return max(Upper((margin-difference)/se), Upper((margin+difference)/se))
}

// EquivalentStd returns the p-value of the two one-sided tests that a ratio of
// standard deviations, given as its logarithm, lies within the relative margin
// of 1; se is the standard error of the logarithm.
func EquivalentStd(logRatio, se, margin float64) float64 {
	return max(Upper((math.Log1p(margin)-logRatio)/se), Upper((logRatio-math.Log1p(-margin))/se))
}

// SmallestEffect returns the effect that a two-sided test at the limit finds
// with power 0.999, se being its standard error. For an effect measured by its
// logarithm the relative size is exp of it, minus 1.
func SmallestEffect(limit, se float64) float64 {
	return (powerQuantile - normalQuantile(limit/2)) * se
}

// Sees returns the smallest effect that t would have found at the limit, in
// the unit of its effect; NaN when that is not defined.
func (t Test) Sees(limit float64) float64 {
	effect := SmallestEffect(limit, t.SE)
	if t.Log {
		return math.Expm1(effect)
	}
	return effect
}

// ValuesForStd returns how many values show a standard deviation that is too
// large by the relative effect, with power 0.999 at the limit, under a law of
// the given kurtosis. Two samples need twice as many each.
func ValuesForStd(limit, effect, kurtosis float64) float64 {
	z := SmallestEffect(limit, 1) / math.Log1p(effect)
	return math.Ceil(z * z * (kurtosis - 1) / 4)
}

// ValuesForMean returns how many values show a mean that is off by effect
// standard deviations, with power 0.999 at the limit. Two samples need twice as
// many each.
func ValuesForMean(limit, effect float64) float64 {
	z := SmallestEffect(limit, 1) / effect
	return math.Ceil(z * z)
}
