// Package summary describes the values of a tensor in a few numbers, in one
// streaming pass and without a second copy: count, mean, standard deviation,
// extremes, and how many are not finite.
//
// It describes; it does not judge. Tests of a distribution are in package
// parity.
package summary

import "math"

// Bins is the number of classes of a histogram.
const Bins = 24

// Summary accumulates values. The zero value is empty and ready.
type Summary struct {
	// Count is the number of values, the others of the finite ones and not.
	Count, NaN, PosInf, NegInf, Zero, NegZero int64
	// Min and Max are the extremes of the finite values.
	Min, Max float64

	finite int64
	mean   float64
	m2     float64 // sum of squared distances from the mean
}

// Add takes the next values.
func (s *Summary) Add(values []float64) {
	var part Summary
	var sum float64
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			part.NaN++
			continue
		case math.IsInf(v, 1):
			part.PosInf++
			continue
		case math.IsInf(v, -1):
			part.NegInf++
			continue
		case v == 0:
			part.Zero++
			if math.Signbit(v) {
				part.NegZero++
			}
		}
		if part.finite == 0 || v < part.Min {
			part.Min = v
		}
		if part.finite == 0 || v > part.Max {
			part.Max = v
		}
		part.finite++
		sum += v
	}
	part.Count = int64(len(values))
	if part.finite > 0 {
		part.mean = sum / float64(part.finite)
		for _, v := range values {
			if d := v - part.mean; !math.IsNaN(d) && !math.IsInf(v, 0) {
				part.m2 += d * d
			}
		}
	}
	s.merge(part)
}

// merge joins two summaries by the pairwise update of mean and variance
// (Chan, Golub and LeVeque 1983).
func (s *Summary) merge(o Summary) {
	s.Count += o.Count
	s.NaN += o.NaN
	s.PosInf += o.PosInf
	s.NegInf += o.NegInf
	s.Zero += o.Zero
	s.NegZero += o.NegZero
	if o.finite == 0 {
		return
	}
	if s.finite == 0 {
		s.finite, s.mean, s.m2, s.Min, s.Max = o.finite, o.mean, o.m2, o.Min, o.Max
		return
	}
	n, m := float64(s.finite), float64(o.finite)
	d := o.mean - s.mean
	s.mean += d * (m / (n + m))
	s.m2 += o.m2 + d*d*(n*m/(n+m))
	s.finite += o.finite
	s.Min, s.Max = min(s.Min, o.Min), max(s.Max, o.Max)
}

// Finite returns the number of finite values.
func (s *Summary) Finite() int64 { return s.finite }

// Mean returns the mean of the finite values, NaN when there are none.
func (s *Summary) Mean() float64 {
	if s.finite == 0 {
		return math.NaN()
	}
	return s.mean
}

// Std returns the standard deviation of the finite values with the divisor n
// - 1, as torch.std does; NaN for fewer than two.
func (s *Summary) Std() float64 {
	if s.finite < 2 {
		return math.NaN()
	}
	return math.Sqrt(s.m2 / float64(s.finite-1))
}

// Histogram counts values in [Bins] classes of equal width.
type Histogram struct {
	Low, High float64
	Counts    [Bins]int64
}

// NewHistogram returns an empty histogram over [low, high].
func NewHistogram(low, high float64) *Histogram { return &Histogram{Low: low, High: high} }

// Add counts the finite values inside the range.
func (h *Histogram) Add(values []float64) {
	width := h.High/Bins - h.Low/Bins // halves first: the range may pass the largest float64
	for _, v := range values {
		if math.IsNaN(v) || v < h.Low || v > h.High {
			continue
		}
		bin := 0
		if width > 0 {
			bin = min(Bins-1, int(v/width-h.Low/width))
		}
		h.Counts[max(0, bin)]++
	}
}

// Bars draws the histogram as one line of [Bins] block characters, the
// highest class as a full block and an empty one as a space.
func (h *Histogram) Bars() string {
	blocks := []rune(" ▁▂▃▄▅▆▇█")
	most := int64(1)
	for _, c := range h.Counts {
		most = max(most, c)
	}
	line := make([]rune, Bins)
	for i, c := range h.Counts {
		level := int(c * int64(len(blocks)-1) / most)
		if c > 0 {
			level = max(1, level)
		}
		line[i] = blocks[level]
	}
	return string(line)
}
