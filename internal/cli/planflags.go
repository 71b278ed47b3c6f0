package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/version"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// sourceFlags say what a plan is made of: a model, or a plan file.
type sourceFlags struct {
	preset, config, planFile string
	memory                   string
}

func (f *sourceFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.preset, "preset", "", "the model by `NAME`: see \"weightinit presets list\"")
	flags.StringVar(&f.config, "config", "", "the model by a config `FILE`: JSON or YAML with TransformerLens field names, or a Hugging Face config.json (it has a model_type)")
	flags.StringVar(&f.planFile, "plan", "", "a plan `FILE`, in place of model, mode and options: see \"weightinit plan -o\"")
	registerWorkMemory(flags, &f.memory)
}

// registerWorkMemory adds the flag that bounds what a run holds in memory.
func registerWorkMemory(flags *pflag.FlagSet, text *string) {
	flags.StringVar(text, "work-memory", "1GiB", "most bytes of tensors that are held at once, where a plan computes them of each other")
}

// given tells whether anything says what the plan is made of.
func (f *sourceFlags) given() bool { return f.preset != "" || f.config != "" || f.planFile != "" }

// one refuses more than one source.
func (f *sourceFlags) one() error {
	var given []string
	for _, flag := range []struct{ name, value string }{{"--preset", f.preset}, {"--config", f.config}, {"--plan", f.planFile}} {
		if flag.value != "" {
			given = append(given, flag.name)
		}
	}
	if len(given) > 1 {
		return fmt.Errorf("%s and %s both given: give one", given[0], given[1])
	}
	return nil
}

// workMemory reads --work-memory.
func workMemory(text string) (int64, error) {
	if text == "" {
		return 0, nil // as where the flag does not exist
	}
	n, err := parseSize(text)
	if err != nil {
		return 0, fmt.Errorf("--work-memory %s: %w", shown.Quote(text), err)
	}
	return n, nil
}

// check refuses flags that say what is drawn twice.
func (f *modelFlags) check() error {
	if err := f.one(); err != nil {
		return err
	}
	if _, err := workMemory(f.memory); err != nil {
		return err
	}
	switch {
	case f.planFile == "":
		return nil
	case f.mode != "":
		return errors.New("--mode with --plan: a plan file says itself what is drawn; leave --mode out")
	case len(f.settings) > 0:
		return errors.New("--set with --plan: a plan file says itself what is drawn; leave --set out")
	}
	return nil
}

// budget is --work-memory, which has been checked.
func (f *sourceFlags) budget() int64 {
	n, _ := workMemory(f.memory)
	return n
}

// planProgram freezes the plan file.
func (f *modelFlags) planProgram(a *app) (*planned, error) {
	opts, err := f.options("")
	if err != nil {
		return nil, err
	}
	p, err := loadPlanFile(f.planFile, opts)
	if err != nil {
		return nil, err
	}
	f.tellSeed(a, opts)
	a.notes(p.Notes())
	return &planned{p, &modeSet{Registry: registry.Default()}}, nil
}

// readPlanFile returns the bytes of a plan file.
func readPlanFile(path string) ([]byte, error) {
	return inputfile.ReadAll(path, limits.PlanText, true)
}

func loadPlanFile(path string, opts plan.Options) (*weightinit.Plan, error) {
	data, err := readPlanFile(path)
	if err != nil {
		return nil, err
	}
	const many, percent = 256 << 10, 25 // bytes; what garbage may add to memory
	if len(data) > many && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent) // for the rest of the run: the plan stays
	}
	p, err := weightinit.BuildProgram(data, opts)
	if err != nil {
		return nil, notAPlan(path, data, err)
	}
	return p, nil
}

// notAPlan names the file in an error about what it says.
func notAPlan(path string, data []byte, err error) error {
	guess := inputfile.Guess(data[:min(len(data), inputfile.GuessLen)])
	if guess != "" && !strings.HasPrefix(guess, "a gzip file") {
		return fault.BadInput(fmt.Errorf("%s: this is %s, not a plan file", shown.Path(path), guess))
	}
	return fault.BadInput(fmt.Errorf("%s: %w", shown.Path(path), err))
}

// storedType is the type that a mode is told.
func storedType(t dtype.Type) dtype.Type {
	if t == 0 {
		return dtype.F32
	}
	return t
}

// dtypeText says in which type tensors are stored.
func dtypeText(p *plan.Plan) string {
	if !p.DType().Valid() {
		return "own types"
	}
	return p.DType().String()
}

// dtypeName is the stored type in JSON.
func dtypeName(p *plan.Plan) string {
	if !p.DType().Valid() {
		return "own"
	}
	return p.DType().String()
}

// modeName is the mode in JSON; empty where there is none.
func modeName(p *weightinit.Plan) string {
	if p.Program() {
		return ""
	}
	return p.Mode()
}

// byMode names the mode, or says that there is none.
func byMode(p *weightinit.Plan) string {
	if p.Program() {
		return "a plan file"
	}
	return "mode " + p.Mode()
}

// modeText says by what a plan was made.
func modeText(p *weightinit.Plan) string {
	if p.Program() {
		return "of the plan file"
	}
	return "of " + p.Mode()
}

// lawsOf says whose the laws in a record are.
func lawsOf(recorded weightinit.Recorded) string {
	if recorded.Program {
		return "of its plan file"
	}
	return "of " + recorded.Mode
}

// recordedModes are the modes that a record needs.
func recordedModes(ctx context.Context, a *app, f *pluginFlags, recorded weightinit.Recorded) (*modeSet, error) {
	if recorded.Program {
		return &modeSet{Registry: registry.Default()}, nil
	}
	return f.modes(ctx, a, storedType(recorded.DType), recorded.Mode)
}

// programInfo is what a plan file says of its making.
func programInfo(p *weightinit.Plan) map[string]string {
	info := map[string]string{"made_by": "weightinit " + version.Number}
	if !p.Program() {
		info["of"] = p.Mode()
		if options := strings.Join(p.Settings(), " "); options != "" {
			info["options"] = options
		}
	}
	return info
}
