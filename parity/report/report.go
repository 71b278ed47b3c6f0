// Package report writes the result of a comparison in the formats that people
// and machines read: text, JSON, JUnit, GitHub's workflow commands, Markdown
// and one self-contained HTML page.
//
// It judges nothing: what failed is decided by package parity and its tests.
// It opens no file and prints nothing: the caller gives the writer. The same
// result makes the same bytes. Names and other text that came from files are
// escaped twice: for the eye (internal/shown) and for the format.
package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
)

// Options tune a report.
type Options struct {
	// Verbose shows what passed too, where a format would only count it. The
	// formats for machines (json, junit) always hold everything.
	Verbose bool
	// Rerun, if set, returns the command that checks only what this finding
	// is about. It is called for failures alone.
	Rerun func(engine.Finding) string
	// Values, if set, returns the values of a tensor for the plots of the HTML
	// page; either side may be empty, and both when there is nothing to plot.
	// It is called for the tensors that failed, the worst first, until Plots of
	// them had values, then for those that Plot asks for.
	Values func(tensor string) (reference, candidate []float64)
	// Plots is the number of failed tensors that are plotted; 0 means
	// [DefaultPlots].
	Plots int
	// Plot, if set, asks for the plots of tensors that did not fail too, at most
	// [MaxAsked] of them.
	Plot func(tensor string) bool
	// Law, if set, returns the law that is declared of a tensor, which plots
	// then show: its quantiles for shares from 0 to 1, its density or nil, and
	// its name for people; ok is false when none is declared.
	Law func(tensor string) (quantile, density func(float64) float64, text string, ok bool)
}

// DefaultPlots is the number of failed tensors that the HTML page plots unless
// told otherwise, MaxAsked that of the others: a page that a browser opens at
// once.
const (
	DefaultPlots = 20
	MaxAsked     = 40
)

// UnknownFormatError tells that there is no format of this name.
type UnknownFormatError struct{ Format string }

func (e *UnknownFormatError) Error() string {
	return fmt.Sprintf("report: unknown format %s: use %s", shown.Quote(e.Format), strings.Join(Formats(), ", "))
}

// printer is where a format writes; errors of the writer stay in it until the
// end.
type printer = bufio.Writer

var writers = map[string]func(*printer, engine.Result, Options) error{
	"text":     writeText,
	"json":     writeJSON,
	"junit":    writeJUnit,
	"github":   writeGitHub,
	"markdown": writeMarkdown,
	"html":     writeHTML,
}

// Formats returns the names of the formats that [Write] knows, in the order in
// which a help text lists them.
func Formats() []string { return []string{"text", "json", "junit", "github", "markdown", "html"} }

// Write writes r in the format. The error is an [UnknownFormatError] or one of
// w, marked as a failure of the system; then w may hold a part of the report.
func Write(w io.Writer, format string, r engine.Result, opt Options) error {
	write, ok := writers[format]
	if !ok {
		return &UnknownFormatError{format}
	}
	return finish(w, format, func(p *printer) error { return write(p, r, opt) })
}

// finish runs write on a buffered w.
func finish(w io.Writer, format string, write func(*printer) error) error {
	p := bufio.NewWriterSize(w, 1<<16)
	err := write(p)
	if err == nil {
		err = p.Flush()
	}
	if err != nil {
		return fault.CannotRun(fmt.Errorf("report: writing %s: %w", format, err))
	}
	return nil
}

// failures returns what failed, the worst first: what could not be compared at
// all, then exact facts by the size of the effect, then tests by their
// p-values. Equals keep their order.
func failures(r engine.Result) []engine.Finding {
	var out []engine.Finding
	for _, f := range r.Findings {
		if f.Verdict == engine.Fail {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b engine.Finding) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			// NaN is before all numbers, but within a rank either all or none are.
			cmp.Compare(judged(a), judged(b)),
			cmp.Compare(a.P, b.P),
			cmp.Compare(magnitude(b), magnitude(a)),
		)
	})
	return out
}

// rank is the kind of a failure.
func rank(f engine.Finding) int {
	switch {
	case !math.IsNaN(judged(f)):
		return 2
	case math.IsNaN(f.Effect):
		return 0
	}
	return 1
}

// judged is the p-value that was held against the limit; NaN for a fact.
func judged(f engine.Finding) float64 {
	if math.IsNaN(f.Adjusted) {
		return f.P
	}
	return f.Adjusted
}

// magnitude orders effects of one kind: in margins, where there are margins;
// statistics of different tests cannot be compared.
func magnitude(f engine.Finding) float64 {
	switch {
	case math.IsNaN(judged(f)):
		return math.Abs(f.Effect)
	case f.Margin > 0:
		return math.Abs(f.Effect) / f.Margin
	}
	return -1
}

// others returns what did not fail, in its order.
func others(r engine.Result) []engine.Finding {
	var out []engine.Finding
	for _, f := range r.Findings {
		if f.Verdict != engine.Fail {
			out = append(out, f)
		}
	}
	return out
}
