package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// normal emits the float32 normal: four pairs of words a time, the functions
// in float64 as in the generic code. It differs from that in what is fused, in
// how the nearest multiple of pi/2 is found, and in a longer table for the
// logarithm. None of it changes a bit after the rounding to float32: the
// package's tests with -exhaustive try all arguments.
func (g philox) normal() {
	g.start("normal32AVX2", "func(dst *float32, words *uint32, n int, mean float32, std float32, rows *[2]float64)",
		"makes n values; n is a multiple of 8. rows is row 0 of the logarithm's long table.")
	dst := operand.Mem{Base: g.Load(g.Param("dst"), g.GP64())}
	words := operand.Mem{Base: g.Load(g.Param("words"), g.GP64())}
	n := g.Load(g.Param("n"), g.GP64())
	table := g.Load(g.Param("rows"), g.GP64())
	// The radii of all pairs first, each four at the place of their eight values.
	from, to, left := operand.Mem{Base: g.GP64()}, operand.Mem{Base: g.GP64()}, g.GP64()
	g.MOVQ(words.Base, from.Base)
	g.MOVQ(dst.Base, to.Base)
	g.MOVQ(n, left)
	g.sideBySide("radii", left, from.Base, to.Base, func(at int) {
		g.VMOVUPS(g.radius(g.unit(from.Offset(at), 0x88), table), to.Offset(at))
	})
	mean, std := g.AllocLocal(32), g.AllocLocal(32)
	g.VMOVUPS(g.singles("mean"), mean)
	g.VMOVUPS(g.singles("std"), std)
	g.sideBySide("angles", n, words.Base, dst.Base, func(at int) {
		words, dst := words.Offset(at), dst.Offset(at)
		sin, cos := g.sincos(g.unit(words, 0xdd))
		g.VMULPS(dst, cos, cos)
		g.VMULPS(dst, sin, sin)
		pairs, high := g.YMM(), g.XMM()
		g.clears(pairs)(x86.VUNPCKLPS(sin, cos, pairs.AsX()))
		g.VUNPCKHPS(sin, cos, high)
		g.VINSERTF128(operand.Imm(1), high, pairs, pairs)
		g.VMULPS(std, pairs, pairs)
		g.VADDPS(mean, pairs, pairs)
		g.VMOVUPS(pairs, dst)
	})
	g.finish()
}

// sideBySide emits a loop over n values, eight of eight words each time: two
// such groups side by side as long as there are two, then one.
func (g philox) sideBySide(name string, n, words, values reg.Register, group func(at int)) {
	const size = 32 // bytes of eight words, and of eight values
	for _, ways := range []int{2, 1} {
		g.loop(name, n, uint32(8*ways), func() {
			var groups []func()
			for i := range ways {
				groups = append(groups, func() { group(i * size) })
			}
			emit.Abreast(g.Context, groups...)
			g.ADDQ(operand.Imm(uint64(ways*size)), words)
			g.ADDQ(operand.Imm(uint64(ways*size)), values)
		})
		name += "Rest"
	}
}

// unit turns four of eight words into float32 numbers in (0, 1]: every second
// one, which shuffle chooses. The halves of a word are exact in float32, so
// that their sum is rounded once.
func (g philox) unit(words operand.Mem, shuffle uint64) reg.VecVirtual {
	w, high := g.XMM(), g.XMM()
	g.VMOVUPS(words, w)
	g.VSHUFPS(operand.Imm(shuffle), words.Offset(16), w, w)
	g.VPSRLD(operand.Imm(16), w, high)
	g.VPAND(g.narrow(0xffff), w, w)
	g.VCVTDQ2PS(high, high)
	g.VCVTDQ2PS(w, w)
	g.VFMADD231PS(g.float(0x1p16), high, w)
	scale := g.XMM()
	g.VMOVUPS(g.float(0x1p-32), scale)
	g.VFMADD213PS(g.float(0x1p-33), scale, w)
	return w
}

// radius is sqrt(-2 log u).
func (g philox) radius(u reg.VecVirtual, table reg.Register) reg.VecVirtual {
	t, e := g.XMM(), g.XMM()
	g.VPSUBD(g.narrow(0x3f330000), u, t)
	g.VPAND(g.narrow(0xff800000), t, e)
	g.VPSUBD(e, u, u)
	z := g.YMM()
	g.VCVTPS2PD(u, z)
	inverse, log := g.lookUp(t, table) // 1/c, k ln2 + log c

	// r = z/c - 1, y = r2 a0 + (a1 r + a2)
	one := g.YMM()
	g.VMOVUPD(g.wide(0x3ff0000000000000), one)
	g.VFMSUB213PD(one, inverse, z) // r
	r2, y := g.YMM(), g.YMM()
	g.VMULPD(z, z, r2)
	g.VMOVUPD(g.wide(0x3fd5575b0be00b6a), y)
	g.VFMADD213PD(g.wide(0xbfdffffef20a4123), z, y)
	g.VFMADD231PD(g.wide(0xbfd00ea348b88334), r2, y)
	g.VADDPD(z, log, log)
	g.VFMADD213PD(log, r2, y)
	x := g.XMM()
	g.VCVTPD2PSY(y, x)
	g.VMULPS(g.float(-2), x, x)
	g.VSQRTPS(x, x)
	return x
}

// lookUp takes the rows of the table that the bits of each lane from 19 on
// name, with their sign: the left and the right column.
func (g philox) lookUp(t reg.VecVirtual, table reg.Register) (left, right reg.VecVirtual) {
	g.VPSRAD(operand.Imm(15), t, t) // times 16, the size of a row
	g.VPAND(g.narrow(0xfffffff0), t, t)
	a, c := g.GP64(), g.GP64()
	g.VMOVQ(t, a)
	g.VPEXTRQ(operand.Imm(1), t, c)
	row := func(pair reg.GPVirtual, low bool) operand.Mem {
		at := g.GP64()
		if low {
			g.MOVLQSX(pair.As32(), at)
		} else {
			g.MOVQ(pair, at)
			g.SARQ(operand.Imm(32), at)
		}
		return operand.Mem{Base: table, Index: at, Scale: 1}
	}
	even, odd := g.half(row(a, true)), g.half(row(a, false))
	g.VINSERTF128(operand.Imm(1), row(c, true), even, even)
	g.VINSERTF128(operand.Imm(1), row(c, false), odd, odd)
	left, right = g.YMM(), g.YMM()
	g.VUNPCKLPD(odd, even, left)
	g.VUNPCKHPD(odd, even, right)
	return left, right
}

// sincos is the sine and the cosine of 2 pi u.
func (g philox) sincos(u reg.VecVirtual) (sin, cos reg.VecVirtual) {
	g.VMULPS(g.narrow(0x40c90fdb), u, u)
	x, m, k := g.YMM(), g.YMM(), g.YMM()
	g.VCVTPS2PD(u, x)
	// Added to 1.5·2^52 a number leaves its nearest integer in the low bits.
	g.VMOVUPD(g.wide(0x3fe45f306dc9c883), m)
	g.VFMADD213PD(g.wide(0x4338000000000000), x, m)
	g.VSUBPD(g.wide(0x4338000000000000), m, k)
	high, n := g.XMM(), g.XMM()
	g.VEXTRACTF128(operand.Imm(1), m, high)
	g.VSHUFPS(operand.Imm(0x88), high, m.AsX(), n)
	g.VFNMADD231PD(g.wide(0x3ff921fb54442d18), k, x)

	q, x3, s, t := g.YMM(), g.YMM(), g.YMM(), g.YMM()
	g.VMULPD(x, x, q)
	g.VMULPD(q, x, x3)
	g.VMOVUPD(g.wide(0xbf2994eb3774cf24), s)
	g.VFMADD213PD(g.wide(0x3f81107605230bc4), q, s) // s3 q + s2
	g.VFMADD231PD(g.wide(0xbfc555545995a603), x3, x)
	g.VMULPD(q, x3, t) // x7
	g.VFMADD213PD(x, t, s)

	q2, c, d := g.YMM(), g.YMM(), g.YMM()
	g.VMULPD(q, q, q2)
	g.VMOVUPD(g.wide(0x3ef99343027bf8c3), c)
	g.VFMADD213PD(g.wide(0xbf56c087e89a359d), q, c) // c4 q + c3
	g.VMOVUPD(g.wide(0xbfdffffffd0c621c), d)
	g.VFMADD213PD(g.wide(0x3ff0000000000000), q, d) // c1 q + 1
	g.VFMADD231PD(g.wide(0x3fa55553e1068f19), q2, d)
	g.VMULPD(q, q2, q2)
	g.VFMADD213PD(d, q2, c)

	xs, xc, odd := g.XMM(), g.XMM(), g.XMM()
	g.VCVTPD2PSY(s, xs)
	g.VCVTPD2PSY(c, xc)
	g.VPSLLD(operand.Imm(31), n, odd)
	sin, cos = g.XMM(), g.XMM()
	g.VBLENDVPS(odd, xc, xs, sin)
	g.VBLENDVPS(odd, xs, xc, cos)
	sign := g.XMM()
	g.VPAND(g.narrow(2), n, sign)
	g.VPSLLD(operand.Imm(30), sign, sign)
	g.VPXOR(sign, sin, sin)
	g.VPADDD(g.narrow(1), n, n)
	g.VPAND(g.narrow(2), n, n)
	g.VPSLLD(operand.Imm(30), n, n)
	g.VPXOR(n, cos, cos)
	return sin, cos
}
