// Command identify-check counts how often identify names the scheme of start
// weights: it makes checkpoints of known and of unknown schemes, as files, and
// asks for their first places.
//
//	go run ./scripts/identify-check
//	go run ./scripts/identify-check -configs DIR -seed 100
//
// DIR holds config files (*.json, *.yaml) of more models; each is made by the
// mode that its config asks for.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/parity/identify"
	"github.com/weightinit/weightinit/registry"
)

func main() {
	configs := flag.String("configs", "", "a `FOLDER` of config files whose models are made, too, by the mode that each asks for")
	seed := flag.Uint64("seed", 1, "the first seed")
	wanted := flag.Int("want", 38, "of 40 checkpoints, so many first places must be right")
	verbose := flag.Bool("v", false, "print each ranking's first places")
	flag.Parse()
	if err := run(context.Background(), *configs, *seed, *wanted, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "identify-check:", err)
		os.Exit(1)
	}
}

// trial is a checkpoint to be made, and what must be said of it.
type trial struct {
	name   string
	config model.Config
	mode   string
	stored dtype.Type
	change func(*weights)
	// want is the verdict; with [identify.Fits] and [identify.Closest] the mode
	// must be in the first place.
	want identify.Verdict
}

func trials(configs string) ([]trial, error) {
	toy, err := preset("toy-2l")
	if err != nil {
		return nil, err
	}
	wide, _, err := model.Parse("config.json", []byte(`{"n_layers": 2, "d_model": 256, "n_heads": 4, "d_head": 64, "n_ctx": 64, "d_vocab": 512, "act_fn": "gelu"}`), model.JSON)
	if err != nil {
		return nil, err
	}
	var out []trial
	for _, info := range registry.Default().List() {
		id := info.ID.String()
		if !strings.Contains(info.Source, "TransformerLens") {
			continue // of other models: they come with their configs
		}
		out = append(out,
			trial{name: "toy", config: toy, mode: id, stored: dtype.F32, want: identify.Fits},
			trial{name: "wide", config: wide, mode: id, stored: dtype.BF16, want: identify.Fits})
	}
	for _, mode := range []string{"gpt2@1", "gpt2@2"} {
		for name, config := range map[string]model.Config{"toy": toy, "wide": wide} {
			out = append(out, trial{name: name + ", residual scale skipped", config: config, mode: mode, stored: dtype.F32, change: (*weights).skipResidual, want: identify.Closest})
		}
	}
	for _, c := range []struct {
		name   string
		change func(*weights)
	}{
		{"all times 1.3", func(w *weights) { w.scale(1.3) }},
		{"products, full rank, std as declared", func(w *weights) { w.products(1, true) }},
		{"products, a quarter of the rank, std as declared", func(w *weights) { w.products(4, true) }},
		{"products, own std", func(w *weights) { w.products(2, false) }},
		{"start weights with a low-rank update", func(w *weights) { w.update(4, 2) }},
		{"columns of their own scale", (*weights).columns},
	} {
		for _, stored := range []dtype.Type{dtype.F32, dtype.BF16} {
			out = append(out, trial{name: "wide, " + c.name, config: wide, mode: "gpt2@1", stored: stored, change: c.change, want: identify.None})
		}
	}
	for _, mode := range []string{"xavier_normal@1", "kaiming_uniform@1", "kaiming_normal@1", "xavier_uniform@1"} {
		out = append(out, trial{name: "wide, products", config: wide, mode: mode, stored: dtype.F32, change: func(w *weights) { w.products(1, true) }, want: identify.None})
	}
	more, err := ofFolder(configs)
	return append(out, more...), err
}

func preset(name string) (model.Config, error) {
	p, err := model.LookupPreset(name)
	return p.Config, err
}

// ofFolder makes a trial of each config in a folder.
func ofFolder(folder string) ([]trial, error) {
	if folder == "" {
		return nil, nil
	}
	var out []trial
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !slices.Contains([]string{".json", ".yaml", ".yml"}, filepath.Ext(path)) {
			return err
		}
		config, _, err := model.Load(path)
		if err != nil {
			return err
		}
		out = append(out, trial{name: filepath.Base(path), config: config, mode: config.Mode(), stored: dtype.F32, want: identify.Fits})
		return nil
	})
	return out, err
}

func run(ctx context.Context, configs string, seed uint64, wanted int, verbose bool) error {
	all, err := trials(configs)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "identify-check-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	right := 0
	for i, t := range all {
		start := time.Now()
		path := filepath.Join(dir, "model.safetensors")
		if err := t.make(ctx, path, seed+uint64(i)); err != nil {
			return fmt.Errorf("%s by %s: %w", t.name, t.mode, err)
		}
		r, err := ask(ctx, path, t.config)
		if err != nil {
			return err
		}
		ok := t.right(r)
		if ok {
			right++
		}
		word := map[bool]string{true: "right", false: "WRONG"}[ok]
		fmt.Printf("%s  %-55s %-18s %-4s want %-8s got %-8s %s (%.1fs)\n", word, t.name, t.mode, t.stored, t.want, r.Verdict, names(r.Places[0]), time.Since(start).Seconds())
		if verbose || !ok {
			for _, p := range r.Places[:min(2, len(r.Places))] {
				fmt.Printf("       %s: %d of %d rejected, %d of %d tests\n", names(p), p.Rejected, p.Tensors, p.Failed, p.Tests)
				for _, reason := range p.Against {
					fmt.Printf("         - %s\n", reason.Text)
				}
			}
		}
	}
	fmt.Printf("%d of %d first places are right\n", right, len(all))
	if right*40 < wanted*len(all) {
		return fmt.Errorf("fewer than %d of 40", wanted)
	}
	return nil
}

func names(p identify.Place) string {
	var out []string
	for _, c := range p.Candidates {
		out = append(out, c.Name())
	}
	return strings.Join(out, ", ")
}

// make writes the checkpoint.
func (t trial) make(ctx context.Context, path string, seed uint64) error {
	p, err := weightinit.Prepare(ctx, t.config, weightinit.Mode(t.mode), weightinit.Seed(seed), weightinit.DType(t.stored))
	if err != nil {
		return err
	}
	if err := p.WriteSafetensors(ctx, path, weightinit.Force(), weightinit.NoSync()); err != nil || t.change == nil {
		return err
	}
	set, err := checkpoint.Open(path)
	if err != nil {
		return err
	}
	w, err := read(ctx, set, p, seed)
	if err != nil {
		return err
	}
	if err := set.Close(); err != nil {
		return err
	}
	t.change(w)
	changed, err := w.set(t.stored)
	if err != nil {
		return err
	}
	return weightinit.CopySafetensors(ctx, changed, path, weightinit.Force(), weightinit.NoSync())
}

// ask identifies a file by its values alone.
func ask(ctx context.Context, path string, config model.Config) (*identify.Result, error) {
	set, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	candidates, err := identify.Candidates(ctx, config, registry.Default().List())
	if err != nil {
		return nil, err
	}
	return identify.Run(ctx, set, candidates, identify.Options{})
}

// right reports whether the first place is.
func (t trial) right(r *identify.Result) bool {
	if r.Verdict != t.want {
		return false
	}
	if t.want == identify.None {
		return true
	}
	info, err := registry.Default().Lookup(t.mode)
	return err == nil && slices.ContainsFunc(r.Places[0].Candidates, func(c identify.Candidate) bool { return c.Mode == info.ID.String() })
}
