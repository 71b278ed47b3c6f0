package main

import (
	"github.com/mmcloughlin/avo/attr"
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

// radii emits a loop over groups of four pairs of values: the radii, as if no
// number were near 1, to the first half of each group's place, and the numbers
// to the second. What is near 1 is noted in the list, by where it stands.
func (g philox) radii(dst, words operand.Mem, left, table, list reg.Register) {
	at := g.GP64()
	g.XORQ(at, at)
	lanes := g.GP64()
	g.LEAQ(g.nearLanes(), lanes)
	g.loop("radii64", left, 8, func() {
		x := g.YMM()
		w := g.load(words)
		g.VUNPCKLPD(words.Offset(32), w, x) // 0, 2, 1, 3
		x = g.number(x)
		place := operand.Mem{Base: dst.Base, Index: at, Scale: 1}
		g.VMOVUPD(x, place.Offset(32))

		near, mask, many := g.YMM(), g.GP64(), g.GP64()
		const notBelow = 0x1d // ordered, quiet
		g.VCMPPD(operand.Imm(notBelow), g.wide(0x3fee<<48), x, near)
		g.VMOVMSKPD(near, mask.As32())
		g.MOVBLZX(operand.Mem{Base: lanes, Index: mask, Scale: 1, Disp: 16 * 16}, many.As32())
		g.SHLL(operand.Imm(4), mask.As32())
		places := g.XMM()
		g.VMOVQ(at, places)
		g.VPBROADCASTD(places, places)
		g.VPADDD(operand.Mem{Base: lanes, Index: mask, Scale: 1}, places, places)
		g.VMOVDQU(places, operand.Mem{Base: list})
		g.LEAQ(operand.Mem{Base: list, Index: many, Scale: 4}, list)

		g.VMOVUPD(g.root(g.logFar(x, table, place)), place)
		g.ADDQ(operand.Imm(64), words.Base)
		g.ADDQ(operand.Imm(64), at)
	})
}

// nearLanes has for each mask of four lanes where, in bytes, the lanes are
// that it names, and after all of these how many they are.
func (g philox) nearLanes() operand.Mem {
	m := g.StaticGlobal("nearLanes")
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	var counts [16]uint8
	for mask := range 16 {
		var places [4]uint32
		for lane := range uint32(4) {
			if mask>>lane&1 != 0 {
				places[counts[mask]] = 8 * lane
				counts[mask]++
			}
		}
		for i, p := range places {
			g.AddDatum(16*mask+4*i, operand.U32(p))
		}
	}
	for mask, count := range counts {
		g.AddDatum(16*16+mask, operand.U8(count))
	}
	return m
}

// near emits the radii of the numbers near 1, four a time from any groups. The
// list, which ends at end, is filled up with its first place.
func (g philox) near(dst operand.Mem, list, end reg.Register) {
	g.CMPQ(list, end)
	g.JE(operand.LabelRef("near64End"))
	filler := g.XMM()
	g.VPBROADCASTD(operand.Mem{Base: list}, filler)
	g.VMOVDQU(filler, operand.Mem{Base: end})
	g.Label("near64")
	at := g.offsets(operand.Mem{Base: list}, 4)
	place := func(i, half int) operand.Mem {
		return operand.Mem{Base: dst.Base, Index: at[i], Scale: 1, Disp: 32 * half}
	}
	low, high, r := g.XMM(), g.XMM(), g.YMM()
	g.VMOVSD(place(0, 1), low)
	g.VMOVHPD(place(1, 1), low, low)
	g.VMOVSD(place(2, 1), high)
	g.VMOVHPD(place(3, 1), high, high)
	g.VINSERTF128(operand.Imm(1), high, low.AsY(), r)
	g.VSUBPD(g.wide(one), r, r)
	v := g.root(g.logNear(r))
	upper := g.XMM()
	g.VEXTRACTF128(operand.Imm(1), v, upper)
	g.VMOVLPD(v.AsX(), place(0, 0))
	g.VMOVHPD(v.AsX(), place(1, 0))
	g.VMOVLPD(upper, place(2, 0))
	g.VMOVHPD(upper, place(3, 0))
	g.ADDQ(operand.Imm(16), list)
	g.CMPQ(list, end)
	g.JB(operand.LabelRef("near64"))
	g.Label("near64End")
}

// logFar is log64Far of package kernel. place is a place in memory to use.
func (g philox) logFar(x reg.VecVirtual, table reg.Register, place operand.Mem) reg.VecVirtual {
	const bias = 128
	t, k, row := g.YMM(), g.YMM(), g.YMM()
	g.VPADDQ(g.wide(1<<64-logOrigin+bias<<52), x, t)
	g.VPSRLQ(operand.Imm(41), t, row)
	g.VPAND(g.wide(127<<4), row, row)
	g.VMOVDQU(row, place)
	inverse, log := g.pairs(table, 0, g.offsets(place, 8))
	g.VPSRLQ(operand.Imm(52), t, k)
	g.VPOR(g.double(0x1p52), k, k)
	g.VSUBPD(g.double(0x1p52+bias), k, k)
	r := g.YMM()
	g.VPAND(g.wide(1<<52-1), t, r)
	g.VPADDQ(g.wide(logOrigin), r, r)
	g.VFMSUB213PD(g.load(g.wide(one)), inverse, r)
	return g.logEnd(r, k, log)
}
