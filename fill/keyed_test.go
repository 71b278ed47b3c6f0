package fill_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
	"github.com/weightinit/weightinit/rng"
)

// keyed makes the plan of the same parameters again, with keyed streams. keep
// chooses among the steps, and their order.
func keyed(t *testing.T, p *plan.Plan, keep ...int) *plan.Plan {
	t.Helper()
	if keep == nil {
		for i := range p.Params().Len() {
			keep = append(keep, i)
		}
	}
	l, d := &layout.Layout{}, dists{}
	for _, i := range keep {
		l.Params = append(l.Params, p.Params().At(i).Param)
		d = append(d, p.Params().At(i).Dist)
	}
	info := registry.Info{ID: registry.ID{Name: "dists", Version: 1}, New: func() registry.Mode { return d }}
	out, err := plan.Build(t.Context(), l, info, d, plan.Options{Seed: 5, DType: p.DType(), Streams: plan.Keyed, AllowFilled: true})
	require.NoError(t, err)
	return out
}

// valuesOf runs a plan and returns the bytes of each step.
func valuesOf(t *testing.T, p *plan.Plan, opts fill.Options) [][]byte {
	t.Helper()
	c := newCollect(t, p)
	require.NoError(t, fill.Run(t.Context(), p, c, opts))
	c.digest() // every element came
	return c.values
}

func TestKeyedValuesDoNotDependOnWorkersChunksAndCuts(t *testing.T) {
	for _, stored := range dtype.All() {
		p := keyed(t, everyFamily(t, stored, 12_000))
		want := valuesOf(t, p, fill.Options{Workers: 1, ChunkValues: 1 << 22})
		for _, o := range []fill.Options{
			{Workers: 2}, fill.Options{Workers: 3, ChunkValues: 999}.Cut(1<<12, 1<<12), fill.Options{Workers: 7, ChunkValues: 1}.Cut(777, 777),
			fill.Options{Workers: 64, ChunkValues: 16}.Cut(33, 3000), fill.Options{Workers: 2, ChunkValues: 100}.Cut(17, 50),
		} {
			require.Equal(t, want, valuesOf(t, p, o), "%s, %+v", stored, o)
		}
	}
}

func TestKeyedValuesDoNotDependOnOtherParameters(t *testing.T) {
	torch := everyFamily(t, dtype.F32, 12_000)
	whole := keyed(t, torch)
	want := valuesOf(t, whole, fill.Options{})
	all := make([]int, whole.Params().Len())
	for i := range all {
		all[i] = i
	}
	slices.Reverse(all)
	for _, keep := range [][]int{all, {3}, {12, 0, 5}, {13, 3, 9}} {
		for i, values := range valuesOf(t, keyed(t, torch, keep...), fill.Options{}) {
			require.Equal(t, want[keep[i]], values, "parameter %d among %v", keep[i], keep)
		}
	}
	require.NotEqual(t, want[9], want[3][:len(want[9])], "parameters of other names have other streams")
}

// TestRangesAreThoseOfTheWhole is what makes a shard on another machine
// possible, with both kinds of streams. A plan of which nothing was run yet has
// to find the places after its truncated normals first.
func TestRangesAreThoseOfTheWhole(t *testing.T) {
	for _, stored := range dtype.All() {
		torch := everyFamily(t, stored, 12_000)
		ranges(t, keyed(t, torch))
		ranges(t, torch)
		ranges(t, mixed(t, stored, 1<<12))
	}
}

func ranges(t *testing.T, p *plan.Plan) {
	t.Helper()
	opts := fill.Options{Workers: 3, ChunkValues: 500}.Cut(701, 999)
	if p.Streams() == plan.Torch {
		opts = opts.Cut(1<<10, 1<<10)
	}
	last := p.Tensors().Len() - 1
	fresh := newCollect(t, p)
	require.NoError(t, fill.RunRange(t.Context(), p, last, 0, p.Tensors().At(last).Elements, fresh, opts))
	whole := valuesOf(t, p, fill.Options{})
	require.Equal(t, whole[last], fresh.values[last], "before any place is known")
	width := p.DType().Size()
	for tensor, s := range p.Tensors().All() {
		n := s.Elements
		for _, r := range [][2]int64{{0, n}, {0, 0}, {n, 0}, {n / 3, n / 2}, {n - 1, 1}, {1, n - 1}, {n / 2, 1}, {n - 17, 16}, {n - 40, 3}, {n - 33, 17}} {
			first, count := r[0], r[1]
			if first < 0 || first+count > n || count < 0 {
				continue
			}
			sink := newCollect(t, p)
			require.NoError(t, fill.RunRange(t.Context(), p, tensor, first, count, sink, opts))
			for i, seen := range sink.seen {
				for j, was := range seen {
					want := i == tensor && int64(j) >= first && int64(j) < first+count
					if was != want {
						t.Fatalf("tensor %d, %d from %d on: element %d of tensor %d came: %t", tensor, count, first, j, i, was)
					}
				}
			}
			require.Equal(t, whole[tensor][first*width:(first+count)*width], sink.values[tensor][first*width:(first+count)*width], "tensor %d, %v", tensor, r)
		}
	}
}

// TestKeyedPartsHaveTheKeysThatAreDocumented redoes a few steps by package rng.
func TestKeyedPartsHaveTheKeysThatAreDocumented(t *testing.T) {
	p := keyed(t, vocabulary(t, dtype.F64, 640))
	values := valuesOf(t, p, fill.Options{})
	root := rng.NewKey(5)
	check := func(step int, first int64, want []float64) {
		t.Helper()
		var bytes []byte
		for _, v := range want {
			bytes = binary.LittleEndian.AppendUint64(bytes, math.Float64bits(v))
		}
		require.Equal(t, bytes, values[step][8*first:8*first+int64(len(bytes))])
	}
	plain := make([]float64, 3)
	rng.FillKeyed(plain, root.Named("0"), normal, 0)
	check(0, 0, plain)

	// Step 9 is everything, without steps after it, of rows of three.
	blocksKey := root.Named("9")
	block := make([]float64, 6)
	rng.FillKeyed(block, blocksKey.Block(0), normal, 0)
	check(9, 0, block)
	cut := make([]float64, 9)
	_, err := rng.FillKeyedTruncated(cut, blocksKey.Block(1), rejected.Draw.(dist.TruncNormal), 0, proceed)
	require.NoError(t, err)
	rng.Apply(cut, 0, []int64{3, 3}, rejected.Post[0])
	check(9, 6, cut)
	sparse := make([]float64, 12)
	rng.FillKeyed(sparse, blocksKey.Block(3).FoldIn(0), one(dist.Normal{Std: 1}), 0)
	mask, err := rng.NewKeyedMask(blocksKey.Block(3), 4, 3, 2, 0, 12, proceed)
	require.NoError(t, err)
	rng.Zero(sparse, 0, mask)
	check(9, 18, sparse)
}

func TestRunRangeRefusesWhatItCannotMake(t *testing.T) {
	torch := vocabulary(t, dtype.F32, 640)
	p := keyed(t, torch)
	sink := newCollect(t, p)
	n := p.Tensors().At(1).Elements
	for _, c := range []struct {
		p           *plan.Plan
		step        int
		first, many int64
		want        string
	}{
		{torch, 1, n, 1, "elements"}, {p, -1, 0, 1, "tensor -1"}, {p, p.Tensors().Len(), 0, 1, "tensor"},
		{p, 1, -1, 1, "elements"}, {p, 1, n, 1, "elements"}, {p, 1, 0, n + 1, "elements"}, {p, 1, 0, -1, "elements"},
		{p, 1, 1 << 62, 1 << 62, "elements"},
	} {
		require.ErrorContains(t, fill.RunRange(t.Context(), c.p, c.step, c.first, c.many, sink, fill.Options{}), c.want)
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) WriteValues(int, int64, []byte) error { return errFull }

func TestKeyedRunsEndWithTheirSinkAndTheirContext(t *testing.T) {
	p := keyed(t, vocabulary(t, dtype.F32, 12_000))
	require.ErrorIs(t, fill.Run(t.Context(), p, full{}, fill.Options{Workers: 3}), errFull)
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	require.ErrorIs(t, fill.Run(ctx, p, newCollect(t, p), fill.Options{Workers: 2}), gone)
}

func TestAKeyedTruncatedNormalThatNeverEndsStopsWithTheContext(t *testing.T) {
	p := keyed(t, buildShapes(t, dtype.F32, [][]int64{{100}, {3}}, dists{one(dist.TruncNormal{Std: 1e-9, A: 3e-9, B: 1e5}), normal}))
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(stop) })
	err := fill.Run(ctx, p, newCollect(t, p), fill.Options{})
	require.ErrorIs(t, err, stop)
}

// TestKeyedStepsThatArePluginsOwn: the kind of streams is no matter of a
// plugin's values.
func TestKeyedStepsThatArePluginsOwn(t *testing.T) {
	torch := buildShapes(t, dtype.F32, [][]int64{{10}, {4, 3}, {7}}, dists{normal, one(dist.Filled{}, dist.Multiply{By: 2}), one(dist.Filled{})})
	opts := fill.Options{Workers: 2, ChunkValues: 4, Filler: filler{piece: 5}}
	p := keyed(t, torch)
	require.Equal(t, valuesOf(t, torch, opts)[1:], valuesOf(t, p, opts)[1:])
	require.ErrorContains(t, fill.Run(t.Context(), p, newCollect(t, p), fill.Options{}), "none to ask")
	require.ErrorContains(t, fill.RunRange(t.Context(), p, 1, 0, 1, newCollect(t, p), opts), "only as a whole")
}
