package main

// normal32 writes the Box-Muller transform of float32.
//
// It differs from the generic code in ways that cannot change a bit: 1 - u1 is
// formed as an integer; constants carry exact factors (the logarithm is made
// times -2, the polynomial of the cosine times 2, angles count pi/2); and the
// first two steps of the range reduction are one, as the product and the sum
// of the two constants are exact. The only visible difference is the radius of
// u1 = 0, +0 instead of -0, which no mean but -0 shows; the caller keeps that
// one away.
func (g *gen) normal32() {
	if g.wide() {
		g.normal32SideBySide()
	} else {
		g.normal32InPasses()
	}
}

// What both forms compute with. The bits of an angle's word: a quarter turn is
// 1<<22, and half of it is added to round to quarter turns.
const (
	uniformBits = 0xffffff // of a word
	split       = 0x3f3504f3
	mantissa    = 0x7fffff
	signBit     = 1 << 31
	halfQuarter = 1 << 21
	quarter     = 22 // the shift

	log2High = -2 * 0x1.63p-1
	log2Low  = 2 * 0x1.bd0106p-13

	turn        = 0x1.921fb6p2 * 0x1p-24
	quarterHigh = 2 * (-0x1.92p-1 + -0x1.fb4p-13)
	quarterLow  = 2 * -0x1.4442d2p-25
)

// The polynomials, highest power first.
var (
	logPolynomial = []float32{
		-2 * 0x1.204376p-4, 2 * 0x1.d7a37p-4, -2 * 0x1.de4a34p-4, 2 * 0x1.fcba9ep-4, -2 * 0x1.23d37ep-3,
		2 * 0x1.555cap-3, -2 * 0x1.999d58p-3, 2 * 0x1.fffff8p-3, -2 * 0x1.555554p-2,
	}
	cosPolynomial = []float32{2 * 0x1.99eb9cp-16, -2 * 0x1.6c0c34p-10, 2 * 0x1.55554ap-5}
	sinPolynomial = []float32{-0x1.9943f2p-13, 0x1.11073cp-7, -0x1.555546p-3}
)
