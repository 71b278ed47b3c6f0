package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"weightinit": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the stories in testdata/script, each with the real command
// in a subprocess and a fresh folder.
func TestScripts(t *testing.T) {
	fixtures, err := filepath.Abs("../../testdata/torch/2.15.0")
	require.NoError(t, err)
	examples := buildPlugins(t, "../../plugins/examples/scaled", "../../plugins/examples/filled", "./testdata/twin")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("FIXTURES", fixtures)
			env.Setenv("EXAMPLES", examples)
			env.Setenv("WEIGHTINIT_PLUGIN_DIR", filepath.Join(env.WorkDir, ".store"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"flipbit":   flipBit,
			"flipstore": flipStore,
			"oneline":   oneLine,
			"holds":     onlyTheseFiles,
			"truncate":  truncate,
		},
	})
}

// buildPlugins builds the plugins in some folders and returns the folder of
// the programs.
func buildPlugins(t *testing.T, folders ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := append([]string{"build", "-o", dir + string(filepath.Separator)}, folders...)
	out, err := exec.Command("go", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir
}

// flipBit FILE OFFSET inverts the lowest bit of a byte; a negative offset
// counts from the end.
func flipBit(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	offset := atoi(ts, args[1])
	if offset < 0 {
		offset += len(data)
	}
	data[offset] ^= 1
	ts.Check(os.Chmod(path, 0o700)) // files in the plugin store are read-only
	ts.Check(os.WriteFile(path, data, 0o666))
}

// flipStore DIR inverts a bit of the one program in a plugin store.
func flipStore(ts *testscript.TestScript, _ bool, args []string) {
	found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "scaled-*", "scaled"))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%d copies in the store", len(found))
	}
	flipBit(ts, false, []string{found[0], "-1"})
	ts.Check(os.Chmod(found[0], 0o500))
}

// truncate FILE SIZE cuts a file.
func truncate(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.Truncate(ts.MkAbs(args[0]), int64(atoi(ts, args[1]))))
}

func atoi(ts *testscript.TestScript, text string) int {
	n, sign := 0, 1
	for i, c := range text {
		switch {
		case c == '-' && i == 0:
			sign = -1
		case c >= '0' && c <= '9':
			n = 10*n + int(c-'0')
		default:
			ts.Fatalf("%q is not a number", text)
		}
	}
	return sign * n
}

// oneLine checks that the last command printed exactly one line on stderr,
// which begins as every error does, and nothing on stdout.
func oneLine(ts *testscript.TestScript, _ bool, _ []string) {
	stderr, stdout := ts.ReadFile("stderr"), ts.ReadFile("stdout")
	if stdout != "" {
		ts.Fatalf("stdout is not empty: %q", stdout)
	}
	if !strings.HasPrefix(stderr, "weightinit: ") || strings.Count(stderr, "\n") != 1 || len(stderr) < 20 || len(stderr) > 2000 {
		ts.Fatalf("stderr is not one line of error: %q", stderr)
	}
}

// onlyTheseFiles DIR NAME... checks that a folder holds exactly the names.
func onlyTheseFiles(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var names []string
	for _, e := range entries {
		if e.Name() != ".tmp" && e.Name() != ".store" { // the story's own TMPDIR and plugin store
			names = append(names, e.Name())
		}
	}
	if strings.Join(names, " ") != strings.Join(args[1:], " ") {
		ts.Fatalf("%s holds %q, want %q", args[0], names, args[1:])
	}
}

// run calls the command line in this process.
func run(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = cli.Main(args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}
