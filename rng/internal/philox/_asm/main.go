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
	g.uniform64()
	g.normal()
	if err := g.normal64(); err != nil {
		return err
	}
	file, err := g.Result()
	if err != nil {
		return err
	}
	interleave(file)
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
