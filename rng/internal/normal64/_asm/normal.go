package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

const (
	one      = 0x3ff0000000000000
	sign     = 0x8000000000000000
	positive = 0x7fffffffffffffff
)

// blocks emits the transform, as normalF64Generic of package kernel has it,
// operation by operation. What is a branch there is a choice by masks here, of
// two results or of what goes into the one formula.
func (g *gen) blocks() {
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
	g.mean, g.std = g.lanes("mean"), g.lanes("std")
	for i := range g.rest {
		g.allocate(&g.rest[i])
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
	row := func(i int) { g.logRow(cos(i), words.Offset(32*i), g.rest[i].logRow) }
	far := func(i int) { g.logFar(sin(i), cos(i), log, g.rest[i].logRow) }
	near := func(i int) { g.radius(cos(i), sin(i)) }
	reduce := func(i int) { g.reduce(right[i], words.Offset(64+32*i), &g.rest[i]) }
	polynomials := func(i int) { g.polynomials(&g.rest[i]) }
	results := func(i int) { g.pair(cos(i), sin(i), sincos, &g.rest[i]) }
	g.chains(func() { row(0) }, func() { row(1) })
	g.chains(func() { reduce(0) }, func() { far(0) })
	g.chains(func() { near(0) }, func() { reduce(1) })
	g.chains(func() { polynomials(0); results(0) }, func() { far(1) })
	g.chains(func() { polynomials(1) }, func() { near(1) })
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

// lanes copies a parameter to the stack, four times.
func (g *gen) lanes(name string) operand.Mem {
	m := g.AllocLocal(32)
	g.VMOVUPD(g.lane(name), m)
	return m
}

// parts splits the 53 bits of four pairs of words: the upper 21 as u + 2^31,
// the lower 32 as v + 1/2, where u + v is the uniform number. The high word
// comes first in memory, so it is the low half of the register.
func (g *gen) parts(words operand.Mem) (high, low reg.VecVirtual) {
	low, high = g.load(words), g.YMM()
	g.VPAND(g.wide(0x1fffff), low, high)
	g.VPOR(g.float(0x1p31), high, high)
	g.VPSRLQ(operand.Imm(32), low, low)
	g.VPOR(g.float(0.5), low, low)
	return high, low
}

// logRow writes 1 - u of four numbers u and, to row, where the table of the
// logarithm has the rows for them.
func (g *gen) logRow(to, words, row operand.Mem) {
	high, low := g.parts(words)
	x := g.load(g.float(0x1p31 + 1.5))
	g.VSUBPD(high, x, x)
	g.VSUBPD(low, x, x) // exact: 1 - u
	g.VMOVUPD(x, to)
	g.VPADDQ(g.wide(1<<64-logOrigin), x, x)
	g.VPSRLQ(operand.Imm(41), x, x)
	g.VPAND(g.wide(127<<4), x, x)
	g.VMOVDQU(x, row)
}

// radius turns four numbers x into sqrt(-2 log x).
func (g *gen) radius(at, far operand.Mem) {
	r := g.load(at)
	g.VSUBPD(g.wide(one), r, r)
	v := g.logNear(r)
	const least = -1.0 / 16 // below it the other form counts
	v = g.choose(g.below(r, g.float(least)), far, v)
	g.VMULPD(g.float(-2), v, v)
	g.VSQRTPD(v, v)
	g.VMOVUPD(v, at)
}

// logOrigin is where the reduced argument of the logarithm begins.
const logOrigin = 0x3fe6000000000000

// logFar is log64Far of package kernel.
func (g *gen) logFar(to, at operand.Mem, table reg.Register, row operand.Mem) {
	x := g.load(at)
	const bias = 64
	inverse, log := g.pairs(table, 0, g.offsets(row))
	t, k := g.YMM(), g.YMM()
	g.VPADDQ(g.wide(1<<64-logOrigin), x, t)
	g.VPADDQ(g.wide(1<<64-logOrigin+bias<<52), x, k)
	g.VPSRLQ(operand.Imm(52), k, k)
	g.VPOR(g.float(0x1p52), k, k)
	g.VSUBPD(g.float(0x1p52+bias), k, k)
	g.VPAND(g.wide(0xfff<<52), t, t)
	r := g.YMM()
	g.VPSUBQ(t, x, r)
	g.VFMSUB213PD(g.load(g.wide(one)), inverse, r)

	w := log
	g.VFMADD231PD(g.wide(0x3fe62e42fefa3800), k, w)
	hi := g.sum(r, w)
	lo := g.difference(w, hi)
	g.VADDPD(r, lo, lo)
	g.VFMADD231PD(g.wide(0x3d2ef35793c76730), k, lo)
	r2 := g.product(r, r)
	g.VFMADD231PD(g.wide(0xbfe0000000000001), r2, lo)
	q := g.polynomial(r, 0xbfc55575e506c89f, 0x3fc999b324f10111)
	g.VFMADD213PD(g.polynomial(r, 0xbfcfffffffeb4590, 0x3fd555555551305b), r2, q)
	g.VMULPD(r, r2, r2)
	g.VFMADD213PD(lo, r2, q)
	g.VADDPD(hi, q, q)
	g.VMOVUPD(q, to)
}

// logNear is log64Near of package kernel for 1 + r; at 1 it gives +0 by itself.
func (g *gen) logNear(r reg.VecVirtual) reg.VecVirtual {
	const minusHalf = 0xbfe0000000000000
	r2 := g.product(r, r)
	r3 := g.product(r, r2)
	p := g.polynomial(r, 0xbfb999eb43b068ff, 0x3fbc7184282ad6ca)
	g.VFMADD231PD(g.wide(0x3fb78182f7afd085), r2, p)
	g.VFMADD231PD(g.wide(0xbfb5521375d145cd), r3, p)
	p2 := g.polynomial(r, 0x3fc24924a344de30, 0xbfc55555556745a7)
	g.VFMADD231PD(g.wide(0xbfbfffffa4423d65), r2, p2)
	g.VFMADD213PD(p2, r3, p)
	p1 := g.polynomial(r, 0xbfcffffffffffdcb, 0x3fd5555555555577)
	g.VFMADD231PD(g.wide(0x3fc999999995dd0c), r2, p1)
	g.VFMADD213PD(p1, r3, p)

	rh := g.load(g.float(0x1p27))
	g.VFMADD213PD(r, r, rh)
	g.VFNMADD231PD(g.float(0x1p27), r, rh)
	q := g.product(rh, rh)
	hi := g.load(g.wide(minusHalf))
	g.VFMADD213PD(r, q, hi)
	lo := g.difference(r, hi)
	g.VFMADD231PD(g.wide(minusHalf), q, lo)
	rl := g.difference(r, rh)
	g.VMULPD(g.wide(minusHalf), rl, rl)
	g.VADDPD(r, rh, rh)
	g.VFMADD231PD(rh, rl, lo)
	g.VFMADD213PD(lo, r3, p)
	return g.sum(hi, p)
}

// offsets loads four numbers into general registers. They come by way of
// memory, which leaves the vector units to others.
func (g *gen) offsets(from operand.Mem) (out [4]reg.Register) {
	for i := range out {
		r := g.GP64()
		g.MOVL(from.Offset(8*i), r.As32())
		out[i] = r
	}
	return out
}

// pairs loads two columns of a table from four rows.
func (g *gen) pairs(table reg.Register, column int, rows [4]reg.Register) (left, right reg.VecVirtual) {
	from := func(row int) operand.Mem {
		return operand.Mem{Base: table, Index: rows[row], Scale: 1, Disp: 8 * column}
	}
	even, odd := g.half(from(0)), g.half(from(1))
	g.VINSERTF128(operand.Imm(1), from(2), even, even)
	g.VINSERTF128(operand.Imm(1), from(3), odd, odd)
	left, right = g.YMM(), g.YMM()
	g.VUNPCKLPD(odd, even, left)
	g.VUNPCKHPD(odd, even, right)
	return left, right
}

// half loads the lower half of a vector; the upper one becomes 0, of which the
// generator library has to be told.
func (g *gen) half(from operand.Mem) reg.VecVirtual {
	v := g.YMM()
	i, err := x86.VMOVUPD(from, v.AsX())
	if err != nil {
		panic(err) // a mistake in this program
	}
	i.Outputs = []operand.Op{v}
	g.Instruction(i)
	return v
}
