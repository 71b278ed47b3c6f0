package engine_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// declared is a tensor of a made-up model.
type declared struct {
	name  string
	shape []int64
	dist  dist.Dist
}

type listed []declared

func (listed) Options() []registry.Option { return nil }
func (listed) Set(string, string) error   { return nil }
func (l listed) Assign(context.Context, *layout.Layout) ([]dist.Dist, error) {
	var out []dist.Dist
	for _, d := range l {
		out = append(out, d.dist)
	}
	return out, nil
}

// planOf freezes the made-up model.
func planOf(t *testing.T, dtype layout.DType, seed uint64, tensors ...declared) *plan.Plan {
	t.Helper()
	l := &layout.Layout{}
	for _, d := range tensors {
		l.Params = append(l.Params, layout.Param{Name: d.name, Shape: d.shape})
	}
	info := registry.Info{ID: registry.ID{Name: "made-up", Version: 1}}
	p, err := plan.Build(t.Context(), l, info, listed(tensors), plan.Options{Seed: seed, DType: dtype})
	require.NoError(t, err)
	return p
}

// bytesOf is a sink that keeps all values.
type bytesOf struct {
	p     *plan.Plan
	steps [][]byte
}

func (b *bytesOf) WriteValues(step int, first int64, data []byte) error {
	copy(b.steps[step][first*b.p.DType().Size():], data)
	return nil
}

// drawn draws the plan into memory. change, if set, may change the bytes of a
// tensor, found by name.
func drawn(t *testing.T, p *plan.Plan, change func(values map[string][]byte)) memory {
	t.Helper()
	b := &bytesOf{p: p}
	byName := map[string][]byte{}
	for _, s := range p.Tensors().All() {
		b.steps = append(b.steps, make([]byte, s.Bytes()))
		byName[s.Name] = b.steps[len(b.steps)-1]
	}
	require.NoError(t, fill.Run(t.Context(), p, b, fill.Options{}))
	if change != nil {
		change(byName)
	}
	dtype, err := safetensors.DTypeName(p.DType())
	require.NoError(t, err)
	var out memory
	for i, s := range p.Tensors().All() {
		out = append(out, tensor(t, s.Name, dtype, s.Shape, b.steps[i]))
	}
	return out
}

func one(d dist.Draw, posts ...dist.Post) dist.Dist { return dist.Dist{Draw: d, Post: posts} }

var (
	padding  = dist.ZeroRows{Ranges: []dist.Range{{First: 3, Count: 1}}}
	families = []declared{
		{"normal", []int64{100, 80}, one(dist.Normal{Std: 0.02})},
		{"uniform", []int64{64, 80}, one(dist.Uniform{Low: -0.3, High: 0.3})},
		{"cut", []int64{70, 80}, one(dist.TruncNormal{Std: 1, A: -2, B: 2})},
		{"scaled", []int64{70, 80}, one(dist.Normal{Std: 1}, dist.Multiply{By: 0.5}, dist.Divide{By: 3})},
		{"embedding", []int64{90, 80}, one(dist.Normal{Std: 1}, padding)},
		{"blocks", []int64{90, 80}, one(dist.Blocks{Parts: []dist.Part{{Rows: 30, Dist: one(dist.Normal{Std: 1})},
			{Rows: 60, Dist: one(dist.Uniform{Low: -1, High: 1})}}}, padding)},
		{"eye", []int64{40, 30}, one(dist.Eye{}, dist.Multiply{By: 3})},
		{"dirac", []int64{16, 8, 3}, one(dist.Dirac{Groups: 2})},
		{"sparse", []int64{90, 80}, one(dist.Sparse{Sparsity: 0.3, Std: 0.01})},
		{"orthogonal", []int64{96, 80}, one(dist.Orthogonal{Gain: 2})},
		{"bias", []int64{80}, one(dist.Constant{})},
		{"scale", []int64{80}, one(dist.Constant{Value: 1})},
		{"few", []int64{7}, one(dist.Normal{Std: 1})},
		{"small a", []int64{20, 30}, one(dist.Normal{Std: 1})},
		{"small b", []int64{20, 30}, one(dist.Normal{Mean: 1, Std: 3})},
		{"empty", []int64{0, 5}, one(dist.Normal{Std: 1})},
		{"bilinear", []int64{3, 2, 5, 5}, one(dist.Bilinear{}, dist.Divide{By: 3})},
		{"zero_init", []int64{30, 20}, one(dist.ZeroInit{})},
		{"forget", []int64{32}, one(dist.LSTMForgetBias{Value: 2})},
		{"delta", []int64{40, 30, 3}, one(dist.DeltaOrthogonal{Gain: 2})},
		{"squares", []int64{60, 40}, one(dist.BlockOrthogonal{SplitSizes: []int64{20, 10}, Gain: 1}, dist.Multiply{By: -3})},
		{"normalised", []int64{60, 70}, one(dist.Normal{Std: 0.5}, dist.L2Normalize{Dim: 1}, dist.Multiply{By: 3})},
		{"columns", []int64{60, 70}, one(dist.TruncNormal{Std: 1, A: -2, B: 2}, dist.L2Normalize{})},
	}
)

func failures(r engine.Result) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Verdict == engine.Fail {
			out = append(out, fmt.Sprintf("%s: %s: p=%.2g %s %s", f.Tensor, f.Test, f.P, f.EffectText, f.Detail))
		}
	}
	return out
}

// every family passes, of every type, with a reference of another seed and
// without one.
func TestStatsPassesWhatFollowsItsLaw(t *testing.T) {
	for _, dtype := range layout.DTypes() {
		p, q := planOf(t, dtype, 1, families...), planOf(t, dtype, 2, families...)
		candidate, reference := drawn(t, p, nil), drawn(t, q, nil)
		var progress atomic.Int64
		r, err := engine.Stats(t.Context(), nil, candidate, engine.StatsOptions{Declared: p, Options: engine.Options{Progress: func(n int64) { progress.Add(n) }}})
		require.NoError(t, err)
		require.Empty(t, failures(r), dtype)
		require.Equal(t, p.Elements(), progress.Load())
		require.Equal(t, len(families), r.Summary.Tensors)
		require.Equal(t, engine.FamilyLimit, r.Summary.FamilyLimit)
		r, err = engine.Stats(t.Context(), reference, candidate, engine.StatsOptions{Declared: p})
		require.NoError(t, err)
		require.Empty(t, failures(r), dtype)
		r, err = engine.Stats(t.Context(), reference, candidate, engine.StatsOptions{})
		require.NoError(t, err)
		// Without laws only structured families look at each other's values.
		require.Empty(t, failures(r), dtype)
	}
}

// The result does not depend on how many workers there are, nor on memory.
func TestStatsIsTheSameForAnyNumberOfWorkers(t *testing.T) {
	p := planOf(t, layout.F32, 1, families...)
	candidate, reference := drawn(t, p, nil), drawn(t, planOf(t, layout.F32, 2, families...), nil)
	var want engine.Result
	for i, o := range []engine.StatsOptions{{Memory: 1}, {Options: engine.Options{Workers: 7}}, {Options: engine.Options{Workers: 2}, Memory: 40_000}} {
		o.Declared, o.CrossCorrelation = p, true
		r, err := engine.Stats(t.Context(), reference, candidate, o)
		require.NoError(t, err)
		if i == 0 {
			want = r
		}
		require.Equal(t, fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", r))
	}
}

func set32(b []byte, i int, v float32) { binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v)) }

// What a structured tensor must be is a fact, found at the first place that is
// not so.
func TestStatsFindsWhatBreaksAPattern(t *testing.T) {
	p := planOf(t, layout.F32, 1, families...)
	for _, c := range []struct {
		tensor string
		index  int
		value  float32
		want   string
	}{
		{"eye", 31, 2, "eye: T0 eye: .*2 at index 31, declared 3"},
		{"eye", 32, -1, "eye: T0 eye: .*-1 at index 32, declared 0"},
		{"dirac", 1, 0, "dirac: T0 dirac: .*0 at index 1, declared 1"},
		{"sparse", -1, 1, "sparse: T0 sparse: .*column 0 has 2[0-9] zeros, declared 27"},
		{"embedding", 3*80 + 5, 1e-9, "embedding: T0 constant, rows 3 to 3: .* at index 5, declared 0"},
		{"embedding", 4*80 + 5, 50, "embedding: T7 edges, rows 4 to 89"},
		{"blocks", 31*80 + 5, 1.01, "blocks: T7 bounds, rows 30 to 89"},
		{"blocks", 3*80 + 5, 1, "blocks: T0 constant, rows 0 to 29, rows 3 to 3"},
		{"orthogonal", 7, 1, "orthogonal: T11 orthogonality: .*product off by"},
		{"orthogonal", 7, float32(math.NaN()), "orthogonal: T0 finite"},
		{"bilinear", 7, 0.5, "bilinear: T0 bilinear: .*0.5 at index 7, declared 0.22222"},
		{"zero_init", 21, 0.17677669, "zero_init: T0 zero_init: .*0.17677669[0-9]* at index 21, declared -0.17677669"},
		{"forget", 8, 0, "forget: T0 lstm_forget_bias: .*0 at index 8, declared 2"},
		{"delta", 1, 0.1, "delta: T11 orthogonality"},
		{"delta", 2, 0.1, "delta: T0 zeros: .*0.1[0-9]* at index 2, declared 0 outside"},
		{"squares", 40*25 + 15, 0.1, "squares: T11 orthogonality, matrix 5: .*product off by"},
		{"normalised", 71, 0.1, "normalised: T0 l2_normalize: .*along dimension 1 from index 70 on has length .*, declared 3"},
		{"columns", 71, 0.1, "columns: T0 l2_normalize: .*along dimension 0 from index 1 on has length .*, declared 1"},
		{"few", 3, 1000, "few: T7 edges"},
		{"small b", 3, 100, "small b: T7 edges"},
		{"cut", 3, 2.5, "cut: T7 bounds: .*2.5 at index 3"},
	} {
		candidate := drawn(t, p, func(values map[string][]byte) {
			b := values[c.tensor]
			if c.index >= 0 {
				set32(b, c.index, c.value)
				return
			}
			for i := range len(b) / 4 { // the first column's zeros
				if i%80 == 0 && binary.LittleEndian.Uint32(b[4*i:]) == 0 {
					set32(b, i, c.value)
					return
				}
			}
		})
		r, err := engine.Stats(t.Context(), nil, candidate, engine.StatsOptions{Declared: p})
		require.NoError(t, err)
		require.Regexp(t, c.want, strings.Join(failures(r), "\n"))
		for _, f := range r.Findings {
			if f.Verdict == engine.Fail {
				require.Contains(t, append(f.Members, f.Tensor), c.tensor, "no other tensor is blamed: %s", f.Test)
			}
		}
	}
}

// A pool sees a fault that each of its members is too small to show.
func TestAPoolSeesWhatNoMemberShows(t *testing.T) {
	var wide, law []declared
	for i := range 60 {
		d := declared{fmt.Sprint("w", i), []int64{30, 30}, one(dist.Normal{Std: 0.02 * float64(i+1)})}
		law = append(law, d)
		d.dist = one(dist.Normal{Std: 0.02 * float64(i+1) * 1.05})
		wide = append(wide, d)
	}
	p := planOf(t, layout.F32, 1, law...)
	r, err := engine.Stats(t.Context(), nil, drawn(t, planOf(t, layout.F32, 1, wide...), nil), engine.StatsOptions{Declared: p})
	require.NoError(t, err)
	found := failures(r)
	require.NotEmpty(t, found)
	for _, f := range found {
		require.Contains(t, f, "pool of 60 tensors, normal")
	}
	i := slices.IndexFunc(r.Findings, func(f engine.Finding) bool { return f.Verdict == engine.Fail })
	require.Len(t, r.Findings[i].Members, 60)
	require.Equal(t, 60, r.Summary.Tensors)
	require.EqualValues(t, 60*900, r.Findings[i].N)
}

// Values that are no floating-point numbers, and those of a reference that is
// not finite, must be equal.
func TestStatsComparesWhatHasNoLawByItsBits(t *testing.T) {
	inf := float32(math.Inf(-1))
	mask := func(last float32) memory {
		return memory{
			tensor(t, "mask", "F32", []int64{3}, f32(0, inf, last)),
			tensor(t, "ids", "I64", []int64{1}, []byte{1, 0, 0, 0, 0, 0, 0, 0}),
		}
	}
	r, err := engine.Stats(t.Context(), mask(1), mask(1), engine.StatsOptions{})
	require.NoError(t, err)
	require.True(t, r.Passed(), failures(r))
	r, err = engine.Stats(t.Context(), mask(1), mask(2), engine.StatsOptions{})
	require.NoError(t, err)
	require.Len(t, failures(r), 1)
	require.Contains(t, failures(r)[0], "not finite, so both must be equal: at index 2 reference 1, candidate 2")
	other := mask(1)
	other[1] = tensor(t, "ids", "I64", []int64{1}, []byte{1, 0, 0, 0, 0, 0, 1, 0})
	r, err = engine.Stats(t.Context(), mask(1), other, engine.StatsOptions{})
	require.NoError(t, err)
	require.Len(t, failures(r), 1)
	require.Contains(t, failures(r)[0], "ids: T0 equal")

	// Without a reference there is only a law, which integers do not follow.
	p := planOf(t, layout.F32, 1, declared{"ids", []int64{1}, one(dist.Constant{Value: 1})})
	r, err = engine.Stats(t.Context(), nil, memory{mask(1)[1]}, engine.StatsOptions{Declared: p})
	require.NoError(t, err)
	require.Len(t, failures(r), 1)
	require.Contains(t, failures(r)[0], "ids: T0 type: p=NaN  values of I64 follow no declared law")
}

// Weights that are tied in the reference are tied in the candidate, and that
// is no reuse of a stream; without a reference it is one.
func TestTiedWeightsAreNoReuseWhenTheReferenceTiesThem(t *testing.T) {
	tied := func(seed uint64) memory {
		m := drawn(t, planOf(t, layout.F32, seed, families[0]), nil)
		data := make([]byte, m[0].Bytes())
		require.NoError(t, m[0].ReadAt(data, 0))
		return append(m, tensor(t, "head", "F32", m[0].Shape, data))
	}
	r, err := engine.Stats(t.Context(), tied(1), tied(2), engine.StatsOptions{})
	require.NoError(t, err)
	require.Empty(t, failures(r))
	i := slices.IndexFunc(r.Findings, func(f engine.Finding) bool { return strings.Contains(f.Detail, "as in the reference") })
	require.GreaterOrEqual(t, i, 0)

	head := families[0]
	head.name = "head"
	p := planOf(t, layout.F32, 1, families[0], head)
	r, err = engine.Stats(t.Context(), nil, tied(2), engine.StatsOptions{Declared: p})
	require.NoError(t, err)
	require.Len(t, failures(r), 1)
	require.Contains(t, failures(r)[0], `head: T10 stream reuse`)
}

// A short vector and its copy have few keys, of which the search may keep none in
// one side and enough in the other.
func TestShortCopiesAreNoReuseWhenTheReferenceHasThem(t *testing.T) {
	copies := func(seed uint64, other bool) memory {
		n := declared{"bias", []int64{64}, one(dist.Normal{Std: 1})}
		m := drawn(t, planOf(t, layout.F32, seed, n), nil)
		if other {
			n.name = "copy"
			return append(m, drawn(t, planOf(t, layout.F32, seed+1000, n), nil)[0])
		}
		data := make([]byte, m[0].Bytes())
		require.NoError(t, m[0].ReadAt(data, 0))
		return append(m, tensor(t, "copy", "F32", m[0].Shape, data))
	}
	seen := 0
	for seed := range uint64(40) {
		r, err := engine.Stats(t.Context(), copies(2*seed, false), copies(2*seed+1, false), engine.StatsOptions{})
		require.NoError(t, err)
		require.Empty(t, failures(r), seed)
		r, err = engine.Stats(t.Context(), copies(2*seed, true), copies(2*seed+1, false), engine.StatsOptions{})
		require.NoError(t, err)
		seen += len(failures(r))
	}
	require.Greater(t, seen, 20) // what the reference does not copy
}

// What the plan declares and the sets lack, or have beyond it, is told.
func TestStatsTellsWhatIsNotDeclared(t *testing.T) {
	p := planOf(t, layout.F32, 1, families[0], families[1], families[10])
	some := drawn(t, planOf(t, layout.F32, 1, families[0], families[2]), nil)
	r, err := engine.Stats(t.Context(), nil, some, engine.StatsOptions{Declared: p})
	require.NoError(t, err)
	found := strings.Join(failures(r), "\n")
	require.Contains(t, found, "uniform: missing: p=NaN  declared by made-up@1, and not there")
	require.Contains(t, found, "cut: extra: p=NaN  not declared by made-up@1")
	r, err = engine.Stats(t.Context(), some, some, engine.StatsOptions{Declared: p})
	require.NoError(t, err)
	require.Contains(t, strings.Join(failures(r), "\n"), "bias: missing: p=NaN  declared by made-up@1, and in neither set")
	turned := families[0]
	turned.shape = []int64{80, 100}
	r, err = engine.Stats(t.Context(), some, some, engine.StatsOptions{Declared: planOf(t, layout.F32, 1, turned, families[2])})
	require.NoError(t, err)
	require.Contains(t, strings.Join(failures(r), "\n"), "normal: shape: p=NaN  shape: declared by made-up@1 [80, 100], found in both sets [100, 80]")
	_, err = engine.Stats(t.Context(), nil, some, engine.StatsOptions{})
	require.ErrorContains(t, err, "need a reference or declared laws")
}

// A wider margin shows equivalence where the usual one cannot.
func TestTheMarginDecidesWhatIsWeak(t *testing.T) {
	p := planOf(t, layout.F32, 1, families[0])
	set := drawn(t, p, nil)
	weak := func(margin float64) int {
		r, err := engine.Stats(t.Context(), nil, set, engine.StatsOptions{Declared: p, Margin: func(string) float64 { return margin }})
		require.NoError(t, err)
		require.Empty(t, failures(r))
		return r.Summary.Weak
	}
	require.Equal(t, 2, weak(0))
	require.Equal(t, 0, weak(0.2))
}

// A pool has the smallest margin of its members.
func TestAPoolHasTheSmallestMarginOfItsMembers(t *testing.T) {
	small := []declared{{"a", []int64{40, 50}, one(dist.Normal{Std: 1})}, {"b", []int64{40, 50}, one(dist.Normal{Std: 2})}}
	p := planOf(t, layout.F32, 1, small...)
	for margins, want := range map[[2]float64]float64{{0.3, 0.2}: 0.2, {0, 0.2}: 0.01, {0.005, 0}: 0.005} {
		r, err := engine.Stats(t.Context(), nil, drawn(t, p, nil), engine.StatsOptions{Declared: p, Margin: func(name string) float64 {
			return map[string]float64{"a": margins[0], "b": margins[1]}[name]
		}})
		require.NoError(t, err)
		i := slices.IndexFunc(r.Findings, func(f engine.Finding) bool { return len(f.Members) == 2 && f.Test == "T2 std" })
		require.GreaterOrEqual(t, i, 0)
		require.Equal(t, want, r.Findings[i].Margin)
	}
}

// A run that is stopped ends with the cause.
func TestStatsStops(t *testing.T) {
	p := planOf(t, layout.F32, 1, families...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := engine.Stats(ctx, nil, drawn(t, p, nil), engine.StatsOptions{Declared: p})
	require.ErrorIs(t, err, context.Canceled)
}
