// Package suite runs the checks of parity on two sets of tensors: the same for
// all, or each where a rule file wants it.
//
// It only decides which check looks at which tensor; the checks are package
// parity's, and the rules' syntax is package rules'.
package suite

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/rules"
	"github.com/weightinit/weightinit/plan"
)

// The checks by name.
const (
	Bits  = "bits"
	Close = "close"
	Stats = "stats"
	All   = "all"
)

// Checks returns the names that a user may give, in the order in which they run.
func Checks() []string { return []string{Bits, Close, Stats, All} }

// Options say what is checked and how. The zero value is bits for all.
type Options struct {
	// Check is for the tensors that no rule matches; empty means bits.
	Check string
	Rules rules.Rules
	// Keep, if set, says which tensors are looked at, by name.
	Keep func(name string) bool
	// RTol, ATol and EqualNaN are those of close where no rule says otherwise.
	RTol, ATol *float64
	EqualNaN   bool
	// Declared is the plan whose laws stats holds the tensors against; nil for
	// none.
	Declared *plan.Plan
	// Workers is the number of goroutines; 0 means one a core.
	Workers int
	// Filler makes the values of a plan that a plugin fills itself.
	Filler fill.Filler
	// WorkMemory is that of fill.Options.
	WorkMemory int64
	// Progress, if set, is called from several goroutines with the number of
	// values that a check is done with.
	Progress func(values int64)
}

// ErrNothing is returned when no tensor is left to look at: a run that could
// not fail.
var ErrNothing = errors.New("no tensor is left to compare")

// OnlyBits reports whether no tensor is looked at but by its bits, so that a
// plan can stand for the candidate.
func (o Options) OnlyBits() bool {
	for _, r := range o.Rules {
		if !r.Ignore && !slices.Equal(r.Checks, []string{Bits}) {
			return false
		}
	}
	return o.Check == "" || o.Check == Bits
}

// Run compares candidate, or if that is nil what made would make of itself,
// with reference. The error is one of the options or of reading.
func Run(ctx context.Context, reference, candidate checkpoint.Set, made *plan.Plan, opts Options) (engine.Result, error) {
	if candidate == nil && (made == nil || !opts.OnlyBits()) {
		return engine.Result{}, errors.New("parity: the checks close and stats need a candidate that can be read")
	}
	var results []engine.Result
	add := func(r engine.Result, err error) error {
		if err == nil && len(r.Findings) > 0 {
			results = append(results, r)
		}
		return err
	}
	if opts.Wants(Bits) {
		if err := add(opts.bits(ctx, reference, candidate, made)); err != nil {
			return engine.Result{}, err
		}
	}
	for _, rule := range opts.closeRules() {
		if err := add(opts.close(ctx, reference, candidate, rule)); err != nil {
			return engine.Result{}, err
		}
	}
	if opts.Wants(Stats) {
		if err := add(opts.stats(ctx, reference, candidate)); err != nil {
			return engine.Result{}, err
		}
	}
	if len(results) == 0 {
		return engine.Result{}, ErrNothing
	}
	return engine.Merge(results...), nil
}

// checks returns the checks of a tensor, and the rule that says so, -1 for none.
func (o Options) checks(name string) (checks []string, rule int) {
	if rule = o.Rules.For(name); rule >= 0 {
		return o.Rules[rule].Checks, rule
	}
	switch o.Check {
	case "":
		return []string{Bits}, rule
	case All:
		return []string{Bits, Close, Stats}, rule
	}
	return []string{o.Check}, rule
}

// Passes returns how many checks a value goes through at most.
func (o Options) Passes() int64 {
	n := int64(0)
	for _, check := range []string{Bits, Close, Stats} {
		if o.Wants(check) {
			n++
		}
	}
	return n
}

// Wants reports whether some tensor may be looked at by the check.
func (o Options) Wants(check string) bool {
	if o.Check == check || o.Check == All || o.Check == "" && check == Bits {
		return true
	}
	return slices.ContainsFunc(o.Rules, func(r rules.Rule) bool { return slices.Contains(r.Checks, check) })
}

// keep returns which tensors the check looks at; rule limits them to those of
// one rule if it is not [anyRule].
func (o Options) keep(check string, rule int) func(string) bool {
	return func(name string) bool {
		if o.Keep != nil && !o.Keep(name) {
			return false
		}
		checks, its := o.checks(name)
		return slices.Contains(checks, check) && (rule == anyRule || rule == its)
	}
}

// anyRule stands for all rules and none.
const anyRule = -2

func (o Options) options(check string, rule int) engine.Options {
	return engine.Options{Keep: o.keep(check, rule), Workers: o.Workers, Filler: o.Filler, WorkMemory: o.WorkMemory, Progress: o.Progress}
}

func (o Options) bits(ctx context.Context, reference, candidate checkpoint.Set, made *plan.Plan) (engine.Result, error) {
	var report *engine.Report
	var err error
	if candidate == nil {
		opts := o.options(Bits, anyRule)
		opts.WithinBounds = true
		report, err = engine.BitsOfPlan(ctx, made, reference, false, opts)
	} else {
		report, err = engine.Bits(ctx, reference, candidate, o.options(Bits, anyRule))
	}
	if err != nil {
		return engine.Result{}, err
	}
	return engine.NewResult(Bits, "", "", report.Findings()), nil
}

// closeRules lists the rules that want close, -1 for what no rule matches.
func (o Options) closeRules() []int {
	var out []int
	if o.Check == Close || o.Check == All {
		out = append(out, -1)
	}
	for i, r := range o.Rules {
		if slices.Contains(r.Checks, Close) {
			out = append(out, i)
		}
	}
	return out
}

func (o Options) close(ctx context.Context, reference, candidate checkpoint.Set, rule int) (engine.Result, error) {
	c := engine.CloseOptions{Options: o.options(Close, rule), RTol: o.RTol, ATol: o.ATol, EqualNaN: o.EqualNaN}
	if rule >= 0 {
		r := o.Rules[rule]
		c.AnyDType, c.EqualNaN = r.AnyDType, c.EqualNaN || r.EqualNaN
		if r.RTol != nil {
			c.RTol = r.RTol
		}
		if r.ATol != nil {
			c.ATol = r.ATol
		}
	}
	report, err := engine.Close(ctx, reference, candidate, c)
	if err != nil {
		return engine.Result{}, err
	}
	return engine.NewResult(Close, "", "", report.Findings()), nil
}

func (o Options) stats(ctx context.Context, reference, candidate checkpoint.Set) (engine.Result, error) {
	s := engine.StatsOptions{Options: o.options(Stats, anyRule), Declared: o.Declared, CrossCorrelation: o.Check == All}
	s.Margin = func(name string) float64 {
		if i := o.Rules.For(name); i >= 0 && o.Rules[i].Margin != nil {
			return *o.Rules[i].Margin
		}
		return 0
	}
	return engine.Stats(ctx, reference, candidate, s)
}

// NamesOf returns the names of all tensors of the sets, for [rules.Rules.Unused].
func NamesOf(sets ...checkpoint.Set) []string {
	var out []string
	for _, s := range sets {
		if s == nil {
			continue
		}
		for _, t := range s.Tensors() {
			out = append(out, t.Name)
		}
	}
	slices.SortFunc(out, strings.Compare)
	return slices.Compact(out)
}
