//go:build !amd64 || purego

package philox

func (s *schedule) words(dst []uint32, counter uint64) { s.wordsGeneric(dst, counter) }

func uniformF32(dst []float32, words []uint32, low, width float32) {
	uniformF32Generic(dst, words, low, width)
}

func normalF32(dst []float32, words []uint32, mean, std float32) {
	normalF32Generic(dst, words, mean, std)
}

func uniformF64(dst []float64, words []uint32, low, width float64) {
	uniformF64Generic(dst, words, low, width)
}

func normalF64(dst []float64, words []uint32, mean, std float64) {
	normalF64Generic(dst, words, mean, std)
}
