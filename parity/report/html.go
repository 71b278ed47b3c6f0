package report

import (
	_ "embed"
	"html/template"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// What the page holds at most without Verbose; beyond, a browser becomes slow.
const (
	maxPageRows    = 2000
	maxPageTensors = 500
)

type pageData struct {
	Passed       bool
	Counts       string
	Facts        []fact
	Failures     []row
	MoreFailures int
	Tensors      []pageTensor
	MoreTensors  int
}

// pageTensor is a tensor with all its tests.
type pageTensor struct {
	Name         string
	Failed, Weak int
	Tests        int
	Rows         []row
	Pictures     []picture
	Notes        []string
}

// writeHTML writes one page without script and without reference to anything
// outside: summary, failures, and the tensors one by one, the failed ones
// first.
func writeHTML(p *printer, r parity.Result, opt Options) error {
	failed := failures(r)
	d := pageData{Passed: r.Passed(), Counts: counts(r.Summary), Facts: facts(r.Summary)}
	for i, f := range failed {
		if i == maxPageRows && !opt.Verbose {
			d.MoreFailures = len(failed) - i
			break
		}
		d.Failures = append(d.Failures, rowOf(f, opt))
	}
	d.Tensors, d.MoreTensors = pageTensors(r, failed, opt)
	return page.Execute(p, d)
}

// pageTensors returns the tensors of the page and how many it leaves out.
func pageTensors(r parity.Result, failed []parity.Finding, opt Options) ([]pageTensor, int) {
	byName := make(map[string][]parity.Finding)
	for _, f := range r.Findings {
		byName[f.Tensor] = append(byName[f.Tensor], f)
	}
	names := tensorsOf(append(failed[:len(failed):len(failed)], others(r)...))
	left := 0
	if len(names) > maxPageTensors && !opt.Verbose {
		left = len(names) - maxPageTensors
		names = names[:maxPageTensors]
	}
	plots := opt.Plots
	if plots == 0 {
		plots = DefaultPlots
	}
	tensors := make([]pageTensor, len(names))
	for i, name := range names {
		t := &tensors[i]
		t.Name, t.Tests = shown.Cut(name, maxName), len(byName[name])
		for _, f := range byName[name] {
			r := rowOf(f, opt)
			t.Rows = append(t.Rows, r)
			switch {
			case r.Failed:
				t.Failed++
			case r.Weak:
				t.Weak++
			}
		}
		if opt.Values == nil || plots <= 0 {
			continue
		}
		if reference, candidate := opt.Values(name); len(reference) > 0 || len(candidate) > 0 {
			t.Pictures, t.Notes = pictures(reference, candidate)
			plots--
		}
	}
	return tensors, left
}
