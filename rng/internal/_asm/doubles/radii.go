package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// most64 is the number of values that a call that makes float64 normals may
// make.
const most64 = 256

// groups says where sixteen values lie, which are made of two groups of four
// pairs of numbers, and of 128 bytes of words.
type groups struct {
	dst    operand.Mem
	radius [2]int // where the radii of a group are, in bytes, until the angles come
	gap    int    // from there to the numbers that they are made of
	// number returns the numbers of a group whose logarithms are taken.
	number func(i int) reg.VecVirtual
}

// frameSize has room for whole vectors to begin at a multiple of 32.
const frameSize = 2*restSize + 2*32 + 4*(most64/2+4) + 32

// frame is memory on the stack, whole vectors first.
type frame struct {
	rests     [2]rest
	mean, std operand.Mem // room for four lanes
	list      operand.Mem // of most64/2 places, and four more
}

// frame lays out the memory local of a call, of [frameSize] bytes, from a
// register that it takes. Registers are few: it can be called again.
func (g *gen) frame(local operand.Mem) frame {
	base := g.GP64()
	g.LEAQ(local.Offset(31), base)
	g.ANDQ(operand.I32(-32), base)
	next := operand.Mem{Base: base}
	take := func(size int) operand.Mem {
		m := next
		next = next.Offset(size)
		return m
	}
	var f frame
	for i := range f.rests {
		f.rests[i].allocate(take)
	}
	f.mean, f.std = take(32), take(32)
	f.list = next
	return f
}

// radii emits a loop over the values: the radii, as if no number were near 1,
// and the numbers. What is near 1 is noted in the list, by where its radius
// stands.
func (g *gen) radii(at groups, words, left, table, list reg.Register) {
	done := g.GP64()
	g.XORQ(done, done)
	place := func(i int) operand.Mem {
		return operand.Mem{Base: at.dst.Base, Index: done, Scale: 1, Disp: at.radius[i]}
	}
	radius := func(i int) func() {
		return func() {
			x := at.number(i)
			g.VMOVUPD(x, place(i).Offset(at.gap))
			g.VMOVUPD(g.root(g.logFar(x, table, place(i))), place(i))
		}
	}
	g.loop("radii64", left, 16, func() {
		emit.Abreast(g.Context, radius(0), radius(1))
		for i := range at.radius {
			g.note(place(i).Offset(at.gap), done, at.radius[i], list)
		}
		g.ADDQ(operand.U32(128), words)
		g.ADDQ(operand.U32(128), done)
	})
}

// note adds to the list which of four numbers are near 1. The first one's
// radius stands at done and plus bytes.
func (g *gen) note(numbers operand.Mem, done reg.Register, plus int, list reg.Register) {
	lanes := g.GP64()
	g.LEAQ(g.nearLanes(), lanes)
	near, mask, many := g.load(numbers), g.GP64(), g.GP64()
	const notBelow = 0x1d // ordered, quiet
	g.VCMPPD(operand.Imm(notBelow), g.wide(0x3fee<<48), near, near)
	g.VMOVMSKPD(near, mask.As32())
	g.MOVBLZX(operand.Mem{Base: lanes, Index: mask, Scale: 1, Disp: 16 * 16}, many.As32())
	g.SHLL(operand.Imm(4), mask.As32())
	first, places := g.GP64(), g.XMM()
	g.LEAQ(operand.Mem{Base: done, Disp: plus}, first)
	g.VMOVQ(first, places)
	g.VPBROADCASTD(places, places)
	g.VPADDD(operand.Mem{Base: lanes, Index: mask, Scale: 1}, places, places)
	g.VMOVDQU(places, operand.Mem{Base: list})
	g.LEAQ(operand.Mem{Base: list, Index: many, Scale: 4}, list)
}

// nearLanes has for each mask of four lanes where, in bytes, the lanes are
// that it names, and after all of these how many they are.
func (g *gen) nearLanes() operand.Mem {
	if m, ok := g.rows["nearLanes"]; ok {
		return m
	}
	m := g.StaticGlobal("nearLanes")
	g.rows["nearLanes"] = m
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	var counts [16]uint8
	for mask := range 16 {
		var places [4]uint32
		for lane := range uint32(4) {
			if mask>>lane&1 != 0 {
				places[counts[mask]] = 8 * lane
				counts[mask]++
			}
		}
		for i, p := range places {
			g.AddDatum(16*mask+4*i, operand.U32(p))
		}
	}
	for mask, count := range counts {
		g.AddDatum(16*16+mask, operand.U8(count))
	}
	return m
}

// near emits the radii of the numbers near 1, four a time from any groups. The
// list, which ends at end, is filled up with its first place.
func (g *gen) near(at groups, list, end reg.Register) {
	g.CMPQ(list, end)
	g.JE(operand.LabelRef("near64End"))
	filler := g.XMM()
	g.VPBROADCASTD(operand.Mem{Base: list}, filler)
	g.VMOVDQU(filler, operand.Mem{Base: end})
	g.Label("near64")
	offsets := g.offsets(operand.Mem{Base: list}, 4)
	place := func(i, gap int) operand.Mem {
		return operand.Mem{Base: at.dst.Base, Index: offsets[i], Scale: 1, Disp: gap}
	}
	r, high := g.YMM(), g.XMM()
	g.VMOVSD(place(0, at.gap), r.AsX())
	g.clears(r)(x86.VMOVHPD(place(1, at.gap), r.AsX(), r.AsX()))
	g.VMOVSD(place(2, at.gap), high)
	g.VMOVHPD(place(3, at.gap), high, high)
	g.VINSERTF128(operand.Imm(1), high, r, r)
	g.VSUBPD(g.wide(one), r, r)
	v := g.root(g.logNear(r))
	upper := g.XMM()
	g.VEXTRACTF128(operand.Imm(1), v, upper)
	g.VMOVLPD(v.AsX(), place(0, 0))
	g.VMOVHPD(v.AsX(), place(1, 0))
	g.VMOVLPD(upper, place(2, 0))
	g.VMOVHPD(upper, place(3, 0))
	g.ADDQ(operand.Imm(16), list)
	g.CMPQ(list, end)
	g.JB(operand.LabelRef("near64"))
	g.Label("near64End")
}

// logFar is log64Far of package kernel. place is a place in memory to use.
func (g *gen) logFar(x reg.VecVirtual, table reg.Register, place operand.Mem) reg.VecVirtual {
	const bias = 128
	t, k, row := g.YMM(), g.YMM(), g.YMM()
	g.VPADDQ(g.wide(1<<64-logOrigin+bias<<52), x, t)
	g.VPSRLQ(operand.Imm(41), t, row)
	g.VPAND(g.wide(127<<4), row, row)
	g.VMOVDQU(row, place)
	inverse, log := g.pairs(table, 0, g.offsets(place, 8))
	g.VPSRLQ(operand.Imm(52), t, k)
	g.VPOR(g.double(0x1p52), k, k)
	g.VSUBPD(g.double(0x1p52+bias), k, k)
	r := g.YMM()
	g.VPAND(g.wide(1<<52-1), t, r)
	g.VPADDQ(g.wide(logOrigin), r, r)
	g.VFMSUB213PD(g.load(g.wide(one)), inverse, r)
	return g.logEnd(r, k, log)
}
