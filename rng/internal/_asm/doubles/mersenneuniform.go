package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// uniform emits uniformF64Generic of package kernel, eight values a time.
func (g *mersenne) uniform() {
	g.Function("uniformAVX2")
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr("func(dst *float64, words *uint32, n int, low float64, width float64, high float64)")
	g.Pragma("noescape")
	g.Doc("uniformAVX2 makes n values of 2*n words; n is a multiple of 8.")
	dst := operand.Mem{Base: g.Load(g.Param("dst"), g.GP64())}
	words := operand.Mem{Base: g.Load(g.Param("words"), g.GP64())}
	left := g.Load(g.Param("n"), g.GP64())
	low, width, high := g.doubles("low"), g.doubles("width"), g.doubles("high")

	g.Label("uniformLoop")
	g.TESTQ(left, left)
	g.JZ(operand.LabelRef("uniformEnd"))
	value := func(i int) {
		v := g.uniforms(words.Offset(32 * i))
		g.VFMADD213PD(low, width, v)
		const equal = 0x00 // ordered, quiet
		folds := g.YMM()
		g.VCMPPD(operand.Imm(equal), high, v, folds)
		g.VMOVUPD(g.choose(folds, low, v), dst.Offset(32*i))
	}
	emit.Abreast(g.Context, func() { value(0) }, func() { value(1) })
	g.ADDQ(operand.Imm(64), dst.Base)
	g.ADDQ(operand.Imm(64), words.Base)
	g.SUBQ(operand.Imm(8), left)
	g.JMP(operand.LabelRef("uniformLoop"))
	g.Label("uniformEnd")
	g.VZEROUPPER()
	g.RET()
}
