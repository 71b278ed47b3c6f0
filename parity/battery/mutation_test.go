package battery_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/rng"
)

func draw(seed uint64, d dist.Draw, n int) []float32 {
	out := make([]float32, n)
	cut, ok := d.(dist.TruncNormal)
	if !ok {
		rng.Fill(rng.New(seed), dist.Dist{Draw: d}, out)
		return out
	}
	values := rng.BeginTruncated[float32](rng.New(seed), cut, int64(n))
	if _, err := values.Next(out, func() error { return nil }); err != nil {
		panic(err) // only what is given can fail
	}
	return out
}

// TestEachDefectIsSeen runs 512 x 512 normals with a defect against the limit
// of 500 tests.
func TestEachDefectIsSeen(t *testing.T) {
	l, ok := battery.LawOf(dist.Dist{Draw: dist.Normal{Std: 0.02}})
	require.True(t, ok)
	good := draw(1, dist.Normal{Std: 0.02}, 1<<18)
	each := func(f func(i int, v float32) float32) []float32 {
		out := slices.Clone(good)
		for i, v := range out {
			out[i] = f(i, v)
		}
		return out
	}
	for _, c := range []struct {
		name, by string
		values   []float32
	}{
		{"nothing", "", good},
		{"other fan", "T2 std", draw(2, dist.Normal{Std: 0.02 * 0.866}, 1<<18)},
		{"std 3% off", "T2 std", each(func(_ int, v float32) float32 { return v * 1.03 })},
		{"std 1% off at 2^20", "T2 std", draw(3, dist.Normal{Std: 0.0202}, 1<<20)},
		{"uniform", "T4", draw(4, dist.Uniform{Low: -0.0346410162, High: 0.0346410162}, 1<<18)},
		{"shift", "T1 mean", each(func(_ int, v float32) float32 { return v + 0.001 })},
		{"clipped", "T8", each(func(_ int, v float32) float32 { return max(-0.06, min(0.06, v)) })},
		{"one outlier", "T7 edges", each(func(i int, v float32) float32 {
			if i == 77 {
				return 2
			}
			return v
		})},
		{"not a number", "T0 finite", each(func(i int, v float32) float32 {
			if i == 77 {
				return float32(math.NaN())
			}
			return v
		})},
		{"one scaled row", "T9 row squares extreme", each(func(i int, v float32) float32 {
			if i/512 == 9 {
				return v * 2
			}
			return v
		})},
	} {
		s := battery.Sample[float32]{Values: slices.Clone(c.values), Law: l}
		if len(c.values) == 1<<18 {
			s.Rows, s.Cols = 512, 512
		}
		var by []string
		for _, f := range battery.OneSample(s) {
			if f.Failed || f.Gate && f.P < 2e-9 {
				by = append(by, f.Name)
			}
		}
		t.Logf("%s: %v", c.name, by)
		if c.by == "" {
			require.Empty(t, by, c.name)
			continue
		}
		require.True(t, slices.ContainsFunc(by, func(n string) bool { return strings.HasPrefix(n, c.by) }), "%s: %v", c.name, by)
	}
	r := battery.NewReuse(1 << 19)
	battery.Add(r, 0, good, l)
	battery.Add(r, 1, draw(5, dist.Normal{Std: 0.02}, 1<<18), l)
	require.Empty(t, r.Find())
	battery.Add(r, 2, each(func(_ int, v float32) float32 { return -v })[1000:], l)
	require.Len(t, r.Find(), 1, "the same stream at an offset with the sign flipped")
}

func TestEqualAndOtherSamples(t *testing.T) {
	draws := func(seed uint64, std float64) []float32 { return draw(seed, dist.Normal{Std: std}, 1<<16) }
	for _, f := range battery.TwoSample(draws(1, 1), draws(2, 1), battery.F32) {
		require.False(t, f.Failed || f.P < 1e-4, "%+v", f)
	}
	require.True(t, slices.ContainsFunc(battery.TwoSample(draws(1, 1), draws(2, 1.1), battery.F32), func(f battery.Test) bool { return f.P < 2e-9 }))
}
