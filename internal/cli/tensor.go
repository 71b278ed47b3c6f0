package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/modes/elementary"
	"github.com/weightinit/weightinit/registry"
)

func (a *app) tensorCommand() *cobra.Command {
	var f drawFlags
	var shapeFlag, out string
	var force, noSync, asJSON bool
	cmd := &cobra.Command{
		Use:   "tensor SCHEME",
		Short: "Make one tensor by an elementary scheme",
		Long: "tensor fills one tensor by a function of torch.nn.init, with that function's options:\n" +
			strings.Join(elementary.Schemes().Names(), ", ") + ".",
		Example: "  weightinit tensor xavier_uniform --shape 64,128 --set gain=1.5 --seed 7 -o x.npy",
		Args:    exactArgs("SCHEME"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return elementary.Schemes().Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			info, err := elementary.Schemes().Lookup(args[0])
			var unknown *registry.UnknownError
			if errors.As(err, &unknown) {
				unknown.What = "scheme"
			}
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("shape") {
				return errors.New("no shape given: use --shape 64,128 (\"\" for a scalar)")
			}
			shape, err := parseShape(shapeFlag)
			if err != nil {
				return err
			}
			isNPY := strings.HasSuffix(out, ".npy")
			if !isNPY && !strings.HasSuffix(out, ".safetensors") {
				return fmt.Errorf("-o %s: use a name that ends in .npy or .safetensors", shown.Path(out))
			}
			opts, err := f.options(a, nil)
			if err != nil {
				return err
			}
			p, err := weightinit.PlanTensor(cmd.Context(), info, f.settings, shape, opts)
			if err != nil {
				return fmt.Errorf("scheme %q: %w", info.ID.Name, err)
			}
			a.notes(p)
			bar := a.progress("drawing", p.Values())
			w := weightinit.WriteOptions{Force: force, NoSync: noSync, Workers: f.threads, Progress: bar.add}
			start := time.Now()
			format := "safetensors"
			if isNPY {
				format = "npy"
				err = weightinit.WriteNPYFile(cmd.Context(), p, out, w)
			} else {
				err = weightinit.WriteSafetensors(cmd.Context(), p, out, w)
			}
			bar.done()
			if err != nil {
				return err
			}
			return a.reportMade(p, out, format, asJSON, time.Since(start))
		},
	}
	f.register(cmd.Flags())
	flags := cmd.Flags()
	flags.StringVar(&shapeFlag, "shape", "", "the `SIZES` with commas between, outermost first; \"\" for a scalar")
	flags.StringVarP(&out, "output", "o", "", "`PATH` of the output: NAME.npy or NAME.safetensors (which carries the record)")
	flags.BoolVar(&force, "force", false, "replace an existing output")
	flags.BoolVar(&noSync, "no-sync", false, "do not wait until the output is safe from a power cut")
	flags.BoolVar(&asJSON, "json", false, "print what was made as JSON")
	return cmd
}
