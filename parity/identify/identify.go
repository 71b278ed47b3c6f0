// Package identify says which known scheme the weights in a file look like: every
// candidate's laws are held against all tensors, and the candidates are ranked by
// what speaks against them. None may fit: then the file holds something else, such
// as trained weights.
package identify

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/report"
	"github.com/weightinit/weightinit/plan"
)

// Verdict is what is said of a place, and of the whole.
type Verdict string

// The verdicts.
const (
	// Fits: nothing speaks against it.
	Fits Verdict = "fits"
	// Closest: the first place, and only a few tensors are not as it makes them.
	Closest Verdict = "closest"
	// None: too much speaks against it.
	None Verdict = "none"
)

// Options tune [Run].
type Options struct {
	// Seeds are those whose bits are compared, for the candidates that fit.
	Seeds []Seed
	// Workers is the number of goroutines; 0 means one a core.
	Workers int
	// Most is the most values of a tensor that are tested; 0 means
	// [MostValues].
	Most int64
	// FamilyLimit is the chance of a false alarm against the right candidate; 0
	// means [engine.FamilyLimit].
	FamilyLimit float64
	// Progress, if set, is called from several goroutines with the number of
	// values that were just tested.
	Progress func(values int64)
}

// MostValues is the most values of a tensor that are tested unless told otherwise.
const MostValues = 1 << 25

// Seed is a seed that may be the one of the values.
type Seed struct {
	// Value is the seed, Text as it was given, From where it comes from.
	Value      uint64
	Text, From string
}

// Result is the ranking.
type Result struct {
	// Verdict is that of the first place.
	Verdict Verdict
	// Places are the candidates with a plan, the likeliest first.
	Places []Place
	// Unable are the candidates that cannot make the model.
	Unable []Candidate
	// Tensors and Values are those of the set.
	Tensors int
	Values  int64
}

// Place is one or more candidates with the same laws for the model.
type Place struct {
	Verdict    Verdict
	Candidates []Candidate
	// Bits says with which seed every bit is as a candidate of the place makes
	// it; nil when none does, or no seed is known.
	Bits *Bits
	// Names tells how the names and shapes fit.
	Names Names
	// Tensors are those that the set and the plan share, Random of them those
	// of random values; Untold are those of which the plan declares no law.
	Tensors, Random, Untold int
	// Rejected are the tensors that are not as declared, RejectedRandom those of
	// random values, RejectedValues the values of both.
	Rejected, RejectedRandom int
	RejectedValues           int64
	// Tests ran, and so many Failed.
	Tests, Failed int
	// Limit is the smallest limit that a p-value was held against.
	Limit float64
	// Off is how far the standard deviations are from those declared: the mean
	// of |log(found/declared)| over all random values.
	Off float64
	// Against is what speaks against the place, names and shapes first, then the
	// worst first.
	Against []Reason
}

// Names tells how the names and shapes of a set fit to those of a plan.
type Names struct {
	// Missing are declared, and not there; Extra are there, and not declared;
	// Shapes are of another shape.
	Missing, Extra, Shapes int
}

// Reason is something that speaks against a place.
type Reason struct {
	// Text is a sentence.
	Text string
	// Tensors are the names of those that it is about.
	Tensors []string
	// Tests counts the tests that failed; 0 for names and shapes.
	Tests int
}

// Bits tells that every value is, bit for bit, as a candidate makes it.
type Bits struct {
	Candidate Candidate
	Seed      Seed
	Streams   plan.Streams
}

// Run holds the set against every candidate's laws. The error is one of reading;
// candidates whose names or shapes do not fit come last, with the reason.
func Run(ctx context.Context, set checkpoint.Set, candidates []Candidate, opts Options) (*Result, error) {
	if opts.Most == 0 {
		opts.Most = MostValues
	}
	r := &Result{Tensors: len(set.Tensors())}
	for _, t := range set.Tensors() {
		r.Values += t.Elements()
	}
	at := map[laws]int{}
	var plans []*plan.Plan
	for _, c := range candidates {
		if c.Plan == nil {
			r.Unable = append(r.Unable, c)
			continue
		}
		key := lawsOf(c.Plan)
		i, known := at[key]
		if !known {
			i = len(plans)
			at[key] = i
			plans = append(plans, c.Plan)
			r.Places = append(r.Places, Place{})
		}
		r.Places[i].Candidates = append(r.Places[i].Candidates, c)
	}
	set, err := withoutTied(ctx, set, plans)
	if err != nil {
		return nil, err
	}
	err = engine.Laws(ctx, set, plans, engine.LawsOptions{
		Options:     engine.Options{Workers: opts.Workers, Progress: opts.Progress},
		FamilyLimit: opts.FamilyLimit, Most: opts.Most,
	}, func(i int, result engine.Result) { r.Places[i].judge(plans[i], result) })
	if err != nil {
		return nil, err
	}
	for i := range r.Places {
		p := &r.Places[i]
		if p.Verdict != Fits {
			continue
		}
		if p.Bits, err = bitsOf(ctx, set, p.Candidates, opts); err != nil {
			return nil, err
		}
	}
	r.rank()
	return r, nil
}

// judge fills a place from what was found against its plan.
func (p *Place) judge(made *plan.Plan, result engine.Result) {
	of := declaredOf(made)
	names := map[engine.Status][]string{}
	rejected := map[string]bool{}
	seen := map[string]bool{}
	off, values := 0.0, 0.0
	rest := result.Findings[:0:0]
	for _, f := range result.Findings {
		if s := engine.Status(f.Test); s == engine.Missing || s == engine.Extra || s == engine.Shape || s == engine.DType {
			names[s] = append(names[s], f.Tensor)
			continue
		}
		rest = append(rest, f)
		if len(f.Members) == 0 && !seen[f.Tensor] {
			seen[f.Tensor] = true
			p.Tensors++
			switch of[f.Tensor].Certainty {
			case engine.Random:
				p.Random++
			case engine.Untold:
				p.Untold++
			}
		}
		if f.Wanted > 0 && len(f.Members) == 0 {
			const most = 10 // no values but 0 where some are declared
			off += float64(f.N) * min(most, math.Abs(math.Log(f.Found/f.Wanted)))
			values += float64(f.N)
		}
		if f.Verdict == engine.Fail && len(f.Members) == 0 {
			rejected[f.Tensor] = true
		}
	}
	// Tensors that fail only together are rejected all.
	for _, f := range rest {
		if f.Verdict == engine.Fail && !slices.ContainsFunc(f.Members, func(name string) bool { return rejected[name] }) {
			for _, name := range f.Members {
				rejected[name] = true
			}
		}
	}
	for name := range rejected {
		p.Rejected++
		p.RejectedValues += of[name].values
		if of[name].Certainty == engine.Random {
			p.RejectedRandom++
		}
	}
	if values > 0 {
		p.Off = off / values
	}
	p.Names = Names{Missing: len(names[engine.Missing]), Extra: len(names[engine.Extra]), Shapes: len(names[engine.Shape])}
	p.Tests, p.Limit = result.Summary.Tests, result.Summary.StrictestLimit
	p.Failed = result.Summary.Failed
	p.addAgainst(names, engine.NewResult("stats", "", "", rest))
	p.Verdict = p.verdict()
}

// verdict is [Fits], [Closest] if this were the first place, or [None].
func (p *Place) verdict() Verdict {
	odd := p.Names.Missing + p.Names.Extra + p.Names.Shapes
	known := p.Random + p.Untold
	switch {
	case p.Failed == 0 && p.Random > 0 && p.Untold*2 <= known:
		return Fits
	case p.Random > 0 && p.RejectedRandom*2 <= p.Random && (p.Rejected+odd)*2 <= p.Tensors+odd && p.Untold*2 <= known:
		return Closest
	}
	return None
}

// addAgainst writes the reasons.
func (p *Place) addAgainst(names map[engine.Status][]string, rest engine.Result) {
	for _, s := range []struct {
		status engine.Status
		text   string
	}{
		{engine.Missing, "it makes, and is not there"},
		{engine.Extra, "is there, and it does not make"},
		{engine.Shape, "has another shape than it makes"},
		{engine.DType, "has a type without a law"},
	} {
		if list := names[s.status]; len(list) > 0 {
			p.Against = append(p.Against, Reason{Text: count(len(list), "tensor") + " that " + plural(s.text, len(list)) + ": " + listed(list), Tensors: list})
		}
	}
	if p.Untold > 0 {
		p.Against = append(p.Against, Reason{Text: fmt.Sprintf("of %s it declares no law that could be tested", count(p.Untold, "tensor"))})
	}
	for _, c := range report.Causes(rest) {
		p.Against = append(p.Against, Reason(c))
	}
}

// plural turns a sentence about one tensor into one about several.
func plural(text string, n int) string {
	if n == 1 {
		return text
	}
	return strings.NewReplacer("is not there", "are not there", "is there", "are there", "has ", "have ").Replace(text)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// listed names the first of some tensors.
func listed(names []string) string {
	const most = 3
	text := ""
	for i, name := range names {
		if i == most {
			return text + fmt.Sprintf(" and %d more", len(names)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += shown.Cut(name, 100)
	}
	return text
}

// rank sorts the places and settles their verdicts: only the first can be the
// closest.
func (r *Result) rank() {
	slices.SortStableFunc(r.Places, func(a, b Place) int { return a.compare(b) })
	r.Verdict = None
	for i := range r.Places {
		p := &r.Places[i]
		if i == 0 {
			r.Verdict = p.Verdict
		} else if p.Verdict == Closest {
			p.Verdict = None
		}
	}
}

// compare has the likelier place first.
func (p Place) compare(other Place) int {
	bits := func(p Place) int {
		if p.Bits != nil {
			return 0
		}
		return 1
	}
	fits := func(p Place) int {
		if p.Verdict == Fits {
			return 0
		}
		return 1
	}
	against := func(p Place) int {
		return p.Names.Missing + p.Names.Extra + p.Names.Shapes + p.Rejected + p.Untold
	}
	return cmp.Or(
		cmp.Compare(bits(p), bits(other)),
		cmp.Compare(fits(p), fits(other)),
		cmp.Compare(against(p), against(other)),
		cmp.Compare(p.RejectedValues, other.RejectedValues),
		cmp.Compare(p.Off, other.Off),
	)
}
