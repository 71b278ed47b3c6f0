package battery_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
)

// inType draws n values as torch does in a narrow type itself.
func inType(seed uint64, d dist.Draw, n int, typ battery.Type) []float32 {
	switch d := d.(type) {
	case dist.Uniform:
		out := draw(seed, d, n)
		for i, v := range out {
			if out[i] = narrow(v, typ); out[i] == narrow(float32(d.High), typ) {
				out[i] = narrow(float32(d.Low), typ)
			}
		}
		return out
	case dist.TruncNormal:
		low, high := narrow(float32(d.A), typ), narrow(float32(d.B), typ)
		var out []float32
		for len(out) < n {
			for _, v := range draw(seed, dist.Normal{Mean: d.Mean, Std: d.Std}, n) {
				if v = narrow(v, typ); v >= low && v <= high {
					out = append(out, v)
				}
			}
			seed += 1 << 20
		}
		return out[:n]
	}
	return nil
}

func gateFailures(tests []battery.Test, limit float64) []string {
	var out []string
	for _, f := range tests {
		if f.Failed || f.Gate && f.P < limit {
			out = append(out, fmt.Sprintf("%s p=%.2g", f.Name, f.P))
		}
	}
	return out
}

// Values that torch drew in the type itself pass, as rounded ones do; their
// p-values are uniform.
func TestValuesDrawnInANarrowTypePass(t *testing.T) {
	for name, d := range map[string]dist.Draw{
		"uniform":        dist.Uniform{Low: -0.0765, High: 0.0765},
		"uniform from 0": dist.Uniform{Low: 0, High: 1},
		"cut outwards":   dist.TruncNormal{Std: 0.02, A: -0.04, B: 0.04},
		"cut exactly":    dist.TruncNormal{Std: 1, A: -2, B: 2},
		"cut uneven":     dist.TruncNormal{Mean: 0.3, Std: 0.1, A: 0.1, B: 0.37},
	} {
		l := lawOf(t, d)
		for _, typ := range []battery.Type{battery.BF16, battery.F16} {
			t.Run(fmt.Sprint(name, typ), func(t *testing.T) {
				seen := map[string][]float64{}
				for seed := range uint64(12) {
					for _, n := range []int{8, 300, 20_000} {
						tests := battery.OneSample(battery.Sample[float32]{Values: inType(300+seed, d, n, typ), Law: l, Type: typ})
						require.Empty(t, gateFailures(tests, 1e-6), n)
						for _, f := range tests {
							if n == 20_000 && f.Gate && !f.Fact && !f.Discrete {
								seen[f.Name] = append(seen[f.Name], f.P)
							}
						}
					}
				}
				for test, p := range seen {
					require.Greater(t, battery.Uniform(p).P, 1e-5, test)
				}
				big := inType(77, d, 1<<19, typ)
				require.Empty(t, gateFailures(battery.OneSample(battery.Sample[float32]{Values: big, Law: l, Type: typ}), 1e-6), "many values")
			})
		}
	}
}

// What is accepted of a narrow type is no fault that a law lets pass: values of
// few digits in float32, and bounds that are off, fail as ever.
func TestNarrowDrawsHideNoFault(t *testing.T) {
	d := dist.Uniform{Low: -0.0765, High: 0.0765}
	l := lawOf(t, d)
	one := func(values []float32, typ battery.Type) []string {
		return gateFailures(battery.OneSample(battery.Sample[float32]{Values: values, Law: l, Type: typ}), 1e-9)
	}
	for _, typ := range []battery.Type{battery.BF16, battery.F16} {
		require.NotEmpty(t, one(inType(5, d, 1<<18, typ), battery.F32), "rounded, and said to be float32")
		narrower := draw(6, dist.Uniform{Low: -0.0755, High: 0.0755}, 1<<16)
		wider := draw(7, dist.Uniform{Low: -0.0765, High: 0.0785}, 1<<16)
		for i := range narrower {
			narrower[i], wider[i] = narrow(narrower[i], typ), narrow(wider[i], typ)
		}
		require.NotEmpty(t, one(narrower, typ), "narrower")
		require.NotEmpty(t, one(wider, typ), "wider")
	}
	cut := dist.TruncNormal{Std: 0.02, A: -0.04, B: 0.04}
	other := inType(8, dist.TruncNormal{Std: 0.02, A: -0.0405, B: 0.0405}, 1<<16, battery.BF16)
	require.NotEmpty(t, gateFailures(battery.OneSample(battery.Sample[float32]{Values: other, Law: lawOf(t, cut), Type: battery.BF16}), 1e-9), "cut farther out")
}

// Without a law, a sample that was drawn in the type itself and a rounded one are
// one scheme, too.
func TestBothWaysToANarrowUniformAreOne(t *testing.T) {
	for _, d := range []dist.Uniform{{Low: -0.0765, High: 0.0765}, {Low: 0, High: 1}, {Low: -1, High: -0.5}} {
		for _, typ := range []battery.Type{battery.BF16, battery.F16} {
			rounded := draw(1, d, 1<<18)
			for i, v := range rounded {
				rounded[i] = narrow(v, typ)
			}
			folded := inType(2, d, 1<<18, typ)
			require.NotEqual(t, slices.Max(rounded), slices.Max(folded))
			require.Empty(t, gateFailures(battery.TwoSample(slices.Clone(folded), slices.Clone(rounded), typ), 1e-6), "%v of type %d", d, typ)
			require.Empty(t, gateFailures(battery.TwoSample(slices.Clone(rounded), slices.Clone(folded), typ), 1e-6), "%v of type %d", d, typ)
			rounded[9] = 5
			require.NotEmpty(t, gateFailures(battery.TwoSample(folded, rounded, typ), 1e-6), "an outlier is not folded away")
		}
	}
}
