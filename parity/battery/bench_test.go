package battery

import (
	"slices"
	"testing"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng"
)

const benchValues = 1 << 22

func benchDraw[T Float](b *testing.B, seed uint64, d dist.Draw) ([]T, Law) {
	b.Helper()
	l, ok := LawOf(dist.Dist{Draw: d})
	if !ok {
		b.Fatal("no law")
	}
	single := make([]float32, benchValues)
	out := make([]T, len(single))
	if l.kind == cut { // not drawn by package rng
		rng.Fill(rng.New(seed), dist.Dist{Draw: dist.Uniform{Low: 0, High: 1}}, single)
		for i, v := range single {
			out[i] = T(l.Quantile(float64(v) + edge/2))
		}
		return out, l
	}
	rng.Fill(rng.New(seed), dist.Dist{Draw: d}, single)
	for i, v := range single {
		out[i] = T(v)
	}
	return out, l
}

// onCopies runs f on a copy of values, made off the clock.
func onCopies[T Float](b *testing.B, values []T, f func([]T)) {
	work := make([]T, len(values))
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		copy(work, values)
		b.StartTimer()
		f(work)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(values)), "ns/value")
	b.ReportMetric(0, "ns/op")
}

var benchLaws = []struct {
	name string
	draw dist.Draw
}{
	{"normal", dist.Normal{Std: 0.02}},
	{"uniform", dist.Uniform{Low: -0.1, High: 0.1}},
	{"cut", dist.TruncNormal{Std: 0.02, A: -0.04, B: 0.04}},
}

func BenchmarkOneSample(b *testing.B) {
	for _, c := range benchLaws {
		b.Run(c.name, func(b *testing.B) {
			values, l := benchDraw[float32](b, 1, c.draw)
			onCopies(b, values, func(v []float32) {
				OneSample(Sample[float32]{Values: v, Law: l, Rows: benchValues / 1024, Cols: 1024})
			})
		})
	}
	b.Run("float64", func(b *testing.B) {
		values, l := benchDraw[float64](b, 1, benchLaws[0].draw)
		onCopies(b, values, func(v []float64) {
			OneSample(Sample[float64]{Values: v, Law: l, Type: F64, Rows: benchValues / 1024, Cols: 1024})
		})
	})
}

func BenchmarkParts(b *testing.B) {
	values, l := benchDraw[float32](b, 1, benchLaws[0].draw)
	other, _ := benchDraw[float32](b, 2, benchLaws[0].draw)
	s := Sample[float32]{Values: values, Law: l, Rows: benchValues / 1024, Cols: 1024}
	b.Run("sort", func(b *testing.B) { onCopies(b, values, func(v []float32) { sortFloats(v) }) })
	b.Run("library sort", func(b *testing.B) { onCopies(b, values, func(v []float32) { slices.Sort(v) }) })
	b.Run("finite", func(b *testing.B) { onCopies(b, values, func([]float32) { Finite(values) }) })
	b.Run("moments", func(b *testing.B) { onCopies(b, values, func([]float32) { momentTests(s) }) })
	b.Run("order", func(b *testing.B) { onCopies(b, values, func([]float32) { orderTests(s) }) })
	b.Run("serial", func(b *testing.B) { onCopies(b, values, func([]float32) { serialCorrelation(values, 0) }) })
	b.Run("runs", func(b *testing.B) { onCopies(b, values, func([]float32) { runsTest(values, 0) }) })
	for _, c := range benchLaws {
		values, l := benchDraw[float32](b, 1, c.draw)
		s := Sample[float32]{Values: values, Law: l, Rows: benchValues / 1024, Cols: 1024}
		b.Run("lines/"+c.name, func(b *testing.B) { onCopies(b, values, func([]float32) { lineTests(s) }) })
		b.Run("add/"+c.name, func(b *testing.B) { onCopies(b, values, func(v []float32) { Add(NewReuse(benchValues), 0, v, l) }) })
		b.Run("fitted/"+c.name, func(b *testing.B) { onCopies(b, values, func(v []float32) { Fitted(l, v) }) })
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		s.Values = sorted
		b.Run("shape/"+c.name, func(b *testing.B) { onCopies(b, values, func([]float32) { shapeTests(s) }) })
	}
	x, y := slices.Clone(values), slices.Clone(other)
	slices.Sort(x)
	slices.Sort(y)
	b.Run("between", func(b *testing.B) { onCopies(b, values, func([]float32) { Between(x, y) }) })
	b.Run("two samples", func(b *testing.B) {
		onCopies(b, values, func(v []float32) { TwoSample(slices.Clone(other), v, F32) })
	})
}
