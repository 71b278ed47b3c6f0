package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/report"
	"github.com/weightinit/weightinit/parity/rules"
	"github.com/weightinit/weightinit/parity/suite"
)

// parityFlags are those of parity.
type parityFlags struct {
	modelFlags
	reference, candidate, check, rules string
	format, run, plot, variant         string
	reports                            []string
	rtol, atol                         float64
	equalNaN, verbose, update          bool
	// fresh tells that --update makes a reference where there is none.
	fresh bool

	plotted *regexp.Regexp
	names   rules.Names
	suite   suite.Options
}

func (a *app) parityCommand() *cobra.Command {
	var f parityFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "parity",
		Short: "Compare tensors with a reference",
		Long: "parity compares a candidate with a reference: files, folders, or (for the candidate) what\n" +
			"init would make of --preset or --config with --mode and --seed, or of --plan. A missing or\n" +
			"extra tensor, and another shape or type, fail every check: exit code 1.\n\n" +
			"  --check bits   every bit is the same\n" +
			"  --check close  every value lies within --rtol and --atol, as torch.testing.assert_close\n" +
			"  --check stats  both sides follow the declared laws, or one law; a false alarm at most\n" +
			"                 once in a million runs. The laws are those of the model and mode given,\n" +
			"                 or of the record that init left in the reference or the candidate\n" +
			"  --check all    all of them, and one seed used for two families\n\n" +
			"--rules FILE (YAML) says which check holds for which tensors; --check is for the rest. It\n" +
			"also says under which names they are compared; the names of a booted TransformerLens model\n" +
			"are known.",
		Example: "  weightinit parity --reference ref/ --candidate model.safetensors\n" +
			"  weightinit parity --reference ref/ --config config.json --mode gpt2@1 --seed 7\n" +
			"  weightinit parity --reference ref/ --candidate out/ --check stats --preset gpt2-small --mode gpt2\n" +
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
	registerVariant(flags, &f.variant)
	flags.StringVar(&f.reference, "reference", "", "the reference: a `PATH` of a file or folder")
	flags.StringVar(&f.candidate, "candidate", "", "the candidate: a `PATH` of a file or folder")
	flags.StringVar(&f.check, "check", suite.Bits, "what is compared: "+strings.Join(suite.Checks(), ", "))
	flags.StringVar(&f.rules, "rules", "", "a YAML `FILE` that says which check holds for which tensors")
	flags.StringVar(&f.format, "format", "text", "format of stdout: "+strings.Join(report.Formats(), ", "))
	flags.StringArrayVar(&f.reports, "report", nil, "write a report to a file too, as `FORMAT=FILE`; repeatable")
	flags.StringVar(&f.run, "run", "", "only tensors whose name matches the `REGEX`")
	flags.StringVar(&f.plot, "plot", "", "plot in the HTML report what matches the `REGEX`, beside what failed")
	flags.Float64Var(&f.rtol, "rtol", 0, "relative tolerance of close (default: by type)")
	flags.Float64Var(&f.atol, "atol", 0, "absolute tolerance of close (default: by type)")
	flags.BoolVar(&f.equalNaN, "equal-nan", false, "close takes two values that are no numbers for equal")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "a line for what passed, too, and for every failure")
	flags.BoolVar(&f.update, "update", false, "if anything differs, make the candidate the new reference: a .safetensors file, or a folder of .npy files")
	flags.BoolVar(&asJSON, "json", false, "short for --format json")
	must(cmd.RegisterFlagCompletionFunc("check", cobra.FixedCompletions(suite.Checks(), cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(report.Formats(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// checkFlags settles the flags before anything is opened.
func (f *parityFlags) checkFlags(cmd *cobra.Command) error {
	switch {
	case !slices.Contains(suite.Checks(), f.check):
		return fmt.Errorf("--check %s: use one of %s", shown.Quote(f.check), strings.Join(suite.Checks(), ", "))
	case !slices.Contains(report.Formats(), f.format):
		return fmt.Errorf("--format %s: use one of %s", shown.Quote(f.format), strings.Join(report.Formats(), ", "))
	case f.reference == "":
		return errors.New("no reference given: use --reference PATH")
	case f.candidate == "" && !f.given():
		return errors.New("no candidate given: use --candidate PATH, or a model with --preset, --config or --plan")
	}
	for _, r := range f.reports {
		format, path, ok := strings.Cut(r, "=")
		if !ok || path == "" || !slices.Contains(report.Formats(), format) {
			return fmt.Errorf("--report %s: use FORMAT=FILE with one of %s", shown.Quote(r), strings.Join(report.Formats(), ", "))
		}
	}
	var err error
	if f.suite.Keep, err = runFlag(f.run); err != nil {
		return err
	}
	if f.plot != "" {
		if f.plotted, err = regexp.Compile(f.plot); err != nil {
			return fmt.Errorf("--plot %s: %w", shown.Quote(f.plot), err)
		}
	}
	if f.rules != "" {
		file, err := rules.Load(f.rules)
		if err != nil {
			return err
		}
		f.suite.Rules, f.names = file.Rules, file.Names
	}
	if err := f.modelFlags.check(); err != nil {
		return err
	}
	f.suite.Check, f.suite.Workers, f.suite.EqualNaN, f.suite.WorkMemory = f.check, f.threads, f.equalNaN, f.budget()
	if cmd.Flags().Changed("rtol") {
		f.suite.RTol = &f.rtol
	}
	if cmd.Flags().Changed("atol") {
		f.suite.ATol = &f.atol
	}
	if f.candidate != "" && f.given() && !f.suite.Wants(suite.Stats) {
		return errors.New("--candidate and a model (--preset, --config, --plan) both given: give one (only stats takes the laws of a model)")
	}
	return nil
}

func (a *app) runParity(cmd *cobra.Command, f *parityFlags) error {
	if err := f.checkFlags(cmd); err != nil {
		return err
	}
	if f.update {
		if err := f.checkUpdate(); err != nil {
			return err
		}
	}
	sides, err := f.openSides(cmd.Context(), a)
	if err != nil {
		return err
	}
	defer sides.close()
	if f.fresh {
		return f.updateReference(cmd.Context(), a, sides, engine.Result{})
	}
	reference, candidate, err := f.rename(cmd.Context(), a, sides)
	if err != nil {
		return err
	}
	f.warnUnused(a, sides, reference, candidate)
	defer frugal(f.suite.Wants(suite.Stats), reference, candidate)()
	bar := a.progress("comparing", sides.values()*f.suite.Passes())
	f.suite.Progress = bar.add
	result, err := suite.Run(cmd.Context(), reference, candidate, sides.made, f.suite)
	bar.done()
	switch {
	case errors.Is(err, suite.ErrNothing) && f.run != "":
		return fmt.Errorf("--run %s matches no tensor", shown.Quote(f.run))
	case errors.Is(err, suite.ErrNothing) && f.rules != "":
		return fmt.Errorf("%s: the rules leave no tensor to compare", shown.Path(f.rules))
	case errors.Is(err, suite.ErrNothing):
		result, err = engine.Result{Summary: engine.Summary{Checks: []string{f.check}}}, nil
	}
	if err != nil {
		return err
	}
	result.Summary.Reference, result.Summary.Candidate = f.reference, sides.name
	opt := report.Options{Verbose: f.verbose, Rerun: rerun(os.Args), Values: plotted(cmd.Context(), reference, candidate)}
	f.addPlots(&opt)
	if err := f.writeReports(result, opt); err != nil {
		return err
	}
	if err := report.Write(a.stdout, f.format, result, opt); err != nil {
		return err
	}
	if err := f.writeJobSummary(result, opt); err != nil {
		return err
	}
	if f.update {
		return f.updateReference(cmd.Context(), a, sides, result)
	}
	if result.Passed() {
		return nil
	}
	return &failedError{fmt.Sprintf("%s: %d of %d tests fail the check %s; the first is %s", shown.Cut(result.Summary.Candidate, 200),
		result.Summary.Failed, result.Summary.Tests, strings.Join(result.Summary.Checks, "+"), firstFailure(result))}
}

// writeReports writes the files of --report, each whole or not at all.
func (f *parityFlags) writeReports(result engine.Result, opt report.Options) error {
	for _, r := range f.reports {
		format, path, _ := strings.Cut(r, "=")
		var b strings.Builder
		guard := shown.NewWriter(&b) // a report is shown by cat, too
		if err := errors.Join(report.Write(guard, format, result, opt), guard.Close()); err != nil {
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
func (f *parityFlags) writeJobSummary(result engine.Result, opt report.Options) error {
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
func firstFailure(r engine.Result) string {
	for _, f := range r.Findings {
		if f.Verdict == engine.Fail {
			return fmt.Sprintf("%s, %s: %s", shown.Quote(f.Tensor), f.Test, f.Why())
		}
	}
	return ""
}

// rerun returns the command line that checks only what a finding is about.
func rerun(args []string) func(engine.Finding) string {
	return func(f engine.Finding) string {
		if len(f.Members) > 0 {
			return "" // only the whole run tests them together
		}
		words := []string{"weightinit"}
		for i := 1; i < len(args); i++ {
			switch name, _, joined := strings.Cut(args[i], "="); name {
			case "--run", "--report", "--format", "--plot":
				if !joined {
					i++
				}
				continue
			case "--json", "--update":
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
func (a *app) open(path, variant string) (checkpoint.Set, error) {
	set, err := checkpoint.OpenVariant(path, variant)
	if err != nil {
		return nil, err
	}
	for _, w := range set.Warnings() {
		a.warn(w)
	}
	return set, nil
}

// frugal keeps memory near what is in use when there are very many tensors, and
// returns what ends that. Their lists are long-lived, and the collector would
// let as much garbage pile up beside them. The statistics leave little of it, so
// that collecting often is cheap there.
func frugal(stats bool, sets ...checkpoint.Set) (end func()) {
	const many = 50_000
	percent := 30
	if stats {
		percent = 10
	}
	total := 0
	for _, set := range sets {
		if set != nil {
			total += len(set.Tensors())
		}
	}
	if total < many || os.Getenv("GOGC") != "" {
		return func() {}
	}
	debug.FreeOSMemory() // what opening left
	before := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}

// registerVariant adds the flag that chooses among the sets of a folder.
func registerVariant(flags *pflag.FlagSet, variant *string) {
	flags.StringVar(variant, "variant", "", "the `NAME` of the variant to read of a Hugging Face folder, such as fp16")
}
