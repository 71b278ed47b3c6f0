// Package paritytest compares tensors that a Go program made with a reference
// on disk, in the program's own tests.
//
// It only reads and fails the test; references are written by
// scripts/reference/weightinit_reference.py or by the command weightinit, and
// comparing outside of tests is package parity.
package paritytest

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity"
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
	close bool
	worst int
	parity.CloseOptions
}

// Close compares by value with torch's default tolerances of each type. Without
// it every bit must be equal.
func Close() Option { return func(o *options) { o.close = true } }

// Within is [Close] with these tolerances.
func Within(rtol, atol float64) Option {
	return func(o *options) { o.close, o.RTol, o.ATol = true, &rtol, &atol }
}

// AnyDType is [Close] also between tensors of two types, such as float32
// values and a bf16 reference.
func AnyDType() Option { return func(o *options) { o.close, o.AnyDType = true, true } }

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
	var findings []parity.Finding
	if o.close {
		var report *parity.CloseReport
		if report, err = parity.Close(t.Context(), reference, candidate, o.CloseOptions); err == nil {
			findings = (&parity.CloseReport{Tensors: report.Failures()}).Findings()
		}
	} else {
		var report *parity.Report
		if report, err = parity.Bits(t.Context(), reference, candidate, o.Options); err == nil {
			findings = (&parity.Report{Tensors: report.Failures()}).Findings()
		}
	}
	if err != nil {
		t.Fatalf("paritytest: %v", err)
		return
	}
	for i, f := range findings {
		if i >= o.worst {
			t.Errorf("and %d more tensors", len(findings)-i)
			break
		}
		t.Errorf("%s: %s: %s", shown.Text(f.Tensor), f.Test, f.Detail)
	}
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
