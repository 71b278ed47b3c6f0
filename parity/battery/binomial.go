package battery

import "math"

// BinomialLower returns the chance of at most k successes in n trials with
// chance p each; NaN for numbers that make no sense.
func BinomialLower(k, n int64, p float64) float64 {
	switch {
	case n < 0 || !(p >= 0 && p <= 1):
		return math.NaN()
	case k < 0:
		return 0
	case k >= n || p == 0:
		return 1
	case p == 1:
		return 0
	case float64(k) > float64(n)*p:
		return clamp(1 - binomialTail(n-k-1, n, 1-p, p))
	}
	return clamp(binomialTail(k, n, p, 1-p))
}

// BinomialUpper returns the chance of at least k successes in n trials with
// chance p each; NaN for numbers that make no sense.
func BinomialUpper(k, n int64, p float64) float64 {
	switch {
	case n < 0 || !(p >= 0 && p <= 1):
		return math.NaN()
	case k <= 0:
		return 1
	case k > n || p == 0:
		return 0
	case p == 1:
		return 1
	case float64(k) <= float64(n)*p:
		return clamp(1 - binomialTail(k-1, n, p, 1-p))
	}
	return clamp(binomialTail(n-k, n, 1-p, p))
}

// BinomialTwoSided returns twice the smaller tail at k successes, at most 1.
func BinomialTwoSided(k, n int64, p float64) float64 {
	return min(1, 2*min(BinomialLower(k, n, p), BinomialUpper(k, n, p)))
}

// binomialTail adds the chances of k, k-1, ... successes, k being at most
// about n p, so that they fall; q is 1 - p, given because one of the two may
// be tiny. (The incomplete beta function of gonum loses digits from 2^26
// trials on.)
func binomialTail(k, n int64, p, q float64) float64 {
	term, sum := 1.0, 0.0
	for ; k >= 0; k-- {
		if sum == 0 {
			term = math.Exp(logBinomial(k, n, p, q))
			if term == 0 {
				return 0
			}
		}
		sum += term
		next := term * float64(k) / float64(n-k+1) * q / p
		if next < sum*1e-17 {
			break
		}
		term = next
	}
	return sum
}

// logBinomial is the logarithm of the chance of k successes, by deviances
// (Loader 2000), which do not cancel for large n.
func logBinomial(k, n int64, p, q float64) float64 {
	switch k {
	case 0:
		return float64(n) * logOf(q, p)
	case n:
		return float64(n) * logOf(p, q)
	}
	a, b, c := float64(k), float64(n-k), float64(n)
	return stirling(c) - stirling(a) - stirling(b) - deviance(a, c*p) - deviance(b, c*q) + math.Log(c/(2*math.Pi*a*b))/2
}

// logOf returns the logarithm of x = 1 - rest.
func logOf(x, rest float64) float64 {
	if rest < 0.5 {
		return math.Log1p(-rest)
	}
	return math.Log(x)
}

// stirling is the error of Stirling's formula for the logarithm of n!.
func stirling(n float64) float64 {
	if n < 16 {
		g, _ := math.Lgamma(n + 1)
		return g - (n+0.5)*math.Log(n) + n - math.Log(2*math.Pi)/2
	}
	r := 1 / (n * n)
	return (1./12 - (1./360-(1./1260-(1./1680-r/1188)*r)*r)*r) / n
}

// deviance is x ln(x/m) + m - x, by its series where that cancels.
func deviance(x, m float64) float64 {
	v := (x - m) / (x + m)
	if math.Abs(v) >= 0.1 {
		return x*math.Log(x/m) + m - x
	}
	sum, power := (x-m)*v, 2*x*v
	for j := 1.0; j < 100; j++ {
		power *= v * v
		next := sum + power/(2*j+1)
		if next == sum {
			break
		}
		sum = next
	}
	return sum
}
