// Command doubles writes the assembly of packages normal64 and philox: what is
// computed in float64, four numbers a time, as glibc's functions do it, and the
// generator of package philox. Run it in the folder above:
//
//	go run ./doubles
package main

import (
	"fmt"
	"math"
	"os"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "doubles:", err)
		os.Exit(3)
	}
}

// write makes the files of both packages.
func write() error {
	m := &mersenne{gen: newGen()}
	m.blocks()
	m.uniform()
	if err := m.files("normal64"); err != nil {
		return err
	}
	p := philox{newGen()}
	p.words()
	p.uniform()
	p.uniform64()
	p.normal()
	if err := p.normal64(); err != nil {
		return err
	}
	return p.files("philox")
}

func newGen() *gen {
	g := &gen{Context: build.NewContext(), rows: map[string]operand.Mem{}}
	g.ConstraintExpr("!purego")
	return g
}

// files writes the files of a package beside the one for kernels.
func (g *gen) files(pkg string) error {
	file, err := g.Result()
	if err != nil {
		return err
	}
	return emit.Files(file, emit.To{Command: "go run ./doubles in rng/internal/_asm", Package: pkg, Folder: "../" + pkg, Base: "avx2_amd64"})
}

// philox writes package philox.
type philox struct{ *gen }

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
