package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/parity/engine"
)

// cause is what several tensors have in common that failed: a sentence for a
// person, before any number.
type cause struct {
	// where says which tensors, text what is wrong with them. quoted is a
	// finding's own text behind it, which may hold names from files.
	where, text, quoted string
	// groups are the tensors with their failures, the worst first.
	groups []group
	// tests counts the failures.
	tests int
}

// sentence is the cause as a line, escaped for the eye.
func (c cause) sentence() string {
	text := c.where + ": " + c.text
	if c.quoted != "" {
		text += ": " + c.quoted
	}
	return text
}

// The most causes of standard deviations of a side, and of other kinds; the rest
// is one more.
const (
	maxSpreads = 8
	maxKinds   = 60
)

// worst returns the first failures of the cause, at most n.
func (c cause) worst(n int) []engine.Finding {
	var out []engine.Finding
	for _, g := range c.groups {
		for _, f := range g.findings {
			if len(out) == n {
				return out
			}
			out = append(out, f)
		}
	}
	return out
}

// Cause is what several tensors have in common that failed.
type Cause struct {
	// Text is a sentence for people: which tensors, and what is wrong with them.
	Text string
	// Tensors are their names; a pool's are those of its members.
	Tensors []string
	// Tests counts the failed tests.
	Tests int
}

// Causes puts what failed together by what is wrong, the worst first: the
// sentences with which a report begins.
func Causes(r engine.Result) []Cause {
	var out []Cause
	for _, c := range causes(r) {
		one := Cause{Text: c.sentence(), Tests: c.tests}
		for _, g := range c.groups {
			if members := g.findings[0].Members; len(members) > 0 {
				one.Tensors = append(one.Tensors, members...)
			} else {
				one.Tensors = append(one.Tensors, g.name)
			}
		}
		out = append(out, one)
	}
	return out
}

// causes puts what failed together by what is wrong, the cause of the worst
// failure first. Every failure belongs to one cause.
func causes(r engine.Result) []cause {
	failed := groups(failures(r))
	if len(failed) == 0 {
		return nil
	}
	w := wholeOf(r)
	spreads, rest := spreadsOf(failed)
	causeOf := map[string]int{}
	var out []cause
	add := func(text, quoted string, keys []string) {
		for _, k := range keys {
			causeOf[k] = len(out)
		}
		out = append(out, cause{text: text, quoted: quoted})
	}
	for _, of := range [][]spread{spreads[0], spreads[1]} {
		for n := 0; len(of) > 0; n++ {
			its, text := nextSpread(of, w.layers)
			if n == maxSpreads {
				its, text = of, writeSpreads(of, "", w.layers)
			}
			add(text, "", keysOf(its))
			of = without(of, its)
		}
	}
	for _, k := range rest {
		add(k.text, k.quoted, k.keys)
	}
	for _, g := range failed {
		c := &out[causeOf[groupKey(g.findings[0])]]
		c.groups = append(c.groups, g)
		c.tests += len(g.findings)
	}
	place := map[int]int{}
	for i, g := range failed {
		if at := causeOf[groupKey(g.findings[0])]; place[at] == 0 {
			place[at] = i + 1
		}
	}
	order := sortedKeys(place)
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(place[a], place[b]) })
	sorted := make([]cause, len(order))
	for i, at := range order {
		sorted[i] = out[at]
		sorted[i].where = w.where(sorted[i].groups)
	}
	return sorted
}

// wholeOf looks at all tensors of a run.
func wholeOf(r engine.Result) whole {
	w := whole{tensors: map[string]bool{}, matrices: map[string]bool{}}
	for _, f := range r.Findings {
		if len(f.Members) > 0 {
			continue
		}
		w.tensors[f.Tensor] = true
		if len(f.Shape) > 1 {
			w.matrices[f.Tensor] = true
		}
	}
	w.layers = layersOf(w.tensors)
	return w
}

// other is a cause that is no standard deviation.
type other struct {
	text, quoted string
	keys         []string
}

// spreadsOf returns the tensors whose standard deviation is wrong, those of the
// candidate and those of the reference, and the others by what is wrong.
func spreadsOf(failed []group) (spreads [2][]spread, rest []other) {
	at := map[string]int{}
	for _, g := range failed {
		if s, ok := g.spread(); ok {
			side := 0
			if s.ofReference {
				side = 1
			}
			spreads[side] = append(spreads[side], s)
			continue
		}
		kind, text, quoted := g.kind()
		if _, known := at[kind]; !known && len(rest) >= maxKinds {
			kind, text, quoted = "", "other tests fail", ""
		}
		i, known := at[kind]
		if !known {
			i = len(rest)
			at[kind] = i
			rest = append(rest, other{text: text, quoted: quoted})
		}
		if rest[i].quoted != quoted {
			rest[i].quoted = "" // of several, none speaks for the others
		}
		rest[i].keys = append(rest[i].keys, groupKey(g.findings[0]))
	}
	return spreads, rest
}

// spread returns the worst failure of a standard deviation, the candidate's if
// there is one; a fact, such as a shape, comes before it.
func (g group) spread() (s spread, ok bool) {
	for _, f := range g.findings {
		if structural(f) {
			return s, false
		}
		if !(f.Found > 0 && f.Wanted > 0) || math.IsInf(f.Found, 0) || ok && (f.OfReference || !s.ofReference) {
			continue
		}
		s = spread{tensor: groupKey(f), found: f.Found, wanted: f.Wanted, n: float64(f.N), ofReference: f.OfReference, shape: f.Shape}
		if strings.HasPrefix(f.Test, "T2'") {
			s.twoSample, s.n = true, s.n/2
		}
		ok = true
	}
	return s, ok
}

func structural(f engine.Finding) bool {
	switch engine.Status(f.Test) {
	case engine.Missing, engine.Extra, engine.Shape, engine.DType:
		return true
	}
	return false
}

// texts say what a failed test means; the longest beginning of its name counts.
var texts = map[string]string{
	"missing":     "missing in the candidate",
	"extra":       "not in the reference",
	"shape":       "another shape",
	"dtype":       "another type",
	"T0":          "a fact does not hold",
	"T0 finite":   "values that are not finite",
	"T0 constant": "not the constant that it should be",
	"T0 equal":    "values that must be equal are not",
	"T1":          "the mean is shifted",
	"T2":          "the standard deviation is another",
	"T3":          "the standard deviation is right, the distribution is another",
	"T4":          "the standard deviation is right, the distribution is another",
	"T5":          "the standard deviation is right, the distribution is another",
	"T6":          "the standard deviation is right, the distribution is another",
	"T7":          "values beyond the bounds of the law, or none near them",
	"T8":          "too many or too few large values",
	"T9":          "the values are not independent of their place",
	"T10":         "the same random numbers are used twice",
	"T11":         "the matrix is not as orthogonal initialisation makes it",
	"T13":         "the singular values are not those of independent values, as after training",
	"T12":         "the p-values of the tests are not uniform",
}

// kind says what is wrong with a tensor: a key that tensors with the same fault
// share, a text, and what its worst finding says.
func (g group) kind() (key, text, quoted string) {
	worst := g.findings[0]
	for _, f := range g.findings {
		// A law says more than bits, which differ then as well.
		if !structural(worst) && (worst.Test == "bits" || worst.Test == "close") && f.Test != "bits" && (f.Test != "close" || worst.Test == "bits") {
			worst = f
		}
	}
	quoted = visible(worst.Why(), maxText)
	if !math.IsNaN(worst.P) {
		quoted = visible(strings.TrimSuffix(fmt.Sprintf("%s, p=%.2g, %s", worst.Test, worst.P, worst.EffectText), ", "), maxText)
	}
	switch worst.Test {
	case "bits":
		if worst.N > 0 && worst.Effect >= float64(worst.N)/2 {
			return "bits of most", "most bits differ, as with another seed or scheme", quoted
		}
		return "bits", "some values differ", quoted
	case "close":
		return "close", "values are not within the tolerance", quoted
	}
	best := ""
	for name := range texts {
		if strings.HasPrefix(worst.Test, name) && len(name) > len(best) && (len(worst.Test) == len(name) || !digit(worst.Test[len(name)])) {
			best = name
		}
	}
	text = texts[best]
	if best == "" {
		text = "the test " + visible(worst.Test, maxName) + " fails"
		best = worst.Test
	}
	if strings.HasSuffix(text, "the distribution is another") && worst.Detail != "" {
		text = strings.TrimSuffix(text, "another") + "not " + visible(worst.Detail, maxText)
	}
	if quoted == text {
		quoted = ""
	}
	if worst.OfReference {
		text, best = "in the reference, "+text, best+" of the reference"
	}
	return best + text, text, quoted
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// nextSpread returns the largest set of spreads with one cause, and its text.
func nextSpread(all []spread, layers int) (its []spread, text string) {
	slip, slipped := relate(all, layers)
	scheme, explained := explain(all, layers)
	switch {
	case len(slipped) > 0 && len(slipped) >= len(explained):
		return slipped, writeSpreads(slipped, "", layers) + "; " + slip
	case scheme != "":
		return explained, writeSpreads(explained, scheme, layers)
	}
	// No scheme that is known: those of one ratio belong together.
	first := all[0]
	for _, s := range all {
		if math.Abs(math.Log(s.ratio()/first.ratio())) <= s.tolerance()+first.tolerance() && s.twoSample == first.twoSample {
			its = append(its, s)
		}
	}
	return its, writeSpreads(its, "", layers)
}

func (s spread) ratio() float64 { return s.found / s.wanted }

// tolerance is that of the ratio.
func (s spread) tolerance() float64 {
	if s.twoSample {
		return tolerance(s.n / 2)
	}
	return tolerance(s.n)
}

// writeSpreads says how far the standard deviations are off, and which scheme
// declares them.
func writeSpreads(its []spread, scheme string, layers int) string {
	first := its[0]
	least, most, sum, n := first.ratio(), first.ratio(), 0.0, 0.0
	oneRatio, oneWanted := true, true
	for _, s := range its {
		least, most = min(least, s.ratio()), max(most, s.ratio())
		sum += s.n * math.Log(s.ratio())
		n += s.n
		oneRatio = oneRatio && math.Abs(math.Log(s.ratio()/first.ratio())) <= s.tolerance()+first.tolerance()
		near := 1e-3
		if s.twoSample {
			near = s.tolerance() + first.tolerance()
		}
		oneWanted = oneWanted && math.Abs(math.Log(s.wanted/first.wanted)) < near
	}
	wanted := "the declared"
	if first.twoSample {
		wanted = "the reference's"
	}
	text := "std is "
	if first.ofReference {
		text = "the reference's std is "
	}
	if oneRatio {
		text += times(math.Exp(sum/n)) + " times " + wanted
	} else {
		text += times(least) + " to " + times(most) + " times " + wanted
	}
	if oneRatio && oneWanted {
		digits := 3
		if math.Abs(sum/n) < 0.1 {
			digits = 5
		}
		text += fmt.Sprintf(" %s: %s", number(first.wanted, digits), number(first.wanted*math.Exp(sum/n), digits))
	}
	if scheme == "" {
		return text
	}
	is := ", which is "
	if !(oneRatio && oneWanted) {
		is = "; it is "
	}
	for _, shapes := range []bool{true, false} {
		if list := writeFormulas(its, scheme, layers, shapes); len(list) <= 2 {
			return text + is + strings.Join(list, " or ") + ", as " + scheme + " declares"
		}
	}
	return text + ", as " + scheme + " declares"
}

// writeFormulas lists the different formulas of the tensors, with their sizes or
// with the sizes left open.
func writeFormulas(its []spread, scheme string, layers int, sizes bool) []string {
	var out []string
	for _, s := range its {
		f, _ := s.fit(scheme, layers)
		shape := s.shape
		if !sizes {
			shape = nil
		}
		if text := f.write(shape, layers); !slices.Contains(out, text) && len(out) < 3 {
			out = append(out, text)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return out
}

// times writes a ratio.
func times(v float64) string {
	if math.Abs(v-1) < 0.1 {
		return number(v, 4)
	}
	return number(v, 3)
}

func keysOf(all []spread) []string {
	var out []string
	for _, s := range all {
		out = append(out, s.tensor)
	}
	return out
}

// without returns what is not among its.
func without(all, its []spread) []spread {
	gone := map[string]bool{}
	for _, s := range its {
		gone[s.tensor] = true
	}
	var out []spread
	for _, s := range all {
		if !gone[s.tensor] {
			out = append(out, s)
		}
	}
	return out
}
