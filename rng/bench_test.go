package rng_test

import (
	"testing"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng"
)

func benchmarkFill[T float32 | float64](b *testing.B, d dist.Draw, n int) {
	s := rng.New(1)
	dst := make([]T, n)
	size := int64(4)
	if _, isWide := any(T(0)).(float64); isWide {
		size = 8
	}
	b.SetBytes(int64(n) * size)
	for b.Loop() {
		rng.Fill(s, dist.Dist{Draw: d}, dst)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/value")
}

const benchValues = 1 << 16

func BenchmarkUniformF32(b *testing.B) { benchmarkFill[float32](b, uniform(-0.05, 0.05), benchValues) }
func BenchmarkUniformF64(b *testing.B) { benchmarkFill[float64](b, uniform(-0.05, 0.05), benchValues) }
func BenchmarkNormalF32(b *testing.B)  { benchmarkFill[float32](b, normal(0, 0.02), benchValues) }
func BenchmarkNormalF32Mean(b *testing.B) {
	benchmarkFill[float32](b, normal(0.1, 0.02), benchValues)
}
func BenchmarkNormalF64(b *testing.B)   { benchmarkFill[float64](b, normal(0, 0.02), benchValues) }
func BenchmarkNormalSmall(b *testing.B) { benchmarkFill[float32](b, normal(0, 0.02), 8) }

func BenchmarkAdvance(b *testing.B) {
	s := rng.New(1)
	for b.Loop() {
		s.Advance(benchValues)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchValues, "ns/word")
}

func benchmarkCast(b *testing.B, cast func([]byte, []float32)) {
	src := make([]float32, benchValues)
	rng.Fill(rng.New(1), dist.Dist{Draw: normal(0, 0.02)}, src)
	dst := make([]byte, 2*benchValues)
	for b.Loop() {
		cast(dst, src)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchValues, "ns/value")
}

func BenchmarkBF16(b *testing.B) { benchmarkCast(b, rng.BF16) }
func BenchmarkF16(b *testing.B)  { benchmarkCast(b, rng.F16) }
