package cli

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/internal/shown"
)

// initFlags are those of init.
type initFlags struct {
	modelFlags
	makeFlags
	format, maxShard string
	shardBytes       int64
	folder           bool
}

func (a *app) initCommand() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the starting weights of a model",
		Long: "init draws every parameter of a model by a named scheme, bit for bit as PyTorch's CPU\n" +
			"generator would, and writes them crash-safe: the output appears under its name only\n" +
			"when it is whole. Memory does not depend on the size of the model.",
		Example: "  weightinit init --preset gpt2-small --mode gpt2 --seed 42 -o model.safetensors\n" +
			"  weightinit init --config config.yaml --mode xavier_uniform@2 --set gain=0.5 --format npy -o weights/",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runInit(cmd, &f) },
	}
	f.modelFlags.register(cmd)
	flags := cmd.Flags()
	f.makeFlags.register(flags, "`PATH` of the output: NAME.safetensors, or a folder (ends in / or exists): config.json and model.safetensors or shards, or with --format npy one file a parameter")
	flags.StringVar(&f.format, "format", "", "safetensors or npy; default: safetensors")
	flags.StringVar(&f.maxShard, "max-shard-size", "5GB", "most bytes of values in one file of a folder, in decimal units")
	must(cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"safetensors", "npy"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// isFolder reports whether -o means a folder: it ends in a separator or is one.
func isFolder(path string) bool {
	if strings.HasSuffix(path, "/") || (len(path) > 0 && os.IsPathSeparator(path[len(path)-1])) {
		return true
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// checkOutput settles the format and refuses paths that fit none, before
// anything is planned.
func (f *initFlags) checkOutput() error {
	if f.out == "" {
		return errors.New("no output given: use -o NAME.safetensors")
	}
	f.folder = isFolder(f.out)
	var err error
	if f.shardBytes, err = parseSize(f.maxShard); err != nil {
		return fmt.Errorf("--max-shard-size %s: %w", shown.Quote(f.maxShard), err)
	}
	switch f.format {
	case "", "safetensors":
		if !f.folder && !strings.HasSuffix(f.out, ".safetensors") {
			return fmt.Errorf("-o %s: use a name that ends in .safetensors, or a folder (ends in / or exists)", shown.Path(f.out))
		}
		f.format = "safetensors"
	case "npy":
		if !f.folder {
			return fmt.Errorf("-o %s: --format npy writes a folder: let the name end in / or make the folder first", shown.Path(f.out))
		}
	default:
		return fmt.Errorf("--format %s: use safetensors or npy", shown.Quote(f.format))
	}
	return nil
}

// parseSize reads bytes with a decimal (KB, MB, GB, TB) or binary (KiB, MiB,
// GiB, TiB) unit, or none.
func parseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "BKMGTibkmgt ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 {
		return 0, errors.New("must be a whole number above 0 with a unit, such as 5GB")
	}
	unit, ok := map[string]int64{
		"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
	}[strings.ToUpper(strings.TrimSpace(text[len(digits):]))]
	if !ok {
		return 0, errors.New("unknown unit: use KB, MB, GB or TB")
	}
	if n > math.MaxInt64/unit {
		return 0, errors.New("more than 2^63-1 bytes")
	}
	return n * unit, nil
}

func (a *app) runInit(cmd *cobra.Command, f *initFlags) error {
	if err := f.checkOutput(); err != nil {
		return err
	}
	p, err := f.plan(cmd.Context(), a)
	if err != nil {
		return err
	}
	defer p.modes.close()
	start := time.Now()
	opts := []weightinit.Option{weightinit.Workers(f.threads), weightinit.Filler(p.modes.filler(p.Plan)), weightinit.MaxShardSize(f.shardBytes), weightinit.WorkMemory(f.budget())}
	overflow, err := a.write(p.Elements(), &f.makeFlags, opts, func(opts ...weightinit.Option) error {
		switch {
		case f.format == "npy":
			return p.WriteNPY(cmd.Context(), f.out, opts...)
		case f.folder:
			return p.WriteCheckpoint(cmd.Context(), f.out, opts...)
		default:
			return p.WriteSafetensors(cmd.Context(), f.out, opts...)
		}
	})
	if err != nil {
		return err
	}
	if p.Program() && f.folder && f.format != "npy" {
		a.say("note: a plan file knows no config: %s has no config.json", shown.Path(f.out))
	}
	return a.reportMade(p.Plan, f.out, f.format, f.asJSON, overflow, time.Since(start))
}

// reportMade says what was written.
func (a *app) reportMade(p *weightinit.Plan, out, format string, asJSON bool, overflow *fill.OverflowError, took time.Duration) error {
	notFinite := int64(0)
	if overflow != nil {
		notFinite = overflow.Values
	}
	if asJSON {
		return a.printJSON(struct {
			Output  string  `json:"output"`
			Format  string  `json:"format"`
			Mode    string  `json:"mode"`
			Seed    jsonInt `json:"seed"`
			DType   string  `json:"dtype"`
			Tensors int     `json:"tensors"`
			Values  int64   `json:"values"`
			Bytes   int64   `json:"bytes"`
			// NotFinite counts the values that do not fit the type.
			NotFinite int64  `json:"not_finite"`
			Digest    string `json:"digest"`
		}{out, format, modeName(p), jsonInt(p.SeedText()), dtypeName(p.Plan), p.Tensors().Len(), p.Elements(), p.Bytes(), notFinite, p.Digest()})
	}
	a.say("%s: %s tensors, %s values, %s, %s, seed %s, %s, in %.2fs", shown.Text(out),
		grouped(int64(p.Tensors().Len())), grouped(p.Elements()), sizeText(p.Bytes()), byMode(p), p.SeedText(), dtypeText(p.Plan), took.Seconds())
	return nil
}

// jsonInt is an integer of any size as JSON holds it.
type jsonInt string

// MarshalJSON implements json.Marshaler.
func (n jsonInt) MarshalJSON() ([]byte, error) { return []byte(n), nil }
