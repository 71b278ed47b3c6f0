// Package parity says where a candidate differs from a reference: in one call,
// for programs; package paritytest is the same for Go tests, and the command
// "weightinit parity" for everybody.
//
// It prints nothing; package report makes documents of a [Result]. The checks
// themselves are package engine, which tensor has which check is package suite.
package parity

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/rules"
	"github.com/weightinit/weightinit/parity/suite"
	"github.com/weightinit/weightinit/plan"
)

// Result is what a comparison found: a summary and a finding a test.
type Result = engine.Result

// Finding is what one test found of one tensor.
type Finding = engine.Finding

// The verdicts of a finding.
const (
	Pass = engine.Pass
	Fail = engine.Fail
)

// The checks by name.
const (
	// Bits demands that every bit is the same.
	Bits = suite.Bits
	// Close demands values within tolerances, as torch.testing.assert_close.
	Close = suite.Close
	// Stats demands the same laws, whatever the seed.
	Stats = suite.Stats
	// All is all three, and looks for one seed used twice.
	All = suite.All
)

// Options say what is compared, and how. The zero value compares all tensors
// by their bits.
type Options struct {
	// Check is one of the checks by name; empty means [Bits].
	Check string
	// Rules is the path of a rule file, which says which check holds for which
	// tensors and under which names they are compared; empty for none. Check
	// holds for the tensors that it does not name.
	Rules string
	// Run is a regular expression of the tensors that are looked at; empty
	// means all.
	Run string
	// ReferenceVariant and CandidateVariant choose among the files of a Hugging
	// Face folder, such as "fp16".
	ReferenceVariant, CandidateVariant string
	// RTol and ATol are the tolerances of [Close]; nil means torch's by type.
	RTol, ATol *float64
	// EqualNaN takes two NaN as equal in [Close].
	EqualNaN bool
	// Declared is the plan whose laws [Stats] and [All] hold both sides
	// against, whatever its seed; nil compares two samples.
	Declared *plan.Plan
	// Workers is the number of goroutines; 0 means one a core.
	Workers int
}

// Compare compares the candidate with the reference, each the path of a file or
// a folder that [checkpoint.Open] reads. Tensors that differ, and tensors that
// are missing on one side, are findings of the result; see [Result.Passed]. The
// error is one of the options or of reading.
func Compare(ctx context.Context, reference, candidate string, opts Options) (Result, error) {
	if opts.Check != "" && !slices.Contains(suite.Checks(), opts.Check) {
		return Result{}, fmt.Errorf("parity: check %s: use one of %s", shown.Quote(opts.Check), strings.Join(suite.Checks(), ", "))
	}
	o := suite.Options{
		Check: opts.Check, RTol: opts.RTol, ATol: opts.ATol, EqualNaN: opts.EqualNaN, Declared: opts.Declared, Workers: opts.Workers,
	}
	var names rules.Names
	if opts.Rules != "" {
		file, err := rules.Load(opts.Rules)
		if err != nil {
			return Result{}, err
		}
		o.Rules, names = file.Rules, file.Names
	}
	if opts.Run != "" {
		wanted, err := regexp.Compile(opts.Run)
		if err != nil {
			return Result{}, fmt.Errorf("parity: run: %w", err)
		}
		o.Keep = wanted.MatchString
	}
	want, err := checkpoint.OpenVariant(reference, opts.ReferenceVariant)
	if err != nil {
		return Result{}, fmt.Errorf("parity: reference: %w", err)
	}
	defer want.Close()
	got, err := checkpoint.OpenVariant(candidate, opts.CandidateVariant)
	if err != nil {
		return Result{}, fmt.Errorf("parity: candidate: %w", err)
	}
	defer got.Close()
	named, err := suite.Rename(ctx, names, want, got, nil, opts.Declared)
	if err != nil {
		return Result{}, err
	}
	result, err := suite.Run(ctx, named.Reference, named.Candidate, nil, o)
	result.Summary.Reference, result.Summary.Candidate = reference, candidate
	return result, err
}
