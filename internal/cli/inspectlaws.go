package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/report"
	"github.com/weightinit/weightinit/parity/suite"
	"github.com/weightinit/weightinit/plan"
)

// lawFlags name the mode and the model that a checkpoint is said to come from.
type lawFlags struct{ modelFlags }

func (f *lawFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.mode, "mode", "", "test whether the tensors follow the laws of this scheme, `NAME[@VERSION]`, for the model given")
	flags.StringVar(&f.preset, "preset", "", "the model of --mode by `NAME`")
	flags.StringVar(&f.config, "config", "", "the model of --mode by a config `FILE` in JSON or YAML")
	flags.StringVar(&f.planFile, "plan", "", "test whether the tensors follow the laws of this plan `FILE`")
	flags.StringArrayVar(&f.settings, "set", nil, "an option of the mode, as `KEY=VALUE`; repeatable")
	flags.IntVar(&f.threads, "threads", 0, "number of threads; 0: one a core")
	f.plugins.register(flags)
	must(cmd.RegisterFlagCompletionFunc("mode", completeModes))
	must(cmd.RegisterFlagCompletionFunc("preset", completePresets))
}

// wanted reports whether laws are to be tested.
func (f *lawFlags) wanted() (bool, error) {
	switch {
	case f.given():
		return true, f.check()
	case f.mode != "":
		return false, errors.New("--mode needs the model: give --preset NAME or --config FILE")
	case len(f.settings) > 0:
		return false, errors.New("--set needs a mode and a model: give --mode, and --preset or --config")
	}
	return false, nil
}

// lawReport is what the test of the laws found. Set holds the tensors under the
// names by which they were tested.
type lawReport struct {
	laws   string // whose they are
	set    checkpoint.Set
	result engine.Result
}

// testLaws holds every tensor against the law that the mode declares of it.
func (f *lawFlags) testLaws(ctx context.Context, a *app, path string, set checkpoint.Set) (*lawReport, error) {
	f.seed, f.streams = "0", string(plan.Torch) // laws depend on none of them
	p, err := f.plan(ctx, a)
	if err != nil {
		return nil, err
	}
	defer p.modes.close()
	renamed, err := suite.Rename(ctx, nil, nil, set, nil, p.Plan.Plan)
	if err != nil {
		return nil, err
	}
	for _, line := range renamed.Said {
		a.say("%s", line)
	}
	for _, line := range renamed.Warnings {
		a.warn(line)
	}
	bar := a.progress("testing", p.Elements())
	r, err := engine.Stats(ctx, nil, renamed.Candidate, engine.StatsOptions{
		Options: engine.Options{Workers: f.threads, Progress: bar.add}, Declared: p.Plan.Plan,
	})
	bar.done()
	if err != nil {
		return nil, err
	}
	r.Summary.Reference, r.Summary.Candidate = "the laws "+modeText(p.Plan), path
	return &lawReport{modeText(p.Plan), renamed.Candidate, r}, nil
}

// json is the report as a part of another document.
func (r *lawReport) json() (json.RawMessage, error) {
	if r == nil {
		return json.RawMessage("null"), nil
	}
	var b bytes.Buffer
	err := report.Write(&b, "json", r.result, report.Options{})
	return b.Bytes(), err
}

// note says of a tensor which tests find that its law is another one; nil when
// no laws were tested.
func (r *lawReport) note() func(name string) (text string, bad bool) {
	if r == nil {
		return nil
	}
	failed := map[string][]string{}
	for _, f := range r.result.Findings {
		if f.Verdict == engine.Fail {
			failed[f.Tensor] = append(failed[f.Tensor], f.Test)
		}
	}
	return func(name string) (string, bool) {
		tests := failed[name]
		if len(tests) == 0 {
			return "as declared", false
		}
		const most = 3
		text := "not as declared: " + strings.Join(tests[:min(most, len(tests))], ", ")
		if len(tests) > most {
			text += fmt.Sprintf(" and %d more", len(tests)-most)
		}
		return text, true
	}
}

// failure is the error of the command when a law does not hold.
func (r *lawReport) failure(path string) error {
	if r == nil || r.result.Passed() {
		return nil
	}
	return &failedError{fmt.Sprintf("%s: %d of %d tests find that it is not what the laws %s say; the first is %s", shown.Path(path),
		r.result.Summary.Failed, r.result.Summary.Tests, shown.Text(r.laws), firstFailure(r.result))}
}

// lawOverlay gives pages the law that a plan declares of a tensor.
func lawOverlay(p *plan.Plan) func(string) (quantile, density func(float64) float64, text string, ok bool) {
	if p == nil {
		return nil
	}
	laws := map[string]battery.Law{}
	for i, t := range p.Tensors().All() {
		declared, known := p.Law(i)
		if l, ok := battery.LawOf(declared); known && ok {
			laws[t.Name] = l
		}
	}
	return func(name string) (quantile, density func(float64) float64, text string, ok bool) {
		l, ok := laws[name]
		if _, constant := l.Constant(); !ok || constant {
			return nil, nil, "", false
		}
		return l.Quantile, l.Density, l.String(), true
	}
}
