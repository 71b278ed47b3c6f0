package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// sliceFlags are those of slice.
type sliceFlags struct {
	modelFlags
	makeFlags
	want string
}

// standard is the path that means standard input or output.
const standard = "-"

func (a *app) sliceCommand() *cobra.Command {
	var f sliceFlags
	cmd := &cobra.Command{
		Use:   "slice",
		Short: "Make parts of a model's tensors, and nothing else",
		Long: "slice draws regions of tensors into one safetensors file: what one machine of many needs.\n" +
			"They hold the bits that init would give them, and cost about what they hold: the rest is\n" +
			"jumped over. --want lists the regions:\n\n" +
			"  {\"tensors\": [{\"name\": \"embed.weight\", \"offsets\": [1024, 0], \"sizes\": [512, 768], \"as\": \"shard\"}]}\n\n" +
			"offsets and sizes have a number a dimension. Without offsets a region begins where the tensor\n" +
			"does, without sizes it goes on to the tensor's end; as is its name in the file, by default\n" +
			"the tensor's. Regions of one tensor may overlap. The file's metadata names the plan by its\n" +
			"digest; a part of a model cannot be verified from it.",
		Example: "  weightinit slice --preset gpt2-small --mode gpt2 --seed 42 --want want.json -o rank0.safetensors\n" +
			"  make-want | weightinit slice --preset gpt2-small --seed 42 --want - -o - | load",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runSlice(cmd.Context(), &f) },
	}
	f.modelFlags.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.want, "want", "", "the regions, a JSON `FILE`; - for standard input")
	f.makeFlags.register(flags, "`PATH` of the output: NAME.safetensors; - for standard output, front to back")
	return cmd
}

// checkOutput refuses flags that do not go together, before anything is
// planned.
func (f *sliceFlags) checkOutput(a *app) error {
	switch {
	case f.want == "":
		return errors.New("no regions given: use --want FILE")
	case f.out == "":
		return errors.New("no output given: use -o NAME.safetensors, or -o - for standard output")
	case f.out == standard && f.asJSON:
		return errors.New("--json and -o - both write to standard output: give one")
	case f.out == standard && f.strict:
		return errors.New("--strict writes nothing when a value does not fit, and -o - cannot take back what it wrote: give one")
	case f.out == standard && a.stdout.terminal():
		return errors.New("-o -: standard output is a terminal: send it to a file or a program")
	case f.out != standard && (isFolder(f.out) || !strings.HasSuffix(f.out, ".safetensors")):
		return fmt.Errorf("-o %s: use a name that ends in .safetensors, or - for standard output", shown.Path(f.out))
	}
	return nil
}

func (a *app) runSlice(ctx context.Context, f *sliceFlags) error {
	if err := f.checkOutput(a); err != nil {
		return err
	}
	regions, err := f.regions(a)
	if err != nil {
		return err
	}
	p, err := f.plan(ctx, a)
	if err != nil {
		return err
	}
	defer p.modes.close()
	start := time.Now()
	made := sliceMade{Output: f.out, Mode: modeName(p.Plan), Seed: jsonInt(p.SeedText()), DType: dtypeName(p.Plan.Plan), SliceOf: p.Digest()}
	sizes, err := p.RegionSizes(regions)
	if err != nil {
		return f.inWant(err)
	}
	stored := map[string]int64{} // bytes of an element
	for _, t := range p.Tensors().All() {
		stored[t.Name] = t.DType.Size()
	}
	for i, n := range sizes {
		made.Values += n
		made.Bytes += n * stored[regions[i].Name]
	}
	made.Regions = len(regions)
	opts := []weightinit.Option{weightinit.Workers(f.threads), weightinit.Filler(p.modes.filler(p.Plan)), weightinit.WorkMemory(f.budget())}
	overflow, err := a.write(made.Values, &f.makeFlags, opts, func(opts ...weightinit.Option) error {
		if f.out == standard {
			return p.StreamRegions(ctx, a.stdout.binary(), regions, opts...)
		}
		return p.WriteRegions(ctx, f.out, regions, opts...)
	})
	if err != nil {
		return f.inWant(err)
	}
	if overflow != nil {
		made.NotFinite = overflow.Values
	}
	if f.asJSON {
		return a.printJSON(made)
	}
	name := shown.Text(f.out)
	if f.out == standard {
		name = "standard output"
	}
	a.say("%s: %s regions, %s values, %s, %s, seed %s, %s, in %.2fs", name,
		grouped(int64(made.Regions)), grouped(made.Values), sizeText(made.Bytes), byMode(p.Plan), p.SeedText(), dtypeText(p.Plan.Plan), time.Since(start).Seconds())
	return nil
}

// sliceMade is what --json prints.
type sliceMade struct {
	Output  string  `json:"output"`
	Mode    string  `json:"mode"`
	Seed    jsonInt `json:"seed"`
	DType   string  `json:"dtype"`
	Regions int     `json:"regions"`
	Values  int64   `json:"values"`
	Bytes   int64   `json:"bytes"`
	// NotFinite counts the values that do not fit the type.
	NotFinite int64 `json:"not_finite"`
	// SliceOf is the digest of the plan.
	SliceOf string `json:"slice_of"`
}

// regions reads what --want names.
func (f *sliceFlags) regions(a *app) ([]weightinit.Region, error) {
	text, err := f.readWant(a.stdin)
	if err != nil {
		return nil, err
	}
	regions, err := parseWant(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.wantName(), err)
	}
	return regions, nil
}

func (f *sliceFlags) readWant(stdin io.Reader) ([]byte, error) {
	if f.want != standard {
		return inputfile.ReadAll(f.want, limits.WantJSON, true)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(io.LimitReader(stdin, limits.WantJSON+1)); err != nil {
		return nil, fault.CannotRun(fmt.Errorf("%s: %w", f.wantName(), err))
	}
	if text.Len() > limits.WantJSON {
		return nil, fmt.Errorf("%s: more than %d bytes, the limit", f.wantName(), limits.WantJSON)
	}
	return text.Bytes(), nil
}

// wantName is what errors call the list of regions.
func (f *sliceFlags) wantName() string {
	if f.want == standard {
		return "standard input"
	}
	return shown.Path(f.want)
}

// inWant says where in the list a region stands that cannot be made.
func (f *sliceFlags) inWant(err error) error {
	var region *weightinit.RegionError
	if !errors.As(err, &region) {
		return err
	}
	return fmt.Errorf("%s: %s: %w", f.wantName(), entryText(region.Number, region.Name), region.Err)
}

// terminal tells whether stdout is one.
func (o *output) terminal() bool {
	f, ok := o.w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// binary is stdout for bytes that are no text.
func (o *output) binary() io.Writer { return binaryOutput{o} }

type binaryOutput struct{ *output }

func (b binaryOutput) Write(p []byte) (int, error) { return b.pass(b.w, p) }
