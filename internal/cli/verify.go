package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/record"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity"
	"github.com/weightinit/weightinit/registry"
)

func (a *app) verifyCommand() *cobra.Command {
	var asJSON bool
	var threads int
	cmd := &cobra.Command{
		Use:   "verify PATH",
		Short: "Make the bits again from the record in an output, and compare",
		Long: "verify reads the record that init wrote into a file or folder, makes every value again\n" +
			"from that record alone, and compares bit for bit. Exit code 0: the same; 1: the first\n" +
			"difference is shown.",
		Args: exactArgs("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := checkpoint.Open(args[0])
			if err != nil {
				return err
			}
			defer set.Close()
			for _, w := range set.Warnings() {
				a.warn(w)
			}
			p, err := weightinit.Rebuild(cmd.Context(), set.Metadata(), registry.Default())
			var missing *record.MissingError
			if errors.As(err, &missing) {
				return fmt.Errorf("%s: %w", shown.Path(args[0]), err)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", shown.Path(args[0]), err)
			}
			recorded := weightinit.RecordedDigest(set.Metadata())
			bar := a.progress("verifying", p.Values)
			report, err := parity.BitsOfPlan(cmd.Context(), p, set, true, parity.Options{Workers: threads, Progress: bar.add})
			bar.done()
			if err != nil {
				return err
			}
			result := parityResult{
				Check: "bits", Reference: "record " + p.Digest(), Candidate: args[0], Report: report,
				Problem: digestProblem(recorded, p.Digest()),
			}
			return a.reportParity(result, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().IntVar(&threads, "threads", 0, "number of threads; 0: one a core")
	return cmd
}

// digestProblem compares the digest in the record with the plan's.
func digestProblem(recorded, planned string) string {
	if recorded == planned {
		return ""
	}
	return fmt.Sprintf("the record's digest is %s, its mode, config and seed give %s", shown.Quote(recorded), planned)
}
