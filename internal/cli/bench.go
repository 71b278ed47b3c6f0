package cli

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/rng"
)

// benchFlags are those of bench.
type benchFlags struct {
	isa     string
	n       int
	threads int
	all     bool
	asJSON  bool
}

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine draws",
		Long: "bench measures nanoseconds an element of each kernel: values drawn into memory that was\n" +
			"written before, from one stream, on one thread and on all (the jumps of the others to\n" +
			"their parts included), the median of at least 5 fills.",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runBench(cmd.Context(), &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.isa, "isa", "", "instruction set: auto, "+strings.Join(rng.ISAs(), ", ")+" (default: WEIGHTINIT_ISA, else auto)")
	flags.IntVar(&f.n, "n", 1<<24, "how many values are drawn at once")
	flags.IntVar(&f.threads, "threads", 0, "most threads; 0: one a core")
	flags.BoolVar(&f.all, "all", false, "every kernel, with every instruction set unless --isa names one")
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
	chosen, _ := rng.ISA()
	sets := []string{chosen}
	if f.all && f.isa == "" {
		sets = rng.ISAs()
		slices.Reverse(sets)
		defer func() { _ = rng.SetISA(chosen) }()
	}
	var lines []measured
	for _, isa := range sets {
		if err := rng.SetISA(isa); err != nil {
			return err
		}
		for _, k := range benchKernels {
			if !f.all && !k.always {
				continue
			}
			for _, threads := range slices.Compact([]int{1, f.threads}) {
				if threads > 1 && !k.parallel {
					continue
				}
				ns, err := k.measure(ctx, f.n, threads)
				if err != nil {
					return err
				}
				lines = append(lines, measured{k.name, k.dtype, isa, threads, f.n, ns})
			}
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

// benchKernel is one thing to measure.
type benchKernel struct {
	name, dtype string
	// always tells that a plain run measures it, parallel that it runs on
	// several threads.
	always, parallel bool
	// prepare returns what is timed for n values.
	prepare func(n, threads int) func() error
}

var benchKernels = []benchKernel{
	{"uniform", "f32", true, true, benchDraw[float32](dist.Uniform{Low: -1, High: 1})},
	{"normal", "f32", true, true, benchDraw[float32](dist.Normal{Std: 0.02})},
	{"uniform", "f64", false, true, benchDraw[float64](dist.Uniform{Low: -1, High: 1})},
	{"normal", "f64", false, true, benchDraw[float64](dist.Normal{Std: 0.02})},
	{"normal", "bf16", false, false, benchCast(rng.BF16)},
	{"normal", "f16", false, false, benchCast(rng.F16)},
	{"constant", "f32", false, false, benchDraw[float32](dist.Constant{Value: 1})},
	{"trunc_normal", "f32", false, false, benchTruncated},
	{"skip", "words", false, false, func(n, _ int) func() error {
		s := rng.New(1)
		return func() error { s.Advance(int64(n)); return nil }
	}},
}

// benchDraw draws a whole slice.
func benchDraw[T float32 | float64](d dist.Draw) func(n, threads int) func() error {
	return func(n, threads int) func() error {
		dst, s := make([]T, n), rng.New(1)
		return func() error { fill.Slice(s, dist.Dist{Draw: d}, dst, threads); return nil }
	}
}

// benchCast draws normals in pieces and rounds them to a narrow type.
func benchCast(cast func(dst []byte, src []float32)) func(n, threads int) func() error {
	return func(n, _ int) func() error {
		const piece = 1 << 14
		dst, src, s := make([]byte, 2*n), make([]float32, min(n, piece)), rng.New(1)
		return func() error {
			t := rng.Begin[float32](s, dist.Dist{Draw: dist.Normal{Std: 0.02}}, int64(n))
			for done := 0; done < n; {
				m := t.Next(src)
				cast(dst[2*done:2*(done+m)], src[:m])
				done += m
			}
			return nil
		}
	}
}

// benchTruncated draws as torch's trunc_normal_ with its default cut.
func benchTruncated(n, _ int) func() error {
	dst, s := make([]float32, n), rng.New(1)
	return func() error {
		t := rng.BeginTruncated[float32](s, dist.TruncNormal{Std: 0.02, A: -2, B: 2}, int64(n))
		for done := 0; done < n; {
			m, err := t.Next(dst[done:], func() error { return nil })
			if err != nil {
				return err
			}
			done += m
		}
		return nil
	}
}

// measure returns the median time a value: of 5 fills, and of more while they
// take less than a fifth of a second together.
func (k benchKernel) measure(ctx context.Context, n, threads int) (float64, error) {
	run := k.prepare(n, threads)
	if err := run(); err != nil { // memory and caches
		return 0, err
	}
	var times []float64
	begin := time.Now()
	for len(times) < 5 || time.Since(begin) < 200*time.Millisecond && len(times) < 1000 {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		start := time.Now()
		if err := run(); err != nil {
			return 0, fmt.Errorf("bench %s: %w", shown.Quote(k.name), err)
		}
		times = append(times, float64(time.Since(start).Nanoseconds())/float64(n))
	}
	slices.Sort(times)
	middle := len(times) / 2
	median := times[middle]
	if len(times)%2 == 0 {
		median = (times[middle-1] + median) / 2
	}
	return math.Round(median*1e4) / 1e4, nil
}
