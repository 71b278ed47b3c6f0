package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/weightinit/weightinit/parity/engine"
)

func writeMarkdown(p *printer, r engine.Result, opt Options) error {
	return markdown(p, r, opt, math.MaxInt)
}

// markdown writes the summary, the failures and, with Verbose, the others, in
// at most limit bytes.
func markdown(p *printer, r engine.Result, opt Options, limit int) error {
	m := mdWriter{p: p, left: limit - mdReserve}
	title := "## Parity: passed\n\n"
	if !r.Passed() {
		title = "## Parity: failed\n\n"
	}
	m.write(title + counts(r.Summary) + "\n\n")
	for _, f := range facts(r.Summary) {
		m.write("- " + f.Name + ": " + code(f.Value) + "\n")
	}
	m.causes(causes(r), opt)
	if opt.Verbose {
		m.rest(r, opt)
	}
	return m.err
}

// causes writes a sentence a cause, and below all of them their tests, folded.
func (m *mdWriter) causes(all []cause, opt Options) {
	if len(all) == 0 {
		return
	}
	m.write("\n### What is wrong\n\n")
	for i, c := range all {
		text := fmt.Sprintf("%d. **%s**: %s", i+1, code(c.where), c.text)
		if c.quoted != "" {
			text += ": " + code(c.quoted)
		}
		if !m.write(text + "\n") {
			m.put("\n" + plural(len(all)-i, "more cause") + "\n")
			break
		}
	}
	for i, c := range all {
		if m.left == 0 {
			m.put("\n" + plural(len(all)-i, "more table") + " of failed tests do not fit here; the other formats have them.\n")
			break
		}
		var failed []engine.Finding
		for _, g := range c.groups {
			failed = append(failed, g.findings...)
		}
		m.folded(fmt.Sprintf("%d: %s of %s", i+1, plural(c.tests, "failed test"), plural(len(c.groups), "tensor")), func() {
			mdTable(m, "", mdHead, failed, func(f engine.Finding) string { return mdRow(rowOf(f, opt)) })
		})
	}
}

// folded writes what opens on a click; the summary is HTML, in which no text of
// a file may stand.
func (m *mdWriter) folded(summary string, write func()) {
	if m.write("\n<details><summary>" + summary + "</summary>\n\n") {
		write()
		m.put("\n</details>\n")
	}
}

// rest writes a row a tensor where tensors have several tests, else a row a
// finding that is no failure.
func (m *mdWriter) rest(r engine.Result, opt Options) {
	all := groups(r.Findings)
	if len(all) < len(r.Findings) {
		mdTable(m, "Tensors", mdDigestHead, all, func(g group) string { return mdDigest(g.digest(opt)) })
	} else if rest := others(r); len(rest) > 0 {
		mdTable(m, "Not failed", mdHead, rest, func(f engine.Finding) string { return mdRow(rowOf(f, opt)) })
	}
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

const mdDigestHead = `| verdict | tensor | tests | failed | weak | least p | adj | of the test | std | n |
|---|---|---|---|---|---|---|---|---|---|
`

// mdTable writes a table with a row an item, as far as there is room.
func mdTable[T any](m *mdWriter, title, head string, items []T, row func(T) string) {
	if title != "" {
		title = "\n### " + title + "\n\n"
	}
	if !m.write(title + head) {
		return
	}
	for i, item := range items {
		if !m.write(row(item)) {
			m.left = 0
			m.put(fmt.Sprintf("\n%d of %d rows do not fit here; the other formats have them.\n", len(items)-i, len(items)))
			return
		}
	}
}

func mdDigest(d digest) string {
	tensor := code(d.Tensor)
	if d.Members != "" {
		tensor += " of " + code(d.Members)
	}
	cells := []string{d.Verdict, tensor, fmt.Sprint(d.Tests), fmt.Sprint(d.Failed), fmt.Sprint(d.Weak), d.P, d.Adjusted, code(d.Least), code(d.Std), d.N}
	return "| " + strings.Join(cells, " | ") + " |\n"
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
