package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// post writes what is done to values after the draw.
func (g *gen) post() {
	g.start("multiply32", "func(dst *float32, n int, by float32)",
		"multiplies n elements; n is a multiple of the lanes. Every NaN gets the bits ffc00000.")
	dst, n, by := g.pointer("dst"), g.integer("n"), g.float("by")
	invalid := g.heldBits(0xffc00000)
	g.loop("vector", n, g.lanes, func() {
		v := g.vec()
		g.mul(dst, by, v)
		if g.wide() {
			k := g.K()
			g.VCMPPS(operand.Imm(3), v, v, k)
			g.VMOVAPS(invalid, k, v)
		} else {
			unordered := g.vec()
			g.VCMPPS(operand.Imm(3), v, v, unordered)
			g.VBLENDVPS(unordered, invalid, v, v)
		}
		g.store(v, dst)
		g.advance(g.bytes(), dst.Base)
	})
	g.finish()

	g.cast("bf16", func(v reg.VecVirtual, dst operand.Mem) { g.bf16(v, dst) })
	g.cast("f16", func(v reg.VecVirtual, dst operand.Mem) {
		g.VCVTPS2PH(operand.Imm(0), v, dst)
	})
}

func (g *gen) cast(name string, convert func(v reg.VecVirtual, dst operand.Mem)) {
	g.start(name, "func(dst *byte, src *float32, n int)",
		"converts n values; n is a multiple of the lanes.")
	dst, src, n := g.pointer("dst"), g.pointer("src"), g.integer("n")
	g.loop("vector", n, g.lanes, func() {
		v := g.vec()
		g.load(src, v)
		convert(v, dst)
		g.advance(g.bytes(), src.Base)
		g.advance(g.bytes()/2, dst.Base)
	})
	g.finish()
}

func (g *gen) bf16(v reg.VecVirtual, dst operand.Mem) {
	t := g.vec()
	g.shiftRight(16, v, t)
	g.and(g.row(1), t, t)
	g.addInt(g.row(0x7fff), t, t)
	if g.wide() {
		k := g.K()
		g.VCMPPS(operand.Imm(3), v, v, k)
		g.addInt(v, t, t)
		ones := g.heldBits(0xffffffff)
		g.VMOVDQA32(ones, k, t)
		g.shiftRight(16, t, t)
		g.VPMOVDW(t, dst)
		return
	}
	unordered := g.vec()
	g.VCMPPS(operand.Imm(3), v, v, unordered)
	g.addInt(v, t, t)
	g.or(unordered, t, t)
	g.shiftRight(16, t, t)
	g.VPACKUSDW(t, t, t)
	g.VPERMQ(operand.Imm(0x08), t, t)
	g.VMOVDQU(t.AsX(), dst)
}
