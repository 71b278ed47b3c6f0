package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// gen writes kernels for one instruction set.
type gen struct {
	*build.Context
	isa   string
	lanes int // float32 a vector
	rows  map[string]row
}

func (g *gen) wide() bool { return g.lanes == 16 }

// bytes is the size of a vector.
func (g *gen) bytes() int { return 4 * g.lanes }

func (g *gen) vec() reg.VecVirtual {
	if g.wide() {
		return g.ZMM()
	}
	return g.YMM()
}

// start begins the function name with the suffix of the instruction set.
func (g *gen) start(name, signature, doc string) {
	g.Function(name + g.isa)
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr(signature)
	g.Pragma("noescape")
	g.Doc(name + g.isa + " " + doc)
}

func (g *gen) pointer(name string) operand.Mem {
	return operand.Mem{Base: g.Load(g.Param(name), g.GP64())}
}

func (g *gen) integer(name string) reg.Register { return g.Load(g.Param(name), g.GP64()) }

// float loads a parameter into all lanes.
func (g *gen) float(name string) reg.VecVirtual {
	v := g.vec()
	g.VBROADCASTSS(emit.Address(g.Param(name)), v)
	return v
}

// finish ends a function.
func (g *gen) finish() {
	g.VZEROUPPER()
	g.RET()
}

// row is a constant in memory, once for each lane of AVX2. AVX-512 takes the
// first and broadcasts it in the instruction that uses it.
type row struct{ operand.Mem }

func (g *gen) row(bits uint32) row {
	name := fmt.Sprintf("c%08x%s", bits, g.isa)
	if r, ok := g.rows[name]; ok {
		return r
	}
	copies := 8
	if g.wide() {
		copies = 1
	}
	m := g.StaticGlobal(name)
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range copies {
		g.AddDatum(4*i, operand.U32(bits))
	}
	g.rows[name] = row{m}
	return row{m}
}

func (g *gen) number(v float32) row { return g.row(math.Float32bits(v)) }

// held is a constant in a register.
func (g *gen) held(r row) reg.VecVirtual {
	v := g.vec()
	if g.wide() {
		g.VBROADCASTSS(r.Mem, v)
	} else {
		g.VMOVUPS(r.Mem, v)
	}
	return v
}

func (g *gen) heldBits(bits uint32) reg.VecVirtual { return g.held(g.row(bits)) }

type three = func(...operand.Op)

// binary emits an instruction of two sources, of which a may be a [row].
func (g *gen) binary(plain, broadcast three, a operand.Op, b, dst operand.Op) {
	if r, ok := a.(row); ok {
		if g.wide() {
			broadcast(r.Mem, b, dst)
			return
		}
		a = r.Mem
	}
	plain(a, b, dst)
}

// fixed adapts an instruction that has one form only.
func fixed(f func(a, b, c operand.Op)) three {
	return func(ops ...operand.Op) { f(ops[0], ops[1], ops[2]) }
}

// The operations below are dst = b OP a, a being the second source in Intel's
// order (and the first in Go's).

func (g *gen) and(a, b, dst operand.Op) {
	if g.wide() {
		g.binary(g.VPANDD, g.VPANDD_BCST, a, b, dst)
	} else {
		g.binary(fixed(g.VPAND), nil, a, b, dst)
	}
}

func (g *gen) or(a, b, dst operand.Op) {
	if g.wide() {
		g.binary(g.VPORD, g.VPORD_BCST, a, b, dst)
	} else {
		g.binary(fixed(g.VPOR), nil, a, b, dst)
	}
}

func (g *gen) xor(a, b, dst operand.Op) {
	if g.wide() {
		g.binary(g.VPXORD, g.VPXORD_BCST, a, b, dst)
	} else {
		g.binary(fixed(g.VPXOR), nil, a, b, dst)
	}
}

func (g *gen) addInt(a, b, dst operand.Op) { g.binary(g.VPADDD, g.VPADDD_BCST, a, b, dst) }
func (g *gen) subInt(a, b, dst operand.Op) { g.binary(g.VPSUBD, g.VPSUBD_BCST, a, b, dst) }
func (g *gen) add(a, b, dst operand.Op)    { g.binary(g.VADDPS, g.VADDPS_BCST, a, b, dst) }
func (g *gen) mul(a, b, dst operand.Op)    { g.binary(g.VMULPS, g.VMULPS_BCST, a, b, dst) }

// fma213 is dst = dst*b + a, fma231 is dst = dst + b*a.
func (g *gen) fma213(a, b, dst operand.Op) { g.binary(g.VFMADD213PS, g.VFMADD213PS_BCST, a, b, dst) }
func (g *gen) fma231(a, b, dst operand.Op) { g.binary(g.VFMADD231PS, g.VFMADD231PS_BCST, a, b, dst) }

func (g *gen) shiftRight(n int, a, dst operand.Op)  { g.VPSRLD(operand.Imm(uint64(n)), a, dst) }
func (g *gen) shiftLeft(n int, a, dst operand.Op)   { g.VPSLLD(operand.Imm(uint64(n)), a, dst) }
func (g *gen) shiftSigned(n int, a, dst operand.Op) { g.VPSRAD(operand.Imm(uint64(n)), a, dst) }

// load and store take any address.
func (g *gen) load(from operand.Mem, v operand.Op) { g.VMOVUPS(from, v) }
func (g *gen) store(v operand.Op, to operand.Mem)  { g.VMOVUPS(v, to) }

// choose returns a where the sign bit of by is clear, b where it is set.
func (g *gen) choose(by, a, b reg.VecVirtual) reg.VecVirtual {
	dst := g.vec()
	if g.wide() {
		k := g.K()
		g.VPMOVD2M(by, k)
		g.VBLENDMPS(b, a, k, dst)
	} else {
		g.VBLENDVPS(by, b, a, dst)
	}
	return dst
}

// loop emits body until the counter, lowered by step each time, is below step
// at the beginning. counter is a 64-bit register.
func (g *gen) loop(name string, counter reg.Register, step int, body func()) {
	begin, end := name, name+"End"
	g.Label(begin)
	g.CMPQ(counter, operand.U32(uint32(step)))
	g.JB(operand.LabelRef(end))
	body()
	g.SUBQ(operand.U32(uint32(step)), counter)
	g.JMP(operand.LabelRef(begin))
	g.Label(end)
}

// advance adds a number to a 64-bit register.
func (g *gen) advance(by int, r reg.Register) { g.ADDQ(operand.U32(uint32(by)), r) }

// local puts v on the stack.
func (g *gen) local(v reg.VecVirtual) operand.Mem {
	m := g.AllocLocal(g.bytes())
	g.store(v, m)
	return m
}
