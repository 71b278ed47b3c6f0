package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// passes is where the passes of a call stand.
type passes struct {
	*gen
	dst, words operand.Mem // the call's
	blocks     reg.Register
	to, from   operand.Mem // the group to be done next
	left       reg.GPVirtual
}

// blockBytes is the size of a block, groupBytes that of a group.
const blockBytes = 64

func (g *gen) groupBytes() int { return 2 * g.bytes() }

// rewind goes back to the first group.
func (p passes) rewind() {
	p.MOVQ(p.dst.Base, p.to.Base)
	p.MOVQ(p.words.Base, p.from.Base)
	p.MOVQ(p.blocks, p.left)
}

// pass emits a loop over the groups, several at a time, and one for the rest.
func (p passes) pass(name string, groups int, do func(team)) {
	p.rewind()
	for _, size := range []int{groups, 1} {
		p.loop(name, p.left, p.inBlocks(size), func() {
			do(p.team(size, 0))
			p.step(size)
		})
		name += "Rest"
	}
}

func (p passes) inBlocks(groups int) int { return groups * p.groupBytes() / blockBytes }

// pipelinedRadii emits the first pass for AVX2.
func (p passes) pipelinedRadii() {
	const ahead = abreast
	p.rewind()
	now, next := p.registers(ahead), p.registers(ahead)
	p.CMPQ(p.left, operand.U32(ahead))
	p.JB(operand.LabelRef("radiiRest"))
	p.team(ahead, 0).beginLog(now)
	p.Label("radii")
	p.CMPQ(p.left, operand.U32(2*ahead))
	p.JB(operand.LabelRef("radiiLast"))
	emit.Abreast(p.Context,
		func() { p.team(ahead, 0).radii(now) },
		func() { p.team(ahead, ahead).beginLog(next) })
	for i, v := range next {
		p.VMOVAPS(v, now[i])
	}
	p.step(ahead)
	p.SUBQ(operand.U32(ahead), p.left)
	p.JMP(operand.LabelRef("radii"))
	p.Label("radiiLast")
	p.team(ahead, 0).radii(now)
	p.step(ahead)
	p.SUBQ(operand.U32(ahead), p.left)
	p.loop("radiiRest", p.left, 1, func() {
		one := p.registers(1)
		p.team(1, 0).beginLog(one)
		p.team(1, 0).radii(one)
		p.step(1)
	})
}

// step goes on by some groups. Who calls it counts them.
func (p passes) step(groups int) {
	p.advance(groups*p.groupBytes(), p.to.Base)
	p.advance(groups*p.groupBytes(), p.from.Base)
}

func (g *gen) registers(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = g.vec()
	}
	return v
}

// team is some groups in lockstep.
type team struct {
	passes
	size  int
	first int // of its groups, counted from the next
}

func (p passes) team(size, first int) team { return team{p, size, first} }

// each emits an instruction for every group.
func (t team) each(do func(i int)) {
	for i := range t.size {
		do(i)
	}
}

// The halves of a group's place in dst.

func (t team) firstHalf(i int) operand.Mem  { return t.to.Offset((t.first + i) * t.groupBytes()) }
func (t team) secondHalf(i int) operand.Mem { return t.firstHalf(i).Offset(t.bytes()) }

// The first and second words of a group's blocks: with AVX2 where they lie.

func (t team) firstWords(i int) operand.Op {
	return t.halves(t.from.Offset((t.first + i) * t.groupBytes()))
}

func (t team) secondWords(i int) operand.Op {
	return t.halves(t.from.Offset((t.first+i)*t.groupBytes() + blockBytes/2))
}

func (g *gen) halves(m operand.Mem) operand.Op {
	if !g.wide() {
		return m
	}
	first, both := g.YMM(), g.vec()
	g.VMOVUPS(m, first)
	g.VINSERTF64X4(operand.Imm(1), m.Offset(blockBytes), first.AsZ(), both)
	return both
}

// constant is what all groups share: with AVX-512 in memory, which costs
// nothing there.
func (t team) constant(v float32) operand.Op { return t.constantBits(math.Float32bits(v)) }

func (t team) constantBits(bits uint32) operand.Op {
	if t.wide() {
		return t.row(bits)
	}
	return t.heldBits(bits)
}

// with emits dst = x OP constant, where one of the sources may be in memory.
func with(op func(a, b, dst operand.Op), constant, x, dst operand.Op) {
	if _, ok := constant.(row); ok {
		op(constant, x, dst)
	} else {
		op(x, constant, dst)
	}
}

// polynomial emits the steps with some coefficients, the first of all if begin.
func (t team) polynomial(v []reg.VecVirtual, x []operand.Op, coefficients []float32) {
	for _, c := range coefficients {
		k := t.constant(c)
		t.each(func(i int) {
			if t.wide() {
				t.fma213(k, x[i], v[i])
			} else {
				t.VFMADD132PS(x[i], k, v[i])
			}
		})
	}
}

// begin sets all of v to a number.
func (t team) begin(v []reg.VecVirtual, c float32) {
	k := t.held(t.number(c))
	t.each(func(i int) { t.VMOVAPS(k, v[i]) })
}

// mantissas splits 1 - u: it returns m times -1/2, and hands out the exponents.
func (t team) mantissas(exponent func(i int, e reg.VecVirtual)) []reg.VecVirtual {
	m := t.registers(t.size)
	k := t.constantBits(otherBits)
	t.each(func(i int) { with(t.or, k, t.firstWords(i), m[i]) }) // (u - 1) * 2^24
	t.each(func(i int) { t.VCVTDQ2PS(m[i], m[i]) })
	if t.wide() {
		k = t.constantBits(split&mantissa + 23<<23)
		t.each(func(i int) { t.subInt(k, m[i], m[i]) })
		t.each(func(i int) {
			e := t.vec()
			t.VGETEXPPS(m[i], e)
			exponent(i, e)
		})
	} else {
		k = t.constantBits(signBit + split + 24<<23)
		t.each(func(i int) { t.subInt(k, m[i], m[i]) })
		t.each(func(i int) {
			e := t.vec()
			t.shiftSigned(23, m[i], e)
			t.VCVTDQ2PS(e, e)
			exponent(i, e)
		})
	}
	k = t.constantBits(mantissa)
	t.each(func(i int) { t.and(k, m[i], m[i]) })
	k = t.constantBits(signBit + split - 1<<23)
	t.each(func(i int) { t.addInt(k, m[i], m[i]) })
	k = t.constant(0.5)
	t.each(func(i int) { t.add(k, m[i], m[i]) })
	return m
}

// endLog ends the polynomial of the logarithm with the coefficients that are
// left, and makes the logarithm of it.
func (t team) endLog(v []reg.VecVirtual, m, e []operand.Op, coefficients []float32) {
	t.polynomial(v, m, coefficients)
	t.each(func(i int) { t.mul(m[i], v[i], v[i]) })
	k, squares := t.constant(log2Low), t.registers(t.size)
	t.each(func(i int) {
		low := t.vec()
		if held, ok := m[i].(reg.VecVirtual); ok {
			t.mul(held, held, squares[i])
		} else {
			t.VMOVUPS(m[i], squares[i])
			t.mul(squares[i], squares[i], squares[i])
		}
		with(t.mul, k, e[i], low)
		t.fma213(low, squares[i], v[i])
	})
	t.each(func(i int) { t.add(squares[i], v[i], v[i]) })
	t.each(func(i int) { t.add(m[i], v[i], v[i]) })
	k = t.constant(log2High)
	t.each(func(i int) { with(t.fma231, k, e[i], v[i]) })
}

// logs writes the squares of the radii.
func (t team) logs() {
	e, v := make([]operand.Op, t.size), t.registers(t.size)
	m := t.mantissas(func(i int, exponent reg.VecVirtual) { e[i] = exponent })
	t.begin(v, logPolynomial[0])
	t.endLog(v, operands(m), e, logPolynomial[1:])
	t.storeAll(v, t.firstHalf)
}

// logSteps is the number of coefficients of the logarithm that its beginning
// uses, so that both parts take equally long.
const logSteps = 8

// beginLog begins the polynomial of the logarithm in v, and writes what it is of.
func (t team) beginLog(v []reg.VecVirtual) {
	m := t.mantissas(func(i int, e reg.VecVirtual) { t.store(e, t.secondHalf(i)) })
	t.storeAll(m, t.firstHalf)
	t.begin(v, logPolynomial[0])
	t.polynomial(v, operands(m), logPolynomial[1:logSteps])
}

// radii ends what beginLog began, and writes the radii.
func (t team) radii(v []reg.VecVirtual) {
	m, e := make([]operand.Op, t.size), make([]operand.Op, t.size)
	t.each(func(i int) { m[i], e[i] = t.firstHalf(i), t.secondHalf(i) })
	t.endLog(v, m, e, logPolynomial[logSteps:])
	t.each(func(i int) {
		radius := t.vec()
		t.VSQRTPS(v[i], radius)
		t.store(radius, t.firstHalf(i))
	})
}

func operands(v []reg.VecVirtual) []operand.Op {
	out := make([]operand.Op, len(v))
	for i, r := range v {
		out[i] = r
	}
	return out
}

func (t team) storeAll(v []reg.VecVirtual, to func(i int) operand.Mem) {
	t.each(func(i int) { t.store(v[i], to(i)) })
}

// turns returns the angles of the second words, and these words as rounded to
// quarter turns.
func (t team) turns() (x, rounded []reg.VecVirtual) {
	x, rounded = t.registers(t.size), t.registers(t.size)
	k := t.constantBits(uniformBits)
	t.each(func(i int) { with(t.and, k, t.secondWords(i), x[i]) })
	k = t.constantBits(halfQuarter)
	t.each(func(i int) { t.addInt(k, x[i], rounded[i]) })
	q := t.registers(t.size)
	t.each(func(i int) { t.VCVTDQ2PS(x[i], x[i]) })
	t.each(func(i int) { t.shiftRight(quarter, rounded[i], q[i]) })
	t.each(func(i int) { t.VCVTDQ2PS(q[i], q[i]) })
	k = t.constant(turn)
	t.each(func(i int) { t.mul(k, x[i], x[i]) })
	for _, c := range []float32{quarterHigh, quarterLow} {
		k := t.constant(c)
		t.each(func(i int) { t.fma231(k, q[i], x[i]) })
	}
	return x, rounded
}

// angles returns the reduced angles alone.
func (t team) angles() []reg.VecVirtual {
	x, _ := t.turns()
	return x
}

// sinCos returns sine and cosine of the reduced angles x, whose squares are z.
func (t team) sinCos(x []operand.Op, z []reg.VecVirtual) (cos, sin []reg.VecVirtual) {
	c, s, square := t.registers(t.size), t.registers(t.size), operands(z)
	t.begin(c, cosPolynomial[0])
	t.polynomial(c, square, cosPolynomial[1:2])
	t.begin(s, sinPolynomial[0])
	t.polynomial(s, square, sinPolynomial[1:2])
	t.polynomial(c, square, cosPolynomial[2:])
	t.polynomial(s, square, sinPolynomial[2:])
	t.each(func(i int) {
		t.mul(z[i], c[i], c[i])
		t.mul(z[i], s[i], s[i])
	})
	t.each(func(i int) { t.VFMSUB213PS(z[i], z[i], c[i]) })
	k := t.constant(0.5)
	t.each(func(i int) {
		angle, ok := x[i].(reg.VecVirtual)
		if !ok {
			angle = t.vec()
			t.VMOVUPS(x[i], angle)
		}
		t.fma213(angle, angle, s[i])
		t.add(k, c[i], c[i])
	})
	return c, s
}

// values makes the normals for AVX2.
func (t team) values(mean, std operand.Mem) {
	x, z := make([]operand.Op, t.size), t.registers(t.size)
	t.each(func(i int) {
		x[i] = t.secondHalf(i)
		t.VMOVUPS(x[i], z[i])
	})
	t.each(func(i int) { t.mul(z[i], z[i], z[i]) })
	cos, sin := t.sinCos(x, z)
	sign, round := t.heldBits(signBit), t.heldBits(halfQuarter)
	// turns moves the bit of a word that counts turns of an angle to the sign.
	turns := func(i, shift int) reg.VecVirtual {
		v := t.vec()
		t.addInt(t.secondWords(i), round, v)
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

// wideValues makes the normals for AVX-512.
func (t team) wideValues(mean, std reg.VecVirtual) {
	radii, z := t.registers(t.size), t.registers(t.size)
	t.each(func(i int) { t.VSQRTPS(t.firstHalf(i), radii[i]) })
	x, turns := t.turns()
	t.each(func(i int) { t.mul(x[i], x[i], z[i]) })
	c, s := t.sinCos(operands(x), z)
	sign, one, two := t.heldBits(signBit), t.row(1<<quarter), t.row(2<<quarter)
	t.each(func(i int) {
		odd, half := t.K(), t.K()
		t.VPTESTMD_BCST(one.Mem, turns[i], odd)
		t.VPTESTMD_BCST(two.Mem, turns[i], half)
		// As for AVX2: the swap, and the signs.
		sin, cos := t.vec(), c[i]
		t.VBLENDMPS(c[i], s[i], odd, sin)
		t.VPXORD(sign, s[i], odd, cos)
		t.VPXORD(sign, radii[i], half, radii[i])
		t.mul(radii[i], cos, cos)
		t.mul(radii[i], sin, sin)
		t.fma213(mean, std, cos)
		t.fma213(mean, std, sin)
		t.storeHalves(cos, t.firstHalf(i))
		t.storeHalves(sin, t.firstHalf(i).Offset(blockBytes/2))
	})
}

// storeHalves puts what is of two blocks in their places, as halves found it.
func (g *gen) storeHalves(v reg.VecVirtual, to operand.Mem) {
	g.VMOVUPS(v.AsY(), to)
	g.VEXTRACTF64X4(operand.Imm(1), v, to.Offset(blockBytes))
}
