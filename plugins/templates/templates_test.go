package templates_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/plugins/conformance"
	"github.com/weightinit/weightinit/plugins/templates"
)

// run runs a command in a folder and returns its output.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %v\n%s", name, args, out)
	return string(out)
}

func TestANewGoPluginBuildsAndConforms(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "corp")
	require.NoError(t, templates.New("go", "corp", dir, templates.Options{Replace: root}))
	require.Empty(t, run(t, dir, "gofmt", "-l", "."))
	run(t, dir, "go", "vet", "./...")
	run(t, dir, "go", "build", "-o", "bin/corp", ".")

	c, err := plugins.Discover(dir)
	require.NoError(t, err)
	report, err := conformance.Run(t.Context(), c, conformance.Options{})
	require.NoError(t, err)
	for _, r := range report.Results {
		require.NotEqual(t, conformance.Fail, r.Status, "%s: %s", r.Name, r.Reason)
	}
	require.Equal(t, "corp", report.Plugin)
	require.Len(t, report.Results, len(conformance.Names()))
}

func TestANewPythonPluginIsComplete(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "corp")
	require.NoError(t, templates.New("python", "corp", dir, templates.Options{}))
	text, err := os.ReadFile(filepath.Join(dir, "__main__.py"))
	require.NoError(t, err)
	require.Contains(t, string(text), `Plugin("corp", version="0.1.0")`)
	require.FileExists(t, filepath.Join(dir, "weightinit_plugin", "__init__.py"))
	_, err = plugins.Discover(dir)
	require.NoError(t, err)
	if python, err := exec.LookPath("python3"); err == nil {
		run(t, dir, python, "-B", "-c", "import ast, sys\nfor f in sys.argv[1:]: ast.parse(open(f, encoding='utf-8').read(), f)", "__main__.py", "test_plugin.py")
	}
}

func TestNothingOfTheTemplateIsLeft(t *testing.T) {
	for _, lang := range templates.Languages() {
		dir := filepath.Join(t.TempDir(), "corp")
		require.NoError(t, templates.New(lang, "corp", dir, templates.Options{SDKVersion: "v1.2.3"}))
		var names []string
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			names = append(names, strings.TrimPrefix(path, dir+string(filepath.Separator)))
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			if !strings.HasPrefix(names[len(names)-1], "weightinit_plugin") {
				require.NotContains(t, string(text), "{{", path)
			}
			return nil
		}))
		for _, want := range []string{"README.md", "LICENSE", "plugin.json", filepath.FromSlash(".github/workflows/test.yml")} {
			require.Contains(t, names, want)
		}
	}
}

func TestNewRefusesBadNamesAndFullFolders(t *testing.T) {
	full := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(full, "x"), nil, 0o644))
	fresh := filepath.Join(t.TempDir(), "fresh")
	taken := templates.Options{Taken: func(name string) bool { return name == "gpt2" }}
	for _, c := range []struct{ lang, name, dir, want string }{
		{"rust", "corp", fresh, `unknown language "rust": use one of go, python`},
		{"go", "Corp", fresh, `plugin name "Corp" must match`},
		{"go", "a/../b", fresh, "must match"},
		{"go", "torch", fresh, "is taken"},
		{"python", "gpt2", fresh, "is taken"},
		{"go", "corp", full, "is not empty"},
	} {
		require.ErrorContains(t, templates.New(c.lang, c.name, c.dir, taken), c.want)
		require.NoDirExists(t, fresh)
	}
	require.ErrorContains(t, templates.New("go", "corp", fresh, templates.Options{Replace: full}), "go.mod")
}
