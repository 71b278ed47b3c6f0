package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// mersenne writes package normal64: what is made of the words of MT19937.
type mersenne struct {
	*gen
	mean, std operand.Mem // in four lanes
	rest      [2]rest
}

// blocks emits the transform, as normalF64Generic of package kernel has it,
// operation by operation. What is a branch there is a choice by masks here, of
// two results or of what goes into the one formula.
func (g *mersenne) blocks() {
	g.Function("blocksAVX2")
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr("func(dst *float64, words *uint32, n int, mean float64, std float64, log *float64, sincos *float64) (done int)")
	g.Pragma("noescape")
	g.Doc("blocksAVX2 makes n blocks of 16 values of 32 words each. It stops before a",
		"block that has an angle it cannot do and returns how many it has done; what",
		"that block holds then is not defined.")
	dst := operand.Mem{Base: g.Load(g.Param("dst"), g.GP64())}
	words := operand.Mem{Base: g.Load(g.Param("words"), g.GP64())}
	left := g.Load(g.Param("n"), g.GP64())
	log := g.Load(g.Param("log"), g.GP64())
	sincos := g.Load(g.Param("sincos"), g.GP64())
	g.mean, g.std = g.local("mean"), g.local("std")
	for i := range g.rest {
		g.rest[i].allocate(g.AllocLocal)
	}

	g.Label("loop")
	g.TESTQ(left, left)
	g.JZ(operand.LabelRef("finish"))
	// Until the end the radii are in the places of the cosines, and what the
	// logarithm is away from 1 in those of the sines. Eight pairs are two times
	// four, 0 and 1; the order of their parts was found by measurement.
	right := [2]reg.Register{g.GP32(), g.GP32()}
	cos := func(i int) operand.Mem { return dst.Offset(32 * i) }
	sin := func(i int) operand.Mem { return dst.Offset(64 + 32*i) }
	logRow := func(i int) operand.Mem { return g.rest[i].cosC } // whose time comes later
	row := func(i int) { g.logRow(cos(i), words.Offset(32*i), logRow(i)) }
	far := func(i int) { g.logFar(sin(i), cos(i), log, logRow(i)) }
	near := func(i int) { g.radius(cos(i), sin(i)) }
	reduce := func(i int) { g.reduce(right[i], g.uniforms(words.Offset(64+32*i)), &g.rest[i]) }
	polynomials := func(i int) { g.polynomials(&g.rest[i]) }
	results := func(i int) { g.pair(cos(i), sin(i), sincos, &g.rest[i]) }
	emit.Abreast(g.Context, func() { row(0) }, func() { row(1) })
	emit.Abreast(g.Context, func() { reduce(0) }, func() { far(0) })
	emit.Abreast(g.Context, func() { near(0) }, func() { reduce(1) })
	emit.Abreast(g.Context, func() { polynomials(0); results(0) }, func() { far(1) })
	emit.Abreast(g.Context, func() { polynomials(1) }, func() { near(1) })
	results(1)
	g.ANDL(right[0], right[1])
	g.CMPL(right[1], operand.Imm(15))
	g.JNE(operand.LabelRef("finish"))
	g.ADDQ(operand.Imm(128), dst.Base)
	g.SUBQ(operand.I8(-128), words.Base)
	g.DECQ(left)
	g.JMP(operand.LabelRef("loop"))

	g.Label("finish")
	done := g.Load(g.Param("n"), g.GP64())
	g.SUBQ(left, done)
	g.Store(done, g.ReturnIndex(0))
	g.VZEROUPPER()
	g.RET()
}

// local copies a parameter to the stack, four times.
func (g *mersenne) local(name string) operand.Mem {
	m := g.AllocLocal(32)
	g.VMOVUPD(g.doubles(name), m)
	return m
}

// pair writes four sines and four cosines times the radii that stand in the
// places of the cosines.
func (g *mersenne) pair(to, toSin operand.Mem, table reg.Register, at *rest) {
	s, c := g.turned(table, at)
	radius := g.load(to)
	g.VMULPD(radius, s, s)
	g.VMULPD(radius, c, c)
	std := g.load(g.std)
	g.VFMADD213PD(g.mean, std, s)
	g.VFMADD213PD(g.mean, std, c)
	g.VMOVUPD(c, to)
	g.VMOVUPD(s, toSin)
}

// logRow writes 1 - u of four numbers u and, to row, where the table of the
// logarithm has the rows for them.
func (g *mersenne) logRow(to, words, row operand.Mem) {
	high, low := g.parts(words)
	x := g.load(g.double(0x1p31 + 1.5))
	g.VSUBPD(high, x, x)
	g.VSUBPD(low, x, x) // exact: 1 - u
	g.VMOVUPD(x, to)
	g.VPADDQ(g.wide(1<<64-logOrigin), x, x)
	g.VPSRLQ(operand.Imm(41), x, x)
	g.VPAND(g.wide(127<<4), x, x)
	g.VMOVDQU(x, row)
}

// radius turns four numbers x into sqrt(-2 log x).
func (g *mersenne) radius(at, far operand.Mem) {
	r := g.load(at)
	g.VSUBPD(g.wide(one), r, r)
	v := g.logNear(r)
	const least = -1.0 / 16 // below it the other form counts
	v = g.choose(g.below(r, g.double(least)), far, v)
	g.VMOVUPD(g.root(v), at)
}

// logFar is log64Far of package kernel.
func (g *mersenne) logFar(to, at operand.Mem, table reg.Register, row operand.Mem) {
	x := g.load(at)
	const bias = 64
	inverse, log := g.pairs(table, 0, g.offsets(row, 8))
	t, k := g.YMM(), g.YMM()
	g.VPADDQ(g.wide(1<<64-logOrigin), x, t)
	g.VPADDQ(g.wide(1<<64-logOrigin+bias<<52), x, k)
	g.VPSRLQ(operand.Imm(52), k, k)
	g.VPOR(g.double(0x1p52), k, k)
	g.VSUBPD(g.double(0x1p52+bias), k, k)
	g.VPAND(g.wide(0xfff<<52), t, t)
	r := g.YMM()
	g.VPSUBQ(t, x, r)
	g.VFMSUB213PD(g.load(g.wide(one)), inverse, r)
	g.VMOVUPD(g.logEnd(r, k, log), to)
}
