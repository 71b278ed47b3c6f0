//go:build !purego

package philox

import "github.com/weightinit/weightinit/rng/internal/isa"

// The functions of this file hand what consists of whole vectors to assembly,
// and the rest to the generic code. AVX-512 has no code of its own: it takes
// that of AVX2.

func (s *schedule) words(dst []uint32, counter uint64) {
	const abreast = 8 // blocks
	if n := len(dst) / 4 &^ (abreast - 1); n > 0 && isa.Active() >= isa.AVX2 {
		wordsAVX2(&dst[0], n, (*[rounds][2]uint32)(s), counter)
		dst = dst[4*n:]
		counter += uint64(n)
	}
	s.wordsGeneric(dst, counter)
}

const lanes = 8

// longTable has a row for each exponent k and each of the points c: 1/c and
// k log 2 + log c. Its row 0 stands at -longFrom; the smallest number, 2^-33,
// has k = -33.
const longFrom = -33 * 16

var longTable [16 - longFrom][2]float64

func init() {
	for i := range longTable {
		n := i + longFrom
		row := &logTable[n&15]
		longTable[i] = [2]float64{row[0], float64(float64(n>>4)*ln2) + row[1]}
	}
}

func uniformF32(dst []float32, words []uint32, low, width float32) {
	words = words[:len(dst)]
	if n := len(dst) &^ (lanes - 1); n > 0 && isa.Active() >= isa.AVX2 {
		uniform32AVX2(&dst[0], &words[0], n, low, width)
		dst, words = dst[n:], words[n:]
	}
	uniformF32Generic(dst, words, low, width)
}

func normalF32(dst []float32, words []uint32, mean, std float32) {
	words = words[:len(dst)]
	if n := len(dst) &^ (lanes - 1); n > 0 && isa.Active() >= isa.AVX2 {
		normal32AVX2(&dst[0], &words[0], n, mean, std, &longTable[-longFrom])
		dst, words = dst[n:], words[n:]
	}
	normalF32Generic(dst, words, mean, std)
}
