package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

// words emits the generator. A vector holds one word of four blocks, in the
// low half of each 64 bits, where the multiplication looks for it; the high
// halves hold anything. Two vectors of each word go side by side, since a
// round has to wait for the one before it.
func (g philox) words() {
	g.start("wordsAVX2", "func(dst *uint32, n int, keys *[10][2]uint32, counter uint64)",
		"makes n blocks from counter on; n is a multiple of 8.")
	dst := operand.Mem{Base: g.Load(g.Param("dst"), g.GP64())}
	n := g.Load(g.Param("n"), g.GP64())
	keys := operand.Mem{Base: g.Load(g.Param("keys"), g.GP64())}

	next := [2]reg.VecVirtual{g.YMM(), g.YMM()}
	g.VPBROADCASTQ(emit.Address(g.Param("counter")), next[0])
	g.VPADDQ(g.global("second", operand.U64(4), operand.U64(5), operand.U64(6), operand.U64(7)), next[0], next[1])
	g.VPADDQ(g.global("first", operand.U64(0), operand.U64(1), operand.U64(2), operand.U64(3)), next[0], next[0])
	mul0, mul1 := g.YMM(), g.YMM()
	g.VMOVDQU(g.wide(0xd2511f53), mul0)
	g.VMOVDQU(g.wide(0xcd9e8d57), mul1)

	g.loop("loop", n, 8, func() {
		var c [2][4]reg.VecVirtual
		for s := range c {
			c[s] = [4]reg.VecVirtual{g.YMM(), g.YMM(), nil, nil}
			g.VMOVDQA(next[s], c[s][0])
			g.VPSRLQ(operand.Imm(32), next[s], c[s][1])
			g.VPADDQ(g.wide(8), next[s], next[s])
		}
		for round := range 10 {
			k0, k1 := g.YMM(), g.YMM()
			g.VPBROADCASTD(keys.Offset(8*round), k0)
			g.VPBROADCASTD(keys.Offset(8*round+4), k1)
			for s := range c {
				g.round(&c[s], mul0, mul1, k0, k1)
			}
		}
		for s := range c {
			g.store(c[s], dst.Offset(64*s))
		}
		g.ADDQ(operand.Imm(128), dst.Base)
	})
	g.finish()
}

// round does one round. The low half of a product is its whole vector: what
// stands above it does not count. A word that is nil is 0. The halves are
// brought down by two instructions that do the same in different parts of the
// processor.
func (g philox) round(c *[4]reg.VecVirtual, mul0, mul1, k0, k1 reg.VecVirtual) {
	var low [2]reg.VecVirtual
	high := [2]reg.VecVirtual{g.xorOr(c[3], k1), g.xorOr(c[1], k0)}
	for i, mul := range []reg.VecVirtual{mul0, mul1} {
		if c[2*i] == nil {
			continue
		}
		low[i] = c[2*i]
		g.VPMULUDQ(mul, c[2*i], low[i])
		t := g.YMM()
		if i == 0 {
			g.VPSHUFD(operand.Imm(0xf5), low[i], t)
		} else {
			g.VPSRLQ(operand.Imm(32), low[i], t)
		}
		sum := high[i]
		if sum == k0 || sum == k1 {
			sum = g.YMM()
		}
		g.VPXOR(t, high[i], sum)
		high[i] = sum
	}
	c[0], c[1], c[2], c[3] = high[1], low[1], high[0], low[0]
}

// xorOr adds a round's key to a word, in its place.
func (g philox) xorOr(word, key reg.VecVirtual) reg.VecVirtual {
	if word == nil {
		return key
	}
	g.VPXOR(key, word, word)
	return word
}

// store writes four blocks, word by word.
func (g philox) store(c [4]reg.VecVirtual, to operand.Mem) {
	g.VPSLLQ(operand.Imm(32), c[1], c[1])
	g.VPSLLQ(operand.Imm(32), c[3], c[3])
	g.VPBLENDD(operand.Imm(0xaa), c[1], c[0], c[0]) // words 0 and 1 of four blocks
	g.VPBLENDD(operand.Imm(0xaa), c[3], c[2], c[2])
	g.VPUNPCKLQDQ(c[2], c[0], c[1]) // blocks 0 and 2
	g.VPUNPCKHQDQ(c[2], c[0], c[3]) // blocks 1 and 3
	g.VMOVDQU(c[1].AsX(), to)
	g.VMOVDQU(c[3].AsX(), to.Offset(16))
	g.VEXTRACTI128(operand.Imm(1), c[1], to.Offset(32))
	g.VEXTRACTI128(operand.Imm(1), c[3], to.Offset(48))
}
