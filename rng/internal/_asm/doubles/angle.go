package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The constants of sincos64_generic.go of package kernel.
const (
	sn3 = 0xbfc5555555555515
	sn5 = 0x3f811110e829872f
	cs2 = 0x3fe0000000000000
	cs4 = 0xbfa5555555555535
	cs6 = 0x3f56c16bedd9e239

	hp0 = 0x3ff921fb54442d18
	hp1 = 0x3c91a62633145c07
	mp1 = 0x3ff921fb58000000
	mp2 = 0xbe4dde973c000000
	pp3 = 0xbc8cb3b398000000
	pp4 = 0xbacd747f23e32ed7

	roundTo128th = 0x42c8000000000000
	roundToInt   = 0x4338000000000000
)

// rest is what is known of four angles when they are reduced. It waits in
// memory until its turn.
type rest struct {
	sinA, sinD operand.Mem // the sine polynomial's argument, in two parts
	signA      operand.Mem // the sign of both polynomials' arguments
	sinY, cosY operand.Mem // the arguments without the sign, beyond their row of the table
	row        operand.Mem // the row, in bytes
	swap       operand.Mem // sign set: the sine is that of cosNear
	sinSign    operand.Mem // bits to flip
	cosSign    operand.Mem
	small      operand.Mem // the sine if the argument is near 0
	sinS, sinC operand.Mem // factors of the table's numbers
	cosS, cosC operand.Mem
}

// restSize is the memory of a rest.
const restSize = 11 * 32

// allocate takes memory, a vector at a time.
func (r *rest) allocate(memory func(size int) operand.Mem) {
	for _, m := range []*operand.Mem{&r.sinA, &r.sinD, &r.signA, &r.sinY, &r.cosY, &r.row, &r.swap, &r.sinSign, &r.cosSign, &r.cosC, &r.small} {
		*m = memory(32)
	}
	r.sinS, r.cosS, r.sinC = r.sinY, r.cosY, r.sinD // whose time is over then
}

// reduce is the reduction of sincos64 of package kernel, in all its ranges, of
// the angles x, counted in turns, which it overwrites. It sets right to 15 if both polynomials have the same row of the table. That
// fails for a few angles near pi/2 alone, which leave something halfway between
// two rows.
func (g *gen) reduce(right reg.Register, x reg.VecVirtual, at *rest) {
	g.VMULPD(g.wide(0x401921fb54442d18), x, x)
	folded, direct := g.below(x, g.wide(0x400368fd<<32)), g.below(x, g.wide(0x3feb6000<<32))
	t := g.load(g.wide(0x3fe45f306dc9c883))
	g.VFMADD213PD(g.wide(roundToInt), x, t)
	m := g.difference(t, g.wide(roundToInt))
	g.VANDNPD(m, direct, m) // 0: nothing is subtracted
	g.turns(t, folded, direct, at)

	// The general reduction: subtract the nearest multiple of pi/2.
	y := g.load(x)
	g.VFNMADD231PD(g.wide(mp1), m, y)
	g.VFNMADD231PD(g.wide(mp2), m, y)
	a := g.load(y)
	g.VFNMADD231PD(g.wide(pp3), m, a)
	d := g.difference(y, a)
	g.VFNMADD231PD(g.wide(pp3), m, d)
	low2 := g.load(a)
	g.VFNMADD231PD(g.wide(pp4), m, a)
	g.VSUBPD(a, low2, low2)
	g.VFNMADD231PD(g.wide(pp4), m, low2)
	g.VADDPD(low2, d, d)

	// Around pi/2: subtract from it.
	mask := g.load(at.row)
	f := g.load(g.wide(hp0))
	g.VSUBPD(x, f, f)
	cosA, cosD := g.choose(mask, f, a), g.choose(mask, g.wide(hp1), d)
	b := g.sum(g.wide(hp1), f)
	g.VSUBPD(b, f, f)
	g.VADDPD(g.wide(hp1), f, f)
	sinA, sinD := g.choose(mask, b, a), g.choose(mask, f, d)
	g.VMOVUPD(sinA, at.sinA)
	g.VMOVUPD(sinD, at.sinD)

	signA := g.and(g.wide(signBit), sinA)
	g.VMOVUPD(signA, at.signA)
	g.VXORPD(signA, sinA, sinA)
	g.VXORPD(signA, cosA, cosA)
	g.VXORPD(signA, cosD, cosD)
	v := g.sum(g.wide(roundTo128th), sinA)
	equal := g.sum(g.wide(roundTo128th), cosA)
	g.VPCMPEQQ(v, equal, equal)
	g.VMOVMSKPD(equal, right)
	row := g.YMM()
	g.VPSLLQ(operand.Imm(5), v, row)
	g.VMOVDQU(row, at.row)
	g.VSUBPD(g.wide(roundTo128th), v, v)
	g.VSUBPD(v, sinA, sinA)
	g.VSUBPD(v, cosA, cosA)
	g.VADDPD(cosD, cosA, cosA)
	g.VMOVUPD(sinA, at.sinY)
	g.VMOVUPD(cosA, at.cosY)
}

// turns notes what is to be done with the results. The lowest two bits of t
// count the quarters of the circle, where the general reduction is used.
func (g *gen) turns(t, folded, direct reg.VecVirtual, at *rest) {
	g.VANDNPD(t, folded, t)
	g.VANDNPD(folded, direct, folded)
	g.VMOVUPD(folded, at.row) // a place that is free until the row is known
	odd := g.YMM()
	g.VPSLLQ(operand.Imm(63), t, odd)
	g.VORPD(odd, folded, folded)
	g.VMOVUPD(folded, at.swap)
	g.VPSLLQ(operand.Imm(62), t, t)
	g.VANDPD(g.wide(signBit), t, t)
	g.VMOVUPD(t, at.sinSign)
	g.VXORPD(odd, t, t)
	g.VMOVUPD(t, at.cosSign)
}

// turned returns four sines and four cosines.
func (g *gen) turned(table reg.Register, at *rest) (s, c reg.VecVirtual) {
	rows := g.offsets(at.row, 8)
	sn, snLow := g.pairs(table, 0, rows)
	cs, csLow := g.pairs(table, 2, rows)
	sin, cos := g.load(snLow), g.load(csLow)
	g.VFMADD231PD(at.sinS, csLow, sin)
	g.VFNMADD231PD(at.cosS, snLow, cos)
	g.VFNMADD231PD(at.sinC, sn, sin)
	g.VFNMADD231PD(at.cosC, cs, cos)
	g.VFMADD231PD(at.sinS, cs, sin)
	g.VFNMADD231PD(at.cosS, sn, cos)
	g.VADDPD(sn, sin, sin)
	g.VADDPD(cs, cos, cos)
	signA := g.load(at.signA)
	g.VXORPD(signA, sin, sin)
	g.VXORPD(at.sinA, signA, signA)
	sin = g.choose(g.below(signA, g.wide(0x3fc020c49ba5e354)), at.small, sin)

	swap := g.load(at.swap)
	s = g.choose(swap, cos, sin)
	c = g.choose(swap, sin, cos)
	g.VXORPD(at.sinSign, s, s)
	g.VXORPD(at.cosSign, c, c)
	return s, c
}

// polynomials are those of sinNear and cosNear of package kernel.
func (g *gen) polynomials(at *rest) {
	g.VMOVUPD(g.taylor(g.load(at.sinA), at.sinD), at.small)
	s, c := g.sinParts(g.xor(at.sinD, g.load(at.signA)), g.load(at.sinY))
	g.VMOVUPD(s, at.sinS)
	g.VMOVUPD(c, at.sinC)
	s, c = g.cosParts(g.load(at.cosY))
	g.VMOVUPD(s, at.cosS)
	g.VMOVUPD(c, at.cosC)
}

// taylor is the part of sinNear of package kernel for arguments near 0.
func (g *gen) taylor(a reg.VecVirtual, second operand.Mem) reg.VecVirtual {
	d := g.load(second)
	q := g.product(a, a)
	p := g.polynomial(q, 0xbe5addffc2fcdf59, 0x3ec71de27b9a7ed9, 0xbf2a01a019db08b8, 0x3f81111111110ece, 0xbfc5555555555555)
	g.VFMSUB213PD(g.product(g.double(0.5), d), a, p)
	g.VFMADD213PD(d, q, p)
	return g.sum(a, p)
}

// sinParts are the factors of the table's numbers in the other part: |a| is y
// beyond the row.
func (g *gen) sinParts(d, y reg.VecVirtual) (s, c reg.VecVirtual) {
	q := g.product(y, y)
	s = g.polynomial(q, sn5, sn3)
	g.VFMADD213PD(d, g.product(y, q), s)
	g.VADDPD(y, s, s)
	c = g.polynomial(q, cs6, cs4, cs2)
	g.VMULPD(q, c, c)
	g.VFMADD231PD(y, d, c)
	return s, c
}

// cosParts are those of cosNear of package kernel; y has the argument's second
// part in it.
func (g *gen) cosParts(y reg.VecVirtual) (s, c reg.VecVirtual) {
	q := g.product(y, y)
	s = g.polynomial(q, sn5, sn3)
	g.VFMADD213PD(y, g.product(y, q), s)
	c = g.polynomial(q, cs6, cs4, cs2)
	g.VMULPD(q, c, c)
	return s, c
}
