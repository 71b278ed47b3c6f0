package battery

import "math"

// momentsChunk is how many values are added to sums of their own first: of
// millions, the last ones would lose digits to the sum of all.
const momentsChunk = 4096

// Finite returns the index of the first value that is not finite, or -1.
func Finite[T Float](values []T) int {
	for start := 0; start < len(values); start += momentsChunk {
		piece := values[start:min(len(values), start+momentsChunk)]
		// v - v is 0, or not a number, which stays in a sum.
		var a, b, c, d T
		i := 0
		for ; i+4 <= len(piece); i += 4 {
			a += piece[i] - piece[i]
			b += piece[i+1] - piece[i+1]
			c += piece[i+2] - piece[i+2]
			d += piece[i+3] - piece[i+3]
		}
		if a+b+c+d == 0 && i == len(piece) {
			continue
		}
		for i, v := range piece {
			if v-v != 0 {
				return start + i
			}
		}
	}
	return -1
}

// momentsMean returns the mean; near is a number near it.
func momentsMean[T Float](values []T, near float64) float64 {
	sum := 0.0
	for start := 0; start < len(values); start += momentsChunk {
		piece := values[start:min(len(values), start+momentsChunk)]
		var a, b, c, d float64
		i := 0
		for ; i+4 <= len(piece); i += 4 {
			a += float64(piece[i]) - near
			b += float64(piece[i+1]) - near
			c += float64(piece[i+2]) - near
			d += float64(piece[i+3]) - near
		}
		for ; i < len(piece); i++ {
			a += float64(piece[i]) - near
		}
		sum += (a + b) + (c + d)
	}
	return near + sum/float64(len(values))
}

// sampleMoments are those of values, by two passes.
type sampleMoments struct{ mean, std, skew, kurtosis float64 }

func momentsOf[T Float](values []T, near float64) sampleMoments {
	n := float64(len(values))
	mean := momentsMean(values, near)
	var m2, m3, m4 float64
	for start := 0; start < len(values); start += momentsChunk {
		var a2, a3, a4 float64
		for _, v := range values[start:min(len(values), start+momentsChunk)] {
			d := float64(v) - mean
			q := float64(d * d)
			a2 += q
			a3 += float64(q * d)
			a4 += float64(q * q)
		}
		m2 += a2
		m3 += a3
		m4 += a4
	}
	variance := m2 / n
	std := math.Sqrt(variance)
	return sampleMoments{mean, std, m3 / n / (variance * std), m4 / n / (variance * variance)}
}

// stdOf returns the standard deviation about the mean.
func stdOf[T Float](values []T, mean float64) float64 {
	sum := 0.0
	for start := 0; start < len(values); start += momentsChunk {
		piece := values[start:min(len(values), start+momentsChunk)]
		var a, b float64
		i := 0
		for ; i+2 <= len(piece); i += 2 {
			d, e := float64(piece[i])-mean, float64(piece[i+1])-mean
			a += float64(d * d)
			b += float64(e * e)
		}
		if i < len(piece) {
			d := float64(piece[i]) - mean
			a += float64(d * d)
		}
		sum += a + b
	}
	return math.Sqrt(sum / float64(len(values)))
}
