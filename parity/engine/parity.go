// Package engine says where two sets of tensors differ: a reference and a
// candidate, each a file, a directory, or a plan whose values are made while
// they are compared.
//
// It reads and judges; it writes no report files and prints nothing (the
// command line does). Names, shapes and types are always compared; values bit
// for bit, within tolerances, or by the laws that they should follow (package
// battery).
package engine

import (
	"cmp"
	"slices"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/plan"
)

// Status is the outcome of one tensor.
type Status string

// The outcomes. All but Equal fail the comparison.
const (
	Equal   Status = "equal"
	Differs Status = "differs"
	Missing Status = "missing" // the candidate lacks it
	Extra   Status = "extra"   // only the candidate has it
	Shape   Status = "shape"
	DType   Status = "dtype"
)

// Tensor is the result of one tensor.
type Tensor struct {
	Name   string
	Status Status
	// ReferenceDType and ReferenceShape describe the reference's tensor,
	// empty for an Extra one; the same for the candidate's.
	ReferenceDType, CandidateDType string
	ReferenceShape, CandidateShape []int64
	// Values is the number of values compared, Differing how many differ.
	Values, Differing int64
	// First is the first difference in C order; nil when there is none.
	First *Difference
	// Within is by how many units in the last place a plan's values may differ
	// from torch's: 0 for bits, -1 where nobody promises any value. Near counts
	// the values that differ and may; they are not among Differing.
	Within int
	Near   int64
}

// Difference is one value that differs.
type Difference struct {
	// Index counts in C order, Coordinates is the same place by dimension.
	Index       int64
	Coordinates []int64
	// Reference and Candidate are the bit patterns, most significant digit
	// first.
	Reference, Candidate string
	// ReferenceValue and CandidateValue are the numbers they stand for.
	ReferenceValue, CandidateValue float64
	// ReferenceImag and CandidateImag are the imaginary parts of complex
	// numbers, of which the values above are the real ones.
	ReferenceImag, CandidateImag float64
	// ULPs is the number of representable values from one to the other; -1
	// when one is not a number or the type has no such distance.
	ULPs int64
}

// Report is the result of a comparison.
type Report struct {
	// Tensors are in the reference's order, then the extra ones.
	Tensors []Tensor
}

// Passed reports whether every tensor is equal.
func (r *Report) Passed() bool {
	for _, t := range r.Tensors {
		if t.Status != Equal {
			return false
		}
	}
	return true
}

// Count returns how many tensors have the status.
func (r *Report) Count(s Status) int {
	n := 0
	for _, t := range r.Tensors {
		if t.Status == s {
			n++
		}
	}
	return n
}

// Values returns the number of values that were compared.
func (r *Report) Values() int64 {
	var n int64
	for _, t := range r.Tensors {
		n += t.Values
	}
	return n
}

// Failures returns the tensors that are not equal, those that differ in most
// values first, after those that could not be compared at all.
func (r *Report) Failures() []Tensor {
	return worst(r.Tensors, func(t Tensor) (Status, int64) { return t.Status, t.Differing })
}

// worst returns the tensors that are not [Equal]: first those that could not
// be compared, then those of which most values differ.
func worst[T any](tensors []T, of func(T) (Status, int64)) []T {
	var out []T
	for _, t := range tensors {
		if status, _ := of(t); status != Equal {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b T) int {
		statusA, differingA := of(a)
		statusB, differingB := of(b)
		if (statusA == Differs) != (statusB == Differs) {
			if statusB == Differs {
				return -1
			}
			return 1
		}
		return cmp.Compare(differingB, differingA)
	})
	return out
}

// Options tune a comparison.
type Options struct {
	// Keep, if set, says which tensors are compared, by name.
	Keep func(name string) bool
	// Workers is the number of goroutines; 0 means one a core.
	Workers int
	// WithinBounds lets values differ by as much as the plan says that torch's
	// may (plan.Tensor.ULPs). Without it, every bit counts.
	WithinBounds bool
	// Filler makes the values of a plan that a plugin fills itself.
	Filler fill.Filler
	// WorkMemory is that of fill.Options.
	WorkMemory int64
	// Progress, if set, is called from several goroutines with the number of
	// values that were just compared.
	Progress func(values int64)
}

func (o Options) keep(name string) bool { return o.Keep == nil || o.Keep(name) }

// side is a tensor of one of the two, reduced to what its structure is.
type side struct {
	name, dtype string
	shape       []int64
}

func sidesOfSet(s checkpoint.Set) []side {
	tensors := s.Tensors()
	out := make([]side, len(tensors))
	for i, t := range tensors {
		out[i] = side{t.Name, t.DType, t.Shape}
	}
	return out
}

func sidesOfPlan(p *plan.Plan) []side {
	out := make([]side, p.Tensors().Len())
	for i, t := range p.Tensors().All() {
		stored, err := safetensors.DTypeName(t.DType)
		if err != nil {
			stored = t.DType.String() // equals no stored type, so the tensor says so
		}
		out[i] = side{t.Name, stored, t.Shape}
	}
	return out
}

// pair compares the structure of two lists. Tensors that can be compared
// value by value come out as Equal, with no values yet.
func pair(reference, candidate []side, opts Options) *Report {
	left := make(map[string]int32, len(candidate)) // the place in candidate
	for i, c := range candidate {
		left[c.name] = int32(i)
	}
	r := &Report{Tensors: make([]Tensor, 0, len(reference))}
	for _, ref := range reference {
		if !opts.keep(ref.name) {
			continue
		}
		t := Tensor{Name: ref.name, Status: Equal, ReferenceDType: ref.dtype, ReferenceShape: ref.shape}
		at, found := left[ref.name]
		var c side
		if found {
			c = candidate[at]
		}
		t.CandidateDType, t.CandidateShape = c.dtype, c.shape
		switch {
		case !found:
			t.Status = Missing
		case !slices.Equal(ref.shape, c.shape):
			t.Status = Shape
		case ref.dtype != c.dtype:
			t.Status = DType
		}
		r.Tensors = append(r.Tensors, t)
		delete(left, ref.name)
	}
	for _, c := range candidate {
		if _, extra := left[c.name]; extra && opts.keep(c.name) {
			r.Tensors = append(r.Tensors, Tensor{Name: c.name, Status: Extra, CandidateDType: c.dtype, CandidateShape: c.shape})
		}
	}
	return r
}
