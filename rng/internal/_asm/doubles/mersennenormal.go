package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// mersenne writes package normal64: what is made of the words of MT19937.
type mersenne struct{ *gen }

// blocks emits the transform, as normalF64Generic of package kernel has it,
// operation by operation. What is a branch there is a choice by masks here, of
// two results or of what goes into the one formula; numbers near 1, whose
// logarithm is another formula and which are few, are put together and done
// by themselves.
func (g *mersenne) blocks() {
	// Not NOSPLIT: the frame is too large for that.
	g.Function("blocksAVX2")
	g.SignatureExpr("func(dst *float64, words *uint32, n int, mean float64, std float64, log *float64, sincos *float64) (done int)")
	g.Pragma("noescape")
	g.Doc("blocksAVX2 makes n blocks, at most 16, of 16 values of 32 words each. It stops",
		"before a block that has an angle it cannot do and returns how many it has",
		"done; what that block and those after it hold then is not defined.")
	dst := operand.Mem{Base: g.Load(g.Param("dst"), g.GP64())}
	words := operand.Mem{Base: g.Load(g.Param("words"), g.GP64())}
	table := g.Load(g.Param("log"), g.GP64())
	local := g.AllocLocal(frameSize)
	f := g.frame(local)

	// Until the angles come the radii are in the places of the cosines, and the
	// numbers that they are made of in those of the sines.
	left, end := g.Load(g.Param("n"), g.GP64()), g.GP64()
	g.SHLQ(operand.Imm(4), left)
	g.LEAQ(f.list, end)
	at := groups{dst: dst, radius: [2]int{0, 32}, gap: 64, number: func(i int) reg.VecVirtual {
		return g.complement(words.Offset(32 * i))
	}}
	g.radii(at, words.Base, left, table, end)
	f = g.frame(local)
	list := g.GP64()
	g.LEAQ(f.list, list)
	g.near(at, list, end)

	g.VMOVUPD(g.doubles("mean"), f.mean)
	g.VMOVUPD(g.doubles("std"), f.std)
	table = g.Load(g.Param("sincos"), g.GP64())
	words = operand.Mem{Base: g.Load(g.Param("words"), g.GP64())}
	left = g.Load(g.Param("n"), g.GP64())
	right := [2]reg.Register{g.GP32(), g.GP32()}
	reduce := func(i int) func() {
		return func() { g.reduce(right[i], g.uniforms(words.Offset(64+32*i)), &f.rests[i]) }
	}
	polynomials := func(i int) func() { return func() { g.polynomials(&f.rests[i]) } }
	results := func(i int) func() {
		return func() { g.pair(dst.Offset(32*i), dst.Offset(64+32*i), f, table, &f.rests[i]) }
	}
	g.Label("angles")
	g.TESTQ(left, left)
	g.JZ(operand.LabelRef("finish"))
	emit.Abreast(g.Context, reduce(0), reduce(1))
	emit.Abreast(g.Context, polynomials(0), polynomials(1))
	emit.Abreast(g.Context, results(0), results(1))
	g.ANDL(right[0], right[1])
	g.CMPL(right[1], operand.Imm(15))
	g.JNE(operand.LabelRef("finish"))
	g.ADDQ(operand.Imm(128), dst.Base)
	g.SUBQ(operand.I8(-128), words.Base)
	g.DECQ(left)
	g.JMP(operand.LabelRef("angles"))

	g.Label("finish")
	done := g.Load(g.Param("n"), g.GP64())
	g.SUBQ(left, done)
	g.Store(done, g.ReturnIndex(0))
	g.VZEROUPPER()
	g.RET()
}

// pair writes four sines and four cosines times the radii that stand in the
// places of the cosines.
func (g *mersenne) pair(to, toSin operand.Mem, f frame, table reg.Register, at *rest) {
	s, c := g.turned(table, at)
	radius := g.load(to)
	g.VMULPD(radius, s, s)
	g.VMULPD(radius, c, c)
	std := g.load(f.std)
	g.VFMADD213PD(f.mean, std, s)
	g.VFMADD213PD(f.mean, std, c)
	g.VMOVUPD(c, to)
	g.VMOVUPD(s, toSin)
}

// complement returns 1 - u of four numbers u.
func (g *mersenne) complement(words operand.Mem) reg.VecVirtual {
	high, low := g.parts(words)
	x := g.load(g.double(0x1p31 + 1.5))
	g.VSUBPD(high, x, x)
	g.VSUBPD(low, x, x) // exact
	return x
}
