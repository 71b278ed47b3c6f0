//go:build !purego

package normal64

// most is the number of blocks that a call of the assembly may make.
const most = 16

func blocks(dst []float64, words []uint32, n int, mean, std float64, t *Tables) int {
	for made := 0; made < n; {
		k := min(n-made, most)
		done := blocksAVX2(&dst[made*Block], &words[made*2*Block], k, mean, std, t.Log, t.SinCos)
		made += done
		if done < k {
			return made
		}
	}
	return n
}

func uniform(dst []float64, words []uint32, n int, low, width, high float64) int {
	uniformAVX2(&dst[0], &words[0], n, low, width, high)
	return n
}
