package cli

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/plan"
)

// makeFlags are those of the commands that write an output.
type makeFlags struct {
	out                           string
	force, noSync, strict, asJSON bool
}

func (f *makeFlags) register(flags *pflag.FlagSet, out string) {
	flags.StringVarP(&f.out, "output", "o", "", out)
	flags.BoolVar(&f.force, "force", false, "replace an existing output")
	flags.BoolVar(&f.noSync, "no-sync", false, "do not wait until the output is safe from a power cut; the rename stays atomic")
	flags.BoolVar(&f.strict, "strict", false, "fail, and write nothing, when a value does not fit --dtype (70000 in f16)")
	flags.BoolVar(&f.asJSON, "json", false, "print what was made as JSON")
}

// write calls do with the options of the flags, and tells of values that do
// not fit the stored type.
func (a *app) write(p *plan.Plan, f *makeFlags, opts weightinit.WriteOptions, do func(weightinit.WriteOptions) error) (*fill.OverflowError, error) {
	bar := a.progress("drawing", p.Values)
	opts.Force, opts.NoSync, opts.Progress = f.force, f.noSync, bar.add
	opts.Overflow = &fill.Overflow{Strict: f.strict}
	err := do(opts)
	bar.done()
	var overflow *fill.OverflowError
	switch {
	case errors.As(err, &overflow):
		return nil, &failedError{overflow.Error() + "; nothing was written (--strict)"}
	case err != nil:
		return nil, err
	}
	if overflow = opts.Overflow.Found(p); overflow != nil {
		a.warn(overflow.Error())
	}
	return overflow, nil
}
