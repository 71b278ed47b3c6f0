package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity"
	"github.com/weightinit/weightinit/parity/report"
)

// parityChecks are what --check takes.
var parityChecks = []string{"bits", "close"}

// parityFlags are those of parity.
type parityFlags struct {
	modelFlags
	reference, candidate, check, format, run string
	reports                                  []string
	rtol, atol                               float64
	equalNaN, verbose                        bool

	name *regexp.Regexp
}

func (a *app) parityCommand() *cobra.Command {
	var f parityFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "parity",
		Short: "Compare tensors with a reference",
		Long: "parity compares a candidate with a reference: files, folders, or (for the candidate) what\n" +
			"init would make of --preset or --config with --mode and --seed. A missing or extra tensor,\n" +
			"and another shape or type, fail every check: exit code 1.\n\n" +
			"  --check bits   every bit is the same\n" +
			"  --check close  every value lies within --rtol and --atol, as torch.testing.assert_close",
		Example: "  weightinit parity --reference ref/ --candidate model.safetensors\n" +
			"  weightinit parity --reference ref/ --config config.json --mode gpt2@1 --seed 7\n" +
			"  weightinit parity --reference ref/ --candidate out/ --format github --report junit=parity.xml --report html=parity.html",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				f.format = "json"
			}
			return a.runParity(cmd, &f)
		},
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.reference, "reference", "", "the reference: a `PATH` of a file or folder")
	flags.StringVar(&f.candidate, "candidate", "", "the candidate: a `PATH` of a file or folder")
	flags.StringVar(&f.check, "check", "bits", "what is compared: "+strings.Join(parityChecks, " or "))
	flags.StringVar(&f.format, "format", "text", "format of stdout: "+strings.Join(report.Formats(), ", "))
	flags.StringArrayVar(&f.reports, "report", nil, "write a report to a file too, as `FORMAT=FILE`; repeatable")
	flags.StringVar(&f.run, "run", "", "only tensors whose name matches the `REGEX`")
	flags.Float64Var(&f.rtol, "rtol", 0, "relative tolerance of close (default: by type)")
	flags.Float64Var(&f.atol, "atol", 0, "absolute tolerance of close (default: by type)")
	flags.BoolVar(&f.equalNaN, "equal-nan", false, "close takes two values that are no numbers for equal")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "a line for what passed, too")
	flags.BoolVar(&asJSON, "json", false, "short for --format json")
	return cmd
}

// check settles the flags before anything is opened.
func (f *parityFlags) checkFlags() error {
	switch {
	case !slices.Contains(parityChecks, f.check):
		return fmt.Errorf("--check %s: use %s", shown.Quote(f.check), strings.Join(parityChecks, " or "))
	case !slices.Contains(report.Formats(), f.format):
		return fmt.Errorf("--format %s: use one of %s", shown.Quote(f.format), strings.Join(report.Formats(), ", "))
	case f.reference == "":
		return errors.New("no reference given: use --reference PATH")
	case f.candidate != "" && (f.preset != "" || f.config != ""):
		return errors.New("--candidate and a model (--preset, --config) both given: give one")
	case f.candidate == "" && f.preset == "" && f.config == "":
		return errors.New("no candidate given: use --candidate PATH, or a model with --preset or --config")
	case f.check == "close" && f.candidate == "":
		return errors.New("--check close compares files: use --candidate PATH")
	}
	for _, r := range f.reports {
		format, path, ok := strings.Cut(r, "=")
		if !ok || path == "" || !slices.Contains(report.Formats(), format) {
			return fmt.Errorf("--report %s: use FORMAT=FILE with one of %s", shown.Quote(r), strings.Join(report.Formats(), ", "))
		}
	}
	if f.run != "" {
		var err error
		if f.name, err = regexp.Compile(f.run); err != nil {
			return fmt.Errorf("--run %s: %w", shown.Quote(f.run), err)
		}
	}
	return nil
}

func (a *app) runParity(cmd *cobra.Command, f *parityFlags) error {
	if err := f.checkFlags(); err != nil {
		return err
	}
	reference, err := a.open(f.reference)
	if err != nil {
		return err
	}
	defer reference.Close()
	var candidate checkpoint.Set // nil for a plan
	if f.candidate != "" {
		if candidate, err = a.open(f.candidate); err != nil {
			return err
		}
		defer candidate.Close()
	}
	result, err := f.compare(cmd, a, reference, candidate)
	if err != nil {
		return err
	}
	if f.run != "" && len(result.Findings) == 0 {
		return fmt.Errorf("--run %s matches no tensor", shown.Quote(f.run))
	}
	opt := report.Options{Verbose: f.verbose, Rerun: rerun(os.Args), Values: plotted(cmd.Context(), reference, candidate)}
	if err := f.writeReports(result, opt); err != nil {
		return err
	}
	if err := report.Write(a.stdout, f.format, result, opt); err != nil {
		return err
	}
	if err := f.writeJobSummary(result, opt); err != nil {
		return err
	}
	if result.Passed() {
		return nil
	}
	return &failedError{fmt.Sprintf("%s: %d of %d tests fail the check %s; the first is %s", shown.Cut(result.Summary.Candidate, 200),
		result.Summary.Failed, result.Summary.Tests, f.check, firstFailure(result))}
}

// compare runs the check.
func (f *parityFlags) compare(cmd *cobra.Command, a *app, reference, candidate checkpoint.Set) (parity.Result, error) {
	opts := parity.Options{Run: f.name, Workers: f.threads}
	switch {
	case f.check == "close":
		c := parity.CloseOptions{Options: opts, EqualNaN: f.equalNaN}
		if cmd.Flags().Changed("rtol") {
			c.RTol = &f.rtol
		}
		if cmd.Flags().Changed("atol") {
			c.ATol = &f.atol
		}
		r, err := parity.Close(cmd.Context(), reference, candidate, c)
		if err != nil {
			return parity.Result{}, err
		}
		return parity.NewResult("close", f.reference, f.candidate, r.Findings()), nil
	case candidate != nil:
		r, err := parity.Bits(cmd.Context(), reference, candidate, opts)
		if err != nil {
			return parity.Result{}, err
		}
		return parity.NewResult("bits", f.reference, f.candidate, r.Findings()), nil
	}
	p, err := f.plan(cmd.Context(), a)
	if err != nil {
		return parity.Result{}, err
	}
	defer p.modes.close()
	opts.Filler = p.modes.filler(p.Plan)
	r, err := parity.BitsOfPlan(cmd.Context(), p.Plan, reference, false, opts)
	if err != nil {
		return parity.Result{}, err
	}
	name := fmt.Sprintf("plan %s of %s, seed %s, %s", p.Digest(), p.Mode, p.SeedText, p.DType)
	return parity.NewResult("bits", f.reference, name, r.Findings()), nil
}

// writeReports writes the files of --report, each whole or not at all.
func (f *parityFlags) writeReports(result parity.Result, opt report.Options) error {
	for _, r := range f.reports {
		format, path, _ := strings.Cut(r, "=")
		var b strings.Builder
		if err := report.Write(&b, format, result, opt); err != nil {
			return err
		}
		if err := atomicfile.WriteFile(atomicfile.OS(), path, []byte(b.String()), atomicfile.Options{Force: true}); err != nil {
			return err
		}
	}
	return nil
}

// writeJobSummary adds to the summary page of a GitHub job, whose file the
// environment names there.
func (f *parityFlags) writeJobSummary(result parity.Result, opt report.Options) error {
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if f.format != "github" || path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return fault.CannotRun(fmt.Errorf("GITHUB_STEP_SUMMARY: %w", err))
	}
	err = report.WriteJobSummary(file, result, opt)
	if e := file.Close(); err == nil && e != nil {
		err = fault.CannotRun(fmt.Errorf("GITHUB_STEP_SUMMARY: %w", e))
	}
	return err
}

// firstFailure names what failed first.
func firstFailure(r parity.Result) string {
	for _, f := range r.Findings {
		if f.Verdict == parity.Fail {
			return fmt.Sprintf("%s, %s: %s", shown.Quote(f.Tensor), f.Test, f.Detail)
		}
	}
	return ""
}

// rerun returns the command line that checks only what a finding is about.
func rerun(args []string) func(parity.Finding) string {
	return func(f parity.Finding) string {
		words := []string{"weightinit"}
		for i := 1; i < len(args); i++ {
			switch name, _, joined := strings.Cut(args[i], "="); name {
			case "--run", "--report", "--format":
				if !joined {
					i++
				}
				continue
			case "--json":
				continue
			}
			words = append(words, shellQuote(args[i]))
		}
		return strings.Join(append(words, "--run", shellQuote("^"+regexp.QuoteMeta(f.Tensor)+"$")), " ")
	}
}

// shellQuote quotes a word for a POSIX shell if it needs it.
func shellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=@:,+", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// plotted reads the values that a page plots: at most the first million of a
// tensor, of each side that is a file.
func plotted(ctx context.Context, reference, candidate checkpoint.Set) func(string) ([]float64, []float64) {
	const most = 1 << 20
	read := func(set checkpoint.Set, name string) []float64 {
		if set == nil {
			return nil
		}
		t, ok := set.Lookup(name)
		if !ok || !checkpoint.Decodable(t.DType) {
			return nil
		}
		var out []float64
		enough := errors.New("enough")
		err := t.Each(ctx, func(values []float64) error {
			if out = append(out, values...); len(out) >= most {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			return nil // a page without a plot; the comparison has read the same values
		}
		return out
	}
	return func(name string) ([]float64, []float64) { return read(reference, name), read(candidate, name) }
}

// open opens a checkpoint and prints its warnings.
func (a *app) open(path string) (checkpoint.Set, error) {
	set, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	for _, w := range set.Warnings() {
		a.warn(w)
	}
	return set, nil
}
