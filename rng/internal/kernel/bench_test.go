package kernel

import (
	"testing"

	"github.com/weightinit/weightinit/rng/internal/isa"
)

// BenchmarkInCache times the kernels on memory of the first-level cache, each
// with every instruction set of this processor.
func BenchmarkInCache(b *testing.B) {
	const n = 2 * N
	var e Engine
	e.Seed(1)
	words, dst := make([]uint32, n), make([]float32, n)
	wide, wideWords := make([]float64, n), make([]uint32, 2*n)
	e.Read(words)
	e.Read(wideWords)
	for _, k := range []struct {
		name   string
		values int
		run    func()
	}{
		{"refresh", n, func() { e.refresh(n / N) }},
		{"outputs", n, func() { e.outputs(words, n/N) }},
		{"uniform", n, func() { e.UniformF32(dst, -0.05, 0.05) }},
		{"normals of words", n, func() { NormalF32(dst, words, 0, 0.02) }},
		{"float64 normals of words", n, func() { NormalF64(wide, wideWords, 0, 0.02) }},
		{"one block of normals of words", Block, func() { NormalF32(dst[:Block], words[:Block], 0, 0.02) }},
	} {
		for _, i := range isa.Supported() {
			b.Run(k.name+"/"+i.String(), func(b *testing.B) {
				before := isa.Active()
				defer isa.Set(before)
				isa.Set(i)
				for b.Loop() {
					k.run()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(k.values), "ns/value")
			})
		}
	}
}
