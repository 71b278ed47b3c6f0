package engine

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/checkpoint"
)

// NewResult counts findings. check names what ran, such as "bits"; reference
// and candidate say what was compared.
func NewResult(check, reference, candidate string, findings []Finding) Result {
	r := Result{Summary: Summary{Checks: []string{check}, Reference: reference, Candidate: candidate}, Findings: findings}
	r.count()
	return r
}

// Merge joins the results of several checks on the same two sets: the findings
// of a tensor stand together, tensors in the order in which they first occur. A
// tensor that could not be compared is reported once.
func Merge(results ...Result) Result {
	if len(results) == 1 {
		return results[0]
	}
	var out Result
	place := map[string]int{}
	var groups [][]Finding
	structural := map[[2]string]bool{}
	for i, r := range results {
		s := r.Summary
		if i == 0 {
			out.Summary.Reference, out.Summary.Candidate = s.Reference, s.Candidate
		}
		for _, check := range s.Checks {
			if !slices.Contains(out.Summary.Checks, check) {
				out.Summary.Checks = append(out.Summary.Checks, check)
			}
		}
		if s.FamilyLimit != 0 && (out.Summary.FamilyLimit == 0 || s.FamilyLimit < out.Summary.FamilyLimit) {
			out.Summary.FamilyLimit = s.FamilyLimit
		}
		if s.StrictestLimit != 0 && (out.Summary.StrictestLimit == 0 || s.StrictestLimit < out.Summary.StrictestLimit) {
			out.Summary.StrictestLimit = s.StrictestLimit
		}
		for _, f := range r.Findings {
			switch Status(f.Test) {
			case Missing, Extra, Shape, DType:
				key := [2]string{f.Tensor, f.Test}
				if structural[key] {
					continue
				}
				structural[key] = true
			}
			at, ok := place[f.Tensor]
			if !ok {
				at = len(groups)
				place[f.Tensor] = at
				groups = append(groups, nil)
			}
			groups[at] = append(groups[at], f)
		}
	}
	out.Findings = slices.Concat(groups...)
	out.count()
	return out
}

// count fills the numbers of the summary from the findings. The members of a
// pool count as tensors.
func (r *Result) count() {
	names := map[string]bool{}
	r.Summary.Tests, r.Summary.Failed, r.Summary.Weak = len(r.Findings), 0, 0
	for _, f := range r.Findings {
		if len(f.Members) == 0 {
			names[f.Tensor] = true
		}
		for _, member := range f.Members {
			names[member] = true
		}
		switch f.Verdict {
		case Fail:
			r.Summary.Failed++
		case Weak:
			r.Summary.Weak++
		}
	}
	r.Summary.Tensors = len(names)
}

// Findings returns a finding a tensor: of the test "bits", or for a tensor that
// could not be compared of "missing", "extra", "shape" or "dtype". The effect
// is the number of values that differ.
func (r *Report) Findings() []Finding {
	out := make([]Finding, len(r.Tensors))
	for i, t := range r.Tensors {
		f := t.finding("bits")
		if t.Status == Equal {
			f.Detail = t.equalText()
		}
		out[i] = f
	}
	return out
}

// equalText says what an equal tensor is.
func (t *Tensor) equalText() string {
	switch {
	case t.Within == 0:
		return "all bits equal"
	case t.Within < 0:
		return fmt.Sprintf("no values are promised: %d of %d differ", t.Near, t.Values)
	default:
		return fmt.Sprintf("all within %d ulp, as torch's own functions round: %d of %d bits differ", t.Within, t.Near, t.Values)
	}
}

// Findings returns a finding a tensor: of the test "close", or as
// [Report.Findings] for a tensor that could not be compared. The effect is the
// greatest absolute difference, of the values that are not close if there are
// any.
func (r *CloseReport) Findings() []Finding {
	out := make([]Finding, len(r.Tensors))
	for i, t := range r.Tensors {
		f := t.finding("close")
		switch {
		case t.Status != Equal && t.Status != Differs:
		case t.Absolute.Index < 0: // no values, or no numbers
			if t.Status == Equal {
				f.Detail = "all values equal"
			}
		default:
			f.Effect = t.Absolute.Value
			f.EffectText = fmt.Sprintf("greatest difference %s at %s, relative %s at %s", short(t.Absolute.Value), places(t.Absolute.Coordinates),
				short(t.Relative.Value), places(t.Relative.Coordinates))
			tolerance := fmt.Sprintf("within rtol %s and atol %s", short(t.RTol), short(t.ATol))
			if t.Status == Equal {
				f.Detail = "all values " + tolerance
				break
			}
			f.Detail = fmt.Sprintf("%d of %d values not %s; the first at index %d %s: reference %s, candidate %s; %s", t.Differing, t.Values,
				tolerance, t.First.Index, places(t.First.Coordinates), number(t.First.ReferenceValue, t.First.ReferenceImag, t.ReferenceDType),
				number(t.First.CandidateValue, t.First.CandidateImag, t.CandidateDType), f.EffectText)
		}
		out[i] = f
	}
	return out
}

// Describe says in one line how a tensor differs; empty for an equal one.
func (t Tensor) Describe() string { return t.finding("bits").Detail }

// finding is what bits and close have in common.
func (t *Tensor) finding(test string) Finding {
	nan := math.NaN()
	f := Finding{Tensor: t.Name, Test: test, Verdict: Fail, P: nan, Adjusted: nan, Margin: nan, Sees: nan, N: t.Values, Index: -1, Shape: t.ReferenceShape}
	switch t.Status {
	case Equal:
		f.Verdict = Pass
	case Missing:
		f.Detail = "missing in the candidate"
	case Extra:
		f.Detail = "not in the reference"
	case Shape:
		f.Detail = "shape: reference " + places(t.ReferenceShape) + ", candidate " + places(t.CandidateShape)
	case DType:
		f.Detail = "dtype: reference " + t.ReferenceDType + ", candidate " + t.CandidateDType
	case Differs:
		f.Effect = float64(t.Differing)
		f.EffectText = fmt.Sprintf("%d of %d values differ", t.Differing, t.Values)
		f.Detail = f.EffectText
		d := t.First
		if d == nil {
			return f
		}
		f.Index = d.Index
		f.Detail += fmt.Sprintf(", the first at index %d %s: reference %s (%s), candidate %s (%s)", d.Index, places(d.Coordinates),
			d.Reference, number(d.ReferenceValue, d.ReferenceImag, t.ReferenceDType), d.Candidate, number(d.CandidateValue, d.CandidateImag, t.CandidateDType))
		if d.ULPs >= 0 {
			f.Detail += fmt.Sprintf(", %d ulp", d.ULPs)
		}
		return f
	}
	if t.Status != Equal {
		f.Test = string(t.Status)
	}
	return f
}

// places writes sizes or coordinates as a list.
func places(v []int64) string {
	parts := make([]string, len(v))
	for i, n := range v {
		parts[i] = strconv.FormatInt(n, 10)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
func full(v float64) string  { return strconv.FormatFloat(v, 'g', -1, 64) }

// Select returns the set with only the tensors whose name keep wants. Closing
// it closes set.
func Select(set checkpoint.Set, keep func(name string) bool) checkpoint.Set {
	var kept []checkpoint.Tensor
	for _, t := range set.Tensors() {
		if keep(t.Name) {
			kept = append(kept, t)
		}
	}
	return WithTensors(set, kept)
}

// WithTensors returns the set with these tensors instead of its own, such as
// its own under other names; no two may have one name. Closing it closes set.
func WithTensors(set checkpoint.Set, tensors []checkpoint.Tensor) checkpoint.Set {
	s := &selection{Set: set, tensors: tensors, place: make(map[string]int, len(tensors))}
	for i, t := range tensors {
		s.place[t.Name] = i
	}
	return s
}

type selection struct {
	checkpoint.Set
	tensors []checkpoint.Tensor
	place   map[string]int
}

func (s *selection) Tensors() []checkpoint.Tensor { return s.tensors }

func (s *selection) Lookup(name string) (checkpoint.Tensor, bool) {
	i, ok := s.place[name]
	if !ok {
		return checkpoint.Tensor{}, false
	}
	return s.tensors[i], true
}
