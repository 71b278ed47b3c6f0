package battery

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// TwoSided returns the chance that a standard normal value is as far from 0 as
// z or farther.
func TwoSided(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }

// Upper returns the chance that a standard normal value is above z.
func Upper(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

// LogUpper returns the logarithm of [Upper], also where that is 0 in float64.
func LogUpper(z float64) float64 {
	switch {
	case z < -1:
		return math.Log1p(-math.Erfc(-z/math.Sqrt2) / 2)
	case z < 35:
		return math.Log(math.Erfc(z/math.Sqrt2) / 2)
	case math.IsInf(z, 1):
		return math.Inf(-1)
	}
	// The series of Mills' ratio; its next term is below 1e-12 here.
	r := 1 / (z * z)
	series := math.Log1p(-r * (1 - 3*r*(1-5*r*(1-7*r))))
	return -z*z/2 - math.Log(z*math.Sqrt(2*math.Pi)) + series
}

// normalQuantile is the inverse of the standard normal distribution function;
// infinite outside the open unit interval.
func normalQuantile(p float64) float64 {
	switch {
	case p <= 0:
		return math.Inf(-1)
	case p >= 1:
		return math.Inf(1)
	case math.IsNaN(p):
		return p
	}
	return mathext.NormalQuantile(p)
}

// ChiSquareUpper returns the chance that a chi-square value with k degrees of
// freedom is above x.
func ChiSquareUpper(x float64, k int) float64 {
	switch {
	case k < 1 || math.IsNaN(x):
		return math.NaN()
	case x <= 0:
		return 1
	case math.IsInf(x, 1):
		return 0
	}
	return mathext.GammaIncRegComp(float64(k)/2, x/2)
}

// ChiSquareLower returns the chance that a chi-square value with k degrees of
// freedom is at most x.
func ChiSquareLower(x float64, k int) float64 {
	switch {
	case k < 1 || math.IsNaN(x):
		return math.NaN()
	case x <= 0:
		return 0
	case math.IsInf(x, 1):
		return 1
	}
	return mathext.GammaIncReg(float64(k)/2, x/2)
}

// ChiSquareTwoSided returns twice the smaller tail at x, at most 1.
func ChiSquareTwoSided(x float64, k int) float64 {
	return min(1, 2*min(ChiSquareLower(x, k), ChiSquareUpper(x, k)))
}

// AndersonDarling returns the chance that the statistic of a fully declared law
// is above a, in the limit of many values. Above 2.5 it is the known limit of
// the tail with its first correction, within 1% of the exact law; below, the
// polynomials of Marsaglia and Marsaglia (2004).
func AndersonDarling(a float64) float64 {
	switch {
	case math.IsNaN(a):
		return a
	case a <= 0.01: // the chance is 1 to 50 digits
		return 1
	case a < 2:
		p := 2.00012 + (0.247105-(0.0649821-(0.0347962-(0.011672-0.00168691*a)*a)*a)*a)*a
		return clamp(1 - math.Exp(-1.2337141/a)/math.Sqrt(a)*p)
	case a < 2.5:
		p := 1.0776 - (2.30695-(0.43424-(0.082433-(0.008056-0.0003146*a)*a)*a)*a)*a
		return clamp(-math.Expm1(-math.Exp(p)))
	case math.IsInf(a, 1):
		return 0
	}
	return clamp(math.Sqrt(3) * math.Erfc(math.Sqrt(a)) * (1 + 0.3/a))
}

// Kolmogorov returns the chance that the largest distance between an empirical
// distribution function of n values and the declared one is above d. For two
// samples of n and m values the number is n m / (n + m).
func Kolmogorov(d, n float64) float64 {
	root := math.Sqrt(n)
	w := (root + 0.12 + 0.11/root) * d
	switch {
	case math.IsNaN(w):
		return w
	case w < 0.04: // the chance is 1 to 300 digits
		return 1
	case w < 1.18:
		sum := 0.0
		for k := 1.0; k <= 7; k += 2 {
			sum += math.Exp(-k * k * math.Pi * math.Pi / (8 * w * w))
		}
		return clamp(1 - math.Sqrt(2*math.Pi)/w*sum)
	}
	sum, sign := 0.0, 1.0
	for k := 1.0; k <= 6; k++ {
		sum += sign * math.Exp(-2*k*k*w*w)
		sign = -sign
	}
	return clamp(2 * sum)
}

// most returns the chance that the smallest of n independent p-values is p or
// less.
func most(p float64, n int) float64 {
	if p >= 1 {
		return 1
	}
	return -math.Expm1(float64(n) * math.Log1p(-p))
}

func clamp(p float64) float64 { return max(0, min(1, p)) }
