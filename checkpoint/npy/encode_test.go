package npy

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/layout"
)

// The fixtures were written by NumPy, so they say what a header must be.
func TestHeaderIsWhatNumPyWrites(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/torch/*/*/*.npy")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for i, path := range paths {
		if i%7 != 0 { // a seventh of them has all forms
			continue
		}
		f, err := Open(path)
		require.NoError(t, err)
		header, err := Header(layout.F32, f.Shape())
		require.NoError(t, err)
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(file[:f.DataOffset()]), string(header), path)
		require.NoError(t, f.Close())
	}
}

// Texts that NumPy 2.4.6 wrote for these arguments (numpy.lib.format).
func TestHeaderText(t *testing.T) {
	for _, c := range []struct {
		dtype layout.DType
		shape []int64
		text  string
		size  int
	}{
		{layout.F64, nil, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }", 128},
		{layout.BF16, []int64{5}, "{'descr': '<u2', 'fortran_order': False, 'shape': (5,), }", 128},
		{layout.F16, []int64{0, 12}, "{'descr': '<f2', 'fortran_order': False, 'shape': (0, 12), }", 128},
		{layout.F32, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), }", 128},
		{layout.F32, []int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 10000}, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 10000), }", 128},
		{layout.F32, []int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 100000}, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 100000), }", 192},
		{layout.F32, []int64{123456789012, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "{'descr': '<f4', 'fortran_order': False, 'shape': (123456789012, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), }", 128},
	} {
		header, err := Header(c.dtype, c.shape)
		require.NoError(t, err)
		require.Equal(t, c.text, strings.TrimRight(string(header[10:]), " \n"))
		require.Len(t, header, c.size)
		require.Equal(t, byte('\n'), header[c.size-1])
	}
}

func TestHeaderRefusesShapes(t *testing.T) {
	for _, shape := range [][]int64{{-1}, {1 << 32, 1 << 32}, {0, 1 << 62}, make([]int64, 65)} {
		_, err := Header(layout.F32, shape)
		require.Error(t, err, "%v", shape)
	}
	_, err := Header(0, nil)
	require.ErrorContains(t, err, "dtype")
	header, err := Header(layout.F32, make([]int64, 64))
	require.NoError(t, err)
	_, err = NewFile(bytes.NewReader(header), int64(len(header)), "x")
	require.NoError(t, err)
}

func TestNamesThatMayBecomePaths(t *testing.T) {
	for _, name := range []string{"a", "layers.0.attn.q.weight", "größe", "a b", "..a", "a..", "CON", strings.Repeat("x", 240)} {
		require.Empty(t, nameProblem(name, false), name)
	}
	for _, name := range []string{
		"", ".", "..", "a/b", "/a", `a\b`, "a\x00b", "a\nb", "a\x7fb", "a\u009bb", "a\xffb", strings.Repeat("x", 241), "../../etc/x",
	} {
		require.NotEmpty(t, nameProblem(name, false), name)
		err := CheckName(name)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "\n")
		require.Less(t, len(err.Error()), 2000)
	}
	for _, name := range []string{"CON", "con.weight", "nul", "COM1", "lpt9.x", "COM¹", "a.", "a ", "a:b", "a?", "aux .b"} {
		require.NotEmpty(t, nameProblem(name, true), name)
	}
	for _, name := range []string{"CONSOLE", "COM", "COM10", "console.weight", "layers.0.attn.q.weight"} {
		require.Empty(t, nameProblem(name, true), name)
	}
}

func TestNamesThatWouldBeOneFile(t *testing.T) {
	require.NoError(t, checkNames([]string{"alpha", "ALPHA"}, false))
	require.ErrorContains(t, checkNames([]string{"alpha", "ALPHA"}, true), "one file")
	require.ErrorContains(t, checkNames([]string{"a", "b", "a"}, false), "one file")
	require.Error(t, checkNames([]string{"a", ".."}, false))
}
