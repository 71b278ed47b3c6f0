// Package archtest enforces the import table of ARCHITECTURE.md: which
// package may look into which. It reads what the go command says about the
// module, so a new package without a row is a failure too.
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/weightinit/weightinit"

// rule is a row of the table. Package patterns are relative to the module;
// "x/..." is x and everything below. "." is the root package.
type rule struct {
	// may lists the packages of this module that may be imported.
	may []string
	// never lists standard packages that must not be imported.
	never []string
}

// leaves are small packages without policy that every room may use.
var leaves = []string{"dtype", "internal/fault", "internal/shown", "internal/limits", "internal/strictjson", "internal/strictyaml", "internal/nearest", "internal/version"}

// impure is what a pure package must not reach: files, networks, clocks and
// other randomness.
var impure = []string{"os", "net", "time", "math/rand", "math/rand/v2", "crypto/rand"}

var table = map[string]rule{
	"layout":                  {may: []string{"dist"}, never: impure},
	"dtype":                   {never: impure},
	"dist":                    {never: impure},
	"model":                   {may: []string{"layout", "model/...", "internal/inputfile"}, never: []string{"math/rand", "math/rand/v2", "net", "time"}},
	"model/native":            {may: []string{"layout", "internal/inputfile"}, never: []string{"math/rand", "math/rand/v2", "net", "time"}},
	"model/hf":                {may: []string{"layout", "dist", "internal/formula", "model/native"}, never: impure},
	"registry":                {may: []string{"layout", "dist"}, never: impure},
	"registry/registrytest":   {may: []string{"registry", "layout", "dist"}, never: impure},
	"modes/internal/...":      {may: []string{"dist", "layout"}, never: impure},
	"modes/native":            {may: []string{"registry", "layout", "dist", "modes/internal/..."}, never: impure},
	"modes/hf":                {may: []string{"registry", "layout", "dist"}, never: impure},
	"modes/elementary":        {may: []string{"registry", "layout", "dist", "modes/internal/..."}, never: impure},
	"modes/standard":          {may: []string{"registry", "modes/..."}, never: impure},
	"plan":                    {may: []string{"registry", "layout", "dist"}, never: impure},
	"plan/planfile":           {may: []string{"plan", "layout", "dist"}, never: impure},
	"rng":                     {may: []string{"dist", "rng/internal/..."}, never: impure},
	"rng/internal/...":        {may: []string{"rng/internal/..."}, never: impure},
	"fill":                    {may: []string{"plan", "rng", "dist", "layout"}, never: impure},
	"checkpoint/target":       {may: []string{"layout", "checkpoint/..."}, never: impure},
	"checkpoint/...":          {may: []string{"layout", "internal/atomicfile", "internal/inputfile", "checkpoint/..."}, never: []string{"math/rand", "math/rand/v2", "net", "time"}},
	"parity/battery":          {may: []string{"dist"}, never: impure},
	"parity/report":           {may: []string{"parity/engine", "internal/page", "internal/plots"}, never: []string{"os", "net", "time", "math/rand", "crypto/rand"}},
	"parity/rules":            {may: []string{"internal/inputfile"}, never: impure},
	"parity/suite":            {may: []string{"parity/engine", "parity/rules", "checkpoint", "plan", "fill"}, never: impure},
	"parity/paritytest":       {may: []string{"parity/engine", "parity/suite", "parity/rules", "checkpoint", "plan"}},
	"parity/identify":         {may: []string{".", "parity/engine", "parity/report", "parity/battery", "checkpoint/...", "plan", "registry", "dist"}, never: impure},
	"parity/engine":           {may: []string{"parity/battery", "plan", "fill", "rng", "checkpoint/...", "layout", "dist"}, never: impure},
	"parity":                  {may: []string{"parity/engine", "parity/suite", "parity/rules", "checkpoint", "plan"}, never: impure},
	".":                       {may: []string{"...."}, never: []string{"math/rand", "math/rand/v2", "net"}},
	"cmd/weightinit":          {may: []string{"internal/cli"}},
	"internal/cli":            {may: []string{"...."}, never: []string{"math/rand", "math/rand/v2", "net"}},
	"internal/atomicfile":     {},
	"internal/formula":        {never: impure},
	"internal/faultfs":        {may: []string{"internal/atomicfile"}},
	"internal/inputfile":      {},
	"internal/page":           {never: impure},
	"internal/plots":          {never: impure},
	"internal/record":         {},
	"internal/summary":        {never: impure},
	"internal/plansums":       {may: []string{"plan", "plan/planfile", "fill", "layout"}, never: impure},
	"internal/hostile/...":    {may: []string{"internal/hostile/...", "checkpoint/...", "layout"}},
	"internal/archtest":       {},
	"internal/yamltest":       {may: []string{"internal/hostile"}},
	"plugins":                 {may: []string{"registry", "layout", "dist", "plugins/internal/...", "plugins/protocol/...", "internal/atomicfile", "internal/inputfile"}, never: []string{"math/rand", "math/rand/v2"}},
	"plugins/internal/...":    {may: []string{"registry", "layout", "dist", "plugins/internal/...", "plugins/protocol/..."}, never: []string{"math/rand", "math/rand/v2"}},
	"plugins/protocol":        {},
	"plugins/protocol/modev1": {},
	"plugins/sdk":             {may: []string{"registry", "layout", "dist", "plugins/internal/...", "plugins/protocol/..."}, never: []string{"math/rand", "math/rand/v2"}},
	"plugins/sdk/python":      {},
	"plugins/sdk/sdktest":     {may: []string{"plugins", "plugins/sdk", "plugins/conformance", "plugins/internal/...", "registry", "layout", "dist"}},
	"plugins/conformance":     {may: []string{"plugins", "plugins/internal/...", "plugins/protocol/...", "registry", "layout", "dist"}},
	"plugins/templates":       {may: []string{"plugins/internal/...", "plugins/sdk/python"}},
	"plugins/examples/...":    {may: []string{"registry", "layout", "dist", "plugins/sdk"}},
	"rng/internal/kernel/gen": {},
	"rng/internal/isa/...":    {}, // reads WEIGHTINIT_ISA
	"rng/internal/jump/gen":   {},
	"internal/needs":          {},
	"scripts/...":             {may: []string{"rng", "dist", "layout", "internal/hostile/...", "parity/battery", "parity/engine", "parity/identify", "parity/report", "plan", "fill", "model", "checkpoint", "registry", "internal/plansums", "."}},
}

type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Standard", module+"/...")
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("go list: %s", failed.Stderr)
	}
	require.NoError(t, err)
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return packages
		} else {
			require.NoError(t, err)
		}
		packages = append(packages, p)
	}
}

// relative returns the path inside the module, "." for its root.
func relative(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func matches(pattern, pkg string) bool {
	if pattern == "...." { // everything
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == base || strings.HasPrefix(pkg, base+"/")
	}
	return pattern == pkg
}

// find returns the row of a package: the longest pattern that matches.
func find(pkg string) (rule, bool) {
	best := ""
	for pattern := range table {
		if matches(pattern, pkg) && len(pattern) > len(best) {
			best = pattern
		}
	}
	r, ok := table[best]
	return r, ok
}

func TestImportsKeepToTheTable(t *testing.T) {
	packages := list(t)
	require.Greater(t, len(packages), 15)
	for _, p := range packages {
		own, ok := relative(p.ImportPath)
		require.True(t, ok, p.ImportPath)
		row, ok := find(own)
		if slices.Contains(leaves, own) {
			row, ok = rule{}, true // a leaf may use other leaves
		}
		if !ok {
			t.Errorf("package %s has no row in the table", own)
			continue
		}
		for _, imported := range p.Imports {
			if slices.Contains(row.never, imported) {
				t.Errorf("package %s imports %s, which it must not", own, imported)
			}
			ours, ok := relative(imported)
			if !ok || slices.Contains(leaves, ours) {
				continue
			}
			if !slices.ContainsFunc(row.may, func(pattern string) bool { return matches(pattern, ours) }) {
				t.Errorf("package %s imports %s, which its row does not allow", own, ours)
			}
		}
	}
}

func TestEveryRowOfTheTableIsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, p := range list(t) {
		own, _ := relative(p.ImportPath)
		for pattern := range table {
			if matches(pattern, own) {
				used[pattern] = true
			}
		}
	}
	for pattern := range table {
		if !used[pattern] {
			t.Errorf("row %s matches no package", path.Clean(pattern))
		}
	}
}

// speakFlags are the files outside the command line whose texts may hold what
// looks like a flag, and why.
var speakFlags = map[string]string{
	"plugins/sdk/serve.go":           "a plugin that a person starts says how the command takes it",
	"internal/plots/draw.go":         "names of CSS",
	"plugins/sdk/sdktest/sdktest.go": "a call of the go command",
}

// A caller of the library reads no advice about flags: package cli adds it.
func TestOnlyTheCommandLineSpeaksOfFlags(t *testing.T) {
	flag := regexp.MustCompile("(^|[^-a-z])(--[a-z]|-o([ ,;:.)]|$))")
	used := map[string]bool{}
	root := filepath.Join("..", "..")
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		name, err := filepath.Rel(root, path)
		require.NoError(t, err)
		name = filepath.ToSlash(name)
		if entry.IsDir() && (name == "internal/cli" || name == "cmd" || name == "scripts" || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && name != ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			text, ok := n.(*ast.BasicLit)
			if !ok || text.Kind != token.STRING {
				return true
			}
			value, err := strconv.Unquote(text.Value)
			require.NoError(t, err)
			if flag.MatchString(value) {
				used[name] = true
				if speakFlags[name] == "" {
					t.Errorf("%s: %s names a flag: give the error a type, and the flag a row in internal/cli/advice.go", name, text.Value)
				}
			}
			return true
		})
		return nil
	}))
	for name := range speakFlags {
		require.True(t, used[name], "%s needs no exception", name)
	}
}
