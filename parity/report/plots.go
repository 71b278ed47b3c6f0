package report

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// What a plot shows at most: the eye sees no more, and a page of twenty
// tensors stays small.
const (
	maxPlotted = 1 << 17 // values a side
	plotBins   = 50
	plotPoints = 150
)

var (
	referenceColor = color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	candidateColor = color.RGBA{R: 0xc8, G: 0x50, B: 0x10, A: 0xff}
	guideColor     = color.RGBA{R: 0x99, G: 0x99, B: 0x99, A: 0xff}
)

// picture is a plot with its caption.
type picture struct {
	Caption string
	SVG     template.HTML
}

// side is one of the two sets of values, sorted and finite.
type side struct {
	name          string
	color         color.Color
	values        []float64
	count, hidden int // given, and not finite
}

// newSide takes every k-th value when there are too many.
func newSide(name string, c color.Color, values []float64) side {
	s := side{name: name, color: c, count: len(values)}
	step := (len(values) + maxPlotted - 1) / maxPlotted
	for i := 0; i < len(values); i += max(step, 1) {
		if v := values[i]; math.IsNaN(v) || math.IsInf(v, 0) {
			s.hidden++
		} else {
			s.values = append(s.values, v)
		}
	}
	slices.Sort(s.values)
	return s
}

// quantile returns the value at the share q of a sorted side.
func (s side) quantile(q float64) float64 {
	return s.values[int(math.Round(q*float64(len(s.values)-1)))]
}

// note says what the pictures do not show.
func (s side) note() string {
	text := fmt.Sprintf("%s: %s", s.name, plural(s.count, "value"))
	if drawn := len(s.values) + s.hidden; drawn < s.count {
		text += fmt.Sprintf(", %d of them drawn", drawn)
	}
	if s.hidden > 0 {
		text += fmt.Sprintf(", %d not finite and left out", s.hidden)
	}
	return text
}

// pictures draws the values of a tensor; notes say what was drawn, or why
// nothing could be.
func pictures(reference, candidate []float64) (drawn []picture, notes []string) {
	var sides []side
	for _, s := range []side{newSide("reference", referenceColor, reference), newSide("candidate", candidateColor, candidate)} {
		if s.count > 0 {
			notes = append(notes, s.note())
		}
		if len(s.values) > 0 {
			sides = append(sides, s)
		}
	}
	if len(sides) == 0 {
		return nil, notes
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range sides {
		low, high = min(low, s.values[0]), max(high, s.values[len(s.values)-1])
	}
	if low == high {
		return nil, append(notes, "no plot: all values are "+number(low, 9))
	}
	// Outside these the axes' ticks have no room between them.
	if span, size := high-low, max(math.Abs(low), math.Abs(high)); size > 1e100 || span < 1e-100 || span < 1e-6*size {
		return nil, append(notes, fmt.Sprintf("no plot: the values lie from %s to %s, which no axis can show", number(low, 9), number(high, 9)))
	}
	add := func(caption string, draw func(*plot.Plot) error) {
		svg, err := render(caption, draw)
		if err != nil {
			notes = append(notes, "no "+caption+": "+err.Error())
			return
		}
		drawn = append(drawn, picture{caption, svg})
	}
	add("histogram", func(p *plot.Plot) error { return histogram(p, sides, low, high) })
	if len(sides) == 2 {
		add("quantiles of the candidate against the reference", func(p *plot.Plot) error { return quantiles(p, sides, low, high) })
	}
	add("cumulative distribution", func(p *plot.Plot) error { return cumulative(p, sides) })
	return drawn, notes
}

func histogram(p *plot.Plot, sides []side, low, high float64) error {
	p.X.Label.Text, p.Y.Label.Text = "value", "density"
	width := (high - low) / plotBins
	for _, s := range sides {
		var bins [plotBins]float64
		for _, v := range s.values {
			bins[min(int((v-low)/width), plotBins-1)]++
		}
		line := plotter.XYs{{X: low}}
		for i, n := range bins {
			y := n / float64(len(s.values)) / width
			x := low + float64(float64(i)*width)
			line = append(line, plotter.XY{X: x, Y: y}, plotter.XY{X: x + width, Y: y})
		}
		line = append(line, plotter.XY{X: high})
		if err := curve(p, s, line); err != nil {
			return err
		}
	}
	return nil
}

func quantiles(p *plot.Plot, sides []side, low, high float64) error {
	p.X.Label.Text, p.Y.Label.Text = "reference", "candidate"
	guide, err := plotter.NewLine(plotter.XYs{{X: low, Y: low}, {X: high, Y: high}})
	if err != nil {
		return err
	}
	guide.Color = guideColor
	var points plotter.XYs
	for i := range plotPoints {
		// Closer together towards the tails, where the eye looks.
		q := (1 - math.Cos(math.Pi*float64(i)/(plotPoints-1))) / 2
		points = append(points, plotter.XY{X: sides[0].quantile(q), Y: sides[1].quantile(q)})
	}
	scatter, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	scatter.GlyphStyle = draw.GlyphStyle{Color: candidateColor, Radius: vg.Points(1.5), Shape: draw.CircleGlyph{}}
	p.Add(guide, scatter)
	return nil
}

func cumulative(p *plot.Plot, sides []side) error {
	p.X.Label.Text, p.Y.Label.Text = "value", "share of values up to it"
	for _, s := range sides {
		var line plotter.XYs
		for i := range plotPoints {
			q := float64(i) / (plotPoints - 1)
			line = append(line, plotter.XY{X: s.quantile(q), Y: q})
		}
		if err := curve(p, s, line); err != nil {
			return err
		}
	}
	return nil
}

// curve adds a line of a side, the candidate's dashed so that both are seen
// where they are the same.
func curve(p *plot.Plot, s side, line plotter.XYs) error {
	l, err := plotter.NewLine(line)
	if err != nil {
		return err
	}
	l.Color, l.Width = s.color, vg.Points(1.2)
	if s.color == color.Color(candidateColor) {
		l.Dashes = []vg.Length{vg.Points(4), vg.Points(2)}
	}
	p.Add(l)
	return nil
}

// render draws one plot as an SVG element to stand inside a page. All texts in
// it are ours. The library panics on ranges that it cannot divide; a page
// without a plot is better than no page.
func render(caption string, drawInto func(*plot.Plot) error) (svg template.HTML, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("cannot be drawn: %v", cause)
		}
	}()
	p := plot.New()
	sans := func(size vg.Length) font.Font {
		return font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size)
	}
	p.X.Label.TextStyle.Font, p.Y.Label.TextStyle.Font = sans(10), sans(10)
	p.X.Tick.Label.Font, p.Y.Tick.Label.Font = sans(8), sans(8)
	p.X.Label.Padding, p.Y.Label.Padding = vg.Points(3), vg.Points(3)
	if err := drawInto(p); err != nil {
		return "", err
	}
	const width, height = 320, 220
	canvas := vgsvg.NewWith(vgsvg.UseWH(width, height))
	area := draw.New(canvas)
	p.Draw(draw.Crop(area, 4, -10, 4, -6))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", err
	}
	// The library's first element carries name spaces and a fixed size, which a
	// page does not need.
	_, element, _ := bytes.Cut(b.Bytes(), []byte("<svg"))
	_, body, found := bytes.Cut(element, []byte(">"))
	if !found {
		return "", errors.New("the library made no SVG")
	}
	head := fmt.Sprintf(`<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, height, template.HTMLEscapeString(caption))
	return template.HTML(head + string(body)), nil //nolint:gosec // numbers and texts of ours
}
