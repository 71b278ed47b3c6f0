package parity

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/plan"
)

// FamilyLimit is the chance of a single false alarm in a whole run of
// statistics.
const FamilyLimit = 1e-6

// Stats runs the statistical battery. With a plan each tensor of the candidate
// is held against its declared law, and reference may be nil; without one, or
// where no law is declared, candidate and reference are held against each
// other. One tensor at a time is in memory. The error is one of reading.
func Stats(ctx context.Context, p *plan.Plan, reference, candidate checkpoint.Set, opts Options) (Result, error) {
	r := Result{Summary: Summary{Checks: []string{"stats"}, FamilyLimit: FamilyLimit}}
	laws := map[string]battery.Law{}
	shapes := map[string][]int64{}
	var names []string
	if p != nil {
		for _, s := range p.Steps {
			names = append(names, s.Param.Name)
			shapes[s.Param.Name] = s.Param.Shape
			if l, ok := battery.LawOf(s.Dist); ok {
				laws[s.Param.Name] = l
			}
		}
	} else if reference != nil {
		for _, t := range reference.Tensors() {
			names = append(names, t.Name)
		}
	}
	var tests []battery.Test
	for _, name := range names {
		if !opts.keep(name) {
			continue
		}
		r.Summary.Tensors++
		found, err := statsOf(ctx, name, laws, shapes, reference, candidate)
		if err != nil {
			return Result{}, err
		}
		for _, t := range found {
			tests = append(tests, t)
			r.Findings = append(r.Findings, Finding{Tensor: name, Test: t.Name})
		}
	}
	for _, t := range candidate.Tensors() {
		if !opts.keep(t.Name) || slices.Contains(names, t.Name) {
			continue
		}
		r.Summary.Tensors++
		tests = append(tests, battery.Test{Name: "T0 facts", P: math.NaN(), Fact: true, Failed: true, Gate: true, Index: -1,
			Effect: math.NaN(), Margin: math.NaN(), SE: math.NaN(), EffectText: "only the candidate has it"})
		r.Findings = append(r.Findings, Finding{Tensor: t.Name, Test: "T0 facts"})
	}
	judgeStats(&r, tests)
	return r, nil
}

func statsOf(ctx context.Context, name string, laws map[string]battery.Law, shapes map[string][]int64, reference, candidate checkpoint.Set) ([]battery.Test, error) {
	missing := battery.Test{Name: "T0 facts", P: math.NaN(), Fact: true, Failed: true, Gate: true, Index: -1, EffectText: "the candidate lacks it",
		Stat: math.NaN(), Effect: math.NaN(), Margin: math.NaN(), Equivalence: math.NaN(), SE: math.NaN()}
	c, ok := candidate.Lookup(name)
	if !ok {
		return []battery.Test{missing}, nil
	}
	if shape, ok := shapes[name]; ok && !slices.Equal(shape, c.Shape) {
		missing.EffectText = fmt.Sprintf("shape %v, wanted %v", c.Shape, shape)
		return []battery.Test{missing}, nil
	}
	values, err := floatsOf(ctx, c)
	if err != nil {
		return nil, err
	}
	kind := map[string]battery.Type{"F64": battery.F64, "BF16": battery.BF16, "F16": battery.F16}[c.DType]
	if l, ok := laws[name]; ok {
		s := battery.Sample[float32]{Values: values, Law: l, Type: kind}
		if len(c.Shape) == 2 {
			s.Rows, s.Cols = int(c.Shape[0]), int(c.Shape[1])
		}
		return battery.OneSample(s), nil
	}
	var ref checkpoint.Tensor
	if reference != nil {
		ref, ok = reference.Lookup(name)
	}
	if reference == nil || !ok {
		missing.Name, missing.Failed, missing.Gate = "T0 law", false, false
		missing.EffectText = "no law and no reference: nothing was tested"
		return []battery.Test{missing}, nil
	}
	if !slices.Equal(ref.Shape, c.Shape) {
		missing.EffectText = fmt.Sprintf("shape %v, reference %v", c.Shape, ref.Shape)
		return []battery.Test{missing}, nil
	}
	others, err := floatsOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	return battery.TwoSample(others, values, kind), nil
}

// floatsOf reads all values, rounded to float32.
func floatsOf(ctx context.Context, t checkpoint.Tensor) ([]float32, error) {
	out := make([]float32, 0, t.Elements())
	err := t.Each(ctx, func(values []float64) error {
		for _, v := range values {
			out = append(out, float32(v))
		}
		return nil
	})
	return out, err
}

// judgeStats applies Holm's rule to the whole run.
func judgeStats(r *Result, tests []battery.Test) {
	p := make([]float64, len(tests))
	for i, t := range tests {
		p[i] = math.NaN()
		if t.Gate && !t.Fact {
			p[i] = t.P
		}
	}
	adjusted, fails, strictest := battery.Holm(p, FamilyLimit)
	r.Summary.StrictestLimit, r.Summary.Tests = strictest, len(tests)
	for i, t := range tests {
		f := &r.Findings[i]
		f.P, f.Adjusted, f.Effect, f.EffectText = t.P, adjusted[i], t.Effect, t.EffectText
		f.Margin, f.N, f.Sees, f.Index, f.Detail = t.Margin, t.N, t.Sees(strictest), t.Index, t.EffectText
		switch {
		case fails[i] || t.Fact && t.Failed:
			f.Verdict = Fail
			r.Summary.Failed++
		case !t.Gate:
			f.Verdict = Info
		case !math.IsNaN(t.Equivalence) && t.Equivalence >= battery.EquivalenceLimit:
			f.Verdict = Weak
			r.Summary.Weak++
		default:
			f.Verdict = Pass
		}
	}
}
