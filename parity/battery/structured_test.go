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

func orthogonal(t testing.TB, seed uint64, gain float64, rows, cols int) []float32 {
	t.Helper()
	out, err := rng.Orthogonal[float32](rng.New(seed), gain, int64(rows), int64(cols), func() error { return nil })
	require.NoError(t, err)
	return out
}

func named(t testing.TB, tests []battery.Test, name string) battery.Test {
	t.Helper()
	i := slices.IndexFunc(tests, func(f battery.Test) bool { return f.Name == name })
	require.GreaterOrEqual(t, i, 0, "%s of %v", name, tests)
	return tests[i]
}

func TestOrthogonalMatricesPass(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {1, 40}, {40, 1}, {8, 8}, {64, 64}, {30, 100}, {100, 30}} {
		for _, gain := range []float64{1, 0.01, -3} {
			values := orthogonal(t, 7, gain, shape[0], shape[1])
			tests, negative, diagonals := battery.Orthogonal(values, shape[0], shape[1], gain, battery.F32)
			require.Equal(t, int64(min(shape[0], shape[1])), diagonals)
			require.LessOrEqual(t, negative, diagonals)
			for _, f := range tests {
				require.False(t, f.Failed || f.P < 1e-3, "%v %v: %+v", shape, gain, f)
			}
			require.Equal(t, shape[0]*shape[1] >= 16, slices.ContainsFunc(tests, func(f battery.Test) bool { return f.Name == "T11 Haar marginal" }))
		}
	}
}

func TestTheDiagonalIsThatOfTheMatrixAsStored(t *testing.T) {
	values := make([]float32, 3*5)
	for i, sign := range []float32{-1, 1, -1} {
		values[i*5+i] = sign
	}
	_, negative, diagonals := battery.Orthogonal(values, 3, 5, 1, battery.F32)
	require.Equal(t, [2]int64{2, 3}, [2]int64{negative, diagonals})
	_, negative, _ = battery.Orthogonal(values, 3, 5, -1, battery.F32)
	require.Equal(t, int64(1), negative, "a negative gain turns the signs")
}

func TestMatricesThatAreNotOrthogonalFail(t *testing.T) {
	const n = 520                // more than of which all pairs are multiplied
	good := make([]float32, n*n) // twice the cosine transform
	for i := range good {
		k, j := i/n, i%n
		good[i] = float32(2 * math.Sqrt(2.0/n) * math.Cos(math.Pi*(float64(j)+0.5)*float64(k)/n))
		if k == 0 {
			good[i] /= math.Sqrt2
		}
	}
	fails := func(change func(v []float32)) battery.Test {
		values := slices.Clone(good)
		change(values)
		tests, _, _ := battery.Orthogonal(values, n, n, 2, battery.F32)
		return named(t, tests, "T11 orthogonality")
	}
	f := fails(func([]float32) {})
	require.False(t, f.Failed, "%+v", f)
	require.Contains(t, f.EffectText, "64 random ones of 520 rows")
	f = fails(func(v []float32) {
		for i := range v {
			v[i] *= 1.0001
		}
	})
	require.True(t, f.Failed)
	f = fails(func(v []float32) { v[5*n+3] += 0.1 }) // its row against every random one
	require.True(t, f.Failed, "%+v", f)

	small := orthogonal(t, 4, 1, 20, 50)
	copy(small[7*50:8*50], small[3*50:4*50])
	tests, _, _ := battery.Orthogonal(small, 20, 50, 1, battery.F32)
	f = named(t, tests, "T11 orthogonality")
	require.True(t, f.Failed)
	require.Contains(t, f.EffectText, "rows 3 and 7")
	require.Equal(t, int64(150), f.Index)

	tests, _, diagonals := battery.Orthogonal([]float32{1, 0, 0, float32(math.NaN())}, 2, 2, 1, battery.F32)
	require.True(t, tests[0].Failed)
	require.Zero(t, diagonals)
	tests, _, _ = battery.Orthogonal([]float32{3e38, 0, 0, 3e38}, 2, 2, 1e-300, battery.F32)
	require.True(t, named(t, tests, "T11 orthogonality").Failed, "products without bound")
	for _, shape := range [][2]int{{0, 0}, {-2, -2}, {3, 3}, {1, 5}} { // sizes that are not those of the values
		tests, _, _ = battery.Orthogonal(make([]float32, 4), shape[0], shape[1], 1, battery.F32)
		require.Len(t, tests, 1)
	}
}

// A rounding of every entry by half a unit is inside the tolerance of its type
// and far outside that of float32.
func TestNarrowOrthogonalMatricesPassByTheirOwnTolerance(t *testing.T) {
	for _, typ := range []battery.Type{battery.BF16, battery.F16} {
		for _, n := range []int{1, 2, 8, 64} {
			values := orthogonal(t, 11, 1, n, n)
			for i, v := range values {
				values[i] = narrow(v, typ)
			}
			tests, _, _ := battery.Orthogonal(values, n, n, 1, typ)
			require.False(t, named(t, tests, "T11 orthogonality").Failed, "%v %d", typ, n)
			if n >= 8 {
				tests, _, _ = battery.Orthogonal(values, n, n, 1, battery.F32)
				require.True(t, named(t, tests, "T11 orthogonality").Failed)
			}
			for i := range values {
				values[i] *= 1.01
			}
			tests, _, _ = battery.Orthogonal(values, n, n, 1, typ)
			require.True(t, named(t, tests, "T11 orthogonality").Failed, "a gain off by 1%%: %v %d", typ, n)
		}
	}
}

// narrow rounds to a type, as the file formats do.
func narrow(v float32, typ battery.Type) float32 {
	bits := math.Float32bits(v)
	drop := uint32(16)
	if typ == battery.F16 {
		if unit := float32(1.0 / (1 << 24)); v > -1.0/(1<<14) && v < 1.0/(1<<14) {
			return float32(math.RoundToEven(float64(v/unit))) * unit
		}
		drop = 13
	}
	bits += 1<<(drop-1) - 1 + bits>>drop&1
	return math.Float32frombits(bits &^ (1<<drop - 1))
}

func TestSignsThatWereNotSetRightAreSeen(t *testing.T) {
	require.Equal(t, 1.0, battery.SignBalance(50, 100).P)
	require.Less(t, battery.SignBalance(20, 100).P, 2e-9)
	require.InEpsilon(t, 2*math.Pow(0.5, 10), battery.SignBalance(0, 10).P, 1e-12)
	require.True(t, battery.SignBalance(3, 10).Discrete)
	require.Equal(t, 1.0, battery.SignBalance(0, 0).P)
}

func spectrum(seed uint64, d dist.Draw, n int) *battery.Spectrum {
	l, _ := battery.LawOf(dist.Dist{Draw: d})
	return battery.NewSpectrum(draw(seed, d, n), l)
}

func TestOneSeedForTwoFamiliesIsSeen(t *testing.T) {
	normal, uniform := dist.Normal{Std: 0.02}, dist.Uniform{Low: -1, High: 3}
	f := battery.Correlate(spectrum(1, normal, 1<<16), spectrum(1, uniform, 1<<16))
	require.InDelta(t, 87, math.Abs(f.Stat), 3, "z as the specification measured it")
	require.Zero(t, f.P)
	require.False(t, f.Discrete)
	for seed := range uint64(3) {
		f = battery.Correlate(spectrum(10+seed, normal, 1<<16), spectrum(20+seed, uniform, 30_000))
		require.Greater(t, f.P, 1e-4, "fresh seeds")
	}
}

func TestACopyAtADistanceIsSeen(t *testing.T) {
	normal := dist.Normal{Std: 1}
	l, _ := battery.LawOf(dist.Dist{Draw: normal})
	values := draw(5, normal, 20_000)
	a := battery.NewSpectrum(values, l)
	for _, c := range []struct {
		values []float32
		sign   float64
		text   string
	}{
		{values[1000:], 1, "at distance -1000"},
		{slices.Concat(draw(6, normal, 700), values[:9000]), 1, "at distance 700"},
		{slices.Collect(func(yield func(float32) bool) {
			for _, v := range values {
				if !yield(-v) {
					return
				}
			}
		}), -1, "at distance 0"},
	} {
		f := battery.Correlate(a, battery.NewSpectrum(c.values, l))
		require.Less(t, f.P, 1e-100)
		require.Contains(t, f.EffectText, c.text)
		require.Equal(t, c.sign, math.Copysign(1, f.Stat))
		require.True(t, strings.HasPrefix(f.EffectText, "z="))
	}
	one := battery.NewSpectrum(values[:1], l)
	require.Greater(t, battery.Correlate(one, one).P, 0.0, "the shortest tensor")
	none := battery.NewSpectrum(values[:0], l)
	require.Equal(t, 1.0, battery.Correlate(none, a).P)
}

func TestUniformSeesWhatIsNot(t *testing.T) {
	even, low := make([]float64, 1000), make([]float64, 1000)
	for i := range even {
		even[i] = (float64(i) + 0.5) / 1000
		low[i] = even[i] * even[i]
	}
	require.Greater(t, battery.Uniform(even).P, 0.999)
	require.Less(t, battery.Uniform(low).P, 1e-12)
	require.Equal(t, battery.Uniform(even).P, battery.Uniform(append(even, math.NaN())).P)
	require.Equal(t, int64(0), battery.Uniform(nil).N)
}
