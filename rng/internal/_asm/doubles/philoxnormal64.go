package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// normal64 emits the float64 normal, normalF64Generic of package philox,
// operation by operation. What is a branch there is a choice by masks here, of
// two results or of what goes into the one formula; numbers near 1, whose
// logarithm is another formula and which are few, are put together and done
// by themselves.
func (g philox) normal64() error {
	// Not NOSPLIT: the frame is too large for that.
	g.Function("normal64AVX2")
	g.SignatureExpr("func(dst *float64, words *uint32, n int, mean float64, std float64) (done bool)")
	g.Pragma("noescape")
	g.Doc("normal64AVX2 makes n values of 2*n words; n is a multiple of 16, at most 256.",
		"It reports whether it could: if not, what dst holds is not defined.")
	logs, err := g.table("logs64", "../kernel/log64_table.go")
	if err != nil {
		return err
	}
	sincos, err := g.table("sincos64", "../kernel/sincos64_table.go")
	if err != nil {
		return err
	}
	dst := operand.Mem{Base: g.Load(g.Param("dst"), g.GP64())}
	table := g.GP64()

	local := g.AllocLocal(frameSize)
	f := g.frame(local)
	list, end := g.GP64(), g.GP64()
	g.LEAQ(f.list, end)
	g.LEAQ(logs, table)
	words := operand.Mem{Base: g.Load(g.Param("words"), g.GP64())}
	at := groups{dst: dst, radius: [2]int{0, 64}, gap: 32, number: func(i int) reg.VecVirtual {
		x, w := g.YMM(), g.load(words.Offset(64*i))
		g.VUNPCKLPD(words.Offset(64*i+32), w, x) // 0, 2, 1, 3
		return g.number(x)
	}}
	g.radii(at, words.Base, g.Load(g.Param("n"), g.GP64()), table, end)
	f = g.frame(local)
	g.LEAQ(f.list, list)
	g.near(at, list, end)

	g.VMOVUPD(g.doubles("mean"), f.mean)
	g.VMOVUPD(g.doubles("std"), f.std)
	g.LEAQ(sincos, table)
	words = operand.Mem{Base: g.Load(g.Param("words"), g.GP64())}
	n := g.Load(g.Param("n"), g.GP64())
	all := g.GP32()
	g.MOVL(operand.U32(15), all)
	right := [2]reg.Register{g.GP32(), g.GP32()}
	group := func(i int) operand.Mem { return dst.Offset(64 * i) }
	reduce := func(i int) { g.reduce(right[i], g.angles(words.Offset(64*i)), &f.rests[i]) }
	polynomials := func(i int) { g.polynomials(&f.rests[i]) }
	results := func(i int) { g.results(group(i), f.mean, f.std, table, &f.rests[i]) }
	g.loop("angles64", n, 16, func() {
		emit.Abreast(g.Context, func() { reduce(0) }, func() { reduce(1) })
		g.ANDL(right[0], all)
		g.ANDL(right[1], all)
		emit.Abreast(g.Context, func() { polynomials(0) }, func() { polynomials(1) })
		emit.Abreast(g.Context, func() { results(0) }, func() { results(1) })
		g.ADDQ(operand.U32(128), dst.Base)
		g.ADDQ(operand.U32(128), words.Base)
	})
	g.CMPL(all, operand.Imm(15))
	done := g.GP8()
	g.SETEQ(done)
	g.Store(done, g.ReturnIndex(0))
	g.finish()
	return nil
}

// results writes four pairs of values over what radii has left in their place.
func (g philox) results(to operand.Mem, mean, std operand.Mem, table reg.Register, at *rest) {
	s, c := g.turned(table, at)
	radius, factor, first := g.load(to), g.load(std), g.YMM()
	g.VMULPD(radius, s, s)
	g.VMULPD(radius, c, c)
	g.VUNPCKLPD(s, c, first) // pairs 0 and 1: the lanes stand for 0, 2, 1, 3
	g.VUNPCKHPD(s, c, c)
	g.VMULPD(factor, first, first)
	g.VMULPD(factor, c, c)
	g.VADDPD(mean, first, first)
	g.VADDPD(mean, c, c)
	g.VMOVUPD(first, to)
	g.VMOVUPD(c, to.Offset(32))
}
