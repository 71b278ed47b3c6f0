package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// normal32 writes the Box-Muller transform of float32.
//
// It differs from the generic code in ways that cannot change a bit: 1 - u1 is
// formed as an integer; constants carry exact factors (the logarithm is made
// times -2, the polynomial of the cosine times 2, angles count pi/2); and the
// first two steps of the range reduction are one, as the product and the sum
// of the two constants are exact. The only visible difference is the radius of
// u1 = 0, +0 instead of -0, which no mean but -0 shows; the caller keeps that
// one away.
//
// Two groups are made at a time, their radii and angles side by side.
func (g *gen) normal32() {
	g.start("normal32", "func(dst *float32, words *uint32, blocks int, mean, std float32)",
		"makes blocks of 16 normals of 16 words each. mean is not -0, both are finite, and blocks is a multiple of the lanes over 8.")
	dst, src, blocks := g.pointer("dst"), g.pointer("words"), g.integer("blocks")
	n := normal{gen: g, mean: g.local(g.float("mean")), std: g.local(g.float("std"))}
	per := g.lanes / 8 // blocks a group
	group := func(name string, ways int) {
		g.loop(name, blocks, per*ways, func() {
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
	n.abreast(first...)
	n.abreast(second...)
}

// firsts loads the first eight words of the group's blocks at m, seconds the
// others. A group is a block, or two with AVX-512.
func (g *gen) firsts(m operand.Mem) reg.VecVirtual  { return g.halves(m, 0x44, 0) }
func (g *gen) seconds(m operand.Mem) reg.VecVirtual { return g.halves(m, 0xee, 32) }

func (g *gen) halves(m operand.Mem, pick uint64, offset int) reg.VecVirtual {
	v := g.vec()
	if g.wide() {
		g.load(m, v)
		g.VSHUFF64X2(operand.Imm(pick), m.Offset(64), v, v)
	} else {
		g.load(m.Offset(offset), v)
	}
	return v
}

// storeGroup puts first and second halves back in their places.
func (g *gen) storeGroup(first, second reg.VecVirtual, m operand.Mem) {
	if !g.wide() {
		g.store(first, m)
		g.store(second, m.Offset(32))
		return
	}
	v := g.vec()
	g.VSHUFF64X2(operand.Imm(0x44), second, first, v)
	g.store(v, m)
	g.VSHUFF64X2(operand.Imm(0xee), second, first, first)
	g.store(first, m.Offset(64))
}

// radius returns sqrt(-2 log(1 - u)) for the first halves of the group.
func (n normal) radius(src operand.Mem) reg.VecVirtual {
	const split = 0x3f3504f3
	u, m, e := n.firsts(src), n.held(n.row(1<<24)), n.vec()
	n.and(n.row(0xffffff), u, u)
	n.subInt(u, m, m)
	n.VCVTDQ2PS(m, m)
	n.subInt(n.row(split+24<<23), m, m)
	n.shiftSigned(23, m, e)
	n.VCVTDQ2PS(e, e)
	n.and(n.row(0x7fffff), m, m)
	n.addInt(n.row(split), m, m)
	n.add(n.number(-1), m, m)
	polynomial := []float32{
		-2 * 0x1.204376p-4, 2 * 0x1.d7a37p-4, -2 * 0x1.de4a34p-4, 2 * 0x1.fcba9ep-4, -2 * 0x1.23d37ep-3,
		2 * 0x1.555cap-3, -2 * 0x1.999d58p-3, 2 * 0x1.fffff8p-3, -2 * 0x1.555554p-2,
	}
	p := n.held(n.number(polynomial[0]))
	for _, c := range polynomial[1:] {
		n.fma213(n.number(c), m, p)
	}
	n.mul(m, p, p)
	z, low := n.vec(), n.vec()
	n.mul(m, m, z)
	n.mul(n.number(2*0x1.bd0106p-13), e, low)
	n.fma213(low, z, p)
	n.add(z, p, p)
	n.fma231(n.number(-2), m, p)
	n.fma231(n.number(-2*0x1.63p-1), e, p)
	n.VSQRTPS(p, p)
	return p
}

// turns returns the angles of the second halves of the group, counted so that
// bit 22 stands for a quarter turn, and rounded to it.
func (n normal) turns(src operand.Mem) reg.VecVirtual {
	v := n.seconds(src)
	n.addInt(n.row(1<<21), v, v)
	return v
}

// sinCos returns sine and cosine of the second halves of the group, apart from
// the sign that they have in common.
func (n normal) sinCos(src operand.Mem) (sin, cos reg.VecVirtual) {
	u, q, x, z := n.seconds(src), n.vec(), n.vec(), n.vec()
	n.and(n.row(0xffffff), u, u)
	n.VCVTDQ2PS(u, x)
	n.addInt(n.row(1<<21), u, q)
	n.shiftRight(22, q, q)

	n.VCVTDQ2PS(q, q)
	n.mul(n.number(0x1.921fb6p2*0x1p-24), x, x)
	n.fma231(n.number(2*(-0x1.92p-1+-0x1.fb4p-13)), q, x)
	n.fma231(n.number(2*-0x1.4442d2p-25), q, x)
	n.mul(x, x, z)

	c, s := n.held(n.number(2*0x1.99eb9cp-16)), n.held(n.number(-0x1.9943f2p-13))
	n.fma213(n.number(-2*0x1.6c0c34p-10), z, c)
	n.fma213(n.number(0x1.11073cp-7), z, s)
	n.fma213(n.number(2*0x1.55554ap-5), z, c)
	n.fma213(n.number(-0x1.555546p-3), z, s)
	n.mul(z, c, c)
	n.mul(z, s, s)
	n.VFMSUB213PS(z, z, c)
	n.fma213(x, x, s)
	n.VFMADD132PS(n.held(n.number(0.5)), n.held(n.number(1)), c)

	// An odd number of quarter turns swaps the two and negates the cosine.
	odd := n.turns(src)
	n.shiftLeft(9, odd, odd)
	sin, cos = n.choose(odd, s, c), n.choose(odd, c, s)
	n.and(n.row(1<<31), odd, odd)
	n.xor(odd, cos, cos)
	return sin, cos
}

// place finishes the group. Half a turn negates both values.
func (n normal) place(dst, src operand.Mem, radius, sin, cos reg.VecVirtual) {
	half := n.turns(src)
	n.shiftLeft(8, half, half)
	n.and(n.row(1<<31), half, half)
	n.xor(half, radius, radius)
	n.mul(radius, cos, cos)
	n.mul(radius, sin, sin)
	std := n.vec()
	n.load(n.std, std)
	n.fma213(n.mean, std, cos)
	n.fma213(n.mean, std, sin)
	n.storeGroup(cos, sin, dst)
}
