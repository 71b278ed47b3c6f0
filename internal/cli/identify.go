package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/record"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/parity/identify"
	"github.com/weightinit/weightinit/parity/suite"
)

// identifyFlags are those of identify.
type identifyFlags struct {
	modelFlags
	variant string
	asJSON  bool
}

func (a *app) identifyCommand() *cobra.Command {
	var f identifyFlags
	cmd := &cobra.Command{
		Use:   "identify PATH",
		Short: "Which known scheme start weights look like, with what speaks against each",
		Long: "identify holds every tensor of a file or folder against the laws that each registered mode\n" +
			"declares of it, whatever the seed, and ranks the modes by what speaks against them. A mode\n" +
			"fits only if nothing does. Modes that declare the same laws for this model share a place.\n\n" +
			"The model is that of --config or --preset, else of the record in the file, else of the\n" +
			"config.json beside the weights. Each mode is tried with its default options, which are the\n" +
			"config's own where it has some, with usual values, and with those of the record. Where a seed\n" +
			"is known, by --seed, from the record or from the config, bits are compared, too.\n\n" +
			"Exit code 0: a mode fits; 1: none does, as of trained weights.",
		Example: "  weightinit identify model.safetensors --preset gpt2-small\n" +
			"  weightinit identify checkpoint/ --seed 42 --json",
		Args: exactArgs("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), a, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.preset, "preset", "", "the model by `NAME`: see \"weightinit presets list\"")
	flags.StringVar(&f.config, "config", "", "the model by a config `FILE` in JSON or YAML; default: the record's, else config.json beside the weights")
	flags.StringVar(&f.seed, "seed", "", "a seed that may be the one; its bits are compared, and those of the record's and the config's")
	flags.IntVar(&f.threads, "threads", 0, "number of threads; 0: one a core")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON")
	f.plugins.register(flags)
	registerVariant(flags, &f.variant)
	must(cmd.RegisterFlagCompletionFunc("preset", completePresets))
	return cmd
}

func (f *identifyFlags) run(ctx context.Context, a *app, path string) error {
	if f.threads < 0 {
		return fmt.Errorf("--threads %d: must be 0 or more", f.threads)
	}
	if err := chooseISA(""); err != nil {
		return err
	}
	var seeds []identify.Seed
	if f.seed != "" {
		value, err := model.ParseSeed(f.seed)
		if err != nil {
			return fmt.Errorf("--seed: %w", err)
		}
		seeds = append(seeds, identify.Seed{Value: value, Text: f.seed, From: "--seed"})
	}
	set, err := a.open(path, f.variant)
	if err != nil {
		return err
	}
	defer set.Close()
	cfg, from, err := f.configOf(a, path, set)
	if err != nil {
		return err
	}
	modes, err := f.plugins.modes(ctx, a, 0)
	if err != nil {
		return err
	}
	defer modes.close()
	also, recorded := recordOf(ctx, set, modes)
	if recorded != nil {
		seeds = append(seeds, *recorded)
	}
	if text := cfg.SeedText(); text != "" {
		value, err := model.ParseSeed(text)
		if err != nil {
			return err
		}
		seeds = append(seeds, identify.Seed{Value: value, Text: text, From: "the config"})
	}
	candidates, err := identify.Candidates(ctx, cfg, modes.List(), also...)
	if err != nil {
		return err
	}
	named, err := a.renamedFor(ctx, set, candidates)
	if err != nil {
		return err
	}
	bar := a.progress("testing", elementsOf(named))
	result, err := identify.Run(ctx, named, candidates, identify.Options{Seeds: seeds, Workers: f.threads, Progress: bar.add})
	bar.done()
	if err != nil {
		return err
	}
	doc := identification{path: path, from: from, result: result}
	if len(also) > 0 {
		doc.recorded = also[0].Mode
	}
	if f.asJSON {
		err = a.printJSON(doc.json())
	} else {
		err = doc.write(a.stdout)
	}
	if err != nil || result.Verdict == identify.Fits {
		return err
	}
	return &failedError{shown.Path(path) + ": " + doc.sentence()}
}

// configOf returns the model's config, and in words where it is from.
func (f *identifyFlags) configOf(a *app, path string, set checkpoint.Set) (cfg model.Config, from string, err error) {
	if f.preset != "" || f.config != "" {
		from = "preset " + shown.Text(f.preset)
		if f.config != "" {
			from = shown.Path(f.config)
		}
		cfg, err = f.load(a)
		return cfg, from, err
	}
	if r, err := record.Parse(set.Metadata()); err == nil && r.Config != "" {
		cfg, _, err := model.Parse("weightinit.config", []byte(r.Config), model.JSON)
		if err != nil {
			return nil, "", fmt.Errorf("%s: record: %w", shown.Path(path), err)
		}
		return cfg, "the record", nil
	}
	beside := filepath.Join(path, "config.json")
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		beside = filepath.Join(filepath.Dir(path), "config.json")
	}
	if _, err := os.Stat(beside); err != nil {
		return nil, "", errors.New(shown.Path(path) + ": no config: it has no record of weightinit's, and there is no config.json beside the weights; give the model by --config FILE or --preset NAME")
	}
	cfg, warnings, err := model.Load(beside)
	if err != nil {
		return nil, "", err
	}
	for _, w := range warnings {
		a.warn(w)
	}
	return cfg, shown.Path(beside), nil
}

// recordOf returns what the record in the set says of mode and seed, if it has one
// that can be read.
func recordOf(ctx context.Context, set checkpoint.Set, modes *modeSet) ([]identify.Setting, *identify.Seed) {
	p, err := weightinit.Rebuild(ctx, set.Metadata(), modes.Registry)
	if err != nil || len(p.Config()) == 0 {
		return nil, nil
	}
	return []identify.Setting{identify.SettingOf(p.Plan)}, &identify.Seed{Value: p.Seed(), Text: p.SeedText(), From: "the record"}
}

// renamedFor returns the set under the names of the model, if a built-in map leads
// to them.
func (a *app) renamedFor(ctx context.Context, set checkpoint.Set, candidates []identify.Candidate) (checkpoint.Set, error) {
	for _, c := range candidates {
		if c.Plan == nil {
			continue
		}
		renamed, err := suite.Rename(ctx, nil, nil, set, nil, c.Plan)
		if err != nil {
			return nil, err
		}
		if len(renamed.Said) == 0 {
			continue
		}
		for _, line := range renamed.Said {
			a.say("%s", line)
		}
		for _, line := range renamed.Warnings {
			a.warn(line)
		}
		return renamed.Candidate, nil
	}
	return set, nil
}

func elementsOf(set checkpoint.Set) int64 {
	var n int64
	for _, t := range set.Tensors() {
		n += t.Elements()
	}
	return n
}

// identification is a result with what it is of.
type identification struct {
	path, from string
	// recorded is the mode that the record in the file names.
	recorded string
	result   *identify.Result
}

// sentence is the result in one.
func (d identification) sentence() string {
	r := d.result
	if len(r.Places) == 0 {
		return "no mode can make this model"
	}
	first := r.Places[0]
	names := shown.Cut(namesOf(first), 300)
	switch r.Verdict {
	case identify.Fits:
		others := 0
		for _, p := range r.Places[1:] {
			if p.Verdict == identify.Fits {
				others++
			}
		}
		if others > 0 && first.Bits == nil {
			return fmt.Sprintf("it looks like %s; so few values do not rule out %d more", names, others)
		}
		return "it looks like " + names
	case identify.Closest:
		return fmt.Sprintf("no known scheme fits; closest is %s, but for %s", names, d.odd(first))
	}
	return fmt.Sprintf("no known scheme fits: of the likeliest, %s, %s", names, d.odd(first))
}

// odd says how many tensors speak against a place.
func (d identification) odd(p identify.Place) string {
	var parts []string
	if p.Rejected > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d tensors are not as declared", p.Rejected, p.Tensors))
	}
	for _, n := range []struct {
		n    int
		text string
	}{{p.Names.Missing, "missing"}, {p.Names.Extra, "extra"}, {p.Names.Shapes, "of another shape"}, {p.Untold, "without a law"}} {
		if n.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n.n, n.text))
		}
	}
	return strings.Join(parts, ", ")
}

func namesOf(p identify.Place) string {
	var names []string
	for _, c := range p.Candidates {
		names = append(names, c.Name())
	}
	return strings.Join(names, ", ")
}
