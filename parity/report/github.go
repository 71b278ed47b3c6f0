package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/weightinit/weightinit/parity"
)

// maxAnnotations is the number of errors that GitHub shows of one step; it
// drops the others silently.
const maxAnnotations = 10

// writeGitHub writes failures as workflow commands, the worst first; when there
// are too many, the last command counts the rest. A plain line with the counts
// follows: no text from files, which could be a command itself.
func writeGitHub(p *printer, r parity.Result, opt Options) error {
	failed := failures(r)
	alone := len(failed)
	if alone > maxAnnotations {
		alone = maxAnnotations - 1
	}
	for _, f := range failed[:alone] {
		row := rowOf(f, opt)
		command(p, "parity: "+row.Test+" "+row.Tensor, row.line())
	}
	if rest := len(failed) - alone; rest > 0 {
		command(p, "parity: "+plural(rest, "more failure"),
			fmt.Sprintf("%s of %s beyond these; the job summary and the other formats list them", plural(rest, "failure"), plural(len(tensorsOf(failed[alone:])), "tensor")))
	}
	_, err := p.WriteString("weightinit parity " + counts(r.Summary) + "\n")
	return err
}

// command writes one workflow command.
func command(p *printer, title, message string) {
	_, _ = p.WriteString("::error title=" + propertyEscapes.Replace(title) + "::" + dataEscapes.Replace(message) + "\n")
}

// GitHub's rules for what stands after the second "::", and for a property.
var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// MaxJobSummary is the most bytes that GitHub takes as the summary of a step.
const MaxJobSummary = 1 << 20

// WriteJobSummary writes what belongs into the file that GitHub names in
// GITHUB_STEP_SUMMARY: the Markdown report in less than [MaxJobSummary] bytes,
// with the rows counted that did not fit.
func WriteJobSummary(w io.Writer, r parity.Result, opt Options) error {
	return finish(w, "the job summary", func(p *printer) error { return markdown(p, r, opt, MaxJobSummary-1) })
}

// tensorsOf returns the different tensors in the order of their first finding.
func tensorsOf(findings []parity.Finding) []string {
	seen := make(map[string]bool, len(findings))
	var out []string
	for _, f := range findings {
		if !seen[f.Tensor] {
			seen[f.Tensor] = true
			out = append(out, f.Tensor)
		}
	}
	return out
}
