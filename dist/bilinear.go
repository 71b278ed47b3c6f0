package dist

import "math"

// Bilinear is the kernel of a transposed convolution that upsamples: MXNet's
// Bilinear initialiser, the same square for every pair of channels. For an odd
// width its formula takes u mod 2 where the width's parity is meant, so the
// kernel is not symmetric; the name promises MXNet's values.
type Bilinear struct{}

var _ = family(Bilinear{})

func (Bilinear) sealed() {}

// Kind implements [Draw].
func (Bilinear) Kind() string { return "bilinear" }

// Check implements [Draw].
func (Bilinear) Check(float64) error { return nil }

// CheckShape implements [Draw].
func (b Bilinear) CheckShape(shape []int64) error {
	if len(shape) != 4 || shape[2] != shape[3] {
		return needs(b, "4 dimensions, the last two of them equal", shape)
	}
	return nil
}

// Values implements [Pattern]: element (o, i, y, x) is
// (1 - |x/u - c|) (1 - |y/u - c|) with u = ceil(k/2) for the width k, and
// c = (2u - 1 - u mod 2) / (2u).
func (Bilinear) Values(dst []float64, first int64, shape []int64) {
	k := shape[3]
	u := math.Ceil(float64(k) / 2)
	c := (float64(2*u) - 1 - math.Mod(u, 2)) / (2 * u)
	weight := func(i int64) float64 { return 1 - math.Abs(float64(i)/u-c) }
	for i := range dst {
		at := first + int64(i)
		dst[i] = weight(at%k) * weight(at/k%k)
	}
}
