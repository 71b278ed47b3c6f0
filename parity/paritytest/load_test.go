package paritytest

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/layout"
)

// writeArray writes 0, 1, … as a file of shape [2, 3], big-endian and with the
// first dimension varying fastest.
func writeArray(t *testing.T, path string) {
	t.Helper()
	file, err := npy.Header(layout.F32, []int64{2, 3})
	require.NoError(t, err)
	file = bytes.Replace(file, []byte("'<f4'"), []byte("'>f4'"), 1)
	file = bytes.Replace(file, []byte("False"), []byte("True "), 1)
	file, err = binary.Append(file, binary.BigEndian, []float32{0, 3, 1, 4, 2, 5})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, file, 0o600))
}

func TestReferencesAreDecodedUpToTheLimit(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		writeArray(t, filepath.Join(dir, name+".npy"))
	}
	set, err := checkpoint.Open(dir)
	require.NoError(t, err)
	defer set.Close()
	got, err := load(set, 2*24)
	require.NoError(t, err)
	require.Len(t, got.Tensors(), 3)
	want, err := binary.Append([]byte{}, binary.LittleEndian, []float32{0, 1, 2, 3, 4, 5})
	require.NoError(t, err)
	for i, name := range []string{"a", "b", "c"} {
		tensor, ok := got.Lookup(name)
		require.True(t, ok)
		_, streamed := tensor.Array()
		require.Equal(t, i == 2, streamed, name)
		raw := make([]byte, tensor.Bytes())
		require.NoError(t, tensor.ReadAt(raw, 0))
		require.Equal(t, want, raw)
		require.Equal(t, []int64{2, 3}, tensor.Shape)
		require.Equal(t, filepath.Join(dir, name+".npy"), tensor.File)
	}
	_, ok := got.Lookup("d")
	require.False(t, ok)
}

func TestAnArrayInAnotherOrderIsComparedByItsPlaces(t *testing.T) {
	dir := t.TempDir()
	writeArray(t, filepath.Join(dir, "w.npy"))
	Compare(t, dir, []Tensor{{Name: "w", Shape: []int64{2, 3}, Values: []float32{0, 1, 2, 3, 4, 5}}})
}
