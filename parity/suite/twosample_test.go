package suite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/suite"
	"github.com/weightinit/weightinit/rng"
)

// fault is what two samples without a law must see in one of them.
type fault struct {
	name, dtype string
	shape       []int64
	test        string
	change      func(v []float32)
}

// draws of the test; all have a standard deviation of 1 or near it.
var (
	bell   = dist.Normal{Std: 1}
	square = dist.Uniform{Low: -1.7, High: 1.7}
)

// at sets one value.
func at(index int, value float32) func([]float32) {
	return func(v []float32) { v[index] = value }
}

// line multiplies the line of a tensor whose lines of inner values recur after
// outer ones: a row of C values by (r*C, C, all), a column by (c, 1, C).
func line(first, inner, outer int, by float32) func([]float32) {
	return func(v []float32) {
		for start := first; start < len(v); start += outer {
			for i := range inner {
				v[start+i] *= by
			}
		}
	}
}

func lines(all ...func([]float32)) func([]float32) {
	return func(v []float32) {
		for _, f := range all {
			f(v)
		}
	}
}

func faults() []fault {
	const all = 1 << 30
	return []fault{
		{"2000 std among 10^6", "F32", []int64{1000, 1000}, "T7' outliers", at(3004, 2000)},
		{"-100 std in a vector", "F32", []int64{1000}, "T7' outliers", at(999, -100)},
		{"8 std in a vector", "F32", []int64{1000}, "T7' outliers", at(0, 8)},
		{"9 std in 32 x 32", "F32", []int64{32, 32}, "T7' outliers", at(77, 9)},
		{"12 std in bf16", "BF16", []int64{100, 100}, "T7' outliers", at(5000, -12)},
		{"12 std in f16", "F16", []int64{100, 100}, "T7' outliers", at(5000, 12)},
		{"12 std in f64", "F64", []int64{100, 100}, "T7' outliers", at(5000, 12)},
		{"12 std in a convolution", "F32", []int64{16, 16, 3, 3}, "T7' outliers", at(2303, 12)},
		{"three values of 30 std", "F32", []int64{2000}, "T7' outliers", lines(at(1, 30), at(500, -31), at(1999, 30.5))},
		{"a row twice as wide", "F32", []int64{300, 400}, "T9' row spread extreme", line(17*400, 400, all, 2)},
		{"a row 1.5 times as wide", "F32", []int64{200, 600}, "T9' row spread extreme", line(17*600, 600, all, 1.5)},
		{"the last row", "F32", []int64{200, 128}, "T9' row spread extreme", line(199*128, 128, all, 2)},
		{"a narrower row", "F32", []int64{200, 128}, "T9' row spread extreme", line(0, 128, all, 0.5)},
		{"a wide row in bf16", "BF16", []int64{100, 256}, "T9' row spread extreme", line(256, 256, all, 2)},
		{"a wide row in f64", "F64", []int64{100, 256}, "T9' row spread extreme", line(256, 256, all, 2)},
		{"a wide column", "F32", []int64{800, 64}, "T9' column spread extreme", line(63, 1, 64, 1.5)},
		{"a wide column in f16", "F16", []int64{300, 64}, "T9' column spread extreme", line(0, 1, 64, 2)},
		{"a wide output channel", "F32", []int64{32, 32, 3, 3}, "T9' dimension 0 spread extreme", line(5*288, 288, all, 2)},
		{"a wide input channel", "F32", []int64{32, 32, 3, 3}, "T9' dimension 1 spread extreme", line(7*9, 9, 288, 2)},
		{"a wide place of the kernel", "F32", []int64{32, 32, 3, 3}, "T9' dimension 2 spread extreme", line(3, 3, 9, 1.5)},
		{"the padding row missing or extra", "F32", []int64{500, 64}, "T0' row of zeros", line(0, 64, all, 0)},
		{"a padding row of 8 values", "F32", []int64{500, 8}, "T0' row of zeros", line(499*8, 8, all, 0)},
		{"several zero rows", "F32", []int64{100, 32}, "T0' row of zeros", lines(line(0, 32, all, 0), line(320, 32, all, 0), line(99*32, 32, all, 0))},
		{"a zero row in bf16", "BF16", []int64{100, 32}, "T0' row of zeros", line(64, 32, all, 0)},
		{"a zero column", "F32", []int64{100, 32}, "T0' column of zeros", line(31, 1, 32, 0)},
		{"a zero channel", "F32", []int64{8, 8, 3, 3}, "T0' dimension 0 of zeros", line(0, 72, all, 0)},
		{"a shifted row", "F32", []int64{100, 200}, "T9' row sums extreme", func(v []float32) {
			for i := range 200 {
				v[3*200+i] += 1
			}
		}},
		{"scattered zeros", "F32", []int64{10_000}, "T8' zeros", func(v []float32) {
			for i := range 60 {
				v[i*150] = 0
			}
		}},
		{"a sorted vector", "F32", []int64{4000}, "T9' neighbours", func(v []float32) {
			for i := range v { // as good as sorted: the lower half first
				if (v[i] > 0) != (i >= len(v)/2) {
					v[i] = -v[i]
				}
			}
		}},
	}
}

func drawnTensor(t *testing.T, f fault, d dist.Draw, seed uint64) *tensor {
	t.Helper()
	n := int64(1)
	for _, size := range f.shape {
		n *= size
	}
	out := &tensor{"w", f.dtype, f.shape, make([]float32, n)}
	rng.Fill(rng.New(seed), dist.Dist{Draw: d}, out.values)
	return out
}

// Without a law, one value far out, one line of another scale or of zeros is
// seen in either of the two sets, and seen as what it is; the same values
// without the fault pass.
func TestTwoSamplesSeeSingleValuesAndLines(t *testing.T) {
	for i, f := range faults() {
		for law, d := range map[string]dist.Draw{"normal": bell, "uniform": square} {
			t.Run(f.name+", "+law, func(t *testing.T) {
				seed := uint64(1000 + 10*i)
				good, other := drawnTensor(t, f, d, seed), drawnTensor(t, f, d, seed+1)
				run := func(reference, candidate *tensor) engine.Result {
					r, err := suite.Run(t.Context(), inMemory(t, []*tensor{reference}), inMemory(t, []*tensor{candidate}), nil, suite.Options{Check: suite.Stats})
					require.NoError(t, err)
					return r
				}
				require.Empty(t, failed(run(good, other)), "nothing is wrong")
				f.change(other.values)
				for side, r := range map[string]engine.Result{"candidate": run(good, other), "reference": run(other, good)} {
					require.True(t, strings.Contains(failed(r), "w "+f.test), "in the %s: %s", side, failed(r))
				}
			})
		}
	}
}

// What both samples have is no fault, however odd: the same lines of another
// scale or of zeros, values far out at the same place, a seed that is the same
// but for the last bits.
func TestTwoSamplesPassWhatBothHave(t *testing.T) {
	for i, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			a, b := drawnTensor(t, f, bell, uint64(5000+10*i)), drawnTensor(t, f, bell, uint64(5001+10*i))
			f.change(a.values)
			f.change(b.values)
			r, err := suite.Run(t.Context(), inMemory(t, []*tensor{a}), inMemory(t, []*tensor{b}), nil, suite.Options{Check: suite.Stats})
			require.NoError(t, err)
			require.Empty(t, failed(r))
		})
	}
	for _, by := range []float64{1 + 1e-6, 1 - 1e-6} {
		t.Run(fmt.Sprint("one seed, times ", by), func(t *testing.T) {
			f := fault{dtype: "F32", shape: []int64{200, 300}}
			a, b := drawnTensor(t, f, bell, 3), drawnTensor(t, f, bell, 3)
			b.scale(by)
			r, err := suite.Run(t.Context(), inMemory(t, []*tensor{a}), inMemory(t, []*tensor{b}), nil, suite.Options{Check: suite.Stats})
			require.NoError(t, err)
			require.Empty(t, failed(r))
		})
	}
}
