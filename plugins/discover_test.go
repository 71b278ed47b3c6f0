//go:build linux

package plugins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/fault"
)

// folderOf makes a folder of files; names that end in "!" are executable, in
// "/" folders, and in "@" links to what they hold.
func folderOf(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "plugin")
	require.NoError(t, os.Mkdir(dir, 0o700))
	for name, text := range files {
		path := filepath.Join(dir, strings.TrimRight(name, "!/@"))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		switch {
		case strings.HasSuffix(name, "/"):
			require.NoError(t, os.MkdirAll(path, 0o700))
		case strings.HasSuffix(name, "@"):
			require.NoError(t, os.Symlink(text, path))
		case strings.HasSuffix(name, "!"):
			require.NoError(t, os.WriteFile(path, []byte(text), 0o700))
		default:
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
	}
	return dir
}

func TestDiscoverFindsTheThreeKinds(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  Candidate
	}{
		"a program":            {map[string]string{"plugin.json": `{"manifest": 1, "name": "corp", "run": ["bin/corp", "-x"]}`, "bin/corp!": ""}, Candidate{Kind: Manifest, Name: "corp", Run: []string{"bin/corp", "-x"}}},
		"a Python manifest":    {map[string]string{"plugin.json": `{"manifest": 1, "name": "corp", "python": ">=3.10"}`, "__main__.py": ""}, Candidate{Kind: Python, Name: "corp", RequiresPython: ">=3.10"}},
		"a Python folder":      {map[string]string{"__main__.py": ""}, Candidate{Kind: Python}},
		"the manifest decides": {map[string]string{"plugin.json": `{"manifest":1,"name":"c","run":["p"]}`, "p!": "", "__main__.py": ""}, Candidate{Kind: Manifest, Name: "c", Run: []string{"p"}}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, c.files)
			got, err := Discover(dir)
			require.NoError(t, err)
			c.want.Given, c.want.Path = dir, dir
			require.Equal(t, c.want, got)
		})
	}
	got, err := Discover(script(t, "").Path)
	require.NoError(t, err)
	require.Equal(t, Executable, got.Kind)
}

func TestDiscoverRefusesWhatIsNoPlugin(t *testing.T) {
	manifest := func(text string) map[string]string { return map[string]string{"plugin.json": text, "p!": ""} }
	for name, c := range map[string]struct {
		files map[string]string
		words []string
	}{
		"nothing in it":         {nil, []string{"neither plugin.json nor __main__.py"}},
		"main is a folder":      {map[string]string{"__main__.py/": ""}, []string{"__main__.py", "a folder"}},
		"main is a link":        {map[string]string{"__main__.py@": "/etc/passwd"}, []string{"symbolic link"}},
		"manifest is a link":    {map[string]string{"plugin.json@": "/etc/passwd"}, []string{"symbolic link"}},
		"manifest dangling":     {map[string]string{"plugin.json@": "/none"}, []string{"symbolic link"}},
		"manifest too large":    {manifest(strings.Repeat(" ", maxManifest+1)), []string{"the limit is"}},
		"not JSON":              {manifest("{\n  x"), []string{"line 2, column 3"}},
		"unknown key":           {manifest(`{"manifest":1,"name":"c","run":["p"],"args":[]}`), []string{"unknown key", "args"}},
		"key twice":             {manifest(`{"manifest":1,"manifest":1,"name":"c","run":["p"]}`), []string{"duplicate name"}},
		"no version":            {manifest(`{"name":"c","run":["p"]}`), []string{`"manifest" is missing`}},
		"version 2":             {manifest(`{"manifest":2,"name":"c","run":["p"]}`), []string{"newer"}},
		"version 1.0":           {manifest(`{"manifest":1.0,"name":"c","run":["p"]}`), []string{"1.0"}},
		"no name":               {manifest(`{"manifest":1,"run":["p"]}`), []string{"name"}},
		"bad name":              {manifest(`{"manifest":1,"name":"C","run":["p"]}`), []string{`"C"`}},
		"reserved name":         {manifest(`{"manifest":1,"name":"torch","run":["p"]}`), []string{"reserved"}},
		"neither":               {manifest(`{"manifest":1,"name":"c"}`), []string{"exactly one"}},
		"both":                  {manifest(`{"manifest":1,"name":"c","run":["p"],"python":">=3.10"}`), []string{"exactly one"}},
		"empty run":             {manifest(`{"manifest":1,"name":"c","run":[]}`), []string{"exactly one"}},
		"run a string":          {manifest(`{"manifest":1,"name":"c","run":"p"}`), []string{"want an array, found a string"}},
		"run absolute":          {manifest(`{"manifest":1,"name":"c","run":["/bin/sh"]}`), []string{"inside the folder"}},
		"run upward":            {manifest(`{"manifest":1,"name":"c","run":["../p"]}`), []string{"inside the folder"}},
		"run the folder":        {manifest(`{"manifest":1,"name":"c","run":["."]}`), []string{"inside the folder"}},
		"run with NUL":          {manifest(`{"manifest":1,"name":"c","run":["p\u0000"]}`), []string{`\x00`}},
		"argument with NUL":     {manifest(`{"manifest":1,"name":"c","run":["p","\u0000"]}`), []string{"NUL"}},
		"run missing":           {manifest(`{"manifest":1,"name":"c","run":["q"]}`), []string{"no such file"}},
		"run a folder":          {map[string]string{"plugin.json": `{"manifest":1,"name":"c","run":["q"]}`, "q/": ""}, []string{"a folder"}},
		"run a link":            {map[string]string{"plugin.json": `{"manifest":1,"name":"c","run":["q"]}`, "q@": "/bin/sh"}, []string{"symbolic link"}},
		"run through a link":    {map[string]string{"plugin.json": `{"manifest":1,"name":"c","run":["q/sh"]}`, "q@": "/bin"}, []string{"no folder"}},
		"run not executable":    {map[string]string{"plugin.json": `{"manifest":1,"name":"c","run":["q"]}`, "q": ""}, []string{"chmod +x"}},
		"python version":        {manifest(`{"manifest":1,"name":"c","python":"3.10"}`), []string{`like ">=3.10"`}},
		"python without a main": {manifest(`{"manifest":1,"name":"c","python":">=3.10"}`), []string{"__main__.py"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, c.files)
			_, err := Discover(dir)
			require.ErrorIs(t, err, ErrNotPlugin)
			require.False(t, fault.IsCannotRun(err), err)
			require.NotContains(t, err.Error(), "\n")
			for _, w := range c.words {
				require.ErrorContains(t, err, w)
			}
		})
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(t.TempDir(), link))
	for path, words := range map[string]string{
		"": "path is empty", "/no/such": "no such file", file: "chmod +x", file + "/x": "not a directory", link: "symbolic link",
		"a\x00b": "invalid", strings.Repeat("x", 5000): "name too long",
	} {
		_, err := Discover(path)
		require.ErrorIs(t, err, ErrNotPlugin, path)
		require.False(t, fault.IsCannotRun(err), err)
		require.ErrorContains(t, err, words)
	}
}

func TestPythonIsFoundInTheOrderOfTheManual(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"given", "env", "python3"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o700))
	}
	require.NoError(t, os.Symlink("given", filepath.Join(dir, "venv")))
	t.Setenv("PATH", dir)
	t.Setenv("WEIGHTINIT_PYTHON", filepath.Join(dir, "env"))
	for given, want := range map[string]string{"": "env", filepath.Join(dir, "given"): "given", "given": "given", filepath.Join(dir, "venv"): "venv"} {
		got, err := findPython(given)
		require.NoError(t, err)
		require.Equal(t, filepath.Join(dir, want), got, "links stay as they are")
	}
	t.Setenv("WEIGHTINIT_PYTHON", "")
	got, err := findPython("")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "python3"), got)
	t.Chdir(dir)
	got, err = findPython("./given")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "given"), got)
	argv, err := (Candidate{Kind: Python, Path: "/x/folder"}).command("")
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "python3"), "-I", "-B", "/x/folder"}, argv)
	t.Setenv("PATH", "/nonexistent")
	_, err = findPython("")
	require.ErrorIs(t, err, ErrStart)
	require.True(t, fault.IsCannotRun(err))
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"manifest": 1, "name": "corp", "run": ["bin/corp"]}`))
	f.Add([]byte(`{"manifest": 1, "name": "corp", "python": ">=3.10"}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := withManifest(Candidate{Path: dir}, text)
		if err == nil {
			t.Fatalf("an empty folder is a plugin: %+v", c)
		}
		if strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Fatal(err)
		}
	})
}
