package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
)

func (a *app) verifyCommand() *cobra.Command {
	var asJSON bool
	var threads int
	var variant, run, planFile, memory string
	var f pluginFlags
	cmd := &cobra.Command{
		Use:   "verify PATH",
		Short: "Make the bits again from the record in an output, and compare",
		Long: "verify reads the record that init wrote into a file or folder, makes every value again\n" +
			"from that record alone, and compares bit for bit. Exit code 0: the same; 1: the first\n" +
			"difference is shown.",
		Args: exactArgs("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := chooseISA(""); err != nil {
				return err
			}
			keep, err := runFlag(run)
			if err != nil {
				return err
			}
			budget, err := workMemory(memory)
			if err != nil {
				return err
			}
			set, err := a.open(args[0], variant)
			if err != nil {
				return err
			}
			defer set.Close()
			recorded, err := weightinit.ReadRecord(set.Metadata())
			if err == nil && planFile != "" && !recorded.Program {
				err = errors.New("the record says that it was made of a config, not of a plan file: leave --plan out")
			}
			if err != nil {
				return fmt.Errorf("%s: %w", shown.Path(args[0]), err)
			}
			modes, err := recordedModes(cmd.Context(), a, &f, recorded)
			if err != nil {
				return fmt.Errorf("%s was made by mode %s: %w", shown.Path(args[0]), shown.Quote(recorded.Mode), err)
			}
			defer modes.close()
			if err := samePlugin(recorded, modes); err != nil {
				return fmt.Errorf("%s: %w", shown.Path(args[0]), err)
			}
			p, err := rebuilt(cmd.Context(), args[0], set, modes, planFile)
			if err != nil {
				return err
			}
			bar := a.progress("verifying", p.Elements())
			report, err := engine.BitsOfPlan(cmd.Context(), p.Plan, set, true, engine.Options{Keep: keep, Workers: threads, Filler: modes.filler(p), WorkMemory: budget, Progress: bar.add})
			bar.done()
			if err != nil {
				return err
			}
			if len(report.Tensors) == 0 && run != "" {
				return fmt.Errorf("--run %s matches no tensor", shown.Quote(run))
			}
			result := parityResult{
				Check: "bits", Reference: "record " + p.Digest(), Candidate: args[0], Report: report,
				Problem: digestProblem(recorded, p.Digest()),
			}
			return a.reportParity(result, asJSON)
		},
	}
	f.register(cmd.Flags())
	registerVariant(cmd.Flags(), &variant)
	registerWorkMemory(cmd.Flags(), &memory)
	cmd.Flags().StringVar(&planFile, "plan", "", "the plan `FILE` that PATH was made of, if its record does not hold it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&run, "run", "", "only tensors whose name matches the `REGEX`: nothing else is made")
	cmd.Flags().IntVar(&threads, "threads", 0, "number of threads; 0: one a core")
	return cmd
}

// runFlag is the choice of tensors that --run makes; nil for all.
func runFlag(text string) (func(name string) bool, error) {
	if text == "" {
		return nil, nil
	}
	wanted, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("--run %s: %w", shown.Quote(text), err)
	}
	return wanted.MatchString, nil
}

// rebuilt makes the plan again, from the record and the plan file if one is
// given.
func rebuilt(ctx context.Context, path string, set checkpoint.Set, modes *modeSet, planFile string) (*weightinit.Plan, error) {
	if planFile == "" {
		p, err := weightinit.Rebuild(ctx, set.Metadata(), modes.Registry)
		if err != nil {
			err = fmt.Errorf("%s: %w", shown.Path(path), err)
		}
		return p, err
	}
	data, err := readPlanFile(planFile)
	if err != nil {
		return nil, err
	}
	p, err := weightinit.RebuildProgram(set.Metadata(), data)
	if err != nil {
		return nil, notAPlan(planFile, data, err)
	}
	return p, nil
}

// digestProblem compares the digest in the record with the plan's.
func digestProblem(recorded weightinit.Recorded, planned string) string {
	if recorded.Digest == planned {
		return ""
	}
	what := "its mode, config and seed give"
	if recorded.Program {
		what = "the plan file and its seed give"
	}
	return fmt.Sprintf("the record's digest is %s, %s %s", shown.Quote(recorded.Digest), what, planned)
}

// samePlugin asks for the very plugin that made an output.
func samePlugin(recorded weightinit.Recorded, modes *modeSet) error {
	want := recorded.Plugin
	if want == nil || modes.host == nil {
		return nil
	}
	for _, have := range modes.host.Started() {
		if have.Name == want.Name && have.H1 != want.H1 {
			return fault.CannotRun(fmt.Errorf("made by plugin %s %s with hash %s, and the one here has %s: add the one that made it, or give it with --plugin",
				shown.Quote(want.Name), shown.Text(want.Version), shown.Quote(want.H1), shown.Quote(have.H1)))
		}
	}
	return nil
}
