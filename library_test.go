package weightinit_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	// What the page uses: the go command caches a test by what it imports.
	_ "github.com/weightinit/weightinit/parity/paritytest"
	_ "github.com/weightinit/weightinit/registry/registrytest"
)

// TestTheLibraryPageRuns: every block of Go in docs/library.md builds in a
// module of its own that needs this one; a program prints what the next block
// of text says, a test passes. They run in one folder, in the order of the
// page, beside a config and the reference that torch made of it.
func TestTheLibraryPageRuns(t *testing.T) {
	dir := t.TempDir()
	writeModule(t, dir)
	fixture := filepath.Join("testdata", "torch", "2.15.0", "spec-gpt2-v1")
	require.NoError(t, os.CopyFS(filepath.Join(dir, "reference"), os.DirFS(fixture)))
	config, err := os.ReadFile(filepath.Join(fixture, "config.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600))

	page, err := os.ReadFile(filepath.Join("docs", "library.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?ms)^```(go|text)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	programs, tests := 0, 0
	for i, b := range blocks {
		if b[1] != "go" {
			continue
		}
		if !strings.HasPrefix(b[2], "package main\n") {
			require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("block%d_test.go", i)), []byte(b[2]), 0o600))
			tests++
			continue
		}
		require.Less(t, i+1, len(blocks), "no output stands behind\n%s", b[2])
		require.Equal(t, "text", blocks[i+1][1], "no output stands behind\n%s", b[2])
		source := filepath.Join(dir, fmt.Sprint("program", i))
		require.NoError(t, os.Mkdir(source, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(source, "main.go"), []byte(b[2]), 0o600))
		require.Equal(t, blocks[i+1][2], goIn(t, dir, "run", "./"+filepath.Base(source)), "%s", b[2])
		programs++
	}
	require.Equal(t, []int{4, 1}, []int{programs, tests})
	require.Contains(t, goIn(t, dir, "test", "-v", "."), "--- PASS: TestStartWeights")
	goIn(t, dir, "vet", "./...")
}

// writeModule begins a module that takes this one from its folder and all
// others in the versions that this one has.
func writeModule(t *testing.T, dir string) {
	t.Helper()
	root, err := filepath.Abs(".")
	require.NoError(t, err)
	text, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	_, requires, found := strings.Cut(string(text), "module github.com/weightinit/weightinit\n")
	require.True(t, found)
	text = fmt.Appendf(nil, "module example.com/mine\n%s\nrequire github.com/weightinit/weightinit v0.0.0\nreplace github.com/weightinit/weightinit => %q\n", requires, filepath.ToSlash(root))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), text, 0o600))
	sums, err := os.ReadFile("go.sum")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600))
}

// goIn runs the go command in a folder, without a network, and returns what
// it prints on stdout.
func goIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false", "GOPROXY=off", "GOWORK=off")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	require.NoError(t, err, "go %v\n%s%s", args, out, errs.String())
	return string(out)
}
