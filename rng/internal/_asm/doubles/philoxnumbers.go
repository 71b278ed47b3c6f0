package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// number turns four pairs of words into numbers in (0, 1]. The high word comes
// first in memory, so it is the low half of the register. Joined to the
// exponents of 2^20 and 2^-12 the words are worth what they are worth in the
// number; taking these powers away is exact.
func (g philox) number(words reg.VecVirtual) reg.VecVirtual {
	high, low := g.and(g.wide(0xffffffff), words), g.YMM()
	g.VPOR(g.double(0x1p20), high, high)
	g.VPSRLQ(operand.Imm(32), words, low)
	g.VPOR(g.double(0x1p-12), low, low)
	g.VSUBPD(g.double(0x1p20), high, high)
	g.VSUBPD(g.double(0x1p-12-0x1p-65), low, low)
	return g.sum(low, high)
}

// angles turns the second of each two pairs of words into numbers, in the
// order 0, 2, 1, 3.
func (g philox) angles(words operand.Mem) reg.VecVirtual {
	x, w := g.YMM(), g.load(words)
	g.VUNPCKHPD(words.Offset(32), w, x)
	return g.number(x)
}
