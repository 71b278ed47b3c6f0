package inputfile_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/needs"
)

// check looks at an error as the command line does.
func check(t *testing.T, err error, path string, cannotRun bool, word string) {
	t.Helper()
	var e *inputfile.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, path, e.Path)
	require.Equal(t, cannotRun, fault.IsCannotRun(err), "%v", err)
	require.ErrorContains(t, err, word)
	require.NotContains(t, err.Error(), "\n")
	require.GreaterOrEqual(t, len(err.Error()), 20)
	require.LessOrEqual(t, len(err.Error()), 2000)
}

func TestRegularFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(path, []byte("hello"), 0o600))
	f, size, err := inputfile.Open(path)
	require.NoError(t, err)
	require.Equal(t, int64(5), size)
	b := make([]byte, 2)
	_, err = f.ReadAt(b, 1)
	require.NoError(t, err)
	require.Equal(t, "el", string(b))
	require.NoError(t, f.Close())

	text, err := inputfile.ReadAll(path, 5, false)
	require.NoError(t, err)
	require.Equal(t, "hello", string(text))
	_, err = inputfile.ReadAll(path, 4, false)
	check(t, err, path, false, "limit is 4")
	require.ErrorIs(t, err, inputfile.ErrLimit)

	require.NoError(t, os.WriteFile(path, nil, 0o600))
	text, err = inputfile.ReadAll(path, 4, false)
	require.NoError(t, err)
	require.Empty(t, text)
}

// A file that claims a terabyte costs no memory before it is refused.
func TestHugeFilesAreRefusedByTheirSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	if err := os.Truncate(path, 1<<40); err != nil {
		needs.Skip(t, "needs a file system with sparse files: %v", err)
	}
	_, err := inputfile.ReadAll(path, 1<<20, false)
	check(t, err, path, false, "1099511627776")
}

func TestWrongPaths(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing\nfile")
	_, _, err := inputfile.Open(missing)
	check(t, err, missing, false, "no such file")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = inputfile.ReadAll(missing, 10, true)
	check(t, err, missing, false, "no such file")
	_, _, err = inputfile.Open(dir)
	check(t, err, dir, false, "directory")
	require.ErrorIs(t, err, inputfile.ErrKind)
	_, err = inputfile.ReadAll(dir, 10, true)
	check(t, err, dir, false, "directory")
	_, _, err = inputfile.Open("a\x00b")
	check(t, err, "a\x00b", false, "check the path")
	long := filepath.Join(dir, strings.Repeat("x", 5000))
	_, _, err = inputfile.Open(long)
	require.False(t, fault.IsCannotRun(err))
	require.LessOrEqual(t, len(err.Error()), 2000)
}

func TestClassify(t *testing.T) {
	check(t, inputfile.Classify("x", &fs.PathError{Op: "open", Path: "x", Err: errors.New("input/output error")}), "x", true, "input/output error")
	check(t, inputfile.Classify("file with a name", fs.ErrPermission), "file with a name", true, "permission")
	check(t, inputfile.Changed("file.bin", 7), "file.bin", true, "byte 7")
	require.ErrorIs(t, inputfile.Changed("file.bin", 7), io.ErrUnexpectedEOF)
	e, ok := inputfile.AsError(inputfile.Changed("file.bin", 7))
	require.True(t, ok)
	require.Equal(t, "file.bin", e.Path)
	_, ok = inputfile.AsError(io.EOF)
	require.False(t, ok)
}

func TestGuess(t *testing.T) {
	for head, want := range map[string]string{
		"version https://git-lfs.github.com/spec/v1\n": "LFS",
		"\ufeff <!doctype HTML>":                       "HTML",
		"<html lang=en>":                               "HTML",
		"PK\x03\x04":                                   "zip",
		"\x80\x04\x95":                                 "pickle",
	} {
		require.Contains(t, inputfile.Guess([]byte(head)), want)
	}
	for _, head := range []string{"", "{", "weights", "pk\x03\x04"} {
		require.Empty(t, inputfile.Guess([]byte(head)), "%q", head)
	}
	require.Empty(t, inputfile.Guess(bytes.Repeat([]byte{0}, inputfile.GuessLen)))
}
