// Command _asm writes the assembly of package normal64. It is a module of its
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
	g := &gen{Context: build.NewContext(), rows: map[uint64]operand.Mem{}}
	g.ConstraintExpr("!purego")
	g.blocks()
	g.uniform()
	file, err := g.Result()
	if err != nil {
		return err
	}
	interleave(file)
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	config := printer.Config{Name: "go run . in rng/internal/normal64/_asm", Pkg: "normal64"}
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
	rows      map[uint64]operand.Mem
	mean, std operand.Mem // in four lanes
	rest      [2]rest
}

// wide is a number of 64 bits in four lanes, in memory, made once.
func (g *gen) wide(bits uint64) operand.Mem {
	if m, ok := g.rows[bits]; ok {
		return m
	}
	m := g.StaticGlobal(fmt.Sprintf("w%016x", bits))
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	for lane := range 4 {
		g.AddDatum(8*lane, operand.U64(bits))
	}
	g.rows[bits] = m
	return m
}

func (g *gen) float(v float64) operand.Mem { return g.wide(math.Float64bits(v)) }

// load returns a register that holds m, or a copy of the register m.
func (g *gen) load(m operand.Op) reg.VecVirtual {
	v := g.YMM()
	g.VMOVUPD(m, v)
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

// The operations that give a new register.

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
