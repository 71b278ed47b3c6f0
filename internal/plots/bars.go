package plots

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
)

// The size of [Bars].
const barsWidth, barsHeight = 150, 28

// Bars draws the classes of a histogram over [low, high] as one small shape
// without axes, the highest to the top and none that holds a value invisible;
// a thin line marks 0 when it lies inside. Without a value it returns nothing.
func Bars(counts []int64, low, high float64) template.HTML {
	most := int64(0)
	for _, c := range counts {
		most = max(most, c)
	}
	if most <= 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="bars" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="histogram"><path d="M0 %d`, barsWidth, barsHeight, barsHeight)
	for i, c := range counts {
		top := 0.0
		if c > 0 {
			top = max(1, float64(c)/float64(most)*(barsHeight-1))
		}
		fmt.Fprintf(&b, "V%sH%s", short(barsHeight-top), short(float64(i+1)/float64(len(counts))*barsWidth))
	}
	fmt.Fprintf(&b, `V%dZ"/>`, barsHeight)
	if low < 0 && high > 0 {
		at := -low / (high/2 - low/2) / 2 // halves first: the range may pass the largest float64
		fmt.Fprintf(&b, `<path class="zero" d="M%s 0V%d"/>`, short(at*barsWidth), barsHeight)
	}
	return template.HTML(b.String() + "</svg>") //nolint:gosec // numbers only
}

// short writes a coordinate to a tenth.
func short(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}
