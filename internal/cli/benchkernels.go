package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/modes/elementary"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// errNotHere is the cause of the error of a kernel that this system cannot
// run.
var errNotHere = errors.New("not on this system")

// benchKernel is one thing to measure.
type benchKernel struct {
	name, stored string
	// always tells that a plain run measures it, parallel that it runs on
	// several threads.
	always, parallel bool
	// size is the number of values of one call; 0 means as many as the user
	// wants.
	size int
	// calls is how many calls what prepare returns makes, for those that are
	// short against a clock; 0 means 1.
	calls int
	// prepare returns what is timed for n values a call.
	prepare func(ctx context.Context, n, threads int) (func() error, error)
	// help says what is measured where the name does not.
	help string
}

// smallCalls is how many small tensors are filled between two looks at the
// clock.
const smallCalls = 4096

var benchKernels = []benchKernel{
	{name: "uniform", stored: "f32", always: true, parallel: true, prepare: benchDraw[float32](dist.Uniform{Low: -1, High: 1})},
	{name: "normal", stored: "f32", always: true, parallel: true, prepare: benchDraw[float32](dist.Normal{Std: 0.02})},
	{name: "uniform", stored: "f64", parallel: true, prepare: benchDraw[float64](dist.Uniform{Low: -1, High: 1})},
	{name: "normal", stored: "f64", parallel: true, prepare: benchDraw[float64](dist.Normal{Std: 0.02})},
	{name: "normal", stored: "bf16", prepare: benchCast(rng.BF16)},
	{name: "normal", stored: "f16", prepare: benchCast(rng.F16)},
	{name: "constant", stored: "f32", prepare: benchDraw[float32](dist.Constant{Value: 1})},
	{
		name: "trunc_normal", stored: "f32", parallel: true, prepare: benchTruncated,
		help: "on several threads as init makes it: in chunks, which are then copied to their places",
	},
	{
		name: "normal_fresh", stored: "f32", prepare: benchFresh,
		help: "into memory fresh from the system, which is asked for huge pages; getting it and giving it back is timed, too (Linux)",
	},
	{name: "normal_small", stored: "f32", size: 16, calls: smallCalls, prepare: benchSmall, help: "a tensor of 16 values, and one of 8, one after the other from one stream"},
	{name: "normal_small", stored: "f32", size: 8, calls: smallCalls, prepare: benchSmall},
	{name: "skip", stored: "words", prepare: benchSkip, help: "words that are passed over, not drawn: by steps or by a jump, whichever is faster"},
	{name: "jump_cached", stored: "jumps", size: 1, prepare: benchJump(0), help: "one jump by 2^40 words, as in a distance that was jumped before"},
	{name: "jump_computed", stored: "jumps", size: 1, prepare: benchJump(rngBlock), help: "one jump by about 2^40 words, a new distance each time"},
}

// is tells whether k is meant by NAME or NAME/DTYPE.
func (k benchKernel) is(want string) bool { return want == k.name || want == k.name+"/"+k.stored }

// kernelHelp is a line for each kernel that needs one.
func kernelHelp() string {
	var lines []string
	for _, k := range benchKernels {
		if k.help != "" {
			lines = append(lines, fmt.Sprintf("  %-14s %s", k.name, k.help))
		}
	}
	return strings.Join(lines, "\n")
}

// benchDraw draws a whole slice.
func benchDraw[T float32 | float64](d dist.Draw) func(context.Context, int, int) (func() error, error) {
	return func(_ context.Context, n, threads int) (func() error, error) {
		s, at := rng.New(1), 0
		const page, stride = 1024, 16 * 13 // values; fills begin at 64 places of a page
		dst := make([]T, n+page)
		return func() error {
			fill.Slice(s, dist.Dist{Draw: d}, dst[at:at+n], threads)
			at = (at + stride) % page
			return nil
		}, nil
	}
}

// benchCast draws normals in pieces and rounds them to a narrow type.
func benchCast(cast func(dst []byte, src []float32)) func(context.Context, int, int) (func() error, error) {
	return func(_ context.Context, n, _ int) (func() error, error) {
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
		}, nil
	}
}

// benchTruncated draws as torch's trunc_normal_ with its default cut.
func benchTruncated(ctx context.Context, n, threads int) (func() error, error) {
	if threads > 1 {
		return truncatedInto(ctx, make(memorySink, 4*n), threads)
	}
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
	}, nil
}

// truncatedInto returns what fills dst, on several threads, by a plan of one
// tensor: where the stream goes on after a truncated normal is known only at
// its end, so threads share one inside a run of package fill and nowhere else.
func truncatedInto(ctx context.Context, dst memorySink, threads int) (func() error, error) {
	info, err := elementary.Schemes().Lookup("trunc_normal")
	if err != nil {
		return nil, err
	}
	p, err := weightinit.BuildTensor(ctx, info, []string{"std=0.02"}, []int64{int64(len(dst) / 4)}, plan.Options{Seed: 1})
	if err != nil {
		return nil, err
	}
	return func() error { return fill.Run(ctx, p.Plan, dst, fill.Options{Workers: threads}) }, nil
}

// memorySink keeps the bytes of a plan of one float32 tensor.
type memorySink []byte

// WriteValues implements [fill.Sink]; no two calls write the same elements.
func (s memorySink) WriteValues(_ int, first int64, data []byte) error {
	copy(s[4*first:], data)
	return nil
}

// benchSmall fills small tensors, whose cost is that of a call.
func benchSmall(_ context.Context, n, _ int) (func() error, error) {
	dst, s, d := make([]float32, n), rng.New(1), dist.Dist{Draw: dist.Normal{Std: 0.02}}
	return func() error {
		for range smallCalls {
			rng.Fill(s, d, dst)
		}
		return nil
	}, nil
}

// benchSkip passes over words.
func benchSkip(_ context.Context, n, _ int) (func() error, error) {
	s := rng.New(1)
	return func() error { s.Advance(int64(n)); return nil }, nil
}

// rngBlock is the number of words that the generator makes at once. Distances
// that are multiples of it are distances in blocks wherever the stream stands.
const rngBlock = 624

// benchJump passes over about 2^40 words, which is always done by a jump; each
// distance is longer than the one before by so many words.
func benchJump(longer int64) func(context.Context, int, int) (func() error, error) {
	return func(context.Context, int, int) (func() error, error) {
		s, distance := rng.New(1), int64(1<<40/rngBlock*rngBlock)
		return func() error {
			s.Advance(distance)
			distance += longer
			return nil
		}, nil
	}
}

// measure returns the median time a value: of 5 fills, and of more while they
// take less than a fifth of a second together.
func (k benchKernel) measure(ctx context.Context, n, threads int) (float64, error) {
	run, err := k.prepare(ctx, n, threads)
	if err == nil {
		err = run() // memory and caches
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", shown.Quote(k.name), err)
	}
	values := float64(n) * float64(max(1, k.calls))
	var times []float64
	begin := time.Now()
	for len(times) < 5 || time.Since(begin) < 200*time.Millisecond && len(times) < 1000 {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		start := time.Now()
		if err := run(); err != nil {
			return 0, fmt.Errorf("%s: %w", shown.Quote(k.name), err)
		}
		times = append(times, float64(time.Since(start).Nanoseconds())/values)
	}
	slices.Sort(times)
	middle := len(times) / 2
	median := times[middle]
	if len(times)%2 == 0 {
		median = (times[middle-1] + median) / 2
	}
	return math.Round(median*1e4) / 1e4, nil
}
