package battery_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/rng"
)

// names lists the tests that have a p-value, those that do not gate in
// brackets.
func names(tests []battery.Test) string {
	var out []string
	for _, f := range tests {
		switch {
		case f.Fact:
		case f.Gate:
			out = append(out, f.Name)
		default:
			out = append(out, "("+f.Name+")")
		}
	}
	return strings.Join(out, ", ")
}

// Which tests run, and which of them gate, follows from the number of values.
func TestTheNumberOfValuesDecidesTheTests(t *testing.T) {
	const (
		edges  = "T7 edges, T8 beyond 3 std, T8 beyond 4 std, T8 beyond 5 std"
		shape  = "T4 Anderson-Darling, T5 Kolmogorov"
		smooth = "T3 S2, T3 S3, T3 S4, " + shape
		first  = "T1 mean, T2 std, "
		info   = first + "(T3 skewness), (T3 kurtosis), " + smooth
		last   = ", T6 chi-square, " + edges + ", T9 serial correlation, T9 runs"
	)
	for _, c := range []struct {
		n    int
		want string
	}{
		{1, edges}, {15, edges},
		{16, first + shape + ", " + edges}, {63, first + shape + ", " + edges},
		{64, info + ", " + edges}, {255, info + ", " + edges},
		{256, info + ", " + edges + ", T9 runs"}, {1023, info + ", " + edges + ", T9 runs"}, {4095, info + ", " + edges + ", T9 runs"},
		{4096, info + last}, {65535, info + last}, {65536, info + last}, {1<<18 - 1, info + last},
		{1 << 18, first + "T3 skewness, T3 kurtosis, " + smooth + last},
	} {
		tests := battery.OneSample(battery.Sample[float32]{Values: draw(uint64(c.n), dist.Normal{Std: 0.02}, c.n), Law: lawOf(t, dist.Normal{Std: 0.02})})
		require.Equal(t, c.want, names(tests), c.n)
		for _, f := range tests {
			require.False(t, f.P < 1e-6, "%d: %+v", c.n, f)
			require.Equal(t, int64(c.n), f.N)
		}
		if c.n >= 16 { // below 4,096 values it is the sum of their squares
			std := named(t, tests, "T2 std")
			require.Equal(t, c.n < 4096, math.Abs(std.Stat-float64(c.n)) < 6*math.Sqrt(2*float64(c.n)), c.n)
		}
	}
	require.Empty(t, names(battery.OneSample(battery.Sample[float32]{Law: lawOf(t, dist.Normal{Std: 1})})))
}

func TestTheNumberOfValuesDecidesTheTestsOfTwo(t *testing.T) {
	const (
		tails  = "T8' beyond 3 std, T8' beyond 4 std, T8' beyond 5 std, T8' zeros"
		few    = "T7' edges, " + tails
		edges  = "T7' edges, T7' outliers, " + tails
		smooth = "T3' S1, T3' S2, T3' S3, T3' S4, "
		info   = smooth + "(T3' skewness), (T3' kurtosis), "
		shape  = "T4' Anderson-Darling, T5' Kolmogorov, "
	)
	for _, c := range []struct {
		n    int
		want string
	}{
		{2, ""}, {15, few},
		{16, "(T1' mean), (T2' std), " + smooth + shape + few}, {63, "(T1' mean), (T2' std), " + smooth + shape + few},
		{64, "(T1' mean), (T2' std), " + info + shape + edges}, {1023, "(T1' mean), (T2' std), " + info + shape + edges},
		{1024, "T1' mean, (T2' std), " + info + shape + edges}, {4095, "T1' mean, (T2' std), " + info + shape + edges},
		{4096, "T1' mean, T2' std, " + info + shape + "T6' chi-square, " + edges},
		{65536, "T1' mean, T2' std, " + info + shape + "T6' chi-square, " + edges},
		{1 << 18, "T1' mean, T2' std, " + smooth + "T3' skewness, T3' kurtosis, " + shape + "T6' chi-square, " + edges},
	} {
		// The smaller list decides.
		x, y := draw(uint64(c.n), dist.Normal{Std: 1}, c.n), draw(uint64(c.n)+1, dist.Normal{Std: 1}, c.n+c.n/4)
		tests := battery.TwoSample(y, x, battery.F32)
		require.Equal(t, c.want, names(tests), c.n)
		for _, f := range tests {
			require.False(t, f.Gate && f.P < 1e-6, "%d: %+v", c.n, f)
		}
	}
}

func lawOf(t *testing.T, d dist.Draw) battery.Law {
	t.Helper()
	l, ok := battery.LawOf(dist.Dist{Draw: d})
	require.True(t, ok)
	return l
}

// someLaws are a normal, a uniform and cut normal laws, of both kinds of
// bounds.
func someLaws() map[string]dist.Draw {
	return map[string]dist.Draw{
		"normal":       dist.Normal{Mean: 0.003, Std: 0.02},
		"uniform":      dist.Uniform{Low: -0.05, High: 0.07},
		"cut":          dist.TruncNormal{Std: 0.02, A: -0.04, B: 0.04},
		"cut one side": dist.TruncNormal{Mean: 1, Std: 0.5, A: 0.8, B: 3},
		"cut far out":  dist.TruncNormal{Mean: 2, Std: 0.1, A: 1, B: 2.5, Algorithm: dist.UnitThenScale},
	}
}

// Rounding to a narrow type must not show in the p-values: they are uniform
// over many seeds, and without the remedy they are not.
func TestPValuesOfNarrowTypesAreUniform(t *testing.T) {
	for name, d := range someLaws() {
		l := lawOf(t, d)
		for _, typ := range []battery.Type{battery.BF16, battery.F16} {
			t.Run(fmt.Sprintf("%s of type %d", name, typ), func(t *testing.T) {
				t.Parallel()
				seen := map[string][]float64{}
				for seed := range uint64(12) {
					values := draw(900+seed, d, 4096)
					for i, v := range values {
						values[i] = narrow(v, typ)
					}
					for _, f := range battery.OneSample(battery.Sample[float32]{Values: values, Law: l, Type: typ}) {
						require.False(t, f.Failed, "seed %d: %+v", seed, f)
						if f.Gate && !f.Fact && !f.Discrete {
							require.Greater(t, f.P, 1e-6, "seed %d: %+v", seed, f)
							seen[f.Name] = append(seen[f.Name], f.P)
						}
					}
				}
				for test, p := range seen {
					require.Greater(t, battery.Uniform(p).P, 1e-5, test)
				}
			})
		}
	}
	coarse := dist.Uniform{Low: -0.05, High: 0.05}
	values := draw(900, coarse, 1<<16)
	for i, v := range values {
		values[i] = narrow(v, battery.BF16)
	}
	raw := battery.OneSample(battery.Sample[float32]{Values: values, Law: lawOf(t, coarse), Type: battery.F32})
	require.Less(t, named(t, raw, "T6 chi-square").P, 1e-6, "what the remedy is for")
}

func TestWideValuesPass(t *testing.T) {
	for name, d := range someLaws() {
		l := lawOf(t, d)
		for seed := range uint64(4) {
			values := make([]float64, 64*80)
			if cut, ok := d.(dist.TruncNormal); ok {
				_, err := rng.BeginTruncated[float64](rng.New(seed), cut, int64(len(values))).Next(values, func() error { return nil })
				require.NoError(t, err)
			} else {
				rng.Fill(rng.New(seed), dist.Dist{Draw: d}, values)
			}
			other := slices.Clone(values)
			for i := range other {
				other[i] = 2*l.Mean() - other[i] // mirrored
			}
			for _, f := range battery.OneSample(battery.Sample[float64]{Values: values, Law: l, Type: battery.F64, Rows: 64, Cols: 80}) {
				require.False(t, f.Failed || f.Gate && f.P < 1e-6, "%s, seed %d: %+v", name, seed, f)
			}
			if l.Moment(3) != 0 && strings.HasPrefix(name, "cut ") {
				require.True(t, slices.ContainsFunc(battery.OneSample(battery.Sample[float64]{Values: other, Law: l, Type: battery.F64}), func(f battery.Test) bool {
					return f.Failed || f.Gate && f.P < 2e-9
				}), "%s mirrored", name)
			}
		}
	}
}

// A sample whose values stand on a bound, or a hair outside, is one of
// rounding; farther out is an error.
func TestBoundsAllowForRoundingOnly(t *testing.T) {
	for name, d := range someLaws() {
		l := lawOf(t, d)
		low, high := l.Bounds()
		if math.IsInf(low, 0) {
			continue
		}
		at := func(v float64) battery.Test {
			values := draw(3, d, 100)
			values[17] = float32(v)
			return named(t, battery.OneSample(battery.Sample[float32]{Values: values, Law: l}), "T7 bounds")
		}
		require.False(t, at(low).Failed || at(high).Failed, name)
		below, above := at(low-1e-4*l.Std()), at(high+1e-4*l.Std())
		require.True(t, below.Failed && above.Failed, name)
		require.Equal(t, [2]int64{17, 17}, [2]int64{below.Index, above.Index})
	}
}

func TestAloneGivesTheNumbersOfOneSample(t *testing.T) {
	for name, d := range someLaws() {
		for _, n := range []int{1, 15, 16, 100, 3000} {
			s := func() battery.Sample[float32] {
				return battery.Sample[float32]{Values: draw(8, d, n), Law: lawOf(t, d), Rows: 1, Cols: n}
			}
			all := battery.OneSample(s())
			alone := battery.Alone(s())
			for _, f := range alone {
				require.Equal(t, fmt.Sprintf("%+v", named(t, all, f.Name)), fmt.Sprintf("%+v", f), name)
			}
			want := 3 // finite values, bounds and edges
			if name == "normal" {
				want = 2
			}
			if n >= 16 {
				want += 3
			}
			require.Len(t, alone, want, "%s of %d", name, n)
		}
	}
}

// What is found does not depend on the order in which goroutines add.
func TestReuseDoesNotDependOnTheOrder(t *testing.T) {
	d := dist.Normal{Std: 1}
	l := lawOf(t, d)
	tensors := make([][]float32, 8)
	for i := range tensors {
		tensors[i] = draw(uint64(i), d, 20_000)
	}
	copy(tensors[5][300:], tensors[2][1000:4000])
	copy(tensors[7][9000:], tensors[7][100:5000])
	find := func(order []int, together bool) []battery.Reused {
		r := battery.NewReuse(160_000)
		done := make(chan bool)
		for _, i := range order {
			if !together {
				battery.Add(r, i, tensors[i], l)
				continue
			}
			go func() {
				battery.Add(r, i, tensors[i], l)
				done <- true
			}()
		}
		for range order {
			if together {
				<-done
			}
		}
		return r.Find()
	}
	want := find([]int{0, 1, 2, 3, 4, 5, 6, 7}, false)
	require.Len(t, want, 2)
	require.Equal(t, [2]int{2, 5}, [2]int{want[0].A, want[0].B})
	require.Equal(t, int64(700), want[0].PositionA-want[0].PositionB)
	require.Equal(t, [2]int{7, 7}, [2]int{want[1].A, want[1].B})
	require.Equal(t, want, find([]int{7, 3, 5, 1, 0, 2, 6, 4}, false))
	for range 5 {
		require.Equal(t, want, find([]int{0, 1, 2, 3, 4, 5, 6, 7}, true))
	}
}
