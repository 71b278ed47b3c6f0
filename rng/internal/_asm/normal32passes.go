package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// normal32InPasses is the form for AVX2, whose 16 registers are too few for
// groups that are made from the words to the values: what waits for what fills
// the processor's queues, and half of its units stand still. Here three passes
// go over all blocks, each of which makes a step of several blocks in lockstep:
//
//	radii   of the first words, to the first half of dst
//	angles  of the second words, reduced to an eighth of a turn, to the second half
//	values  of both, sine and cosine being made on the way
//
// The first is a pipeline besides: the end of the logarithm of some blocks lies
// among the beginning of that of the next. In between, the first half of dst
// holds the mantissa, the second the exponent.
func (g *gen) normal32InPasses() {
	g.start("normal32", "func(dst *float32, words *uint32, blocks int, mean, std float32)",
		"makes blocks of 16 normals of 16 words each, in passes over dst: the blocks should fit the first-level cache. mean is not -0, both are finite.")
	p := passes{
		gen: g, dst: g.pointer("dst"), words: g.pointer("words"), blocks: g.integer("blocks"),
		to: operand.Mem{Base: g.GP64()}, from: operand.Mem{Base: g.GP64()}, left: g.GP64(),
	}
	p.radii()
	p.pass("angles", team.angles)
	mean, std := g.local(g.float("mean")), g.local(g.float("std"))
	p.pass("values", func(t team) { t.values(mean, std) })
	g.finish()
}

// abreastBlocks is the number of blocks in lockstep: enough to hide the latency
// of a step behind the others, and few enough for the registers.
const abreastBlocks = 4

// passes is where the passes of a call stand.
type passes struct {
	*gen
	dst, words operand.Mem // the call's
	blocks     reg.Register
	to, from   operand.Mem // the block to be done next
	left       reg.GPVirtual
}

const blockBytes = 64

// rewind goes back to the first block.
func (p passes) rewind() {
	p.MOVQ(p.dst.Base, p.to.Base)
	p.MOVQ(p.words.Base, p.from.Base)
	p.MOVQ(p.blocks, p.left)
}

// pass emits a loop over the blocks, several at a time, and one for the rest.
func (p passes) pass(name string, do func(team)) {
	p.rewind()
	for _, size := range []int{abreastBlocks, 1} {
		p.loop(name, p.left, size, func() {
			do(p.team(size, 0))
			p.step(size)
		})
		name += "Rest"
	}
}

// radii emits the first pass.
func (p passes) radii() {
	const ahead = abreastBlocks
	p.rewind()
	now, next := p.registers(ahead), p.registers(ahead)
	p.CMPQ(p.left, operand.U32(ahead))
	p.JB(operand.LabelRef("radiiRest"))
	p.team(ahead, 0).beginLog(now)
	p.Label("radii")
	p.CMPQ(p.left, operand.U32(2*ahead))
	p.JB(operand.LabelRef("radiiLast"))
	emit.Abreast(p.Context,
		func() { p.team(ahead, 0).endLog(now) },
		func() { p.team(ahead, ahead).beginLog(next) })
	for i, v := range next {
		p.VMOVAPS(v, now[i])
	}
	p.step(ahead)
	p.SUBQ(operand.U32(ahead), p.left)
	p.JMP(operand.LabelRef("radii"))
	p.Label("radiiLast")
	p.team(ahead, 0).endLog(now)
	p.step(ahead)
	p.SUBQ(operand.U32(ahead), p.left)
	p.loop("radiiRest", p.left, 1, func() {
		one := p.registers(1)
		p.team(1, 0).beginLog(one)
		p.team(1, 0).endLog(one)
		p.step(1)
	})
}

// step goes on by some blocks. Who calls it counts them.
func (p passes) step(blocks int) {
	p.advance(blocks*blockBytes, p.to.Base)
	p.advance(blocks*blockBytes, p.from.Base)
}

func (g *gen) registers(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = g.vec()
	}
	return v
}

// team is some blocks in lockstep.
type team struct {
	passes
	size  int
	first int // of its blocks, counted from the next
}

func (p passes) team(size, first int) team { return team{p, size, first} }

// each emits an instruction for every block.
func (t team) each(do func(i int)) {
	for i := range t.size {
		do(i)
	}
}

// The halves of a block's words and of its place in dst.

func (t team) firstWords(i int) operand.Mem  { return t.from.Offset((t.first + i) * blockBytes) }
func (t team) secondWords(i int) operand.Mem { return t.firstWords(i).Offset(blockBytes / 2) }
func (t team) firstHalf(i int) operand.Mem   { return t.to.Offset((t.first + i) * blockBytes) }
func (t team) secondHalf(i int) operand.Mem  { return t.firstHalf(i).Offset(blockBytes / 2) }

// constant holds a number in a register, which all blocks share.
func (t team) constant(v float32) reg.VecVirtual { return t.held(t.number(v)) }

// horner emits steps of a polynomial.
func (t team) horner(x, v []reg.VecVirtual, coefficients ...float32) {
	for _, c := range coefficients {
		k := t.constant(c)
		t.each(func(i int) { t.VFMADD213PS(k, x[i], v[i]) })
	}
}

// begin sets all of v to a number.
func (t team) begin(v []reg.VecVirtual, c float32) {
	k := t.constant(c)
	t.each(func(i int) { t.VMOVAPS(k, v[i]) })
}

// logSteps is the number of coefficients of the logarithm that its beginning
// uses, so that both parts take equally long.
const logSteps = 8

// beginLog splits 1 - u and begins the polynomial in v.
func (t team) beginLog(v []reg.VecVirtual) {
	m := t.registers(t.size)
	k := t.heldBits(uniformBits)
	t.each(func(i int) { t.VPAND(t.firstWords(i), k, m[i]) })
	k = t.heldBits(1 << 24)
	t.each(func(i int) { t.VPSUBD(m[i], k, m[i]) })
	t.each(func(i int) { t.VCVTDQ2PS(m[i], m[i]) })
	k = t.heldBits(split + 24<<23)
	t.each(func(i int) { t.VPSUBD(k, m[i], m[i]) })
	t.each(func(i int) {
		e := t.vec()
		t.shiftSigned(23, m[i], e)
		t.VCVTDQ2PS(e, e)
		t.store(e, t.secondHalf(i))
	})
	k = t.heldBits(mantissa)
	t.each(func(i int) { t.VPAND(k, m[i], m[i]) })
	k = t.heldBits(split)
	t.each(func(i int) { t.VPADDD(k, m[i], m[i]) })
	k = t.constant(-1)
	t.each(func(i int) { t.VADDPS(k, m[i], m[i]) })
	t.each(func(i int) { t.store(m[i], t.firstHalf(i)) })
	t.begin(v, logPolynomial[0])
	t.horner(m, v, logPolynomial[1:logSteps]...)
}

// endLog ends what beginLog began, and writes the radii.
func (t team) endLog(v []reg.VecVirtual) {
	for _, c := range logPolynomial[logSteps:] {
		k := t.constant(c)
		t.each(func(i int) { t.VFMADD132PS(t.firstHalf(i), k, v[i]) })
	}
	t.each(func(i int) { t.VMULPS(t.firstHalf(i), v[i], v[i]) })
	k, squares := t.constant(log2Low), t.registers(t.size)
	t.each(func(i int) {
		low := t.vec()
		t.load(t.firstHalf(i), squares[i])
		t.VMULPS(squares[i], squares[i], squares[i])
		t.VMULPS(t.secondHalf(i), k, low)
		t.VFMADD213PS(low, squares[i], v[i])
	})
	t.each(func(i int) { t.VADDPS(squares[i], v[i], v[i]) })
	k = t.constant(-2)
	t.each(func(i int) { t.VFMADD231PS(t.firstHalf(i), k, v[i]) })
	k = t.constant(log2High)
	t.each(func(i int) { t.VFMADD231PS(t.secondHalf(i), k, v[i]) })
	t.each(func(i int) {
		radius := t.vec()
		t.VSQRTPS(v[i], radius)
		t.store(radius, t.firstHalf(i))
	})
}

// angles writes the reduced angles.
func (t team) angles() {
	x, q := t.registers(t.size), t.registers(t.size)
	k := t.heldBits(uniformBits)
	t.each(func(i int) { t.VPAND(t.secondWords(i), k, x[i]) })
	k = t.heldBits(halfQuarter)
	t.each(func(i int) { t.VPADDD(k, x[i], q[i]) })
	t.each(func(i int) { t.VCVTDQ2PS(x[i], x[i]) })
	t.each(func(i int) { t.shiftRight(quarter, q[i], q[i]) })
	t.each(func(i int) { t.VCVTDQ2PS(q[i], q[i]) })
	k = t.constant(turn)
	t.each(func(i int) { t.VMULPS(k, x[i], x[i]) })
	for _, c := range []float32{quarterHigh, quarterLow} {
		k := t.constant(c)
		t.each(func(i int) { t.VFMADD231PS(k, q[i], x[i]) })
	}
	t.each(func(i int) { t.store(x[i], t.secondHalf(i)) })
}

// values makes the normals.
func (t team) values(mean, std operand.Mem) {
	cos, sin := t.sinCos()
	sign, round := t.heldBits(signBit), t.heldBits(halfQuarter)
	// turns moves the bit of a word that counts turns of an angle to the sign.
	turns := func(i, shift int) reg.VecVirtual {
		v := t.vec()
		t.VPADDD(t.secondWords(i), round, v)
		t.shiftLeft(shift, v, v)
		return v
	}
	// An odd number of quarter turns swaps the two and negates the cosine.
	t.each(func(i int) {
		odd := turns(i, 31-quarter)
		sin[i], cos[i] = t.choose(odd, sin[i], cos[i]), t.choose(odd, cos[i], sin[i])
		t.and(sign, odd, odd)
		t.xor(odd, cos[i], cos[i])
	})
	meanAll, stdAll := t.vec(), t.vec()
	t.load(std, stdAll)
	t.load(mean, meanAll)
	// Half a turn negates both values.
	t.each(func(i int) {
		radius := turns(i, 31-quarter-1)
		t.and(sign, radius, radius)
		t.xor(t.firstHalf(i), radius, radius)
		t.mul(radius, cos[i], cos[i])
		t.mul(radius, sin[i], sin[i])
		t.fma213(meanAll, stdAll, cos[i])
		t.fma213(meanAll, stdAll, sin[i])
		t.store(cos[i], t.firstHalf(i))
		t.store(sin[i], t.secondHalf(i))
	})
}

// sinCos returns sine and cosine of the reduced angles.
func (t team) sinCos() (cos, sin []reg.VecVirtual) {
	z, c, s := t.registers(t.size), t.registers(t.size), t.registers(t.size)
	t.each(func(i int) { t.load(t.secondHalf(i), z[i]) })
	t.each(func(i int) { t.VMULPS(z[i], z[i], z[i]) })
	t.begin(c, cosPolynomial[0])
	t.horner(z, c, cosPolynomial[1])
	t.begin(s, sinPolynomial[0])
	t.horner(z, s, sinPolynomial[1])
	t.horner(z, c, cosPolynomial[2])
	t.horner(z, s, sinPolynomial[2])
	t.each(func(i int) {
		t.VMULPS(z[i], c[i], c[i])
		t.VMULPS(z[i], s[i], s[i])
	})
	t.each(func(i int) { t.VFMSUB213PS(z[i], z[i], c[i]) })
	half, one := t.constant(0.5), t.constant(1)
	t.each(func(i int) {
		x := t.vec()
		t.load(t.secondHalf(i), x)
		t.VFMADD213PS(x, x, s[i])
		t.VFMADD132PS(half, one, c[i])
	})
	return c, s
}
