//go:build (!amd64 && !arm64) || purego

package kernel

// Here everything is generic.

// stepTime is about how many nanoseconds a word of a refresh takes.
func stepTime() float64 { return 1.4 }

func (e *Engine) refresh(blocks int) {
	for range blocks {
		refreshGeneric(e.Words())
	}
}

func (e *Engine) outputs(dst []uint32, blocks int) {
	for i := range blocks {
		refreshGeneric(e.Words())
		temperGeneric(dst[i*N:(i+1)*N], e.words[:N])
	}
}

func temper(dst, src []uint32) { temperGeneric(dst, src) }

func fastUniform(float32, float32) (u uniformPlan, ok bool) { return uniformPlan{}, false }

func (e *Engine) uniformBlocks([]float32, int, uniformPlan) {}

func uniformFrom([]float32, []uint32, uniformPlan) {}

func normalF32(dst []float32, words []uint32, mean, std float32) {
	normalF32Generic(dst, words, mean, std)
}

func multiplyF32(dst []float32, by float32) { multiplyGeneric(dst, by) }
func bf16Slice(dst []byte, src []float32)   { bf16Generic(dst, src) }
func f16Slice(dst []byte, src []float32)    { f16Generic(dst, src) }

func insideF32([]float32, float32, float32) int { return 0 }
