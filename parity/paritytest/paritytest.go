// Package paritytest compares tensors that a Go program made with a reference
// on disk, in the program's own tests.
//
// It only reads and fails the test; references are written by
// scripts/reference/weightinit_reference.py or by the command weightinit, and
// comparing outside of tests is package parity.
package paritytest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/rules"
	"github.com/weightinit/weightinit/parity/suite"
	"github.com/weightinit/weightinit/plan"
)

// Tensor is one tensor of the program under test.
type Tensor struct {
	Name string
	// Shape has the sizes, outermost first; empty for a scalar.
	Shape []int64
	// Values are in C order: a []float32, a []float64, or a []uint16 of bit
	// patterns, for which DType is "BF16" or "F16".
	Values any
	DType  string
}

// Option tunes a comparison.
type Option func(*options)

type options struct {
	check    string
	rules    string
	names    rules.Names
	builtin  string
	anyDType bool
	worst    int
	suite.Options
}

// Close compares by value with torch's default tolerances of each type. Without
// it every bit must be equal.
func Close() Option { return func(o *options) { o.check = suite.Close } }

// Within is [Close] with these tolerances.
func Within(rtol, atol float64) Option {
	return func(o *options) { o.check, o.RTol, o.ATol = suite.Close, &rtol, &atol }
}

// AnyDType is [Close] also between tensors of two types, such as float32
// values and a bf16 reference.
func AnyDType() Option { return func(o *options) { o.check, o.anyDType = suite.Close, true } }

// Stats compares the laws that the values follow, as [engine.Stats] does,
// instead of the values: tensors of another seed pass, those of another scheme
// do not. A false alarm happens at most once in a million runs.
func Stats() Option { return func(o *options) { o.check = suite.Stats } }

// Laws is [Stats] with the laws that a plan declares, whatever its seed, which
// sees about twice as small an error as two samples alone.
func Laws(p *plan.Plan) Option { return func(o *options) { o.check, o.Declared = suite.Stats, p } }

// Rules checks every tensor as the rule file at path says, under the names that
// it says; the other options hold for tensors that no rule matches.
func Rules(path string) Option { return func(o *options) { o.rules = path } }

// Names compares under the names that a map that is built in gives, such as
// "transformerlens-bridge" (see [rules.Builtin]). Without it, and without names
// in a rule file, a map is taken where it is meant, as [suite.Rename] says.
func Names(builtin string) Option { return func(o *options) { o.builtin = builtin } }

// Worst sets how many findings are shown; the default is 5.
func Worst(n int) Option { return func(o *options) { o.worst = n } }

// Compare fails t unless tensors are those of the reference: a folder or a file
// that [checkpoint.Open] reads. What is wrong with the input ends the test.
func Compare(t testing.TB, reference string, tensors []Tensor, opts ...Option) {
	t.Helper()
	var candidate memory
	for _, tensor := range tensors {
		made, problem := tensor.open()
		if problem != "" {
			t.Fatalf("paritytest: tensor %s: %s", shown.Quote(tensor.Name), problem)
			return
		}
		if _, twice := candidate.Lookup(tensor.Name); twice {
			t.Fatalf("paritytest: tensor %s: given twice", shown.Quote(tensor.Name))
			return
		}
		candidate = append(candidate, made)
	}
	compare(t, reference, candidate, opts)
}

// File fails t unless the files or folders hold the same tensors.
func File(t testing.TB, reference, candidate string, opts ...Option) {
	t.Helper()
	set, err := checkpoint.Open(candidate)
	if err != nil {
		t.Fatalf("paritytest: candidate: %v", err)
		return
	}
	defer set.Close()
	compare(t, reference, set, opts)
}

func compare(t testing.TB, path string, candidate checkpoint.Set, opts []Option) {
	t.Helper()
	o := options{worst: 5}
	for _, f := range opts {
		f(&o)
	}
	reference, err := checkpoint.Open(path)
	if err != nil {
		t.Fatalf("paritytest: reference: %v", err)
		return
	}
	defer reference.Close()
	if reference, err = load(reference, maxLoaded); err != nil {
		t.Fatalf("paritytest: reference: %v", err)
		return
	}
	if o.rules != "" {
		file, err := rules.Load(o.rules)
		if err != nil {
			t.Fatalf("paritytest: %v", err)
			return
		}
		o.Rules = file.Rules
		if file.Names != nil {
			o.names = file.Names
		}
	}
	if o.builtin != "" {
		names, known := rules.Builtin(o.builtin)
		if !known {
			t.Fatalf("paritytest: names %s: use one of %v", shown.Quote(o.builtin), rules.BuiltinNames())
			return
		}
		o.names = append(o.names, names...)
	}
	sets, err := suite.Rename(t.Context(), o.names, reference, candidate, nil, o.Declared)
	if err != nil {
		t.Fatalf("paritytest: %v", err)
		return
	}
	for _, line := range slices.Concat(sets.Said, sets.Warnings) {
		t.Log("paritytest: " + line)
	}
	if o.anyDType {
		o.Rules = append(o.Rules, rules.Rule{Tensors: "*", Checks: []string{suite.Close}, RTol: o.RTol, ATol: o.ATol, AnyDType: true})
	}
	o.Check = o.check
	result, err := suite.Run(t.Context(), sets.Reference, sets.Candidate, nil, o.Options)
	if err != nil {
		t.Fatalf("paritytest: %v", err)
		return
	}
	findings := worstFirst(result)
	for i, f := range findings {
		if i >= o.worst {
			t.Errorf("and %d more failures", len(findings)-i)
			break
		}
		t.Errorf("%s: %s: %s", shown.Text(f.Tensor), f.Test, f.Why())
	}
}

// worstFirst returns the failures: those without a p-value, which are certain,
// then those with the smallest.
func worstFirst(r engine.Result) []engine.Finding {
	failed := slices.DeleteFunc(slices.Clone(r.Findings), func(f engine.Finding) bool { return f.Verdict != engine.Fail })
	p := func(f engine.Finding) float64 {
		if math.IsNaN(f.P) {
			return -1
		}
		return f.P
	}
	slices.SortStableFunc(failed, func(a, b engine.Finding) int { return cmp.Compare(p(a), p(b)) })
	return failed
}

// open makes the tensor readable; problem says why it cannot.
func (t Tensor) open() (out checkpoint.Tensor, problem string) {
	var raw []byte
	dtype := ""
	switch v := t.Values.(type) {
	case []float32:
		dtype = "F32"
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
	case []float64:
		dtype = "F64"
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
		}
	case []uint16:
		if dtype = t.DType; dtype != "BF16" && dtype != "F16" {
			return out, "[]uint16 needs the DType BF16 or F16"
		}
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint16(raw, x)
		}
	default:
		return out, "Values must be a []float32, []float64 or []uint16"
	}
	if t.DType != "" && t.DType != dtype {
		return out, "DType " + shown.Quote(t.DType) + " does not fit the values, which are " + dtype
	}
	out, err := checkpoint.NewTensor(t.Name, dtype, t.Shape, bytes.NewReader(raw))
	if err != nil {
		return out, err.Error()
	}
	if out.Bytes() != int64(len(raw)) {
		return out, "the shape does not hold as many values as there are"
	}
	return out, ""
}

// maxLoaded is the most bytes of a reference that are loaded at once.
const maxLoaded = 256 << 20

// load decodes the .npy arrays of a set into Go values, up to limit bytes of
// them, and returns the set with these in place of the arrays. The rest is read
// when it is compared. So a reference has gone through a second decoder, that of
// [npy.File.Values].
func load(set checkpoint.Set, limit int64) (checkpoint.Set, error) {
	out := loaded{set, nil, map[string]int{}}
	for i, t := range set.Tensors() {
		out.byName[t.Name] = i
		array, ok := t.Array()
		if !ok || t.Bytes() > limit || !slices.Contains([]string{"F32", "F64", "F16", "BF16"}, t.DType) {
			out.tensors = append(out.tensors, t)
			continue
		}
		limit -= t.Bytes()
		values, err := array.Values()
		if err != nil {
			return nil, err
		}
		made, problem := Tensor{Name: t.Name, Shape: t.Shape, Values: values, DType: t.DType}.open()
		if problem != "" {
			return nil, fmt.Errorf("tensor %s: %s", shown.Quote(t.Name), problem)
		}
		made.File, made.SHA256 = t.File, t.SHA256
		out.tensors = append(out.tensors, made)
	}
	return out, nil
}

// loaded is a set with other tensors of the same names.
type loaded struct {
	checkpoint.Set
	tensors []checkpoint.Tensor
	byName  map[string]int
}

func (l loaded) Tensors() []checkpoint.Tensor { return l.tensors }

func (l loaded) Lookup(name string) (checkpoint.Tensor, bool) {
	i, ok := l.byName[name]
	if !ok {
		return checkpoint.Tensor{}, false
	}
	return l.tensors[i], true
}

// memory is a set of tensors that is no file.
type memory []checkpoint.Tensor

func (m memory) Tensors() []checkpoint.Tensor { return m }

func (m memory) Lookup(name string) (checkpoint.Tensor, bool) {
	for _, t := range m {
		if t.Name == name {
			return t, true
		}
	}
	return checkpoint.Tensor{}, false
}

func (memory) Metadata() map[string]string { return nil }
func (memory) Warnings() []string          { return nil }
func (memory) Close() error                { return nil }
