package main

import "github.com/mmcloughlin/avo/operand"

// normal32 writes the Box-Muller transform of float32.
//
// It differs from the generic code in ways that cannot change a bit: 1 - u1 is
// formed as an integer, negated; the first two steps of the range reduction are
// one, as the product and the sum of the two constants are exact; angles count
// pi/2; and numbers carry powers of two, chosen so that no step needs a product
// for its factor alone: m of the logarithm is made times -1/2, and so its square
// times 1/4, the radius, sine and cosine times 1/2. The only visible difference is the radius of u1 = 0, +0 instead of -0,
// which no mean but -0 shows; the caller keeps that one away, and a standard
// deviation that is infinite when it makes up for the factors.
//
// A group is what fills a vector: a block with AVX2, two with AVX-512. Groups
// made one after the other wait for themselves: a polynomial is a chain, and a
// processor looks ahead less far than one is long. So passes go over all groups,
// each of which makes a step of several groups in lockstep:
//
//	radii   of the first words, to the first half of dst
//	angles  of the second words, reduced to an eighth of a turn, to the second half
//	values  of both, sine and cosine being made on the way
//
// AVX-512, with twice the registers, makes angles and values in one pass. The
// radii are roots of what their pass leaves there: of that one, the divider
// works while others do.
//
// With AVX2 the first is a pipeline besides: the end of the logarithm of some
// groups lies among the beginning of that of the next. In between, the first
// half of dst holds the mantissa, the second the exponent.
func (g *gen) normal32() {
	condition := ""
	if g.wide() {
		condition = ", and blocks is even"
	}
	g.start("normal32", "func(dst *float32, words *uint32, blocks int, mean, std float32)",
		"makes blocks of 16 normals of 16 words each, in passes over dst: the blocks should fit the first-level cache. mean is not -0, it and 4*std are finite"+condition+".")
	p := passes{
		gen: g, dst: g.pointer("dst"), words: g.pointer("words"), blocks: g.integer("blocks"),
		to: operand.Mem{Base: g.GP64()}, from: operand.Mem{Base: g.GP64()}, left: g.GP64(),
	}
	if g.wide() {
		p.pass("radii", radiiAbreast, team.logs)
	} else {
		p.pipelinedRadii()
		p.pass("angles", abreast, func(t team) { t.storeAll(t.angles(), t.secondHalf) })
	}
	mean, std := g.float("mean"), g.float("std")
	g.mul(g.held(g.number(4)), std, std)
	if g.wide() {
		p.pass("values", valuesAbreast, func(t team) { t.wideValues(mean, std) })
	} else {
		inMemory := [2]operand.Mem{g.local(mean), g.local(std)}
		p.pass("values", abreast, func(t team) { t.values(inMemory[0], inMemory[1]) })
	}
	g.finish()
}

// The groups in lockstep: enough to hide the latency of a step behind the
// others, and few enough for the registers.
const (
	abreast       = 4 // AVX2
	radiiAbreast  = 6
	valuesAbreast = 3
)

// The bits of an angle's word: a quarter turn is 1<<22, and half of it is added
// to round to quarter turns.
const (
	uniformBits = 0xffffff // of a word
	otherBits   = 0xff000000
	split       = 0x3f3504f3 // the least mantissa, that of sqrt(1/2)
	mantissa    = 0x7fffff
	signBit     = 1 << 31
	halfQuarter = 1 << 21
	quarter     = 22 // the shift

	log2High = -0x1.63p-1 / 2
	log2Low  = 0x1.bd0106p-13 / 2

	turn        = 0x1.921fb6p2 * 0x1p-24 / 2
	quarterHigh = -0x1.92p-1 + -0x1.fb4p-13
	quarterLow  = -0x1.4442d2p-25
)

// The polynomials, highest power first.
var (
	logPolynomial = scaled(4, -2,
		0x1.204376p-4, -0x1.d7a37p-4, 0x1.de4a34p-4, -0x1.fcba9ep-4, 0x1.23d37ep-3,
		-0x1.555cap-3, 0x1.999d58p-3, -0x1.fffff8p-3, 0x1.555554p-2)
	cosPolynomial = scaled(8, 4, 0x1.99eb9cp-16, -0x1.6c0c34p-10, 0x1.55554ap-5)
	sinPolynomial = scaled(4, 4, -0x1.9943f2p-13, 0x1.11073cp-7, -0x1.555546p-3)
)

// scaled multiplies the last coefficient by a power of two, and each before it
// by ratio more: a polynomial of x/ratio.
func scaled(by, ratio float32, coefficients ...float32) []float32 {
	for i := len(coefficients) - 1; i >= 0; i-- {
		coefficients[i] *= by
		by *= ratio
	}
	return coefficients
}
