package cli

import (
	"github.com/spf13/pflag"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/fill"
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

// write calls do, which makes so many values, with the options of the flags, and
// tells of values that do not fit the stored type.
func (a *app) write(values int64, f *makeFlags, opts []weightinit.Option, do func(...weightinit.Option) error) (*fill.OverflowError, error) {
	bar := a.progress("drawing", values)
	var overflow *fill.OverflowError
	opts = append(opts, weightinit.Progress(bar.add), weightinit.Overflow(func(found *fill.OverflowError) error {
		if f.strict {
			return &failedError{advised(found) + "; nothing was written (--strict)"}
		}
		overflow = found
		return nil
	}))
	if f.force {
		opts = append(opts, weightinit.Force())
	}
	if f.noSync {
		opts = append(opts, weightinit.NoSync())
	}
	err := do(opts...)
	bar.done()
	if err == nil && overflow != nil {
		a.warn(advised(overflow))
	}
	return overflow, err
}
