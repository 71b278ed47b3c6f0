// Package kernel holds the arithmetic of PyTorch's CPU generator: the engine,
// the transforms from words to numbers, and the conversions to smaller types.
// Functions work on slices, destination first; the only state is an [Engine]'s.
//
// It knows no tensors, no tail rule and no cached normal: package rng, which
// also holds the specification, does. The files named *_generic.go are the
// readable reference: no build tags, no calls to anything that could be
// replaced by a faster form. The files dispatch_*.go choose between them and
// assembly for whole vectors, by package isa; rng/internal/_asm writes the
// files avx2_amd64.* and avx512_amd64.*, rng/internal/_neon neon_arm64.*. The
// float64 normal's is in package normal64. All give the same bits.
package kernel

//go:generate go run ./gen

// Block is the number of normals that are transformed together.
const Block = 16

// Temper writes the outputs that belong to the state words in src. It treats
// as many words as both slices hold; they may be the same slice.
func Temper(dst, src []uint32) { temper(dst, src) }

// UniformF32 makes one value in [low, high) of each word (output of the
// engine). It makes as many as both slices hold.
func UniformF32(dst []float32, words []uint32, low, high float32) {
	uniformF32Generic(dst, words, low, high)
}

// UniformF64 is UniformF32 in float64: two words a value, high half first.
func UniformF64(dst []float64, words []uint32, low, high float64) {
	uniformF64(dst, words, low, high)
}

// NormalF32 makes blocks of 16 normals of 16 words each. It makes as many
// whole blocks as both slices hold and leaves the rest of dst alone. The slices
// must not overlap.
func NormalF32(dst []float32, words []uint32, mean, std float32) {
	normalF32(dst, words, mean, std)
}

// NormalF64 is NormalF32 in float64: 32 words a block.
func NormalF64(dst []float64, words []uint32, mean, std float64) {
	normalF64(dst, words, mean, std)
}

// NormalPair makes the two unscaled normals that a fill of fewer than 16
// values takes of four words. The first is used at once, the second waits in
// the generator.
func NormalPair(words *[4]uint32) (first, second float64) { return normalPairGeneric(words) }

// Scale places the unscaled normal v at mean and std, with one rounding.
func Scale(v, mean, std float64) float64 { return scaleGeneric(v, mean, std) }

// MultiplyF32 multiplies every element of dst by the number, one rounding
// each.
func MultiplyF32(dst []float32, by float32) { multiplyF32(dst, by) }

// MultiplyF64 is MultiplyF32 in float64.
func MultiplyF64(dst []float64, by float64) { multiplyGeneric(dst, by) }

// BF16 writes src rounded to bfloat16, two little-endian bytes a value. It
// converts as many values as src holds and dst has room for.
func BF16(dst []byte, src []float32) { bf16Slice(dst, src) }

// F16 writes src rounded to IEEE binary16, as [BF16] does.
func F16(dst []byte, src []float32) { f16Slice(dst, src) }
