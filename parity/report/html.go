package report

import (
	_ "embed"
	"fmt"
	"html/template"

	"github.com/weightinit/weightinit/internal/page"
	"github.com/weightinit/weightinit/internal/plots"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// What the page holds at most without Verbose; beyond, a browser becomes slow.
const (
	maxPageFailures = 2000 // failed tests
	maxPageTensors  = 2000
	maxPageTests    = 6000 // tests behind the rows of the tensors
)

type pageData struct {
	Style        template.CSS
	Policy       string
	Passed       bool
	Counts       string
	Facts        []fact
	Failures     []pageBlock
	MoreFailures string
	Asked        []pageTensor
	MoreAsked    string
	Tensors      []pageTensor
	MoreTensors  string
}

// pageBlock is a table of failures. A tensor with pictures has its own block,
// others in between share one.
type pageBlock struct{ Tensors []pageTensor }

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
// outside: summary, failures with their plots, plots that were asked for, and
// a row a tensor that opens to its tests.
func writeHTML(p *printer, r parity.Result, opt Options) error {
	d := pageData{Style: page.Style, Policy: page.Policy, Passed: r.Passed(), Counts: counts(r.Summary), Facts: facts(r.Summary)}
	all := groups(r.Findings)
	d.addFailures(r, opt)
	d.addAsked(all, opt)
	d.addTensors(all, opt)
	return pageTemplate.Execute(p, d)
}

// addFailures adds the tensors that failed, in the order of their worst test.
func (d *pageData) addFailures(r parity.Result, opt Options) {
	failed := failures(r)
	left := opt.Plots
	if left == 0 {
		left = DefaultPlots
	}
	rows, alone := 0, false
	byTensor := groups(failed)
	for i, g := range byTensor {
		if rows += len(g.findings); rows > maxPageFailures && i > 0 && !opt.Verbose {
			rest := 0
			for _, g := range byTensor[i:] {
				rest += len(g.findings)
			}
			d.MoreFailures = fmt.Sprintf("%s of %s are left out here; the text and json reports list them.", plural(rest, "more failure"), plural(len(byTensor)-i, "tensor"))
			break
		}
		t := pageTensor{digest: g.digest(opt)}
		for _, f := range g.findings {
			row := rowOf(f, opt)
			// The command is mostly that of the whole tensor: once is enough.
			if n := len(t.Reruns); row.Rerun != "" && (n == 0 || t.Reruns[n-1] != row.Rerun) {
				t.Reruns = append(t.Reruns, row.Rerun)
			}
			t.Rows = append(t.Rows, row)
		}
		if left > 0 && t.draw(g.name, opt) {
			left--
		}
		drawn := len(t.Drawing.Notes) > 0
		if n := len(d.Failures); n > 0 && !drawn && !alone {
			d.Failures[n-1].Tensors = append(d.Failures[n-1].Tensors, t)
		} else {
			d.Failures = append(d.Failures, pageBlock{[]pageTensor{t}})
		}
		alone = drawn
	}
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
		if f.Verdict == parity.Fail {
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
