package engine

import (
	"context"
	"math"

	"github.com/weightinit/weightinit/parity/battery"
)

// plainFacts stand for all facts when they are judged, which asks only whether
// one failed: the facts themselves need not be kept.
var plainFacts = map[bool]*battery.Test{
	false: {Fact: true, Gate: true, P: math.NaN(), SE: math.NaN(), Margin: math.NaN()},
	true:  {Fact: true, Gate: true, Failed: true, P: math.NaN(), SE: math.NaN(), Margin: math.NaN()},
}

// result puts everything in order and judges it.
func (r *statsRun) result(ctx context.Context) (Result, error) {
	reused, err := r.reused(ctx)
	if err != nil {
		return Result{}, err
	}
	// Room for those of the tensors: of very many small ones they are nearly all.
	count := 0
	for _, st := range r.tensors {
		if count += len(reused[st.name]); st.problem != nil {
			count++
		}
	}
	for _, j := range r.jobs {
		for _, t := range j.results {
			count += len(t.tests)
		}
	}
	findings, tests := make([]Finding, 0, count), make([]*battery.Test, 0, count)
	var shape []int64
	add := func(t tested) {
		for i := range t.tests {
			f := findingOf(t, &t.tests[i])
			f.Shape = shape
			findings = append(findings, f)
			one := &t.tests[i]
			if one.Fact && math.IsNaN(one.Margin) && math.IsNaN(one.SE) {
				one = plainFacts[one.Failed]
			}
			tests = append(tests, one)
		}
	}
	for _, st := range r.tensors {
		shape = st.shape
		if st.problem != nil {
			findings = append(findings, *st.problem)
			tests = append(tests, &battery.Test{P: math.NaN(), SE: math.NaN(), Margin: math.NaN()})
			continue
		}
		for _, j := range st.jobs {
			for _, t := range j.results {
				add(t)
			}
			j.results = nil // there may be very many
		}
		for _, t := range reused[st.name] {
			add(t)
		}
	}
	shape, r.tensors, r.jobs = nil, nil, nil
	for _, p := range r.pools {
		for _, t := range p.results {
			add(t)
		}
	}
	for _, t := range r.spectra.correlate() {
		add(t)
	}
	for _, t := range r.signs.tests() {
		add(t)
	}
	strictest := r.judge(findings, tests)
	out := NewResult("stats", "", "", findings)
	out.Summary.FamilyLimit, out.Summary.StrictestLimit = r.opts.FamilyLimit, strictest
	return out, nil
}

// judge gives every finding its verdict: Holm's rule over the p-values of the
// run, facts by themselves.
func (r *statsRun) judge(findings []Finding, tests []*battery.Test) float64 {
	p := make([]float64, len(tests))
	for i, t := range tests {
		p[i] = math.NaN()
		if t.Gate && !t.Fact {
			if p[i] = t.P; math.IsNaN(t.P) {
				p[i] = 0 // a statistic that the law never leaves undefined
			}
		}
	}
	adjusted, fails, strictest := battery.Holm(p, r.opts.FamilyLimit)
	for i, t := range tests {
		f := &findings[i]
		if f.Verdict != "" {
			continue // structure
		}
		if f.Margin = t.Margin; r.opts.Margin != nil && !math.IsNaN(t.Margin) {
			f.Margin = r.margin(f, t.Margin)
		}
		f.Adjusted, f.Sees = adjusted[i], t.Sees(strictest)
		switch {
		case t.Fact && t.Failed || fails[i]:
			f.Verdict = Fail
		case !t.Gate && !t.Fact:
			f.Verdict = Info
		case !math.IsNaN(f.Margin) && !(t.EquivalentWithin(f.Margin) < battery.EquivalenceLimit):
			f.Verdict = Weak
		default:
			f.Verdict = Pass
		}
	}
	return strictest
}

// margin is what the options say of the tensor, for a pool the smallest of its
// members; otherwise is that of a tensor of which they say nothing.
func (r *statsRun) margin(f *Finding, otherwise float64) float64 {
	names := f.Members
	if len(names) == 0 {
		names = []string{f.Tensor}
	}
	least := math.Inf(1)
	for _, name := range names {
		m := r.opts.Margin(name)
		if m == 0 {
			m = otherwise
		}
		least = min(least, m)
	}
	return least
}

// findingOf is a test as a finding without its verdict.
func findingOf(t tested, one *battery.Test) Finding {
	f := Finding{
		Tensor: t.tensor, Members: t.members, Test: one.Name, P: one.P, Adjusted: math.NaN(), Effect: one.Effect, EffectText: one.EffectText,
		Found: one.Found, Wanted: one.Wanted, OfReference: t.side == referenceSide,
		Margin: math.NaN(), N: one.N, Sees: math.NaN(), Index: one.Index, Detail: t.law,
	}
	if t.side == referenceSide {
		f.Test += " of the reference"
	}
	if t.label != "" {
		f.Test += ", " + t.label
	}
	if one.Fact {
		f.Effect, f.EffectText, f.Detail = math.NaN(), "", one.EffectText
	}
	switch {
	case math.IsNaN(one.SE) || math.IsNaN(one.Margin):
	case one.Log:
		f.Unit = Percent
	default:
		f.Unit = Sigma
	}
	return f
}
