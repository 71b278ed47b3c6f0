package philox

import "testing"

func BenchmarkFill(b *testing.B) {
	const n = 1 << 16
	narrow, wide, words := make([]float32, n), make([]float64, n), make([]uint32, n)
	k := Key{Seed: 1, Offset: 2}
	for _, c := range []struct {
		name string
		fill func()
	}{
		{"words", func() { Words(words, k, 0) }},
		{"uniform/f32", func() { UniformF32(narrow, k, 0, -1, 1) }},
		{"normal/f32", func() { NormalF32(narrow, k, 0, 0, 1) }},
		{"uniform/f64", func() { UniformF64(wide, k, 0, -1, 1) }},
		{"normal/f64", func() { NormalF64(wide, k, 0, 0, 1) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.fill()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/value")
		})
	}
}
