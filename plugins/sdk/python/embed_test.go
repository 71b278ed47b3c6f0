package python_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/plugins/sdk/python"
)

// A file that the copy lacks would be missed in generated plugins only.
func TestFilesAreThoseOfTheFolder(t *testing.T) {
	var there []string
	err := filepath.WalkDir("weightinit_plugin", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.Contains(path, "__pycache__") {
			there = append(there, filepath.ToSlash(path))
		}
		return err
	})
	require.NoError(t, err)
	require.Contains(t, there, "weightinit_plugin/__init__.py")
	var carried []string
	require.NoError(t, fs.WalkDir(python.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			carried = append(carried, path)
		}
		return err
	}))
	require.ElementsMatch(t, there, carried)
}

func TestTheDescriptorIsTheProtocols(t *testing.T) {
	want, err := os.ReadFile("../../protocol/mode1.binpb")
	require.NoError(t, err)
	got, err := fs.ReadFile(python.Files(), "weightinit_plugin/mode1.binpb")
	require.NoError(t, err)
	require.Equal(t, want, got, "copy plugins/protocol/mode1.binpb into weightinit_plugin")
}
