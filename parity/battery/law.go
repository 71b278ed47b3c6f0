package battery

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/weightinit/weightinit/dist"
)

// Law is a distribution that values are held against. The zero Law is the
// constant 0. [LawOf] makes one.
type Law struct {
	kind family
	// location and scale place the standard form; for a uniform they are the
	// lower bound and the width, for a constant the value and 0.
	location, scale float64
	// low and high cut the standard normal; cutLow is the mass below low,
	// cutHigh that above high, kept that between.
	low, high, cutLow, cutHigh, kept float64
	moments                          moments
}

type family int

const (
	constant family = iota
	normal
	uniform
	cut
)

// moments are the mean and the standard deviation, and the standardised
// central moments of order 3 to 8.
type moments struct {
	mean, std, m3, m4, m6, m8 float64
}

// LawOf returns the law of d's values, after its multiplications and
// divisions; false when the values follow no law of their own: structured
// families, blocks, rows set to zero, and numbers
// without a usable law, such as a cut so far out that nothing is left.
func LawOf(d dist.Dist) (Law, bool) {
	l, ok := lawOfDraw(d.Draw)
	if !ok {
		return Law{}, false
	}
	for _, p := range d.Post {
		switch p := p.(type) {
		case dist.Multiply:
			l = l.times(p.By)
		case dist.Divide:
			l = l.times(1 / p.By)
		default:
			return Law{}, false
		}
	}
	return l, l.usable()
}

// usable reports whether every number of l can be computed with.
func (l Law) usable() bool {
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	if l.kind == constant {
		return finite(l.location)
	}
	m := l.moments
	return finite(l.location) && finite(l.scale) && finite(m.mean) && m.std > 0 && finite(m.std) && finite(m.m8)
}

func lawOfDraw(d dist.Draw) (Law, bool) {
	switch d := d.(type) {
	case dist.Constant:
		return constantLaw(d.Value), true
	case dist.Normal:
		if d.Std == 0 {
			return constantLaw(d.Mean), true
		}
		return Law{kind: normal, location: d.Mean, scale: d.Std,
			moments: moments{d.Mean, d.Std, 0, 3, 15, 105}}, d.Std > 0
	case dist.Uniform:
		if d.Low == d.High {
			return constantLaw(d.Low), true
		}
		width := d.High - d.Low
		return Law{kind: uniform, location: d.Low, scale: width,
			moments: moments{d.Low + width/2, width / math.Sqrt(12), 0, 9. / 5, 27. / 7, 9}}, width > 0
	case dist.TruncNormal:
		return cutNormal(d)
	}
	return Law{}, false
}

func constantLaw(v float64) Law {
	return Law{location: v, moments: moments{mean: v}}
}

func cutNormal(d dist.TruncNormal) (Law, bool) {
	l := Law{kind: cut, location: d.Mean, scale: d.Std, low: d.A, high: d.B}
	if d.Algorithm != dist.UnitThenScale {
		l.low, l.high = (d.A-d.Mean)/d.Std, (d.B-d.Mean)/d.Std
	}
	l.cutLow, l.cutHigh = Upper(-l.low), Upper(l.high)
	switch {
	case l.low >= 0:
		l.kept = Upper(l.low) - l.cutHigh
	case l.high <= 0:
		l.kept = Upper(-l.high) - l.cutLow
	default:
		l.kept = (math.Erf(l.high/math.Sqrt2) - math.Erf(l.low/math.Sqrt2)) / 2
	}
	if !(l.kept > 0) || !(d.Std > 0) {
		return Law{}, false
	}
	l.moments = cutMoments(l.low, l.high)
	l.moments.mean = l.location + l.scale*l.moments.mean
	l.moments.std *= l.scale
	return l, true
}

// cutMoments integrates over the density of the standard normal between low
// and high. Sums of recurrences would cancel for narrow and far cuts.
func cutMoments(low, high float64) moments {
	mode := max(low, min(high, 0))
	far := math.Sqrt(mode*mode + 184) // the density has fallen by exp(-92)
	a, b := max(low, -far), min(high, far)
	var x, w [200]float64
	quad.Legendre{}.FixedLocations(x[:], w[:], a, b)
	mass, mean := 0.0, 0.0
	for i := range x {
		w[i] *= math.Exp((mode*mode - x[i]*x[i]) / 2)
		mass += w[i]
		mean += w[i] * (x[i] - mode)
	}
	offset := mean / mass
	var m [9]float64
	for i := range x {
		y := (x[i] - mode) - offset
		power := w[i] / mass
		for k := range m {
			m[k] += power
			power *= y
		}
	}
	std := math.Sqrt(m[2])
	return moments{mode + offset, std, m[3] / math.Pow(std, 3), m[4] / math.Pow(std, 4),
		m[6] / math.Pow(std, 6), m[8] / math.Pow(std, 8)}
}

// times returns the law of by times the values.
func (l Law) times(by float64) Law {
	if by == 0 {
		return constantLaw(0)
	}
	size := math.Abs(by)
	l.moments.mean *= by
	l.moments.std *= size
	if by < 0 {
		l.moments.m3 = -l.moments.m3
		l.low, l.high = -l.high, -l.low
		l.cutLow, l.cutHigh = l.cutHigh, l.cutLow
		if l.kind == uniform {
			l.location += l.scale // its upper bound becomes the lower one
		}
	}
	l.location *= by
	l.scale *= size
	return l
}

// Standardised returns the law of (x - mean) / std; a constant as it is.
func (l Law) Standardised() Law {
	if l.kind == constant {
		return l
	}
	l.location = (l.location - l.moments.mean) / l.moments.std
	l.scale /= l.moments.std
	l.moments.mean, l.moments.std = 0, 1
	return l
}

// Shape names the law without its place and scale. Values of the same shape
// can be pooled after standardising.
func (l Law) Shape() string {
	switch l.kind {
	case normal:
		return "normal"
	case uniform:
		return "uniform"
	case cut:
		// Bounds that differ by rounding only are the same shape.
		return fmt.Sprintf("normal cut to [%.9g, %.9g] std", l.low, l.high)
	}
	return "constant"
}

// Constant returns the value of a constant law, and whether it is one.
func (l Law) Constant() (float64, bool) { return l.location, l.kind == constant }

// Mean returns the mean.
func (l Law) Mean() float64 { return l.moments.mean }

// Std returns the standard deviation, after any cut; 0 for a constant.
func (l Law) Std() float64 { return l.moments.std }

// Kurtosis returns the fourth standardised central moment, 3 for a normal law
// and 0 for a constant.
func (l Law) Kurtosis() float64 { return l.moments.m4 }

// Moment returns the standardised central moment of order 3, 4, 6 or 8; NaN
// for others.
func (l Law) Moment(order int) float64 {
	switch order {
	case 3:
		return l.moments.m3
	case 4:
		return l.moments.m4
	case 6:
		return l.moments.m6
	case 8:
		return l.moments.m8
	}
	return math.NaN()
}

// Bounds returns the interval that holds all values, infinite for a normal
// law.
func (l Law) Bounds() (low, high float64) {
	switch l.kind {
	case normal:
		return math.Inf(-1), math.Inf(1)
	case cut:
		return l.location + l.scale*l.low, l.location + l.scale*l.high
	}
	return l.location, l.location + l.scale
}

func (l Law) bounded() bool { return l.kind == uniform || l.kind == cut }

// Tails returns the chances of a value at most x and above x, each accurate
// where it is small.
func (l Law) Tails(x float64) (below, above float64) {
	y := x - l.location
	switch l.kind {
	case normal:
		y /= l.scale
		if small := Upper(math.Abs(y)); y < 0 {
			return small, 1 - small
		} else {
			return 1 - small, small
		}
	case uniform:
		return clamp(y / l.scale), clamp((l.location + l.scale - x) / l.scale)
	case cut:
		return l.cutTails(y / l.scale)
	}
	if y >= 0 {
		return 1, 0
	}
	return 0, 1
}

func (l Law) cutTails(y float64) (below, above float64) {
	switch {
	case y <= l.low:
		return 0, 1
	case y >= l.high:
		return 1, 0
	case y <= 0:
		p := Upper(-y)
		below = clamp((p - l.cutLow) / l.kept)
		if l.high <= 0 {
			return below, clamp((Upper(-l.high) - p) / l.kept)
		}
		return below, 1 - below
	}
	q := Upper(y)
	above = clamp((q - l.cutHigh) / l.kept)
	if l.low >= 0 {
		return clamp((Upper(l.low) - q) / l.kept), above
	}
	return 1 - above, above
}

// CDF returns the chance of a value at most x.
func (l Law) CDF(x float64) float64 {
	below, _ := l.Tails(x)
	return below
}

// edge is the smallest chance that a bounded law gives a value inside it: half
// a step of torch's uniform, which is 0 itself once in 2^24 values.
const edge = 1.0 / (1 << 25)

// LogTails returns the logarithms of [Law.Tails], also where those are 0 in
// float64. For bounded laws they are kept finite: whether a value is outside is
// a test of its own.
func (l Law) LogTails(x float64) (below, above float64) {
	if l.kind == normal {
		return l.tailsOf(x).logs()
	}
	f, g := l.Tails(x)
	return math.Log(max(f, edge)), math.Log(max(g, edge))
}

// tails is what one value of a law is reduced to: z is standard normal.
type tails struct{ below, above, z float64 }

// tailsOf returns the chances on both sides of x and its standard normal
// value.
func (l Law) tailsOf(x float64) tails {
	below, above := l.Tails(x)
	if l.kind == normal {
		return tails{below, above, (x - l.location) / l.scale}
	}
	below, above = max(below, edge), max(above, edge)
	return tails{below, above, math.NaN()}
}

// normalised returns the standard normal value of x.
func (l Law) normalised(x float64) float64 {
	if l.kind == normal {
		return (x - l.location) / l.scale
	}
	t := l.tailsOf(x)
	if t.below < t.above {
		return normalQuantile(t.below)
	}
	return -normalQuantile(t.above)
}

func (t tails) logs() (below, above float64) {
	switch {
	case t.below < 1e-290:
		return LogUpper(-t.z), 0
	case t.above < 1e-290:
		return 0, LogUpper(t.z)
	case t.below < t.above:
		return math.Log(t.below), math.Log1p(-t.below)
	}
	return math.Log1p(-t.above), math.Log(t.above)
}

// Quantile returns the x with chance p below it; the bounds for p of 0 and 1.
func (l Law) Quantile(p float64) float64 { return l.between(p, 1-p) }

// between returns the x with chance below on its lower and above on its upper
// side; their sum is 1. The smaller one decides.
func (l Law) between(below, above float64) float64 {
	switch l.kind {
	case normal:
		if below < above {
			return l.location + l.scale*normalQuantile(below)
		}
		return l.location - l.scale*normalQuantile(above)
	case uniform:
		if below < above {
			return l.location + l.scale*below
		}
		return l.location + l.scale - l.scale*above
	case cut:
		p, q := l.cutLow+below*l.kept, l.cutHigh+above*l.kept
		y := normalQuantile(p)
		if q < p {
			y = -normalQuantile(q)
		}
		return l.location + l.scale*max(l.low, min(l.high, y))
	}
	return l.location
}

// String describes the law for reports.
func (l Law) String() string {
	switch l.kind {
	case normal:
		return fmt.Sprintf("normal(mean %.6g, std %.6g)", l.location, l.scale)
	case uniform:
		return fmt.Sprintf("uniform[%.6g, %.6g)", l.location, l.location+l.scale)
	case cut:
		low, high := l.Bounds()
		return fmt.Sprintf("normal(mean %.6g, std %.6g) cut to [%.6g, %.6g]", l.location, l.scale, low, high)
	}
	return fmt.Sprintf("constant %g", l.location)
}
