// Command _asm writes the assembly of package kernel. It is a module of its own
// so that nobody who uses the main one downloads the generator's generator.
// Run it in this folder:
//
//	go run .
//
// The command doubles beside it writes what packages normal64 and philox have.
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
	"strings"

	"github.com/mmcloughlin/avo/build"

	"github.com/weightinit/weightinit/rng/internal/_asm/emit"
)

func main() {
	folder := flag.String("to", filepath.Join("..", "kernel"), "folder of package kernel")
	flag.Parse()
	if err := errors.Join(write(*folder, "AVX2", 8), write(*folder, "AVX512", 16)); err != nil {
		fmt.Fprintln(os.Stderr, "_asm:", err)
		os.Exit(3)
	}
}

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
	return emit.Files(file, emit.To{
		Command: "go run . in rng/internal/_asm", Package: "kernel", Folder: folder,
		Base: strings.ToLower(isa) + "_amd64", Wide: g.wide(),
	})
}
