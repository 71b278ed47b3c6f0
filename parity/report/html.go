package report

import (
	_ "embed"
	"fmt"
	"html/template"

	"github.com/weightinit/weightinit/internal/page"
	"github.com/weightinit/weightinit/internal/plots"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// What the page holds at most without Verbose; beyond, a browser becomes slow.
const (
	maxPageFailures = 1000 // failed tests
	maxPageTensors  = 2000
	maxPageTests    = 6000 // tests behind the rows of the tensors
)

type pageData struct {
	Style        template.CSS
	Policy       string
	Passed       bool
	Headline     string
	Counts       string
	Facts        []fact
	Causes       []pageCause
	MoreFailures string
	Asked        []pageTensor
	MoreAsked    string
	Tensors      []pageTensor
	MoreTensors  string
}

// pageCause is a cause with its pictures, and its failures behind a click.
type pageCause struct {
	Where, Text, Quoted, Failures string
	// Shown is the worst tensor that has pictures.
	Shown   *pageTensor
	Tensors []*pageTensor
}

// pageTensor is a tensor with the tests that a part of the page shows, and its
// pictures there.
type pageTensor struct {
	digest
	Rows    []row
	Reruns  []string
	Law     string
	Drawing plots.Drawing
	// Closed tells that the page has no room for the rows.
	Closed bool
}

// writeHTML writes one page without script and without reference to anything
// outside: what is wrong in a sentence a cause, each with the plots of its worst
// tensor and its tests behind a click; plots that were asked for; and a row a
// tensor that opens to its tests.
func writeHTML(p *printer, r engine.Result, opt Options) error {
	d := pageData{Style: page.Style, Policy: page.Policy, Passed: r.Passed(), Headline: headline(r), Counts: counts(r.Summary), Facts: facts(r.Summary)}
	all := groups(r.Findings)
	d.addFailures(r, opt)
	d.addAsked(all, opt)
	d.addTensors(all, opt)
	return pageTemplate.Execute(p, d)
}

// headline says in a few words how the run ended.
func headline(r engine.Result) string {
	if !r.Passed() {
		failed := map[string]bool{}
		for _, g := range groups(failures(r)) {
			for _, name := range g.findings[0].Members {
				failed[name] = true
			}
			if len(g.findings[0].Members) == 0 {
				failed[g.name] = true
			}
		}
		return fmt.Sprintf("Failed: %d of %s", len(failed), plural(r.Summary.Tensors, "tensor"))
	}
	passed := map[string]int{}
	for _, f := range r.Findings {
		passed[f.Test]++
	}
	switch n := r.Summary.Tensors; {
	case n > 0 && passed["bits"] == n:
		return "Passed: " + plural(n, "tensor") + ", every bit is the same"
	case n > 0 && passed["close"] == n:
		return "Passed: " + plural(n, "tensor") + ", every value is within the tolerances"
	}
	return "Passed: " + plural(r.Summary.Tensors, "tensor")
}

// addFailures adds the causes with the tensors that failed.
func (d *pageData) addFailures(r engine.Result, opt Options) {
	rows, left, leftOf := 0, 0, 0
	pages := map[string]*pageTensor{} // by the key of the group
	for _, c := range causes(r) {
		p := pageCause{Where: c.where, Text: c.text, Quoted: c.quoted,
			Failures: plural(c.tests, "failed test") + " of " + plural(len(c.groups), "tensor")}
		for i, g := range c.groups {
			// Of each cause there is one tensor at least.
			if rows += len(g.findings); rows > maxPageFailures && i > 0 && !opt.Verbose {
				left += len(g.findings)
				leftOf++
				continue
			}
			t := g.page(opt)
			pages[groupKey(g.findings[0])] = t
			p.Tensors = append(p.Tensors, t)
		}
		d.Causes = append(d.Causes, p)
	}
	if left > 0 {
		d.MoreFailures = fmt.Sprintf("%s of %s are left out here; the text and json reports list them.", plural(left, "more failure"), plural(leftOf, "tensor"))
	}
	drawWorst(groups(failures(r)), pages, opt)
	for i := range d.Causes {
		c := &d.Causes[i]
		for _, t := range c.Tensors {
			if len(t.Drawing.Notes) > 0 && c.Shown == nil {
				c.Shown = t
			}
		}
	}
}

// drawWorst draws the pictures of the worst tensors that are on the page.
func drawWorst(failed []group, pages map[string]*pageTensor, opt Options) {
	left := opt.Plots
	if left == 0 {
		left = DefaultPlots
	}
	for _, g := range failed {
		t := pages[groupKey(g.findings[0])]
		if left == 0 {
			break
		}
		if t != nil && t.draw(g.name, opt) {
			left--
		}
	}
}

// page is the group with all that it found.
func (g group) page(opt Options) *pageTensor {
	t := &pageTensor{digest: g.digest(opt)}
	for _, f := range g.findings {
		row := rowOf(f, opt)
		// The command is mostly that of the whole tensor: once is enough.
		if n := len(t.Reruns); row.Rerun != "" && (n == 0 || t.Reruns[n-1] != row.Rerun) {
			t.Reruns = append(t.Reruns, row.Rerun)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// addAsked adds the plots of tensors that did not fail.
func (d *pageData) addAsked(all []group, opt Options) {
	if opt.Plot == nil {
		return
	}
	more := 0
	for _, g := range all {
		if !opt.Plot(g.name) || g.failed() {
			continue
		}
		if len(d.Asked) == MaxAsked {
			more++
			continue
		}
		t := pageTensor{digest: digest{Tensor: shown.Cut(g.name, maxName)}}
		if t.draw(g.name, opt) {
			d.Asked = append(d.Asked, t)
		}
	}
	if more > 0 {
		d.MoreAsked = plural(more, "more tensor") + " that were asked for are not plotted: a page has room for " + fmt.Sprint(MaxAsked) + "; ask for fewer."
	}
}

func (g group) failed() bool {
	for _, f := range g.findings {
		if f.Verdict == engine.Fail {
			return true
		}
	}
	return false
}

// draw adds the pictures of the tensor and reports whether it had values.
func (t *pageTensor) draw(name string, opt Options) bool {
	if opt.Values == nil {
		return false
	}
	reference, candidate := opt.Values(name)
	if len(reference) == 0 && len(candidate) == 0 {
		return false
	}
	var law *plots.Law
	if opt.Law != nil {
		if quantile, density, text, ok := opt.Law(name); ok {
			law = &plots.Law{Quantile: quantile, Density: density}
			t.Law = visible(text, maxText)
		}
	}
	t.Drawing = plots.Compare(reference, candidate, law)
	return true
}

// addTensors adds a row a tensor, those that failed first.
func (d *pageData) addTensors(all []group, opt Options) {
	var ordered, rest []group
	for _, g := range all {
		if g.failed() {
			ordered = append(ordered, g)
		} else {
			rest = append(rest, g)
		}
	}
	rows, closed := 0, 0
	ordered = append(ordered, rest...)
	for i, g := range ordered {
		if i == maxPageTensors && !opt.Verbose {
			d.MoreTensors = plural(len(ordered)-i, "more tensor") + " are left out here; the json report has them all."
			break
		}
		t := pageTensor{digest: g.digest(opt)}
		if rows += len(g.findings); rows > maxPageTests && !opt.Verbose {
			t.Closed = true
			closed++
		} else {
			for _, f := range g.findings {
				t.Rows = append(t.Rows, rowOf(f, Options{}))
			}
		}
		d.Tensors = append(d.Tensors, t)
	}
	if closed > 0 {
		d.MoreTensors += fmt.Sprintf(" The single tests of %s are left out as well.", plural(closed, "tensor"))
	}
}
