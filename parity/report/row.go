package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
)

// The most bytes that one text takes in a line; the formats for machines hold
// names in full.
const (
	maxName    = 300
	maxText    = 600
	maxMembers = 8
	maxRerun   = 2000
)

// row is a finding as texts, escaped for the eye and not yet for a format. A
// field that does not apply is empty.
type row struct {
	Verdict, Tensor, Test      string
	P, Adjusted                string
	Effect, Margin, N, Sees    string
	Index                      string
	Detail, Rerun              string
	Members                    []string
	MoreMembers                int
	Failed, Weak, Passed, Info bool
}

func rowOf(f engine.Finding, opt Options) row {
	r := row{
		Verdict: strings.ToUpper(visible(string(f.Verdict), 20)),
		Tensor:  shown.Cut(f.Tensor, maxName), Test: shown.Cut(f.Test, maxName),
		P: short(f.P), Adjusted: short(f.Adjusted),
		Effect: visible(f.EffectText, maxText), Margin: measure(f.Margin, f.Unit, 3), Sees: measure(f.Sees, f.Unit, 2),
		N:      strconv.FormatInt(f.N, 10),
		Detail: visible(f.Detail, maxText),
		Failed: f.Verdict == engine.Fail, Weak: f.Verdict == engine.Weak,
		Passed: f.Verdict == engine.Pass, Info: f.Verdict == engine.Info,
	}
	if r.Effect == "" {
		r.Effect = measure(f.Effect, f.Unit, 4)
	}
	if f.Index >= 0 {
		r.Index = strconv.FormatInt(f.Index, 10)
	}
	for i, m := range f.Members {
		if i == maxMembers {
			r.MoreMembers = len(f.Members) - maxMembers
			break
		}
		r.Members = append(r.Members, shown.Cut(m, maxName))
	}
	r.Rerun = rerun(f, opt)
	return r
}

// rerun returns the command that checks this failure alone; empty for others.
func rerun(f engine.Finding, opt Options) string {
	if f.Verdict != engine.Fail || opt.Rerun == nil {
		return ""
	}
	return visible(opt.Rerun(f), maxRerun)
}

// line is the row as the one line of every report.
func (r row) line() string {
	var b strings.Builder
	b.WriteString(r.Verdict + " " + r.Tensor + "  " + r.Test)
	field := func(name, value string) {
		if value != "" {
			b.WriteString("  " + name + value)
		}
	}
	field("p=", r.P)
	field("adj=", r.Adjusted)
	field("effect=", r.Effect)
	field("margin=", r.Margin)
	field("n=", r.N)
	field("sees>=", r.Sees)
	field("index=", r.Index)
	field("members=", r.memberText())
	field("", r.Detail)
	field("rerun: ", r.Rerun)
	return b.String()
}

func (r row) memberText() string {
	text := strings.Join(r.Members, ", ")
	if r.MoreMembers > 0 {
		text += fmt.Sprintf(" and %d more", r.MoreMembers)
	}
	return text
}

// measure writes an effect, a margin or what a test sees; NaN is nothing.
func measure(v float64, u engine.Unit, digits int) string {
	switch {
	case math.IsNaN(v):
		return ""
	case u == engine.Sigma:
		return number(v, digits) + " sigma"
	case u == engine.Percent:
		return number(100*v, digits) + "%"
	}
	return number(v, digits)
}

// short writes a p-value or a limit; NaN is nothing.
func short(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return number(v, 2)
}

func number(v float64, digits int) string { return strconv.FormatFloat(v, 'g', digits, 64) }

// visible makes s one line without characters that do not print, in at most
// about limit bytes. Unlike [shown.Text] it keeps the backslash, because these
// texts are sentences and commands of ours with names already escaped in them.
func visible(s string, limit int) string {
	var b strings.Builder
	for s != "" {
		if b.Len() >= limit {
			b.WriteString("…")
			break
		}
		r, n := utf8.DecodeRuneInString(s)
		if strconv.IsPrint(r) && (r != utf8.RuneError || n > 1) {
			b.WriteString(s[:n])
		} else {
			b.WriteString(shown.Text(s[:n]))
		}
		s = s[n:]
	}
	return b.String()
}

// counts is the summary's first line; it holds no text from files.
func counts(s engine.Summary) string {
	verdict := "passed"
	if s.Failed > 0 {
		verdict = "FAILED"
	}
	text := fmt.Sprintf("%s: %s, %s, %d failed", verdict, plural(s.Tensors, "tensor"), plural(s.Tests, "test"), s.Failed)
	if s.Weak > 0 {
		text += fmt.Sprintf(", %d weak (equivalence not shown)", s.Weak)
	}
	if s.FamilyLimit > 0 {
		text += fmt.Sprintf("; family-wise limit %s, strictest single limit %s", short(s.FamilyLimit), short(s.StrictestLimit))
	}
	return text
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// fact is a line of the summary: a name and a text.
type fact struct{ Name, Value string }

// facts are what the summary says beside the counts.
func facts(s engine.Summary) []fact {
	var out []fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, visible(value, maxText)})
		}
	}
	add("reference", s.Reference)
	add("candidate", s.Candidate)
	add("checks", strings.Join(s.Checks, ", "))
	return out
}
