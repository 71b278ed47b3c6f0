package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/rng"
)

// benchFlags are those of bench.
type benchFlags struct {
	isa     string
	n       int
	threads int
	all     bool
	kernels []string
	asJSON  bool
}

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine draws",
		Long: "bench measures nanoseconds an element of each kernel: values drawn into memory that was\n" +
			"written before, from one stream, on one thread and on all (the jumps of the others to\n" +
			"their parts included), the median of at least 5 fills, which begin at different places\n" +
			"of a page. Some kernels measure something else, and have their own number of values:\n\n" + kernelHelp(),
		Example: "  weightinit bench --all\n  weightinit bench --kernel normal --isa generic --n 1048576 --json",
		Args:    exactArgs(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runBench(cmd.Context(), &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.isa, "isa", "", "instruction set: auto, "+strings.Join(rng.ISAs(), ", ")+" (default: WEIGHTINIT_ISA, else auto)")
	flags.IntVar(&f.n, "n", 1<<24, "how many values are drawn at once")
	flags.IntVar(&f.threads, "threads", 0, "most threads; 0: one a core")
	flags.BoolVar(&f.all, "all", false, "every kernel, unless --kernel names some, with every instruction set, unless --isa names one")
	flags.StringSliceVar(&f.kernels, "kernel", nil, "only these kernels: a `NAME`, or NAME/DTYPE for one type; repeatable")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

// measured is one line of bench.
type measured struct {
	Kernel  string  `json:"kernel"`
	DType   string  `json:"dtype"`
	ISA     string  `json:"isa"`
	Threads int     `json:"threads"`
	N       int     `json:"n"`
	NS      float64 `json:"ns_per_element"`
}

func (a *app) runBench(ctx context.Context, f *benchFlags) error {
	if f.n < 1 || f.n > 1<<28 {
		return fmt.Errorf("--n %d: must be from 1 to 2^28", f.n)
	}
	if f.threads < 0 {
		return fmt.Errorf("--threads %d: must be 0 or more", f.threads)
	}
	if err := chooseISA(f.isa); err != nil {
		return err
	}
	if f.threads == 0 {
		f.threads = runtime.GOMAXPROCS(0)
	}
	kernels, err := f.chosen()
	if err != nil {
		return err
	}
	chosen, _ := rng.ISA()
	sets := []string{chosen}
	if f.all && f.isa == "" {
		sets = rng.ISAs()
		slices.Reverse(sets)
		defer func() { _ = rng.SetISA(chosen) }()
	}
	lines := []measured{}
	for _, isa := range sets {
		if err := rng.SetISA(isa); err != nil {
			return err
		}
		for _, k := range kernels {
			more, err := a.benchOne(ctx, k, f, isa)
			if err != nil {
				return err
			}
			lines = append(lines, more...)
		}
	}
	if f.asJSON {
		return a.printJSON(lines)
	}
	rows := make([][]string, len(lines))
	for i, m := range lines {
		rows[i] = []string{m.Kernel, m.DType, m.ISA, strconv.Itoa(m.Threads), grouped(int64(m.N)), strconv.FormatFloat(m.NS, 'f', 3, 64)}
	}
	return a.printTable([]string{"KERNEL", "DTYPE", "ISA", "THREADS", "VALUES", "NS/VALUE"}, rows, 4, 5, 6)
}

// chosen returns the kernels to measure.
func (f *benchFlags) chosen() ([]benchKernel, error) {
	for _, want := range f.kernels {
		if !slices.ContainsFunc(benchKernels, func(k benchKernel) bool { return k.is(want) }) {
			var known []string
			for _, k := range benchKernels {
				known = append(known, k.name+"/"+k.stored)
			}
			return nil, fmt.Errorf("--kernel %s: not one of %s", shown.Quote(want), strings.Join(slices.Compact(known), ", "))
		}
	}
	var out []benchKernel
	for _, k := range benchKernels {
		named := slices.ContainsFunc(f.kernels, k.is)
		if named || len(f.kernels) == 0 && (f.all || k.always) {
			out = append(out, k)
		}
	}
	return out, nil
}

// benchOne measures a kernel on one thread and, if it runs on several, on all.
// A kernel that this system cannot run gives a warning and no line, or an error
// if it was asked for by name.
func (a *app) benchOne(ctx context.Context, k benchKernel, f *benchFlags, isa string) ([]measured, error) {
	var lines []measured
	n := f.n
	if k.size != 0 {
		n = k.size
	}
	for _, threads := range slices.Compact([]int{1, f.threads}) {
		if threads > 1 && !k.parallel {
			continue
		}
		ns, err := k.measure(ctx, n, threads)
		if errors.Is(err, errNotHere) {
			if len(f.kernels) > 0 {
				return nil, fault.CannotRun(err)
			}
			a.warn(err.Error())
			continue
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, measured{k.name, k.stored, isa, threads, n, ns})
	}
	return lines, nil
}
