// Package plots draws lists of numbers as SVG elements that stand inside a
// page: a reference and a candidate against each other and against a declared
// law ([Compare]), and a small histogram ([Bars]).
//
// It judges nothing and writes no page (parity/report and internal/cli do).
// Colours are variables of the style sheet of package page, so a picture
// follows the page into the dark. The same numbers give the same bytes.
package plots

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
)

// What a picture shows at most: the eye sees no more, and a page of many
// pictures stays small.
const (
	// MaxDrawn is the number of values of a list that are drawn; of a longer
	// one every k-th is taken.
	MaxDrawn = 1 << 17
	// Bins is the number of classes of a histogram.
	Bins = 50

	curvePoints = 120
	dots        = 90
)

// Picture is an SVG element with its caption.
type Picture struct {
	Caption string
	SVG     template.HTML
}

// Drawing is what [Compare] could draw.
type Drawing struct {
	Pictures []Picture
	// Notes say what was drawn, or why something was not.
	Notes []string
	// Reference, Candidate and Law tell which of them the pictures show.
	Reference, Candidate, Law bool
}

// side is one of the two lists, sorted and finite.
type side struct {
	name          string
	values        []float64
	count, hidden int // given, and not finite
}

func newSide(name string, values []float64) side {
	s := side{name: name, count: len(values)}
	step := max((len(values)+MaxDrawn-1)/MaxDrawn, 1)
	for i := 0; i < len(values); i += step {
		if v := values[i]; math.IsNaN(v) || math.IsInf(v, 0) {
			s.hidden++
		} else {
			s.values = append(s.values, v)
		}
	}
	slices.Sort(s.values)
	return s
}

// quantile returns the value at the share q.
func (s side) quantile(q float64) float64 {
	return s.values[int(math.Round(q*float64(len(s.values)-1)))]
}

func (s side) note() string {
	text := s.name + ": 1 value"
	if s.count != 1 {
		text = fmt.Sprintf("%s: %d values", s.name, s.count)
	}
	if drawn := len(s.values) + s.hidden; drawn < s.count {
		text += fmt.Sprintf(", %d of them drawn", drawn)
	}
	if s.hidden > 0 {
		text += fmt.Sprintf(", %d not finite and left out", s.hidden)
	}
	return text
}

// Compare draws the values of a tensor: histogram, quantiles of both against
// the law, quantiles of the candidate against the reference, and cumulative
// distribution. Either list may be empty, law may be nil; the lists are not
// changed.
func Compare(reference, candidate []float64, law *Law) Drawing {
	var d Drawing
	var sides []side
	for _, s := range []side{newSide("reference", reference), newSide("candidate", candidate)} {
		if s.count > 0 {
			d.Notes = append(d.Notes, s.note())
		}
		if len(s.values) > 0 {
			sides = append(sides, s)
		}
	}
	if len(sides) == 0 {
		return d
	}
	r := span{math.Inf(1), math.Inf(-1)}
	for _, s := range sides {
		r = r.with(s.values[0]).with(s.values[len(s.values)-1])
	}
	if problem := r.problem(); problem != "" {
		d.Notes = append(d.Notes, "no plot: "+problem)
		return d
	}
	if law != nil {
		if problem := law.problem(); problem != "" {
			d.Notes = append(d.Notes, "the declared law is not drawn: "+problem)
			law = nil
		}
	}
	d.draw(sides, r, law)
	return d
}

// draw adds the pictures.
func (d *Drawing) draw(sides []side, r span, law *Law) {
	add := func(caption string, into func(*plot.Plot) error) {
		svg, err := render(caption, into)
		if err != nil {
			d.Notes = append(d.Notes, "no "+caption+": "+err.Error())
			return
		}
		d.Pictures = append(d.Pictures, Picture{caption, svg})
	}
	add("histogram", func(p *plot.Plot) error { return histogram(p, sides, r, law) })
	if law != nil {
		add("quantiles against the declared law", func(p *plot.Plot) error { return againstLaw(p, sides, r, law) })
	}
	if len(sides) == 2 {
		add("quantiles of the candidate against the reference", func(p *plot.Plot) error { return quantiles(p, sides, r) })
	}
	add("cumulative distribution", func(p *plot.Plot) error { return cumulative(p, sides, r, law) })
	for _, s := range sides {
		d.Reference = d.Reference || s.name == "reference"
		d.Candidate = d.Candidate || s.name == "candidate"
	}
	d.Law = law != nil
}

// span is a range of values.
type span struct{ low, high float64 }

func (s span) with(v float64) span { return span{min(s.low, v), max(s.high, v)} }

// problem says why no axis can show the range; empty when one can. Outside of
// these limits the ticks have no room between them.
func (s span) problem() string {
	width, size := s.high-s.low, max(math.Abs(s.low), math.Abs(s.high))
	switch {
	case width == 0:
		return "all values are " + number(s.low)
	case size > 1e100 || width < 1e-100 || width < 1e-6*size:
		return fmt.Sprintf("the values lie from %s to %s, which no axis can show", number(s.low), number(s.high))
	}
	return ""
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 9, 64) }

// Count adds the finite values inside [low, high] to the classes of equal width
// in dst.
func Count(dst []int64, values []float64, low, high float64) {
	n := float64(len(dst))
	width := high/n - low/n // halves first: the range may pass the largest float64
	for _, v := range values {
		if math.IsNaN(v) || v < low || v > high || len(dst) == 0 {
			continue
		}
		bin := 0
		if width > 0 {
			bin = max(0, min(len(dst)-1, int(v/width-low/width)))
		}
		dst[bin]++
	}
}
