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
	if !g.wide() {
		g.inside32()
	}
}

// inside32 finds the first vector with a value outside a range. Two are looked
// at together.
func (g *gen) inside32() {
	const together = 2
	g.start("inside32", "func(src *float32, n int, low, high float32) int",
		"returns how many values, counted in pairs of vectors, come before the first pair with one below low or above high; n, a multiple of a pair, if there is none.")
	src, n := g.pointer("src"), g.integer("n")
	low, high := g.float("low"), g.float("high")
	start, mask := g.GP64(), g.GP32()
	g.MOVQ(src.Base, start)
	g.loop("pair", n, together*g.lanes, func() {
		any := g.vec()
		for i := range together {
			v, below, above := g.vec(), g.vec(), g.vec()
			g.load(src.Offset(i*g.bytes()), v)
			g.VCMPPS(operand.Imm(1), low, v, below)
			g.VCMPPS(operand.Imm(1), v, high, above)
			if i == 0 {
				g.VORPS(below, above, any)
				continue
			}
			g.VORPS(below, any, any)
			g.VORPS(above, any, any)
		}
		g.VMOVMSKPS(any, mask)
		g.TESTL(mask, mask)
		g.JNE(operand.LabelRef("found"))
		g.advance(together*g.bytes(), src.Base)
	})
	g.Label("found")
	count := g.GP64()
	g.MOVQ(src.Base, count)
	g.SUBQ(start, count)
	g.SHRQ(operand.Imm(2), count)
	g.Store(count, g.ReturnIndex(0))
	g.finish()
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
