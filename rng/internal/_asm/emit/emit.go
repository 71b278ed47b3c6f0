// Package emit writes the assembly that a generator has made, and its Go
// declarations, as files of a package.
package emit

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// To says where the files go and what they say of themselves.
type To struct {
	Command string // that makes the files
	Package string
	Folder  string
	Base    string // of the names of the files, without .s and .go
	Wide    bool   // the registers of AVX-512 may be used
}

// Address returns where a parameter lies. A float is broadcast from there: what
// avo loads one by is [legacy].
func Address(parameter gotypes.Component) operand.Mem {
	basic, err := parameter.Resolve()
	if err != nil {
		panic(err) // a name that the signature does not have
	}
	return basic.Addr
}

// beyond finds vector registers that only AVX-512 has. The allocator hands
// them out when the others are used up, and the assembler takes them.
var beyond = regexp.MustCompile(`\b[XYZ](1[6-9]|2[0-9]|3[01])\b`)

// legacy finds instructions of SSE, such as MOVSS, that lack the V. While the
// upper half of any vector register is in use, one costs more than 100 ns on
// AMD's Zen 3; Intel's manuals warn of them, too.
var legacy = regexp.MustCompile(`(?m)^\t[A-UW-Z][A-Z0-9]*\s.*\bX[0-9]+$`)

// Files gives the values of file registers and writes it.
func Files(file *ir.File, to To) error {
	if err := pass.Compile.Execute(file); err != nil {
		return fmt.Errorf("%s: %w", to.Base, err)
	}
	config := printer.Config{Name: to.Command, Pkg: to.Package}
	for name, p := range map[string]printer.Printer{
		to.Base + ".s": printer.NewGoAsm(config), to.Base + ".go": printer.NewStubs(config),
	} {
		text, err := p.Print(file)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if m := beyond.Find(text); m != nil && !to.Wide {
			return fmt.Errorf("%s: register %s needs AVX-512: too many values are held at once", name, m)
		}
		if m := legacy.Find(text); m != nil {
			return fmt.Errorf("%s: %q is no AVX instruction", name, strings.Fields(string(m)))
		}
		if err := os.WriteFile(filepath.Join(to.Folder, name), text, 0o666); err != nil {
			return err
		}
	}
	return nil
}
