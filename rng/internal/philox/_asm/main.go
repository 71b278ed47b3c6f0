// Command _asm writes the assembly of package philox. It is a module of its
// own so that nobody who uses the main one downloads the generator's generator.
// Run it in this folder:
//
//	go run .
package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	if err := write(".."); err != nil {
		fmt.Fprintln(os.Stderr, "_asm:", err)
		os.Exit(3)
	}
}

// beyond finds vector registers that AVX2 does not have: the allocator hands
// them out when the others are used up.
var beyond = regexp.MustCompile(`\b[XY](1[6-9]|2[0-9]|3[01])\b`)

func write(folder string) error {
	g := &gen{Context: build.NewContext(), rows: map[string]operand.Mem{}}
	g.ConstraintExpr("!purego")
	g.words()
	g.uniform()
	g.normal()
	file, err := g.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	config := printer.Config{Name: "go run . in rng/internal/philox/_asm", Pkg: "philox"}
	for name, p := range map[string]printer.Printer{
		"avx2_amd64.s": printer.NewGoAsm(config), "avx2_amd64.go": printer.NewStubs(config),
	} {
		text, err := p.Print(file)
		if err != nil {
			return err
		}
		if m := beyond.Find(text); m != nil {
			return fmt.Errorf("%s: register %s needs AVX-512: too many values are held at once", name, m)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o666); err != nil {
			return err
		}
	}
	return nil
}

type gen struct {
	*build.Context
	rows map[string]operand.Mem
}

func (g *gen) start(name, signature, doc string) {
	g.Function(name)
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr(signature)
	g.Pragma("noescape")
	g.Doc(name + " " + doc)
}

func (g *gen) finish() {
	g.VZEROUPPER()
	g.RET()
}

// global returns a constant in memory, made once.
func (g *gen) global(name string, numbers ...operand.Constant) operand.Mem {
	if m, ok := g.rows[name]; ok {
		return m
	}
	m := g.StaticGlobal(name)
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	at := 0
	for _, n := range numbers {
		g.AddDatum(at, n)
		at += n.Bytes()
	}
	g.rows[name] = m
	return m
}

// wide is a number of 64 bits in four lanes, narrow one of 32 bits in eight.
func (g *gen) wide(bits uint64) operand.Mem {
	n := operand.U64(bits)
	return g.global(fmt.Sprintf("w%016x", bits), n, n, n, n)
}

func (g *gen) narrow(bits uint32) operand.Mem {
	n := operand.U32(bits)
	return g.global(fmt.Sprintf("n%08x", bits), n, n, n, n, n, n, n, n)
}

func (g *gen) float(v float32) operand.Mem { return g.narrow(math.Float32bits(v)) }

// loop emits body until counter, lowered by step each time, is below step.
func (g *gen) loop(name string, counter reg.Register, step uint32, body func()) {
	g.Label(name)
	g.CMPQ(counter, operand.U32(step))
	g.JB(operand.LabelRef(name + "End"))
	body()
	g.SUBQ(operand.U32(step), counter)
	g.JMP(operand.LabelRef(name))
	g.Label(name + "End")
}

// words emits the generator. A vector holds one word of four blocks, in the
// low half of each 64 bits, where the multiplication looks for it; the high
// halves hold anything. Two vectors of each word go side by side, since a
// round has to wait for the one before it.
func (g *gen) words() {
	g.start("wordsAVX2", "func(dst *uint32, n int, keys *[10][2]uint32, counter uint64)",
		"makes n blocks from counter on; n is a multiple of 8.")
	dst := operand.Mem{Base: g.Load(g.Param("dst"), g.GP64())}
	n := g.Load(g.Param("n"), g.GP64())
	keys := operand.Mem{Base: g.Load(g.Param("keys"), g.GP64())}
	counter := g.Load(g.Param("counter"), g.GP64())

	x := g.XMM()
	next := [2]reg.VecVirtual{g.YMM(), g.YMM()}
	g.MOVQ(counter, x)
	g.VPBROADCASTQ(x, next[0])
	g.VPADDQ(g.global("second", operand.U64(4), operand.U64(5), operand.U64(6), operand.U64(7)), next[0], next[1])
	g.VPADDQ(g.global("first", operand.U64(0), operand.U64(1), operand.U64(2), operand.U64(3)), next[0], next[0])
	mul0, mul1 := g.YMM(), g.YMM()
	g.VMOVDQU(g.wide(0xd2511f53), mul0)
	g.VMOVDQU(g.wide(0xcd9e8d57), mul1)

	g.loop("loop", n, 8, func() {
		var c [2][4]reg.VecVirtual
		for s := range c {
			c[s] = [4]reg.VecVirtual{g.YMM(), g.YMM(), g.YMM(), g.YMM()}
			g.VMOVDQA(next[s], c[s][0])
			g.VPSRLQ(operand.Imm(32), next[s], c[s][1])
			g.VPXOR(c[s][2], c[s][2], c[s][2])
			g.VPXOR(c[s][3], c[s][3], c[s][3])
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
// stands above it does not count.
func (g *gen) round(c *[4]reg.VecVirtual, mul0, mul1, k0, k1 reg.VecVirtual) {
	p0, p1 := c[0], c[2]
	g.VPMULUDQ(mul0, c[0], p0)
	g.VPMULUDQ(mul1, c[2], p1)
	hi0, hi1 := c[3], c[1]
	g.VPXOR(k1, c[3], hi0)
	g.VPXOR(k0, c[1], hi1)
	t0, t1 := g.YMM(), g.YMM()
	g.VPSRLQ(operand.Imm(32), p0, t0)
	g.VPSRLQ(operand.Imm(32), p1, t1)
	g.VPXOR(t0, hi0, hi0)
	g.VPXOR(t1, hi1, hi1)
	c[0], c[1], c[2], c[3] = hi1, p1, hi0, p0
}

// store writes four blocks, word by word.
func (g *gen) store(c [4]reg.VecVirtual, to operand.Mem) {
	g.VPSLLQ(operand.Imm(32), c[1], c[1])
	g.VPSLLQ(operand.Imm(32), c[3], c[3])
	g.VPBLENDD(operand.Imm(0xaa), c[1], c[0], c[0]) // words 0 and 1 of four blocks
	g.VPBLENDD(operand.Imm(0xaa), c[3], c[2], c[2])
	g.VPUNPCKLQDQ(c[2], c[0], c[1]) // blocks 0 and 2
	g.VPUNPCKHQDQ(c[2], c[0], c[3]) // blocks 1 and 3
	g.VPERM2I128(operand.Imm(0x20), c[3], c[1], c[0])
	g.VPERM2I128(operand.Imm(0x31), c[3], c[1], c[2])
	g.VMOVDQU(c[0], to)
	g.VMOVDQU(c[2], to.Offset(32))
}

func (g *gen) uniform() {
	g.start("uniform32AVX2", "func(dst *float32, words *uint32, n int, low float32, width float32)",
		"makes n values; n is a multiple of 8.")
	dst := operand.Mem{Base: g.Load(g.Param("dst"), g.GP64())}
	words := operand.Mem{Base: g.Load(g.Param("words"), g.GP64())}
	n := g.Load(g.Param("n"), g.GP64())
	low, width := g.lanes("low"), g.lanes("width")
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

// lanes loads a parameter into all lanes.
func (g *gen) lanes(name string) reg.VecVirtual {
	x, v := g.XMM(), g.YMM()
	g.Load(g.Param(name), x)
	g.VBROADCASTSS(x, v)
	return v
}
