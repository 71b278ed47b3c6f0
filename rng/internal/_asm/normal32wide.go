package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// normal32SideBySide is the form for AVX-512, whose 32 registers hold two groups
// from the words to the values. A group is two blocks. The radii and angles of
// two groups are made side by side.
func (g *gen) normal32SideBySide() {
	g.start("normal32", "func(dst *float32, words *uint32, blocks int, mean, std float32)",
		"makes blocks of 16 normals of 16 words each. mean is not -0, both are finite, and blocks is even.")
	dst, src, blocks := g.pointer("dst"), g.pointer("words"), g.integer("blocks")
	n := normal{gen: g, mean: g.local(g.float("mean")), std: g.local(g.float("std"))}
	group := func(name string, ways int) {
		g.loop(name, blocks, 2*ways, func() {
			n.groups(dst, src, ways)
			g.advance(ways*2*g.bytes(), src.Base)
			g.advance(ways*2*g.bytes(), dst.Base)
		})
	}
	group("groups", normalWays)
	group("group", 1)
	g.finish()
}

// normalWays is the number of groups made side by side, as many as there are
// registers for.
const normalWays = 2

// normal is what the parts of the transform share: mean and standard deviation
// in all lanes, in memory.
type normal struct {
	*gen
	mean, std operand.Mem
}

// groups makes the normals of some groups.
func (n normal) groups(dst, src operand.Mem, ways int) {
	var first, second []func()
	for i := range ways {
		dst, src := dst.Offset(i*2*n.bytes()), src.Offset(i*2*n.bytes())
		var radius, sin, cos reg.VecVirtual
		first = append(first,
			func() { radius = n.radius(src) },
			func() { sin, cos = n.sinCos(src) })
		second = append(second, func() { n.place(dst, src, radius, sin, cos) })
	}
	emit.Abreast(n.Context, first...)
	emit.Abreast(n.Context, second...)
}

// firsts loads the first eight words of both blocks at m, seconds the others.
func (g *gen) firsts(m operand.Mem) reg.VecVirtual  { return g.halves(m, 0x44) }
func (g *gen) seconds(m operand.Mem) reg.VecVirtual { return g.halves(m, 0xee) }

func (g *gen) halves(m operand.Mem, pick uint64) reg.VecVirtual {
	v := g.vec()
	g.load(m, v)
	g.VSHUFF64X2(operand.Imm(pick), m.Offset(64), v, v)
	return v
}

// storeGroup puts first and second halves back in their places.
func (g *gen) storeGroup(first, second reg.VecVirtual, m operand.Mem) {
	v := g.vec()
	g.VSHUFF64X2(operand.Imm(0x44), second, first, v)
	g.store(v, m)
	g.VSHUFF64X2(operand.Imm(0xee), second, first, first)
	g.store(first, m.Offset(64))
}

// radius returns sqrt(-2 log(1 - u)) for the first halves of the group.
func (n normal) radius(src operand.Mem) reg.VecVirtual {
	u, m, e := n.firsts(src), n.held(n.row(1<<24)), n.vec()
	n.and(n.row(uniformBits), u, u)
	n.subInt(u, m, m)
	n.VCVTDQ2PS(m, m)
	n.subInt(n.row(split+24<<23), m, m)
	n.shiftSigned(23, m, e)
	n.VCVTDQ2PS(e, e)
	n.and(n.row(mantissa), m, m)
	n.addInt(n.row(split), m, m)
	n.add(n.number(-1), m, m)
	p := n.held(n.number(logPolynomial[0]))
	for _, c := range logPolynomial[1:] {
		n.fma213(n.number(c), m, p)
	}
	n.mul(m, p, p)
	z, low := n.vec(), n.vec()
	n.mul(m, m, z)
	n.mul(n.number(log2Low), e, low)
	n.fma213(low, z, p)
	n.add(z, p, p)
	n.fma231(n.number(-2), m, p)
	n.fma231(n.number(log2High), e, p)
	n.VSQRTPS(p, p)
	return p
}

// turns returns the angles of the second halves of the group, counted so that
// bit 22 stands for a quarter turn, and rounded to it.
func (n normal) turns(src operand.Mem) reg.VecVirtual {
	v := n.seconds(src)
	n.addInt(n.row(halfQuarter), v, v)
	return v
}

// sinCos returns sine and cosine of the second halves of the group, apart from
// the sign that they have in common.
func (n normal) sinCos(src operand.Mem) (sin, cos reg.VecVirtual) {
	u, q, x, z := n.seconds(src), n.vec(), n.vec(), n.vec()
	n.and(n.row(uniformBits), u, u)
	n.VCVTDQ2PS(u, x)
	n.addInt(n.row(halfQuarter), u, q)
	n.shiftRight(quarter, q, q)

	n.VCVTDQ2PS(q, q)
	n.mul(n.number(turn), x, x)
	n.fma231(n.number(quarterHigh), q, x)
	n.fma231(n.number(quarterLow), q, x)
	n.mul(x, x, z)

	c, s := n.held(n.number(cosPolynomial[0])), n.held(n.number(sinPolynomial[0]))
	n.fma213(n.number(cosPolynomial[1]), z, c)
	n.fma213(n.number(sinPolynomial[1]), z, s)
	n.fma213(n.number(cosPolynomial[2]), z, c)
	n.fma213(n.number(sinPolynomial[2]), z, s)
	n.mul(z, c, c)
	n.mul(z, s, s)
	n.VFMSUB213PS(z, z, c)
	n.fma213(x, x, s)
	n.VFMADD132PS(n.held(n.number(0.5)), n.held(n.number(1)), c)

	// An odd number of quarter turns swaps the two and negates the cosine.
	odd := n.turns(src)
	n.shiftLeft(9, odd, odd)
	sin, cos = n.choose(odd, s, c), n.choose(odd, c, s)
	n.and(n.row(signBit), odd, odd)
	n.xor(odd, cos, cos)
	return sin, cos
}

// place finishes the group. Half a turn negates both values.
func (n normal) place(dst, src operand.Mem, radius, sin, cos reg.VecVirtual) {
	half := n.turns(src)
	n.shiftLeft(8, half, half)
	n.and(n.row(signBit), half, half)
	n.xor(half, radius, radius)
	n.mul(radius, cos, cos)
	n.mul(radius, sin, sin)
	std := n.vec()
	n.load(n.std, std)
	n.fma213(n.mean, std, cos)
	n.fma213(n.mean, std, sin)
	n.storeGroup(cos, sin, dst)
}
