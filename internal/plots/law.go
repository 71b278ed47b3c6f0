package plots

import (
	"math"

	"gonum.org/v1/plot/plotter"
)

// Law is a declared distribution.
type Law struct {
	// Quantile returns the value with the share p below it, for p from 0 to 1;
	// infinite at the ends of a law without bounds.
	Quantile func(p float64) float64
	// Density, if set, returns the density at x; else it is taken from the
	// slope of Quantile.
	Density func(x float64) float64
}

// far is a share that lies at the end of what a picture shows.
const far = 1e-6

// problem says why the law cannot be drawn; empty when it can.
func (l *Law) problem() string {
	if l.Quantile == nil {
		return "it has no quantiles"
	}
	r := span{l.Quantile(far), l.Quantile(1 - far)}
	if math.IsNaN(r.low) || math.IsNaN(r.high) || r.low > r.high {
		return "its quantiles are no numbers in order"
	}
	return r.problem()
}

// share returns the i-th of n shares from 0 to 1, closer together towards the
// ends, where the eye looks.
func share(i, n int) float64 { return (1 - math.Cos(math.Pi*float64(i)/float64(n-1))) / 2 }

// at returns the i-th share of a curve and its quantile; where a law has no
// bound, a quantile so far out that the curve leaves the picture.
func (l *Law) at(i int) (p, x float64) {
	p = share(i, curvePoints)
	if x = l.Quantile(p); finite(x) {
		return p, x
	}
	p = min(max(p, outside), 1-outside)
	return p, l.Quantile(p)
}

// outside is a share that lies beyond most values that are drawn.
const outside = 1e-9

// density returns the curve of the density inside r.
func (l *Law) density(r span) plotter.XYs {
	low, high := l.Quantile(0), l.Quantile(1)
	var line plotter.XYs
	add := func(x, y float64) {
		if finite(x, y) && x >= r.low && x <= r.high {
			line = append(line, plotter.XY{X: x, Y: y})
		}
	}
	add(low, 0)
	if l.Density != nil {
		from, to := max(r.low, low), min(r.high, high)
		for i := range curvePoints {
			x := from + float64((to-from)*(float64(i)/(curvePoints-1)))
			add(x, l.Density(x))
		}
	} else {
		line = l.slopes(line, r)
	}
	add(high, 0)
	return line
}

// slopes appends the density as the slopes between quantiles, each in the
// middle of its two; the first and the last stand for the bounds, too.
func (l *Law) slopes(line plotter.XYs, r span) plotter.XYs {
	add := func(x, y float64) {
		if finite(x, y) && x >= r.low && x <= r.high {
			line = append(line, plotter.XY{X: x, Y: y})
		}
	}
	for i := range curvePoints - 1 {
		p, a := l.at(i)
		q, b := l.at(i + 1)
		y := (q - p) / (b - a)
		if i == 0 {
			add(a, y)
		}
		add(a/2+b/2, y)
		if i == curvePoints-2 {
			add(b, y)
		}
	}
	return line
}

// cumulative returns the curve of the share below.
func (l *Law) cumulative() plotter.XYs {
	var line plotter.XYs
	for i := range curvePoints {
		if p, x := l.at(i); finite(x) {
			line = append(line, plotter.XY{X: x, Y: p})
		}
	}
	return line
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
