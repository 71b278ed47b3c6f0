package plots

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The library knows colours only; [restyle] turns these into the page's.
var (
	referenceColor = color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	candidateColor = color.RGBA{R: 0xc8, G: 0x50, B: 0x10, A: 0xff}
	lawColor       = color.RGBA{R: 0x99, G: 0x99, B: 0x99, A: 0xff}
)

func (s side) color() color.Color {
	if s.name == "reference" {
		return referenceColor
	}
	return candidateColor
}

func histogram(p *plot.Plot, sides []side, r span, law *Law) error {
	p.X.Label.Text, p.Y.Label.Text = "value", "density"
	width := (r.high - r.low) / Bins
	top := 0.0
	var lines []plotter.XYs
	for _, s := range sides {
		var bins [Bins]int64
		Count(bins[:], s.values, r.low, r.high)
		line := plotter.XYs{{X: r.low}}
		for i, n := range bins {
			y := float64(n) / float64(len(s.values)) / width
			x := r.low + float64(float64(i)*width)
			line = append(line, plotter.XY{X: x, Y: y}, plotter.XY{X: x + width, Y: y})
			top = max(top, y)
		}
		lines = append(lines, append(line, plotter.XY{X: r.high}))
	}
	for i, s := range sides {
		if err := curve(p, s, lines[i]); err != nil {
			return err
		}
	}
	if law != nil {
		if err := guide(p, law.density(r)); err != nil {
			return err
		}
	}
	p.X.Min, p.X.Max = r.low, r.high
	// A law much narrower than the values would press them flat.
	p.Y.Min, p.Y.Max = 0, 1.03*min(p.Y.Max, 2*top)
	return nil
}

func againstLaw(p *plot.Plot, sides []side, r span, law *Law) error {
	p.X.Label.Text, p.Y.Label.Text = "declared law", "values"
	var points []plotter.XYs
	both := r
	for _, s := range sides {
		var of plotter.XYs
		n, last := len(s.values), -1
		for i := range dots {
			k := int(math.Round(share(i, dots) * float64(n-1)))
			x := law.Quantile((float64(k) + 0.5) / float64(n))
			if k == last || !finite(x) {
				continue
			}
			last = k
			of = append(of, plotter.XY{X: x, Y: s.values[k]})
			both = both.with(x)
		}
		points = append(points, of)
	}
	if err := guide(p, diagonal(both)); err != nil {
		return err
	}
	for i, s := range sides {
		if len(points[i]) > 0 {
			p.Add(&scatter{points[i], s.color()})
		}
	}
	return nil
}

func quantiles(p *plot.Plot, sides []side, r span) error {
	p.X.Label.Text, p.Y.Label.Text = "reference", "candidate"
	var points plotter.XYs
	for i := range dots {
		q := share(i, dots)
		points = append(points, plotter.XY{X: sides[0].quantile(q), Y: sides[1].quantile(q)})
	}
	if err := guide(p, diagonal(r)); err != nil {
		return err
	}
	p.Add(&scatter{points, candidateColor})
	return nil
}

func cumulative(p *plot.Plot, sides []side, r span, law *Law) error {
	p.X.Label.Text, p.Y.Label.Text = "value", "share of values up to it"
	if law != nil {
		if err := guide(p, law.cumulative()); err != nil {
			return err
		}
	}
	for _, s := range sides {
		var line plotter.XYs
		for i := range curvePoints {
			q := share(i, curvePoints)
			line = append(line, plotter.XY{X: s.quantile(q), Y: q})
		}
		if err := curve(p, s, line); err != nil {
			return err
		}
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = r.low, r.high, 0, 1
	return nil
}

func diagonal(r span) plotter.XYs { return plotter.XYs{{X: r.low, Y: r.low}, {X: r.high, Y: r.high}} }

// guide adds a thin grey line: what the values should follow.
func guide(p *plot.Plot, line plotter.XYs) error {
	if len(line) == 0 {
		return nil
	}
	l, err := plotter.NewLine(line)
	if err != nil {
		return err
	}
	l.Color, l.Width = lawColor, vg.Points(1)
	p.Add(l)
	return nil
}

// curve adds a line of a side, the candidate's dashed so that both are seen
// where they are the same.
func curve(p *plot.Plot, s side, line plotter.XYs) error {
	l, err := plotter.NewLine(line)
	if err != nil {
		return err
	}
	l.Color, l.Width = s.color(), vg.Points(1.2)
	if s.name == "candidate" {
		l.Dashes = []vg.Length{vg.Points(4), vg.Points(2)}
	}
	p.Add(l)
	return nil
}

// scatter draws its points as one path; the library's takes an element each.
type scatter struct {
	points plotter.XYs
	color  color.Color
}

// Plot implements plot.Plotter.
func (s *scatter) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	const half = 1.6
	var path vg.Path
	for _, point := range s.points {
		x, y := toX(point.X), toY(point.Y)
		path.Move(vg.Point{X: x - half, Y: y})
		path.Line(vg.Point{X: x, Y: y + half})
		path.Line(vg.Point{X: x + half, Y: y})
		path.Line(vg.Point{X: x, Y: y - half})
		path.Close()
	}
	c.SetColor(s.color)
	c.Fill(path)
}

// DataRange implements plot.DataRanger.
func (s *scatter) DataRange() (xmin, xmax, ymin, ymax float64) { return plotter.XYRange(s.points) }

// The size of a picture in its own units; the page scales it.
const width, height = 320, 220

// render draws one plot as an SVG element. All texts in it are ours. The
// library panics on ranges that it cannot divide; a page without a plot is
// better than no page.
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
	p.BackgroundColor = nil
	p.X.Label.TextStyle.Font, p.Y.Label.TextStyle.Font = sans(10), sans(10)
	p.X.Tick.Label.Font, p.Y.Tick.Label.Font = sans(8), sans(8)
	p.X.Label.Padding, p.Y.Label.Padding = vg.Points(3), vg.Points(3)
	if err := drawInto(p); err != nil {
		return "", err
	}
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
	return template.HTML(head + restyle.Replace(string(body))), nil //nolint:gosec // numbers and texts of ours
}

// restyle replaces the library's styles by those of the page. A style that it
// does not know stays as it is.
var restyle = strings.NewReplacer(
	"\n\tstyle=\"font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal;font-size:10px\"", ` font-size="10"`,
	"\n\tstyle=\"font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal;font-size:8px\"", ` font-size="8"`,
	`style="fill:none;stroke:#000000;stroke-width:0.5" />`, `class="axis"/>`,
	"#1F5FA8", "var(--reference)",
	"#C85010", "var(--candidate)",
	"#999999", "var(--law)",
	" />\n", "/>\n",
)
