// Package normal64 holds the vector forms of the float64 normal, for whole
// blocks of 16 values, and of the float64 uniform, with the bits of package
// kernel's generic code. They are for AVX2 with FMA; the command doubles in
// rng/internal/_asm writes them.
//
// It chooses nothing: whether the processor has the instructions, and what
// becomes of values that are not made here, is package kernel's affair, which
// also has the tables and the generic code that explains the operations.
package normal64

// Block is the number of values of a block; it takes 2*Block words.
const Block = 16

// Tables are those of package kernel, each by its first number. The rows are
// without gaps.
type Tables struct {
	Log    *float64 // 128 rows: 1/c, log c
	SinCos *float64 // 110 rows: sine and cosine of row/128, each in two parts
}

// Blocks makes as many whole blocks as both slices hold, from the first on, and
// returns how many it has made. It stops early before a block that it cannot
// do, less than one in 2^40; it may have written to this one and to more.
// mean and std are finite. The processor has AVX2 and FMA; in builds without
// assembly Blocks makes none.
func Blocks(dst []float64, words []uint32, mean, std float64, t *Tables) (made int) {
	n := min(len(dst)/Block, len(words)/(2*Block))
	if n == 0 {
		return 0
	}
	return blocks(dst[:n*Block], words[:n*2*Block], n, mean, std, t)
}

// Uniform makes values in [low, high), high - low being width, of two words
// each, and returns how many it has made: all that both slices hold but for
// fewer than 8 at the end. All numbers are finite. For the rest see [Blocks].
func Uniform(dst []float64, words []uint32, low, width, high float64) (made int) {
	n := min(len(dst), len(words)/2) &^ 7
	if n == 0 {
		return 0
	}
	return uniform(dst[:n], words[:2*n], n, low, width, high)
}
