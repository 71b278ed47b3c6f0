package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/weightinit/weightinit/parity"
)

func writeMarkdown(p *printer, r parity.Result, opt Options) error {
	return markdown(p, r, opt, math.MaxInt)
}

// markdown writes the summary, the failures and, with Verbose, the others, in
// at most limit bytes.
func markdown(p *printer, r parity.Result, opt Options, limit int) error {
	m := mdWriter{p: p, left: limit - mdReserve}
	title := "## Parity: passed\n\n"
	if !r.Passed() {
		title = "## Parity: failed\n\n"
	}
	m.write(title + counts(r.Summary) + "\n\n")
	for _, f := range facts(r.Summary) {
		m.write("- " + f.Name + ": " + code(f.Value) + "\n")
	}
	if failed := failures(r); len(failed) > 0 {
		m.table("Failures", failed, opt)
	}
	if rest := others(r); opt.Verbose && len(rest) > 0 {
		m.table("Not failed", rest, opt)
	}
	return m.err
}

// mdReserve is kept for the sentences after tables that did not fit.
const mdReserve = 1 << 10

type mdWriter struct {
	p    *printer
	left int
	err  error
}

// write writes s if it fits and reports whether it did.
func (m *mdWriter) write(s string) bool {
	if len(s) > m.left {
		return false
	}
	m.left -= len(s)
	m.put(s)
	return true
}

func (m *mdWriter) put(s string) {
	if _, err := m.p.WriteString(s); m.err == nil {
		m.err = err
	}
}

const mdHead = `| verdict | tensor | test | p | adj | effect | margin | n | sees ≥ | index | detail | rerun |
|---|---|---|---|---|---|---|---|---|---|---|---|
`

func (m *mdWriter) table(title string, findings []parity.Finding, opt Options) {
	if !m.write("\n### " + title + "\n\n" + mdHead) {
		return
	}
	for i, f := range findings {
		if !m.write(mdRow(rowOf(f, opt))) {
			m.left = 0
			m.put(fmt.Sprintf("\n%d of %d rows do not fit here; the other formats have them.\n", len(findings)-i, len(findings)))
			return
		}
	}
}

func mdRow(r row) string {
	detail := r.Detail
	if members := r.memberText(); members != "" {
		detail = strings.TrimSpace(detail + " members: " + members)
	}
	cells := []string{r.Verdict, code(r.Tensor), code(r.Test), r.P, r.Adjusted, code(r.Effect), r.Margin, r.N, r.Sees, r.Index, code(detail), code(r.Rerun)}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// code writes a text as code: no link, mention or other markup comes to life
// in it. A pipe would end the cell of a table even there, and a backtick the
// code, so a text with one of them is written in HTML with all punctuation as
// character references.
func code(s string) string {
	trimmed := strings.TrimSpace(s)
	switch {
	case s == "":
		return ""
	case trimmed == s && !strings.ContainsAny(s, "|`"):
		return "`" + s + "`"
	}
	var b strings.Builder
	b.WriteString("<code>")
	for _, r := range s {
		if r > ' ' && r < 0x7f && !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '.' || r == ',') {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteString("</code>")
	return b.String()
}
