package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

func (g philox) uniform() {
	g.start("uniform32AVX2", "func(dst *float32, words *uint32, n int, low float32, width float32)",
		"makes n values; n is a multiple of 8.")
	dst := operand.Mem{Base: g.Load(g.Param("dst"), g.GP64())}
	words := operand.Mem{Base: g.Load(g.Param("words"), g.GP64())}
	n := g.Load(g.Param("n"), g.GP64())
	low, width := g.singles("low"), g.singles("width")
	g.loop("loop", n, 8, func() {
		v := g.YMM()
		g.VMOVDQU(words, v)
		g.VPAND(g.narrow(0xffffff), v, v)
		g.VCVTDQ2PS(v, v)
		g.VMULPS(g.float(0x1p-24), v, v)
		g.VMULPS(width, v, v)
		g.VADDPS(low, v, v)
		g.VMOVUPS(v, dst)
		g.ADDQ(operand.Imm(32), words.Base)
		g.ADDQ(operand.Imm(32), dst.Base)
	})
	g.finish()
}

// singles loads a float32 parameter into all lanes.
func (g philox) singles(name string) reg.VecVirtual {
	v := g.YMM()
	g.VBROADCASTSS(emit.Address(g.Param(name)), v)
	return v
}

// uniform64 emits uniformF64Generic of package philox.
func (g philox) uniform64() {
	g.start("uniform64AVX2", "func(dst *float64, words *uint32, n int, low float64, width float64)",
		"makes n values of 2*n words; n is a multiple of 8.")
	dst := operand.Mem{Base: g.Load(g.Param("dst"), g.GP64())}
	words := operand.Mem{Base: g.Load(g.Param("words"), g.GP64())}
	n := g.Load(g.Param("n"), g.GP64())
	low, width := g.doubles("low"), g.doubles("width")
	g.loop("uniforms64", n, 8, func() {
		for i := range 2 {
			v := g.uniforms(words.Offset(32 * i))
			g.VMULPD(width, v, v)
			g.VADDPD(low, v, v)
			g.VMOVUPD(v, dst.Offset(32*i))
		}
		g.ADDQ(operand.Imm(64), words.Base)
		g.ADDQ(operand.Imm(64), dst.Base)
	})
	g.finish()
}
