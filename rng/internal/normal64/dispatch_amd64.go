//go:build !purego

package normal64

func blocks(dst []float64, words []uint32, n int, mean, std float64, t *Tables) int {
	return blocksAVX2(&dst[0], &words[0], n, mean, std, t.Log, t.SinCos)
}

func uniform(dst []float64, words []uint32, n int, low, width, high float64) int {
	uniformAVX2(&dst[0], &words[0], n, low, width, high)
	return n
}
