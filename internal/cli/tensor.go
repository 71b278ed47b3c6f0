package cli

import (
	"context"
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

// tensorFlags are those of tensor.
type tensorFlags struct {
	drawFlags
	makeFlags
	shape string
}

func (a *app) tensorCommand() *cobra.Command {
	var f tensorFlags
	cmd := &cobra.Command{
		Use:   "tensor SCHEME",
		Short: "Make one tensor by an elementary scheme",
		Long: "tensor fills one tensor by a function of torch.nn.init or of another library, with that function's options:\n" +
			strings.Join(elementary.Schemes().Names(), ", ") + ".\n\n" +
			"\"weightinit tensor show SCHEME\" tells the formula, the options and their defaults.",
		Example: "  weightinit tensor xavier_uniform --shape 64,128 --set gain=1.5 --seed 7 -o x.npy\n" +
			"  weightinit tensor show trunc_normal",
		Args:              exactArgs("SCHEME"),
		ValidArgsFunction: completeSchemes,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runTensor(cmd.Context(), args[0], cmd.Flags().Changed("shape"), &f)
		},
	}
	f.drawFlags.register(cmd.Flags())
	f.makeFlags.register(cmd.Flags(), "`PATH` of the output: NAME.npy or NAME.safetensors (which carries the record)")
	cmd.Flags().StringVar(&f.shape, "shape", "", "the `SIZES` with commas between, outermost first; \"\" for a scalar")
	mayBeEmpty(cmd.Flags(), "shape")
	cmd.AddCommand(a.tensorListCommand(), a.tensorShowCommand())
	a.helpOfSchemes(cmd)
	return cmd
}

// lookupScheme finds an elementary scheme by its name.
func lookupScheme(name string) (registry.Info, error) {
	info, err := elementary.Schemes().Lookup(name)
	var unknown *registry.UnknownError
	if errors.As(err, &unknown) {
		unknown.What = "scheme"
	}
	return info, err
}

func (a *app) runTensor(ctx context.Context, scheme string, shaped bool, f *tensorFlags) error {
	info, err := lookupScheme(scheme)
	if err != nil {
		return err
	}
	if !shaped {
		return errors.New("no shape given: use --shape 64,128 (\"\" for a scalar)")
	}
	shape, err := parseShape(f.shape)
	if err != nil {
		return err
	}
	format := "npy"
	switch {
	case strings.HasSuffix(f.out, ".npy"):
	case strings.HasSuffix(f.out, ".safetensors"):
		format = "safetensors"
	default:
		return fmt.Errorf("-o %s: use a name that ends in .npy or .safetensors", shown.Path(f.out))
	}
	opts, err := f.options("")
	if err != nil {
		return err
	}
	p, err := weightinit.BuildTensor(ctx, info, f.settings, shape, opts)
	if err != nil {
		return fmt.Errorf("scheme %q: %w", info.ID.Name, err)
	}
	f.tellSeed(a, opts)
	a.notes(p.Notes())
	start := time.Now()
	overflow, err := a.write(p.Elements(), &f.makeFlags, []weightinit.Option{weightinit.Workers(f.threads)}, func(opts ...weightinit.Option) error {
		if format == "npy" {
			return p.WriteNPYFile(ctx, f.out, opts...)
		}
		return p.WriteSafetensors(ctx, f.out, opts...)
	})
	if err != nil {
		return err
	}
	return a.reportMade(p, f.out, format, f.asJSON, overflow, time.Since(start))
}
