package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// The parameters of MT19937.
const (
	words   = 624
	middle  = 397
	padding = 16
)

// engine writes what works on the state of the generator: 624 words and room
// for 16 more. The first 16 words of a refreshed block are written there too.
// Then the block is whole vectors, each of which looks at the words 1 and 397
// places on, or, from word 232 (240) on, 227 places back; no vector lies on
// both sides of the border, and the last one finds its neighbour.
func (g *gen) engine() {
	g.start("refresh", "func(state *[640]uint32, blocks int)",
		"replaces the state by the block of words that comes blocks later.")
	m := g.masks(false)
	g.blocks(m, func(reg.VecVirtual, int) {}, func(int) {})

	g.start("outputs", "func(dst *uint32, state *[640]uint32, blocks int)",
		"refreshes the state blocks times and writes all outputs, 624 words a time.")
	dst := g.pointer("dst")
	m = g.masks(true)
	at := g.GP64()
	g.XORQ(at, at)
	g.blocks(m, func(y reg.VecVirtual, place int) {
		g.store(g.temper(m, y), dst.Idx(at, 1).Offset(place*g.bytes()))
	}, func(vectors int) { g.advance(vectors*g.bytes(), at) })

	g.start("temper", "func(dst, src *uint32, n int)",
		"writes the outputs of n state words; n is a multiple of the lanes.")
	dst, src, n := g.pointer("dst"), g.pointer("src"), g.integer("n")
	m = g.masks(true)
	g.loop("vector", n, g.lanes, func() {
		y := g.vec()
		g.load(src, y)
		g.store(g.temper(m, y), dst)
		g.advance(g.bytes(), src.Base)
		g.advance(g.bytes(), dst.Base)
	})
	g.finish()

	g.uniform32("uniform32", false)
	g.uniform32("uniform32Fold", true)
}

// uniform32 writes the two kernels of the float32 uniform: whole blocks, and
// any number of vectors of state words. A value is k*step + low for the 24
// lower bits k of a word, step being the width of the range times 2^-24.
func (g *gen) uniform32(name string, fold bool) {
	note := ""
	if fold {
		note = " Values equal to high become low."
	}
	const numbers = "step, low, high float32)"
	makeValue := func(m masks) func(y reg.VecVirtual) reg.VecVirtual {
		step, low := g.float("step"), g.float("low")
		var high reg.VecVirtual
		if fold {
			high = g.float("high")
		}
		return func(y reg.VecVirtual) reg.VecVirtual {
			v := g.temper(m, y)
			g.and(g.row(0xffffff), v, v)
			g.VCVTDQ2PS(v, v)
			g.fma213(low, step, v)
			if !fold {
				return v
			}
			if g.wide() {
				k := g.K()
				g.VCMPPS(operand.Imm(0), high, v, k)
				g.VMOVAPS(low, k, v)
				return v
			}
			equal := g.vec()
			g.VCMPPS(operand.Imm(0), high, v, equal)
			return g.choose(equal, v, low)
		}
	}

	g.start(name+"Blocks", "func(dst *float32, state *[640]uint32, blocks int, "+numbers,
		"refreshes the state blocks times and makes 624 values of each block."+note)
	dst := g.pointer("dst")
	m := g.masks(true)
	value := makeValue(m)
	g.blocks(m, func(y reg.VecVirtual, place int) {
		g.store(value(y), dst.Offset(place*g.bytes()))
	}, func(vectors int) { g.advance(vectors*g.bytes(), dst.Base) })

	g.start(name, "func(dst *float32, src *uint32, n int, "+numbers,
		"makes the values of n state words; n is a multiple of the lanes."+note)
	dst, src, n := g.pointer("dst"), g.pointer("src"), g.integer("n")
	m = g.masks(true)
	value = makeValue(m)
	g.loop("vector", n, g.lanes, func() {
		y := g.vec()
		g.load(src, y)
		g.store(value(y), dst)
		g.advance(g.bytes(), src.Base)
		g.advance(g.bytes(), dst.Base)
	})
	g.finish()
}

// masks are the constants of the engine that are worth a register.
type masks struct {
	upper, lower, one, matrix reg.VecVirtual
	temperB, temperC          reg.VecVirtual
}

func (g *gen) masks(temper bool) masks {
	m := masks{
		upper: g.heldBits(0x80000000), lower: g.heldBits(0x7fffffff),
		one: g.heldBits(1), matrix: g.heldBits(0x9908b0df),
	}
	if temper {
		m.temperB, m.temperC = g.heldBits(0x9d2c5680), g.heldBits(0xefc60000)
	}
	return m
}

// refresher emits the vectors of a refresh, in order.
type refresher struct {
	*gen
	masks
	state  operand.Mem
	cursor reg.GPVirtual // where the next vector lies
	ways   int           // vectors side by side
	each   func(y reg.VecVirtual, place int)
	moved  func(vectors int)
}

// blocks emits the rest of a function that refreshes parameter state as often
// as parameter blocks says. each gets every new vector, and its place among
// those made side by side, and may change it; moved then gets their number.
func (g *gen) blocks(m masks, each func(y reg.VecVirtual, place int), moved func(vectors int)) {
	r := refresher{gen: g, masks: m, state: g.pointer("state"), cursor: g.GP64(), ways: 2, each: each, moved: moved}
	if g.wide() {
		r.ways = 1
	}
	down := func(vectors int) int { return vectors / r.ways * r.ways }
	up := func(vectors int) int { return down(vectors + r.ways - 1) }
	g.loop("block", g.integer("blocks"), 1, func() {
		g.MOVQ(r.state.Base, r.cursor)
		r.part(0, up(r.repeated()))
		r.part(up(r.repeated()), down(r.border()))
		r.part(down(r.border()), up(r.border())) // its vectors lie on both sides
		r.part(up(r.border()), words/g.lanes)
	})
	g.finish()
}

// repeated is the number of vectors that are also written behind the state.
func (r refresher) repeated() int { return padding / r.lanes }

// border is the number of vectors that look at words further on; the others
// look back.
func (r refresher) border() int { return (words - middle + r.lanes - 1) / r.lanes }

// part emits the vectors from first to before last, as a loop if all are alike.
func (r refresher) part(first, last int) {
	if whole := (last - first) / r.ways; whole > 1 {
		name, end := fmt.Sprintf("from%d", first), r.GP64()
		first += whole * r.ways
		r.LEAQ(r.state.Offset(first*r.bytes()), end)
		r.Label(name)
		r.vectors(first-r.ways, r.ways)
		r.CMPQ(r.cursor, end)
		r.JB(operand.LabelRef(name))
	}
	for ; first < last; first += r.ways {
		r.vectors(first, min(r.ways, last-first))
	}
}

// vectors emits n vectors side by side, the first of which has an index. None
// loads what another has stored: they load first and store last.
func (r refresher) vectors(first, n int) {
	var sequences []func()
	for place := range n {
		at, source := operand.Mem{Base: r.cursor}.Offset(place*r.bytes()), middle
		if first+place >= r.border() {
			source -= words
		}
		sequences = append(sequences, func() {
			y := r.twisted(r.masks, at, source)
			r.store(y, at)
			if first+place < r.repeated() {
				r.store(y, at.Offset(4*words))
			}
			r.each(y, place)
		})
	}
	emit.Abreast(r.Context, sequences...)
	r.advance(n*r.bytes(), r.cursor)
	r.moved(n)
}

// twisted returns the new words in the place of those at.
func (g *gen) twisted(m masks, at operand.Mem, source int) reg.VecVirtual {
	next := at.Offset(4)
	y := g.vec()
	if g.wide() {
		odd, b := g.K(), g.vec()
		g.load(next, b)
		g.load(at, y)
		g.VPTESTMD(m.one, b, odd)
		g.VPTERNLOGD(operand.Imm(0xe4), m.upper, b, y) // the bits of y where upper has ones, else of b
		g.shiftRight(1, y, y)
		g.VPXORD(m.matrix, y, odd, y)
		g.VPXORD(at.Offset(4*source), y, y)
		return y
	}
	b, odd := g.vec(), g.vec()
	g.and(at, m.upper, y)
	g.and(next, m.lower, b)
	g.and(b, m.one, odd)
	g.or(b, y, y)
	g.shiftRight(1, y, y)
	g.VPSIGND(odd, m.matrix, odd) // matrix where odd is 1, 0 where it is 0
	g.xor(at.Offset(4*source), y, y)
	g.xor(odd, y, y)
	return y
}

func (g *gen) temper(m masks, x reg.VecVirtual) reg.VecVirtual {
	y, t := g.vec(), g.vec()
	g.shiftRight(11, x, t)
	g.xor(t, x, y)
	for _, step := range []struct {
		shift int
		mask  reg.VecVirtual
	}{{7, m.temperB}, {15, m.temperC}} {
		g.shiftLeft(step.shift, y, t)
		if g.wide() {
			g.VPTERNLOGD(operand.Imm(0x78), step.mask, t, y) // y ^ t & mask
		} else {
			g.and(step.mask, t, t)
			g.xor(t, y, y)
		}
	}
	g.shiftRight(18, y, t)
	g.xor(t, y, y)
	return y
}
