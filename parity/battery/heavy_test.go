package battery

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two lists of one law with heavy tails: the one that has the farthest value has
// most of the squares by it alone.
func TestHeavyTailsAreNoOtherSpread(t *testing.T) {
	const runs, n = 1500, 4096
	heavy := func(degrees int) func(*rand.Rand) float64 {
		return func(r *rand.Rand) float64 {
			sum := 0.0
			for range degrees {
				z := r.NormFloat64()
				sum += z * z
			}
			return r.NormFloat64() / math.Sqrt(sum/float64(degrees))
		}
	}
	for name, draw := range map[string]func(*rand.Rand) float64{
		"student 1": heavy(1), "student 2": heavy(2), "student 4": heavy(4),
		"log normal": func(r *rand.Rand) float64 { return math.Exp(2 * r.NormFloat64()) },
		"rare":       func(r *rand.Rand) float64 { return max(0, r.NormFloat64()-3) },
		"normal":     (*rand.Rand).NormFloat64,
	} {
		r := rand.New(rand.NewPCG(1, 2))
		p := make([]float64, runs)
		var lists [2][n]float64
		for i := range p {
			for k := range lists {
				for j := range lists[k] {
					lists[k][j] = draw(r)
				}
			}
			x, y := momentsOf(lists[0][:], 0), momentsOf(lists[1][:], 0)
			p[i] = twoMoments(x, y, n, n)[1].P
		}
		slices.Sort(p)
		hundredth, _ := slices.BinarySearch(p, 0.01)
		t.Logf("%s: %d of %d below 0.01, smallest %.2g", name, hundredth, runs, p[0])
		require.GreaterOrEqual(t, BinomialUpper(int64(hundredth), runs, 0.01), 1e-6, name)
		require.GreaterOrEqual(t, p[0], 1e-6/runs, name)
		if name == "normal" {
			require.Greater(t, Uniform(p).P, 1e-6, name)
		}
	}
}

// A spread that is another one is found whatever the tails, if they are not so
// heavy that there is none.
func TestAnotherSpreadIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, by := range []float64{0, 1e-6, 0.8, 1.2, 1000} {
		x, y := make([]float64, 4096), make([]float64, 4096)
		for i := range x {
			x[i], y[i] = by*r.NormFloat64(), r.NormFloat64()
		}
		require.Less(t, twoMoments(momentsOf(x, 0), momentsOf(y, 0), len(x), len(y))[1].P, 1e-12, by)
	}
}

// A kernel of zeros lies in no line along one dimension.
func TestAKernelOfZerosIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	shape := []int64{8, 8, 3, 3}
	for _, which := range []string{"no side", "the candidate", "both sides"} {
		x, y := make([]float32, 576), make([]float32, 576)
		for i := range x {
			x[i], y[i] = float32(r.NormFloat64()), float32(r.NormFloat64())
		}
		if which != "no side" {
			clear(x[9*19 : 9*20])
		}
		if which == "both sides" {
			clear(y[9*19 : 9*20])
		}
		found := find(t, TwoSample(y, x, F32, shape...), "T0' kernel of zeros")
		if which != "the candidate" {
			require.Equal(t, 1.0, found.P, which)
			continue
		}
		require.Less(t, found.P, 1e-15)
		require.Contains(t, found.EffectText, "kernel 19 of the candidate")
		require.EqualValues(t, 9*19, found.Index)
	}
	require.Empty(t, kernelsTest(make([]float32, 256), make([]float32, 256), []int64{64, 2, 2}))
}

// Where most values are equal, the statistic of Anderson and Darling is that of
// the others.
func TestManyEqualValuesAreNoOtherLaw(t *testing.T) {
	const runs, n = 3000, 1000
	for _, share := range []float64{0.02, 0.1, 0.5} {
		r := rand.New(rand.NewPCG(7, 8))
		p := make([]float64, runs)
		var lists [2][]float64
		for i := range p {
			for k := range lists {
				lists[k] = make([]float64, n)
				for j := range lists[k] {
					if r.Float64() < share {
						lists[k][j] = r.NormFloat64()
					}
				}
				slices.Sort(lists[k])
			}
			merged := merge(lists[0], lists[1], 0)
			p[i] = AndersonDarling(merged.anderson.total() / (n * n))
		}
		slices.Sort(p)
		thousandth, _ := slices.BinarySearch(p, 0.001)
		require.GreaterOrEqual(t, BinomialUpper(int64(thousandth), runs, 0.001), 1e-6, share)
	}
}
