package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/report"
	"github.com/weightinit/weightinit/parity/rules"
	"github.com/weightinit/weightinit/parity/suite"
	"github.com/weightinit/weightinit/plan"
)

// sides are the two that parity compares. The caller must close them.
type sides struct {
	reference checkpoint.Set
	// candidate is nil when made, a plan, stands for it.
	candidate checkpoint.Set
	made      *plan.Plan
	// name says what the candidate is.
	name    string
	closers []func()
}

func (s *sides) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

func (s *sides) add(close func()) { s.closers = append(s.closers, close) }

// values counts the reference's, for the progress bar.
func (s *sides) values() int64 {
	var n int64
	for _, t := range s.reference.Tensors() {
		n += t.Elements()
	}
	return n
}

// openSides opens the files, makes the plan if a model is given, and finds the
// declared laws.
func (f *parityFlags) openSides(ctx context.Context, a *app) (_ *sides, err error) {
	s := &sides{name: f.candidate}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := f.openFiles(a, s); err != nil {
		return nil, err
	}
	switch {
	case f.given():
		err = f.openModel(ctx, a, s)
	case f.suite.Wants(suite.Stats) && !f.fresh:
		f.recordedLaws(ctx, a, s)
	}
	return s, err
}

// openFiles opens the sides that are files. A variant must be there on one side
// at least: the other may be a file, or a folder without it.
func (f *parityFlags) openFiles(a *app, s *sides) error {
	var none error
	found := 0
	open := func(path string) (checkpoint.Set, error) {
		set, err := a.open(path, f.variant)
		if f.variant != "" && errors.Is(err, checkpoint.NoVariant) {
			none, found = err, found-1
			if set, err = a.open(path, ""); err == nil {
				a.warn(fmt.Sprintf("%s has no variant %s and is read as it is", shown.Path(path), shown.Quote(f.variant)))
			}
		}
		if err == nil {
			found++
			s.add(func() { _ = set.Close() })
		}
		return set, err
	}
	var err error
	if !f.fresh {
		if s.reference, err = open(f.reference); err != nil {
			return err
		}
	}
	if f.candidate != "" {
		if s.candidate, err = open(f.candidate); err != nil {
			return err
		}
	}
	if found == 0 {
		return none
	}
	return nil
}

// openModel makes the plan of the model given: it stands for the candidate, or
// if there is one it declares the laws.
func (f *parityFlags) openModel(ctx context.Context, a *app, s *sides) error {
	if s.candidate != nil && f.seed == "" {
		f.seed = "0" // laws do not depend on it
	}
	p, err := f.plan(ctx, a)
	if err != nil {
		return err
	}
	s.add(p.modes.close)
	f.suite.Declared = p.Plan.Plan
	if s.candidate != nil {
		return nil
	}
	f.suite.Filler = p.modes.filler(p.Plan)
	s.name = fmt.Sprintf("plan %s %s, seed %s, %s", p.Digest(), modeText(p.Plan), p.SeedText(), dtypeText(p.Plan.Plan))
	if f.suite.OnlyBits() && !f.update {
		s.made = p.Plan.Plan
		return nil
	}
	return f.makeCandidate(ctx, a, s, p)
}

// makeCandidate writes the plan's values to a temporary file, which is removed
// in the end: the other checks read them more than once.
func (f *parityFlags) makeCandidate(ctx context.Context, a *app, s *sides, p *planned) error {
	dir, err := os.MkdirTemp("", "weightinit-parity-")
	if err != nil {
		return fault.CannotRun(fmt.Errorf("a folder for the candidate's values: %w", err))
	}
	s.add(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "candidate.safetensors")
	bar := a.progress("drawing", p.Elements())
	err = p.WriteSafetensors(ctx, path, weightinit.NoSync(), weightinit.Workers(f.threads), weightinit.Filler(f.suite.Filler), weightinit.WorkMemory(f.budget()), weightinit.Progress(bar.add))
	bar.done()
	if err != nil {
		return err
	}
	if s.candidate, err = checkpoint.Open(path); err != nil {
		return err
	}
	s.add(func() { _ = s.candidate.Close() })
	return nil
}

// recordedLaws takes the laws from the record in the reference, or else in the
// candidate. A record that cannot be followed is told and not used.
func (f *parityFlags) recordedLaws(ctx context.Context, a *app, s *sides) {
	for _, side := range []struct {
		path string
		set  checkpoint.Set
	}{{f.reference, s.reference}, {f.candidate, s.candidate}} {
		recorded, err := weightinit.ReadRecord(side.set.Metadata())
		if err != nil {
			continue // no record, as in most files
		}
		modes, err := recordedModes(ctx, a, &f.plugins, recorded)
		if err == nil {
			s.add(modes.close)
			var p *weightinit.Plan
			if p, err = weightinit.Rebuild(ctx, side.set.Metadata(), modes.Registry); err == nil {
				f.suite.Declared = p.Plan
			}
		}
		if err == nil {
			a.say("laws: those %s, from the record in %s", lawsOf(recorded), shown.Path(side.path))
			return
		}
		f.suite.Declared = nil
		a.warn(fmt.Sprintf("%s: the record's laws are not used: %v", shown.Path(side.path), err))
	}
}

// rename returns both sides under the names by which they are compared. What
// --update writes keeps its own.
func (f *parityFlags) rename(ctx context.Context, a *app, s *sides) (reference, candidate checkpoint.Set, err error) {
	r, err := suite.Rename(ctx, f.names, s.reference, s.candidate, s.made, f.suite.Declared)
	var twice *rules.TwiceError
	if errors.As(err, &twice) && f.names != nil {
		err = fmt.Errorf("%s: %w", shown.Path(f.rules), err)
	}
	for _, line := range r.Said {
		a.say("%s", line)
	}
	for _, line := range r.Warnings {
		if f.names != nil {
			line = shown.Path(f.rules) + ": " + line
		}
		a.warn(line)
	}
	return r.Reference, r.Candidate, err
}

// warnUnused tells of rules that decide about no tensor.
func (f *parityFlags) warnUnused(a *app, s *sides, reference, candidate checkpoint.Set) {
	if len(f.suite.Rules) == 0 {
		return
	}
	names := suite.NamesOf(reference, candidate)
	if s.made != nil {
		for _, t := range s.made.Tensors().All() {
			names = append(names, t.Name)
		}
	}
	for _, r := range f.suite.Rules.Unused(names) {
		a.warn(fmt.Sprintf("%s line %d: the rule for %s decides about no tensor", shown.Path(f.rules), r.Line, shown.Quote(r.Tensors)))
	}
}

// addPlots says what the page shows beside what failed.
func (f *parityFlags) addPlots(opt *report.Options) {
	opt.Law = lawOverlay(f.suite.Declared)
	if f.plotted != nil {
		opt.Plot = f.plotted.MatchString
	}
}

// checkUpdate refuses what cannot become a reference before anything is read.
// A reference that is not there yet is made.
func (f *parityFlags) checkUpdate() error {
	info, err := os.Stat(f.reference)
	switch {
	case f.run != "" || f.rules != "":
		return errors.New("--update with --run or --rules: the whole reference is replaced; leave them out")
	case errors.Is(err, os.ErrNotExist):
		f.fresh = true
	case err == nil && !info.IsDir() && filepath.Ext(f.reference) != ".safetensors":
		return fmt.Errorf("--update: %s: only a .safetensors file or a folder of .npy files is written", shown.Path(f.reference))
	case err == nil && info.IsDir():
		if _, err := os.Stat(filepath.Join(f.reference, "manifest.json")); err != nil {
			return fmt.Errorf("--update: %s: the folder has no manifest.json: only a .safetensors file or a folder of .npy files with a manifest is written", shown.Path(f.reference))
		}
	}
	return nil
}

// updateReference makes the candidate the reference. It succeeds also when the
// comparison did not: that is what it is for.
func (f *parityFlags) updateReference(ctx context.Context, a *app, s *sides, result engine.Result) error {
	if !f.fresh && result.Passed() {
		a.say("the reference is left as it is: nothing differs")
		return nil
	}
	if !f.fresh {
		if err := s.reference.Close(); err != nil { // some systems replace no open file
			return fault.CannotRun(fmt.Errorf("%s: %w", shown.Path(f.reference), err))
		}
	}
	opts := []weightinit.Option{weightinit.Force(), weightinit.Workers(f.threads)}
	if filepath.Ext(f.reference) == ".safetensors" {
		if err := weightinit.CopySafetensors(ctx, s.candidate, f.reference, opts...); err != nil {
			return err
		}
	} else if err := weightinit.CopyNPY(ctx, s.candidate, f.reference, opts...); err != nil {
		return err
	}
	a.say("updated: %s now holds %s", shown.Path(f.reference), shown.Cut(s.name, 200))
	return nil
}
