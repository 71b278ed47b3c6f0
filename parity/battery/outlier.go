package battery

import (
	"fmt"
	"math"
)

// tailRun is how many values far out one list may have before the other has
// any, and still be found by the gap behind them.
const tailRun = 64

// nearby is how many spacings next to the gap it is held against. More of them
// would see smaller gaps in an even tail; but a few lines of a larger scale,
// which both lists have, make the tail wider there only.
const nearby = 32

// core is what two sorted lists together are without the thousandth of the
// values that lies farthest from their median: a few values far out do not
// move it.
type core struct {
	median, mean, std, kurtosis float64
}

// coreKurtosis and coreStd are those of a normal law without its farthest
// thousandth: 2.9057, and 0.9941 of the whole one's.
const (
	coreKurtosis = 2.9057
	coreStd      = 0.99412
)

// farthest walks through two sorted lists, the value farthest from the median
// first.
type farthest[T Float] struct {
	x, y   []T
	median float64
}

// next takes a value off its list. It returns its distance from the median.
func (f *farthest[T]) next() (distance float64, value T, inX bool) {
	best := math.Inf(-1)
	var list *[]T
	last := false
	look := func(l *[]T, v T, atEnd bool) {
		if d := math.Abs(float64(v) - f.median); d > best {
			best, value, list, last = d, v, l, atEnd
		}
	}
	for _, l := range []*[]T{&f.x, &f.y} {
		if n := len(*l); n > 0 {
			look(l, (*l)[n-1], true)
			look(l, (*l)[0], false)
		}
	}
	if last {
		*list = (*list)[:len(*list)-1]
	} else {
		*list = (*list)[1:]
	}
	return best, value, list == &f.x
}

// coreOf returns the core of two sorted lists.
func coreOf[T Float](x, y []T) core {
	f := farthest[T]{x, y, medianOf(x, y)}
	for range (len(x) + len(y)) / 1000 {
		f.next()
	}
	c := core{median: f.median}
	n, m := float64(len(f.x)), float64(len(f.y))
	var sum, m2, m4 float64
	for _, l := range [][]T{f.x, f.y} {
		if len(l) > 0 {
			sum += float64(len(l)) * momentsMean(l, f.median)
		}
	}
	c.mean = sum / (n + m)
	for _, l := range [][]T{f.x, f.y} {
		for start := 0; start < len(l); start += momentsChunk {
			var s2, s4 float64
			for _, v := range l[start:min(len(l), start+momentsChunk)] {
				d := float64(v) - c.mean
				q := float64(d * d)
				s2 += q
				s4 += float64(q * q)
			}
			m2 += s2
			m4 += s4
		}
	}
	variance := m2 / (n + m)
	c.std, c.kurtosis = math.Sqrt(variance), m4/(n+m)/(variance*variance)
	return c
}

// medianOf returns the lower median of two sorted lists together.
func medianOf[T Float](x, y []T) float64 {
	k := (len(x) + len(y) - 1) / 2 // this many are before it
	low, high := max(0, k-len(y)), min(k, len(x))
	for low < high {
		// i of them are in x if x[i] is not before the rest of y.
		i := (low + high) / 2
		if x[i] < y[k-i-1] {
			low = i + 1
		} else {
			high = i
		}
	}
	switch j := k - low; {
	case low == len(x):
		return float64(y[j])
	case j == len(y):
		return float64(x[low])
	default:
		return float64(min(x[low], y[j]))
	}
}

// outlierTest is T7' of values far out, on sorted lists: whether the gap that
// follows the farthest values, all of one list, is too wide for the tail behind
// it.
//
// Rényi (1953): of n values with the survival function exp(-h), h growing in
// proportion to some g, the spacings i (g_i - g_(i+1)) of the farthest ones are
// independent and exponential, so that one of them by the mean of the others
// has the F law of 2 and 2(k-1) degrees of freedom. Where h grows faster than
// g the chance is too large, which is safe. g is the logarithm of the distance,
// right for the tails of powers and safe for all that are lighter; or that of
// the normal law's own tail if the values are no more peaked than normal ones.
// That the farthest j values are all of one list has the chance of
// (n/w)^j + (m/w)^j besides; these chances add up to n/m + m/n at most.
func outlierTest[T Float](x, y []T, c core) Test {
	w := len(x) + len(y)
	k := max(16, w/20)
	f := farthest[T]{x, y, c.median}
	normal := c.kurtosis <= coreKurtosis+3*math.Sqrt(24/float64(w))
	g := func(d float64) float64 {
		if normal {
			return -LogUpper(d * coreStd / c.std)
		}
		return math.Log(d)
	}
	chances := float64(len(x))/float64(len(y)) + float64(len(y))/float64(len(x))
	var top [tailRun + nearby + 2]struct{ distance, g float64 }
	var first T
	firstInX, alike, kinds := false, 0, 0
	sum, before := 0.0, math.NaN()
	shared := false
	for i := range k {
		d, v, inX := f.next()
		at := g(d)
		if i == 0 {
			first, firstInX = v, inX
		}
		if i < len(top) {
			top[i].distance, top[i].g = d, at
		}
		shared = shared || inX != firstInX
		if !shared && i < tailRun {
			alike++
		}
		if at != before {
			kinds, before = kinds+1, at
		}
		sum += at
	}
	least := before // of the last one
	t := newTest("T7' outliers", w, 0, 1, true)
	t.Discrete = true
	t.EffectText = "no value lies farther out than the others let expect"
	// All k-1 spacings together; those of the first j are taken off below.
	rest := sum - float64(k)*least
	for j := 1; j <= min(alike, k-9); j++ {
		e := float64(j) * (top[j-1].g - top[j].g)
		rest -= e
		if kinds < 8+j || math.IsInf(least, 0) || !(rest > 0) || !(e > 0) {
			continue
		}
		// The spacings j+1 to last alone.
		last := min(k-1, j+nearby)
		near := -float64(last) * top[last].g
		for i, v := range top[:last] {
			near += v.g
			if i < j {
				near -= float64(i+1) * (v.g - top[i+1].g)
			}
		}
		behind, count := near, float64(last-j)
		if even := rest / float64(k-1-j) * count; even > behind { // a chance of the few
			behind = even
		}
		if p := min(1, chances*math.Pow(1+e/behind, -count)); p < t.P {
			t.P, t.Stat, t.Effect = p, e, top[0].distance/c.std*coreStd
			whose := "reference"
			if firstInX {
				whose = "candidate"
			}
			t.EffectText = fmt.Sprintf("%d of the %s as far out as %s, %.3g std; the next one at %.3g std", j, whose, number(float64(first)), t.Effect, top[j].distance/c.std*coreStd)
		}
	}
	return t
}
