package plots_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/weightinit/weightinit/internal/page"
	"github.com/weightinit/weightinit/internal/plots"
)

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

// normals are made for plots; nothing depends on their values.
func normals(seed uint64, n int, std float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]float64, n)
	for i := range out {
		out[i] = std * r.NormFloat64()
	}
	return out
}

func normalLaw(std float64) *plots.Law {
	d := distuv.Normal{Sigma: std}
	return &plots.Law{Quantile: d.Quantile, Density: d.Prob}
}

func uniformLaw(low, high float64) *plots.Law {
	return &plots.Law{Quantile: func(p float64) float64 { return low + (high-low)*p }}
}

// requireSVG reads the element with a strict parser and checks that a page can
// hold it.
func requireSVG(t *testing.T, svg template.HTML) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, svg)
	}
	for _, text := range []string{"NaN", "Inf", "<?", "href", "url(", "<style", "<script", "#000000", "Liberation"} {
		require.NotContains(t, string(svg), text)
	}
	for _, name := range regexp.MustCompile(`var\((--[a-z]+)\)`).FindAllStringSubmatch(string(svg), -1) {
		require.Contains(t, string(page.Style), name[1]+":", "a colour that the style sheet has not")
	}
}

func captions(d plots.Drawing) string {
	var all []string
	for _, p := range d.Pictures {
		all = append(all, p.Caption)
	}
	return strings.Join(all, ", ")
}

func TestPicturesOfWhatThereIs(t *testing.T) {
	const between, against = "quantiles of the candidate against the reference", "quantiles against the declared law"
	a, b := normals(1, 3000, 1), normals(2, 2000, 1.1)
	for _, c := range []struct {
		name                 string
		reference, candidate []float64
		law                  *plots.Law
		want                 string
	}{
		{"both", a, b, nil, "histogram, " + between + ", cumulative distribution"},
		{"both and a law", a, b, normalLaw(1), "histogram, " + against + ", " + between + ", cumulative distribution"},
		{"candidate and a law", nil, b, normalLaw(1), "histogram, " + against + ", cumulative distribution"},
		{"reference alone", a, nil, nil, "histogram, cumulative distribution"},
		{"nothing", nil, nil, normalLaw(1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := plots.Compare(c.reference, c.candidate, c.law)
			require.Equal(t, c.want, captions(d))
			if c.want == "" {
				return
			}
			require.Equal(t, []bool{c.reference != nil, c.candidate != nil, c.law != nil}, []bool{d.Reference, d.Candidate, d.Law})
			for _, p := range d.Pictures {
				requireSVG(t, p.SVG)
				require.Less(t, len(p.SVG), 15_000, p.Caption)
			}
			require.Equal(t, d, plots.Compare(c.reference, c.candidate, c.law), "the same numbers give the same bytes")
		})
	}
}

// path returns the points of the first line of this colour and width.
func path(t *testing.T, svg template.HTML, colour string) [][2]float64 {
	t.Helper()
	m := regexp.MustCompile(`<path d="M([^"Z]*)" style="fill:none;stroke:var\(--` + colour + `\)`).FindStringSubmatch(string(svg))
	require.NotNil(t, m, "no line of the colour "+colour)
	var out [][2]float64
	for point := range strings.SplitSeq(m[1], "L") {
		var p [2]float64
		_, err := fmt.Sscanf(point, "%g,%g", &p[0], &p[1])
		require.NoError(t, err)
		out = append(out, p)
	}
	return out
}

// TestTheLawsCurveIsWhereTheValuesAre compares the grey curve with the
// histogram of many values of that law: they cover each other.
func TestTheLawsCurveIsWhereTheValuesAre(t *testing.T) {
	uniforms := make([]float64, 200_000)
	r := rand.New(rand.NewPCG(5, 5))
	for i := range uniforms {
		uniforms[i] = r.Float64()*2 - 1
	}
	withoutDensity := normalLaw(0.02)
	withoutDensity.Density = nil
	for name, c := range map[string]struct {
		values []float64
		law    *plots.Law
	}{
		"normal":                            {normals(3, 100_000, 0.02), normalLaw(0.02)},
		"normal, slope of its quantiles":    {normals(3, 100_000, 0.02), withoutDensity},
		"uniform, slope of its quantiles":   {uniforms, uniformLaw(-1, 1)},
		"uniform with a density":            {uniforms, &plots.Law{Quantile: uniformLaw(-1, 1).Quantile, Density: distuv.Uniform{Min: -1, Max: 1}.Prob}},
		"half of a wide uniform, no bounds": {uniforms, uniformLaw(-1, 1.0001)},
	} {
		t.Run(name, func(t *testing.T) {
			d := plots.Compare(nil, c.values, c.law)
			law, values := path(t, d.Pictures[0].SVG, "law"), path(t, d.Pictures[0].SVG, "candidate")
			require.InDelta(t, top(values), top(law), 12, "of 220")
			require.InDelta(t, area(values), area(law), 0.03*area(values))
			// The share of values up to x, and the law's.
			last := d.Pictures[len(d.Pictures)-1].SVG
			require.InDelta(t, area(path(t, last, "candidate")), area(path(t, last, "law")), 0.03*area(values))
		})
	}
}

func top(points [][2]float64) float64 {
	y := 0.0
	for _, p := range points {
		y = max(y, p[1])
	}
	return y
}

// area is that below the line, above the picture's lower edge of 41.
func area(points [][2]float64) float64 {
	sum := 0.0
	for i := 1; i < len(points); i++ {
		sum += (points[i][0] - points[i-1][0]) * (points[i][1]/2 + points[i-1][1]/2 - 41)
	}
	return sum
}

func TestALawThatCannotBeDrawnIsSaid(t *testing.T) {
	a := normals(1, 100, 1)
	for name, c := range map[string]struct {
		law  plots.Law
		want string
	}{
		"constant":     {plots.Law{Quantile: func(float64) float64 { return 2 }}, "the declared law is not drawn: all values are 2"},
		"no quantiles": {plots.Law{}, "the declared law is not drawn: it has no quantiles"},
		"not a number": {plots.Law{Quantile: func(float64) float64 { return nan }}, "the declared law is not drawn: its quantiles are no numbers in order"},
		"falling":      {plots.Law{Quantile: func(p float64) float64 { return -p }}, "the declared law is not drawn: its quantiles are no numbers in order"},
		"endless":      {plots.Law{Quantile: func(p float64) float64 { return (p - 0.5) * inf }}, "no axis can show"},
	} {
		d := plots.Compare(a, a, &c.law)
		require.Contains(t, strings.Join(d.Notes, "\n"), c.want, name)
		require.Len(t, d.Pictures, 3, name)
		require.False(t, d.Law)
	}
}

func TestALawMuchNarrowerThanTheValuesLeavesThemVisible(t *testing.T) {
	d := plots.Compare(nil, normals(1, 5000, 1), normalLaw(1e-4))
	require.Greater(t, top(path(t, d.Pictures[0].SVG, "candidate")), 100.0, "of 220")
}

func TestValuesThatCannotBePlottedAreSaid(t *testing.T) {
	for name, c := range map[string]struct {
		reference, candidate []float64
		pictures             int
		note                 string
	}{
		"constant":        {[]float64{2, 2}, []float64{2, 2, 2}, 0, "no plot: all values are 2"},
		"nothing finite":  {[]float64{nan, inf}, nil, 0, "reference: 2 values, 2 not finite and left out"},
		"some not finite": {[]float64{1, nan, 3}, []float64{1, 2, -inf}, 3, "candidate: 3 values, 1 not finite"},
		"huge":            {[]float64{-math.MaxFloat64, math.MaxFloat64}, []float64{1}, 0, "no axis can show"},
		"tiny":            {[]float64{0, 5e-324}, []float64{0}, 0, "no axis can show"},
		"narrow":          {[]float64{1, 1 + 1e-15}, []float64{1}, 0, "no axis can show"},
		"one side":        {nil, []float64{1, 2, 3}, 2, "candidate: 3 values"},
		"one value each":  {[]float64{1}, []float64{2}, 3, "reference: 1 value"},
		"wide":            {[]float64{-1e99, 1e99}, []float64{1e99}, 3, "candidate: 1 value"},
		"small":           {[]float64{1e-99, 2e-99}, []float64{3e-99}, 3, "candidate: 1 value"},
		"offset":          {[]float64{1000, 1000.01}, []float64{1000.02}, 3, "candidate: 1 value"},
		"many":            {normals(1, 300_000, 1), normals(2, 10, 1), 3, "reference: 300000 values, 100000 of them drawn"},
	} {
		t.Run(name, func(t *testing.T) {
			d := plots.Compare(c.reference, c.candidate, nil)
			require.Len(t, d.Pictures, c.pictures)
			notes := strings.Join(d.Notes, "\n")
			require.Contains(t, notes, c.note)
			require.NotContains(t, notes, "cannot be drawn")
			for _, p := range d.Pictures {
				requireSVG(t, p.SVG)
			}
		})
	}
}

func TestCount(t *testing.T) {
	bins := make([]int64, 4)
	plots.Count(bins, []float64{0, 0.9, 1, 3.9, 4, -0.1, 4.1, nan, inf}, 0, 4)
	require.Equal(t, []int64{2, 1, 0, 2}, bins)
	bins = make([]int64, 2)
	plots.Count(bins, []float64{-math.MaxFloat64, math.MaxFloat64, 0}, -math.MaxFloat64, math.MaxFloat64)
	require.Equal(t, []int64{1, 2}, bins)
	bins = make([]int64, 3)
	plots.Count(bins, []float64{7, 7}, 7, 7)
	require.Equal(t, []int64{2, 0, 0}, bins)
	plots.Count(nil, []float64{7, 7}, 7, 7)
}

func TestBars(t *testing.T) {
	require.Empty(t, plots.Bars(make([]int64, 50), -1, 1))
	require.Empty(t, plots.Bars(nil, -1, 1))
	svg := plots.Bars([]int64{1000, 0, 1}, -1, 2)
	requireSVG(t, svg)
	require.Contains(t, svg, `d="M0 28V1H50V28H100V27H150V28Z"`, "one of a thousand is still seen")
	require.Contains(t, svg, `class="zero" d="M50 0V28"`)
	require.NotContains(t, plots.Bars([]int64{1}, 0, 1), "zero")
	require.Contains(t, plots.Bars([]int64{1}, -math.MaxFloat64, math.MaxFloat64), `d="M75 0V28"`)
}

func FuzzCompare(f *testing.F) {
	f.Add(0.5, 1.0, -3.0, 2.0)
	f.Add(inf, nan, 0.0, 0.0)
	f.Add(1e-320, 1e300, -1e100, 1e100)
	f.Fuzz(func(t *testing.T, a, b, low, high float64) {
		d := plots.Compare([]float64{a, b, a / 3}, []float64{b, -a}, uniformLaw(low, high))
		for _, p := range d.Pictures {
			requireSVG(t, p.SVG)
		}
		require.NotContains(t, strings.Join(d.Notes, "\n"), "cannot be drawn")
		counts := make([]int64, 5)
		plots.Count(counts, []float64{a, b}, low, high)
		require.NotContains(t, string(plots.Bars(counts, low, high)), "NaN", strconv.FormatFloat(low, 'g', -1, 64))
	})
}
