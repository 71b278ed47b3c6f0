// Command _neon writes the arm64 assembly of package kernel and its Go
// declarations. It is a module of its own so that nobody who uses the main one
// downloads what its tests need. Run it in this folder:
//
//	go run .
//
// The library that rng/internal/_asm uses knows amd64 only, so there is a small
// assembler here: gen.go collects instructions on values, assign.go gives the
// values registers, and encode.go encodes the instructions that Go's assembler
// lacks. A kernel is a function of engine.go, normal32.go or post.go; what it
// computes and why is explained with its twin in rng/internal/_asm.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	folder := flag.String("to", filepath.Join("..", "kernel"), "folder of package kernel")
	flag.Parse()
	if err := write(*folder); err != nil {
		fmt.Fprintln(os.Stderr, "_neon:", err)
		os.Exit(3)
	}
}

// write makes the assembly and the declarations.
func write(folder string) error {
	g := kernels()
	assembly, err := g.assembly()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "neon_arm64.s"), assembly, 0o666); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "neon_arm64.go"), g.declarations(), 0o666)
}

// kernels returns all functions, before their values have registers.
func kernels() *gen {
	g := &gen{offsets: map[[lanes]uint32]int{}}
	g.engine()
	g.normal32()
	g.post()
	return g
}
