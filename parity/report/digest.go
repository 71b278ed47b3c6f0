package report

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
)

// group is a tensor (or a pool) with all that was found of it, in order.
type group struct {
	name     string
	findings []engine.Finding
}

// groups returns the tensors in the order of their first finding. Two pools
// may have one name; their members tell them apart.
func groups(findings []engine.Finding) []group {
	place := make(map[string]int)
	var out []group
	for _, f := range findings {
		key := groupKey(f)
		i, known := place[key]
		if !known {
			i = len(out)
			place[key] = i
			out = append(out, group{name: f.Tensor})
		}
		out[i].findings = append(out[i].findings, f)
	}
	return out
}

// groupKey is the same for two findings of one tensor or pool.
func groupKey(f engine.Finding) string {
	if len(f.Members) == 0 {
		return f.Tensor
	}
	return f.Tensor + "\n" + strings.Join(f.Members, "\n")
}

// digest is a group in a line. A field that does not apply is empty.
type digest struct {
	Verdict, Tensor     string
	Tests, Failed, Weak int
	// Least is the test that speaks most against the tensor: the first of the
	// facts that fail, else that with the smallest p-value, with P and Adjusted.
	Least, P, Adjusted string
	// Std is the effect on the standard deviation, the first that fails if one
	// does.
	Std, N string
	// Members are those of a pool.
	Members string
}

// verdictOrder has the worst first.
var verdictOrder = map[engine.Verdict]int{engine.Fail: 0, engine.Weak: 1, engine.Pass: 2, engine.Info: 3}

func (g group) digest(opt Options) digest {
	d := digest{Tensor: shown.Cut(g.name, maxName), Tests: len(g.findings)}
	worst, least := g.findings[0], g.findings[0]
	stdFailed := false
	var values int64
	for _, f := range g.findings {
		switch f.Verdict {
		case engine.Fail:
			d.Failed++
		case engine.Weak:
			d.Weak++
		}
		if verdictOrder[f.Verdict] < verdictOrder[worst.Verdict] {
			worst = f
		}
		if speaksMore(f, least) {
			least = f
		}
		if f.Unit == engine.Percent && (d.Std == "" || f.Verdict == engine.Fail && !stdFailed) {
			d.Std, stdFailed = rowOf(f, opt).Effect, f.Verdict == engine.Fail
		}
		values = max(values, f.N)
	}
	d.Members = rowOf(worst, opt).memberText()
	d.Verdict, d.N = rowOf(worst, Options{}).Verdict, strconv.FormatInt(values, 10)
	d.Least, d.P, d.Adjusted = shown.Cut(least.Test, maxName), short(least.P), short(least.Adjusted)
	return d
}

// speaksMore reports whether a speaks more against its tensor than b.
func speaksMore(a, b engine.Finding) bool {
	return cmp.Or(compareBool(failedFact(b), failedFact(a)), compareP(a.Adjusted, b.Adjusted), compareP(a.P, b.P)) < 0
}

func failedFact(f engine.Finding) bool { return f.Verdict == engine.Fail && math.IsNaN(judged(f)) }

// compareBool has false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// compareP has the smallest first and those that are none last.
func compareP(a, b float64) int {
	return cmp.Or(compareBool(math.IsNaN(a), math.IsNaN(b)), cmp.Compare(a, b))
}

// line is the digest as a line of the text report.
func (d digest) line() string {
	text := d.Verdict + " " + d.Tensor + "  " + plural(d.Tests, "test")
	if d.Failed > 0 {
		text += fmt.Sprintf(", %d failed", d.Failed)
	}
	if d.Weak > 0 {
		text += fmt.Sprintf(", %d weak", d.Weak)
	}
	if d.P != "" {
		text += "  least p=" + d.P
		if d.Adjusted != "" {
			text += " adj=" + d.Adjusted
		}
		text += " (" + d.Least + ")"
	}
	if d.Std != "" {
		text += "  std=" + d.Std
	}
	text += "  n=" + d.N
	if d.Members != "" {
		text += "  members=" + d.Members
	}
	return text
}
