package rng_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng"
)

// eachISA runs the benchmark once for each instruction set of this processor.
func eachISA(b *testing.B, f func(b *testing.B)) {
	b.Helper()
	before, err := rng.ISA()
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, rng.SetISA(before)) })
	for _, name := range rng.ISAs() {
		b.Run(name, func(b *testing.B) {
			require.NoError(b, rng.SetISA(name))
			f(b)
		})
	}
}

// sizes are a large tensor, and one that fits the first-level cache.
var sizes = []struct {
	name string
	n    int
}{{"n=2^24", 1 << 24}, {"n=1e4", 10000}}

func benchmarkFill[T float32 | float64](b *testing.B, d dist.Draw) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			dst := make([]T, size.n)
			clear(dst) // warm: pages are there
			eachISA(b, func(b *testing.B) { fillOften(b, d, dst) })
		})
	}
}

func fillOften[T float32 | float64](b *testing.B, d dist.Draw, dst []T) {
	s := rng.New(1)
	for b.Loop() {
		rng.Fill(s, dist.Dist{Draw: d}, dst)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(dst)), "ns/value")
}

func BenchmarkUniform(b *testing.B)    { benchmarkFill[float32](b, uniform(-0.05, 0.05)) }
func BenchmarkUniformF64(b *testing.B) { benchmarkFill[float64](b, uniform(-0.05, 0.05)) }
func BenchmarkNormal(b *testing.B)     { benchmarkFill[float32](b, normal(0, 0.02)) }
func BenchmarkNormalMean(b *testing.B) { benchmarkFill[float32](b, normal(0.1, 0.02)) }
func BenchmarkNormalF64(b *testing.B)  { benchmarkFill[float64](b, normal(0, 0.02)) }
func BenchmarkConstant(b *testing.B)   { benchmarkFill[float32](b, dist.Constant{Value: 0.5}) }

// BenchmarkUniformFold is of a range whose upper bound some words round to.
func BenchmarkUniformFold(b *testing.B) { benchmarkFill[float32](b, uniform(0.1, 0.3)) }

func BenchmarkNormalSmall(b *testing.B) {
	dst := make([]float32, 8)
	eachISA(b, func(b *testing.B) { fillOften(b, normal(0, 0.02), dst) })
}

func BenchmarkNormal16(b *testing.B) {
	dst := make([]float32, 16)
	eachISA(b, func(b *testing.B) { fillOften(b, normal(0, 0.02), dst) })
}

func BenchmarkTruncated(b *testing.B) {
	for _, c := range []struct {
		name string
		d    dist.TruncNormal
	}{
		{"std=0.02", dist.TruncNormal{Std: 0.02, A: -2, B: 2}},
		{"std=1", dist.TruncNormal{Std: 1, A: -2, B: 2}},
		{"tail", dist.TruncNormal{Std: 1, A: 1, B: 3}},
	} {
		b.Run(c.name, func(b *testing.B) {
			dst := make([]float32, 1<<20)
			eachISA(b, func(b *testing.B) {
				s := rng.New(1)
				for b.Loop() {
					_, err := rng.BeginTruncated[float32](s, c.d, int64(len(dst))).Next(dst, func() error { return nil })
					require.NoError(b, err)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(dst)), "ns/value")
			})
		})
	}
}

const benchValues = 1 << 16

func BenchmarkAdvance(b *testing.B) {
	eachISA(b, func(b *testing.B) {
		s := rng.New(1)
		for b.Loop() {
			s.Advance(benchValues)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchValues, "ns/word")
	})
}

func benchmarkCast(b *testing.B, cast func([]byte, []float32)) {
	src := make([]float32, benchValues)
	rng.Fill(rng.New(1), dist.Dist{Draw: normal(0, 0.02)}, src)
	dst := make([]byte, 2*benchValues)
	eachISA(b, func(b *testing.B) {
		for b.Loop() {
			cast(dst, src)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchValues, "ns/value")
	})
}

func BenchmarkBF16(b *testing.B) { benchmarkCast(b, rng.BF16) }
func BenchmarkF16(b *testing.B)  { benchmarkCast(b, rng.F16) }
