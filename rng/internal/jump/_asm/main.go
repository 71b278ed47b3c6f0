// Command _asm writes the assembly of package jump. It is a module of its own
// so that the main module does not depend on avo. Run it in this folder:
//
//	go run . -out ../correlate_amd64.s
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const digitWords = 10

func main() {
	ConstraintExpr("!purego")
	correlate()
	Generate()
}

// correlate is correlateGeneric with the words of c reversed.
//
// With word w of c reversed, the carry-less product of it with the words w+o
// and w+o+1 of s has in its bits 63 to 126 what word w adds to word o of dst.
// So products are summed over w first, in 128 bits for each o from 0 to 10,
// and each word of dst is cut out of two neighbouring sums.
func correlate() {
	TEXT("correlateAsm", NOSPLIT, "func(dst, c *[10]uint64, s *[20]uint64)")
	Pragma("noescape")
	dst := Mem{Base: Load(Param("dst"), GP64())}
	c := Mem{Base: Load(Param("c"), GP64())}
	s := Mem{Base: Load(Param("s"), GP64())}
	var pairs [digitWords / 2]VecVirtual
	for i := range pairs {
		pairs[i] = XMM()
		VMOVDQU(c.Offset(16*i), pairs[i])
	}
	word := GP64()
	for o := range digitWords + 1 {
		// Two sums, so that one does not wait for the other.
		even, odd, product := XMM(), XMM(), XMM()
		for i, pair := range pairs {
			words := s.Offset(8 * (2*i + o))
			if i == 0 {
				VPCLMULQDQ(Imm(0x00), words, pair, even)
				VPCLMULQDQ(Imm(0x11), words, pair, odd)
				continue
			}
			VPCLMULQDQ(Imm(0x00), words, pair, product)
			VPXOR(product, even, even)
			product = XMM()
			VPCLMULQDQ(Imm(0x11), words, pair, product)
			VPXOR(product, odd, odd)
		}
		VPXOR(odd, even, even)
		low, high := GP64(), GP64()
		VMOVQ(even, low)
		if o < digitWords {
			VPEXTRQ(Imm(1), even, high)
			SHLQ(Imm(1), low, high) // the 64 bits from 63 on
		}
		if o > 0 {
			next := GP64()
			LEAQ(Mem{Base: low, Index: low, Scale: 1}, next)
			XORQ(next, word)
			MOVQ(word, dst.Offset(8*(o-1)))
		}
		word = high
	}
	RET()
}
