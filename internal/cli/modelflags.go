package cli

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/registry"
	"github.com/weightinit/weightinit/rng"
)

// drawFlags are those that say how values are drawn, of a model or a tensor.
type drawFlags struct {
	settings []string
	seed     string
	stored   string
	streams  string
	threads  int
	isa      string

	fresh bool // the seed is one of the operating system
}

func (f *drawFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.settings, "set", nil, "an option of the mode, as `KEY=VALUE`; repeatable")
	flags.StringVar(&f.seed, "seed", "", "an integer from -2^63 to 2^64-1; default: the config's, else a fresh one, which is printed")
	flags.StringVar(&f.stored, "dtype", "", "stored type: f32, f64, bf16 or f16, rounded to nearest even; default: f32, of a Hugging Face config its dtype, and of a plan file each tensor's own. The mode hf_from_config draws in it")
	flags.StringVar(&f.streams, "streams", "torch", "torch: one sequential generator, as PyTorch's. keyed: a stream for each parameter, by seed and name, as torch.func._random's")
	flags.IntVar(&f.threads, "threads", 0, "number of threads; 0: one a core. Same bytes for every value")
	flags.StringVar(&f.isa, "isa", "", "instruction set: auto, "+strings.Join(rng.ISAs(), ", ")+" (default: WEIGHTINIT_ISA, else auto). Same bytes for every value")
}

// options turns the flags into plan options. fallback is the seed of the
// config, "" when it has none; then a fresh one is taken, which [tellSeed]
// prints when the plan stands.
func (f *drawFlags) options(fallback string) (plan.Options, error) {
	streams, err := plan.ParseStreams(f.streams)
	if err != nil {
		return plan.Options{}, fmt.Errorf("--%w", err)
	}
	opts := plan.Options{Streams: streams}
	if f.threads < 0 {
		return opts, fmt.Errorf("--threads %d: must be 0 or more", f.threads)
	}
	if err := chooseISA(f.isa); err != nil {
		return opts, err
	}
	if f.stored != "" {
		if opts.DType, err = dtype.Parse(f.stored); err != nil {
			return opts, fmt.Errorf("--dtype %s: use one of f32, f64, bf16, f16", shown.Quote(f.stored))
		}
	}
	switch {
	case f.seed != "":
		if opts.Seed, err = model.ParseSeed(f.seed); err != nil {
			return opts, fmt.Errorf("--seed: %w", err)
		}
		opts.SeedText = f.seed
	case fallback != "":
		if opts.Seed, err = model.ParseSeed(fallback); err != nil {
			return opts, err
		}
		opts.SeedText = fallback
	default:
		if opts.Seed, err = freshSeed(); err != nil {
			return opts, err
		}
		f.fresh = true
	}
	return opts, nil
}

// tellSeed prints a fresh seed, without which a run could not be repeated.
func (f *drawFlags) tellSeed(a *app, opts plan.Options) {
	if f.fresh {
		fmt.Fprintf(a.stderr, "seed: %d (fresh; repeat with --seed %d)\n", opts.Seed, opts.Seed)
	}
}

// freshSeed takes a seed from the operating system.
func freshSeed() (uint64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fault.CannotRun(fmt.Errorf("fresh seed: %w; give one with --seed", err))
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// modelFlags are those that say which model, by which mode, or which plan file.
type modelFlags struct {
	drawFlags
	sourceFlags
	plugins pluginFlags
	mode    string
}

func (f *modelFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.sourceFlags.register(flags)
	flags.StringVar(&f.mode, "mode", "", "the scheme, `NAME[@VERSION]`: see \"weightinit modes list\"; default: the config's init_mode, else gpt2; of a Hugging Face config hf_from_config")
	f.drawFlags.register(flags)
	f.plugins.register(flags)
	must(cmd.RegisterFlagCompletionFunc("mode", completeModes))
	must(cmd.RegisterFlagCompletionFunc("preset", completePresets))
	must(cmd.RegisterFlagCompletionFunc("streams", cobra.FixedCompletions([]string{"torch", "keyed"}, cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("dtype", cobra.FixedCompletions([]string{"f32", "f64", "bf16", "f16"}, cobra.ShellCompDirectiveNoFileComp)))
}

// must panics on a mistake in the program.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// load returns the config that the flags name and prints its warnings.
func (f *modelFlags) load(a *app) (model.Config, error) {
	if err := f.one(); err != nil {
		return nil, err
	}
	switch {
	case f.preset != "":
		p, err := model.LookupPreset(f.preset)
		if err != nil {
			return nil, fmt.Errorf("--preset: %w", err)
		}
		return p.Config, nil
	case f.config != "":
		cfg, warnings, err := model.Load(f.config)
		if err != nil {
			return nil, err
		}
		for _, w := range warnings {
			a.warn(w)
		}
		return cfg, nil
	default:
		return nil, errors.New("no model given: use --preset NAME (see \"weightinit presets list\"), --config FILE or --plan FILE")
	}
}

// planned is a plan with the modes that it may ask for values. The caller must
// close it.
type planned struct {
	*weightinit.Plan
	modes *modeSet
}

// plan loads the model and freezes it with the mode, or freezes the plan file.
func (f *modelFlags) plan(ctx context.Context, a *app) (*planned, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.planFile != "" {
		return f.planProgram(a)
	}
	cfg, err := f.load(a)
	if err != nil {
		return nil, err
	}
	opts, err := f.options(cfg.SeedText())
	if err != nil {
		return nil, err
	}
	if made, ok := cfg.(interface{ DType() dtype.Type }); ok && f.stored == "" {
		opts.DType = made.DType()
	}
	name, given := f.mode, true
	if name == "" {
		name, given = cfg.Mode(), false
	}
	modes, err := f.plugins.modes(ctx, a, storedType(opts.DType), name)
	if err != nil {
		return nil, err
	}
	p, err := f.planMode(ctx, a, cfg, modes, name, given, opts)
	if err != nil {
		modes.close()
		return nil, err
	}
	f.tellSeed(a, opts)
	a.notes(p.Notes())
	return &planned{p, modes}, nil
}

// planMode looks the mode up and freezes the model with it. given tells that
// the name is that of --mode, not the config's.
func (f *modelFlags) planMode(ctx context.Context, a *app, cfg model.Config, modes *modeSet, name string, given bool, opts plan.Options) (*weightinit.Plan, error) {
	info, err := modes.Lookup(name)
	switch {
	case err != nil && given:
		return nil, fmt.Errorf("--mode: %w", err)
	case err != nil:
		return nil, f.inFile(fmt.Errorf("init_mode: %w", err))
	}
	p, err := weightinit.Build(ctx, cfg, info, f.settings, opts)
	if err != nil {
		return nil, f.inFile(err)
	}
	for _, w := range cfg.Warnings(info.ModelVersion) {
		a.warn(w)
	}
	return p, nil
}

// inFile puts the config's path in front of an error about what it says.
func (f *modelFlags) inFile(err error) error {
	var own *model.Error
	var option *registry.OptionError
	var plugin *plugins.Error
	if f.config == "" || errors.As(err, &own) || errors.As(err, &option) || errors.As(err, &plugin) {
		return err
	}
	return fmt.Errorf("%s: %w", shown.Path(f.config), err)
}

// completePresets proposes preset names to the shell.
func completePresets(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return model.PresetNames(), cobra.ShellCompDirectiveNoFileComp
}

// parseShape reads sizes with commas between; "" is a scalar.
func parseShape(text string) ([]int64, error) {
	shape := []int64{}
	if text == "" || text == "()" || text == "[]" {
		return shape, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		size, err := strconv.ParseInt(part, 10, 64)
		if err != nil || size < 0 || part[0] == '+' || part[0] == '-' {
			return nil, fmt.Errorf("--shape %s: size %s: must be a whole number, 0 or more, with commas between sizes", shown.Quote(text), shown.Quote(part))
		}
		shape = append(shape, size)
	}
	n, err := layout.ElementsOf(shape)
	if err != nil {
		return nil, fmt.Errorf("--shape %s: %w", shown.Quote(text), err)
	}
	const most = 1 << 62
	if n > most {
		return nil, fmt.Errorf("--shape %s: %d elements, the limit is 2^62", shown.Quote(text), n)
	}
	return shape, nil
}
