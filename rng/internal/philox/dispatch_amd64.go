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

// finite reports whether neither is NaN or infinite. Which NaN comes out of
// NaN and infinities depends on the order of operands, so that they are the
// generic code's.
func finite(a, b float64) bool { return a-a == 0 && b-b == 0 }

func uniformF64(dst []float64, words []uint32, low, width float64) {
	words = words[:2*len(dst)]
	if n := len(dst) &^ (lanes - 1); n > 0 && isa.Active() >= isa.AVX2 && finite(low, width) {
		uniform64AVX2(&dst[0], &words[0], n, low, width)
		dst, words = dst[n:], words[2*n:]
	}
	uniformF64Generic(dst, words, low, width)
}

// most64 is the number of values that normal64AVX2 takes, many64 of what it
// makes multiples.
const most64, many64 = 256, 16

func normalF64(dst []float64, words []uint32, mean, std float64) {
	if isa.Active() < isa.AVX2 || !finite(mean, std) {
		normalF64Generic(dst, words, mean, std)
		return
	}
	words = words[:2*len(dst)]
	for len(dst) >= many64 {
		n := min(len(dst), most64) &^ (many64 - 1)
		if !normal64AVX2(&dst[0], &words[0], n, mean, std) {
			normalF64Generic(dst[:n], words, mean, std)
		}
		dst, words = dst[n:], words[2*n:]
	}
	normalF64Generic(dst, words, mean, std)
}
