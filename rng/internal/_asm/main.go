// Command _asm writes the assembly of package kernel. It is a module of its own
// so that nobody who uses the main one downloads the generator's generator.
// Run it in this folder:
//
//	go run .
//
// Each kernel is written once, with the width of a vector as a parameter: 8
// float32 for AVX2, 16 for AVX-512. Where the two instruction sets differ,
// type gen hides it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	folder := flag.String("to", filepath.Join("..", "kernel"), "folder of package kernel")
	flag.Parse()
	if err := errors.Join(write(*folder, "AVX2", 8), write(*folder, "AVX512", 16)); err != nil {
		fmt.Fprintln(os.Stderr, "_asm:", err)
		os.Exit(3)
	}
}

// beyond finds vector registers that only AVX-512 has. The allocator hands
// them out when the others are used up, and the assembler takes them.
var beyond = regexp.MustCompile(`\b[XYZ](1[6-9]|2[0-9]|3[01])\b`)

// write makes the assembly and the Go declarations of one instruction set.
func write(folder, isa string, lanes int) error {
	g := &gen{Context: build.NewContext(), isa: isa, lanes: lanes, rows: map[string]row{}}
	g.ConstraintExpr("!purego")
	g.engine()
	g.normal32()
	g.post()
	file, err := g.Result()
	if err != nil {
		return fmt.Errorf("%s: %w", isa, err)
	}
	if err := pass.Compile.Execute(file); err != nil {
		return fmt.Errorf("%s: %w", isa, err)
	}
	base := map[string]string{"AVX2": "avx2", "AVX512": "avx512"}[isa]
	config := printer.Config{Name: "go run . in rng/internal/_asm", Argv: nil, Pkg: "kernel"}
	for name, p := range map[string]printer.Printer{
		base + "_amd64.s": printer.NewGoAsm(config), base + "_amd64.go": printer.NewStubs(config),
	} {
		text, err := p.Print(file)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if m := beyond.Find(text); m != nil && !g.wide() {
			return fmt.Errorf("%s: register %s needs AVX-512: too many values are held at once", name, m)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o666); err != nil {
			return err
		}
	}
	return nil
}
