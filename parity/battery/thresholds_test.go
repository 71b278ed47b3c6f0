package battery_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
)

// thresholds are the numbers of values at which tests begin, and those before.
var thresholds = []int{1, 2, 15, 16, 63, 64, 255, 256, 1023, 1024, 4095, 4096, 65535, 65536}

// requireSound demands that every test that gates has a chance between 0 and 1.
func requireSound(t *testing.T, tests []battery.Test, n int64, text string) {
	t.Helper()
	for _, f := range tests {
		if f.Fact {
			require.True(t, math.IsNaN(f.P), "%s: %+v", text, f)
			continue
		}
		// What does not gate may have none: the skewness of equal values.
		require.True(t, f.P >= 0 && f.P <= 1 || !f.Gate && math.IsNaN(f.P), "%s: %+v", text, f)
		require.Equal(t, n, f.N, "%s: %+v", text, f)
	}
}

func TestAtEveryThresholdEveryTestHasAChance(t *testing.T) {
	for name, d := range someLaws() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lawOf(t, d)
			for _, n := range thresholds {
				for _, typ := range []battery.Type{battery.F32, battery.BF16, battery.F16} {
					if typ != battery.F32 && n > 4096 {
						continue
					}
					text := fmt.Sprintf("%d values of type %v", n, typ)
					x, y := draw(uint64(n), d, n), draw(uint64(n)+1<<20, d, n)
					for i := range x {
						if typ != battery.F32 {
							x[i], y[i] = narrow(x[i], typ), narrow(y[i], typ)
						}
					}
					rows := max(1, n/16)
					s := battery.Sample[float32]{Values: append([]float32(nil), x...), Law: l, Type: typ, Rows: rows, Cols: n / rows}
					requireSound(t, battery.OneSample(s), int64(n), text)
					requireSound(t, battery.TwoSample(y, x, typ), int64(2*n), text)
				}
			}
		})
	}
}

// Values that no law gives must not give chances that are no numbers either.
func TestOddValuesHaveAChanceToo(t *testing.T) {
	t.Parallel()
	odd := map[string]func(i int) float32{
		"zeros":           func(int) float32 { return 0 },
		"ones":            func(int) float32 { return 1 },
		"two values":      func(i int) float32 { return float32(i%2)*0.08 - 0.04 },
		"counting":        func(i int) float32 { return float32(i) },
		"largest numbers": func(i int) float32 { return float32(1-2*(i%2)) * math.MaxFloat32 },
		"smallest":        func(i int) float32 { return float32(i%3-1) * math.SmallestNonzeroFloat32 },
		"one far out":     func(i int) float32 { return 1e30 * float32(max(0, 1-i)) },
	}
	for name, f := range odd {
		for _, n := range []int{1, 16, 64, 300, 5000} {
			values := make([]float32, n)
			for i := range values {
				values[i] = f(i)
			}
			for law, d := range someLaws() {
				for _, typ := range []battery.Type{battery.F32, battery.BF16} {
					text := fmt.Sprintf("%s, %d values against %s of type %v", name, n, law, typ)
					tests := battery.OneSample(battery.Sample[float32]{Values: append([]float32(nil), values...), Law: lawOf(t, d), Type: typ, Rows: n / 10, Cols: 10})
					requireSound(t, tests, int64(n), text)
					fresh := draw(3, d, n)
					requireSound(t, battery.TwoSample(fresh, append([]float32(nil), values...), typ), int64(2*n), text)
				}
			}
		}
	}
}

// Rows and columns are tested from 16 of 16 on.
func TestLinesBeginAtSixteenBySixteen(t *testing.T) {
	d := dist.Normal{Std: 0.02}
	for _, c := range []struct {
		rows, cols int
		want       bool
	}{{15, 16, false}, {16, 15, false}, {16, 16, true}, {15, 5000, false}, {5000, 16, true}, {16, 17, true}} {
		tests := battery.OneSample(battery.Sample[float32]{Values: draw(9, d, c.rows*c.cols), Law: lawOf(t, d), Rows: c.rows, Cols: c.cols})
		count := 0
		for _, f := range tests {
			if len(f.Name) > 6 && (f.Name[:6] == "T9 row" || f.Name[:6] == "T9 col") {
				count++
			}
		}
		want := 0
		if c.want {
			want = 8
		}
		require.Equal(t, want, count, "%d rows of %d", c.rows, c.cols)
	}
}
