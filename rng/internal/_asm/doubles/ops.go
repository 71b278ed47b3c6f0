package main

import (
	"math"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// The operations of this file give a new register, four lanes of float64.

const (
	one     = 0x3ff0000000000000
	signBit = 0x8000000000000000
)

func (g *gen) double(v float64) operand.Mem { return g.wide(math.Float64bits(v)) }

// load returns a register that holds m, or a copy of the register m.
func (g *gen) load(m operand.Op) reg.VecVirtual {
	v := g.YMM()
	g.VMOVUPD(m, v)
	return v
}

// doubles loads a float64 parameter into all lanes.
func (g *gen) doubles(name string) reg.VecVirtual {
	v := g.YMM()
	g.VBROADCASTSD(emit.Address(g.Param(name)), v)
	return v
}

// polynomial evaluates a polynomial by Horner's rule, each step fused. The
// coefficients come highest power first.
func (g *gen) polynomial(x reg.VecVirtual, coefficients ...uint64) reg.VecVirtual {
	v := g.load(g.wide(coefficients[0]))
	for _, c := range coefficients[1:] {
		g.VFMADD213PD(g.wide(c), x, v)
	}
	return v
}

func (g *gen) sum(a operand.Op, b reg.VecVirtual) reg.VecVirtual {
	v := g.YMM()
	g.VADDPD(a, b, v)
	return v
}

func (g *gen) product(a operand.Op, b reg.VecVirtual) reg.VecVirtual {
	v := g.YMM()
	g.VMULPD(a, b, v)
	return v
}

// difference is a - b.
func (g *gen) difference(a reg.VecVirtual, b operand.Op) reg.VecVirtual {
	v := g.YMM()
	g.VSUBPD(b, a, v)
	return v
}

func (g *gen) and(a operand.Op, b reg.VecVirtual) reg.VecVirtual {
	v := g.YMM()
	g.VANDPD(a, b, v)
	return v
}

func (g *gen) xor(a operand.Op, b reg.VecVirtual) reg.VecVirtual {
	v := g.YMM()
	g.VXORPD(a, b, v)
	return v
}

// below is a mask of the lanes in which v is less than m.
func (g *gen) below(v reg.VecVirtual, m operand.Mem) reg.VecVirtual {
	const less = 0x11 // ordered, quiet
	mask := g.YMM()
	g.VCMPPD(operand.Imm(less), m, v, mask)
	return mask
}

// choose takes the lanes of yes where the mask's sign is set, of no elsewhere.
func (g *gen) choose(mask reg.VecVirtual, yes operand.Op, no reg.VecVirtual) reg.VecVirtual {
	v := g.YMM()
	g.VBLENDVPD(mask, yes, no, v)
	return v
}

// offsets loads four numbers, of so many bytes each, into general registers.
// They come by way of memory, which leaves the vector units to others.
func (g *gen) offsets(from operand.Mem, size int) (out [4]reg.Register) {
	for i := range out {
		r := g.GP64()
		g.MOVL(from.Offset(size*i), r.As32())
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

// half loads the lower half of a vector.
func (g *gen) half(from operand.Mem) reg.VecVirtual {
	v := g.YMM()
	g.clears(v)(x86.VMOVUPD(from, v.AsX()))
	return v
}

// clears emits an instruction that writes the lower half of v. The upper one
// becomes 0, of which the generator library has to be told: else it believes
// that it was written before.
func (g *gen) clears(v reg.VecVirtual) func(*ir.Instruction, error) {
	return func(i *ir.Instruction, err error) {
		if err != nil {
			panic(err) // a mistake in this program
		}
		i.Outputs = []operand.Op{v}
		g.Instruction(i)
	}
}

// uniforms turns four pairs of words into numbers in [0, 1), of the 53 lower
// bits of a pair. The upper 21 of these become u + 2^31, the lower 32 v + 1/2,
// where u + v is the number.
func (g *gen) uniforms(words operand.Mem) reg.VecVirtual {
	high, low := g.parts(words)
	g.VSUBPD(g.double(0x1p31+0.5), high, high)
	g.VADDPD(low, high, high)
	return high
}

// parts are u + 2^31 and v + 1/2. The high word comes first in memory, so it is
// the low half of the register.
func (g *gen) parts(words operand.Mem) (high, low reg.VecVirtual) {
	low, high = g.load(words), g.YMM()
	g.VPAND(g.wide(1<<21-1), low, high)
	g.VPOR(g.double(0x1p31), high, high)
	g.VPSRLQ(operand.Imm(32), low, low)
	g.VPOR(g.double(0.5), low, low)
	return high, low
}
