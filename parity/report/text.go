package report

import (
	"strings"

	"github.com/weightinit/weightinit/parity/engine"
)

// maxTextFailures is how many tensors that failed a text report names if it is
// not verbose.
const maxTextFailures = 1000

// writeText writes a sentence a cause, then a line a failed tensor, the worst
// first, with the test that speaks most against it; with Verbose a line a failed
// test and then a line a tensor; in the end the summary. Without Verbose there
// are lines for so many tensors as maxTextFailures says, and the rest is counted.
func writeText(p *printer, r engine.Result, opt Options) error {
	for i, c := range causes(r) {
		if i == 0 {
			_, _ = p.WriteString("What is wrong:\n")
		}
		_, _ = p.WriteString("- " + c.sentence() + " (" + plural(c.tests, "failed test") + ")\n")
	}
	failed := failures(r)
	more := map[string]int{}
	for _, f := range failed {
		more[groupKey(f)]++
	}
	shown := 0
	for _, f := range failed {
		also := ""
		if !opt.Verbose {
			n, first := more[groupKey(f)]
			if !first {
				continue
			}
			if shown == maxTextFailures {
				_, _ = p.WriteString("and " + plural(len(more), "more tensor") + " failed: a verbose report has a line for each\n")
				break
			}
			delete(more, groupKey(f))
			if n > 1 {
				also = plural(n-1, "more test") + " failed"
			}
		}
		row := rowOf(f, opt)
		if also != "" {
			row.Detail = strings.TrimPrefix(row.Detail+"; ", "; ") + also
		}
		_, _ = p.WriteString(row.line() + "\n")
		shown++
	}
	if opt.Verbose {
		for _, g := range groups(r.Findings) {
			if line := g.line(opt); line != "" {
				_, _ = p.WriteString(line + "\n")
			}
		}
	}
	for _, f := range facts(r.Summary) {
		_, _ = p.WriteString(f.Name + ": " + f.Value + "\n")
	}
	_, err := p.WriteString(counts(r.Summary) + "\n")
	return err
}

// line is a tensor in a line: its digest, or its only finding, which stands
// among the failures already if it is one.
func (g group) line(opt Options) string {
	switch {
	case len(g.findings) > 1:
		return g.digest(opt).line()
	case g.findings[0].Verdict == engine.Fail:
		return ""
	}
	return rowOf(g.findings[0], opt).line()
}
