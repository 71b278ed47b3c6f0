package report

import "github.com/weightinit/weightinit/parity"

// writeText writes a line a failure, the worst first, with Verbose a line a
// finding of the others, then the summary.
func writeText(p *printer, r parity.Result, opt Options) error {
	shownFindings := failures(r)
	if opt.Verbose {
		shownFindings = append(shownFindings, others(r)...)
	}
	for _, f := range shownFindings {
		_, _ = p.WriteString(rowOf(f, opt).line() + "\n")
	}
	for _, f := range facts(r.Summary) {
		_, _ = p.WriteString(f.Name + ": " + f.Value + "\n")
	}
	_, err := p.WriteString(counts(r.Summary) + "\n")
	return err
}
