package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/weightinit/weightinit/parity/engine"
)

// maxAnnotations is the number of errors that GitHub shows of one step; it
// drops the others silently.
const maxAnnotations = 10

// writeGitHub writes causes as workflow commands, the worst first, each with the
// lines of its worst failures; when there are too many, the last command counts
// the rest. A plain line with the counts follows: no text from files, which
// could be a command itself.
func writeGitHub(p *printer, r engine.Result, opt Options) error {
	all := causes(r)
	alone := len(all)
	if alone > maxAnnotations {
		alone = maxAnnotations - 1
	}
	for _, c := range all[:alone] {
		message, left := c.sentence(), c.tests
		for _, f := range c.worst(maxAnnotations) {
			message += "\n" + rowOf(f, opt).line()
			left--
		}
		if left > 0 {
			message += "\nand " + plural(left, "more failed test") + "; the job summary and the other formats list them"
		}
		command(p, "parity: "+c.where, message)
	}
	if rest := all[alone:]; len(rest) > 0 {
		tests, tensors := 0, 0
		for _, c := range rest {
			tests += c.tests
			tensors += len(c.groups)
		}
		command(p, "parity: "+plural(tests, "more failure"),
			fmt.Sprintf("%s of %s beyond these; the job summary and the other formats list them", plural(tests, "failure"), plural(tensors, "tensor")))
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
func WriteJobSummary(w io.Writer, r engine.Result, opt Options) error {
	return finish(w, "the job summary", func(p *printer) error { return markdown(p, r, opt, MaxJobSummary-1) })
}
