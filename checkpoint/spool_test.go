package checkpoint_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/layout"
)

// fortranArchive is a .npz of two compressed arrays of shape (50, 60) in Fortran
// order, with the values 0, 1, 2, … in C order.
func fortranArchive(t *testing.T) []byte {
	header, err := npy.Header(layout.F32, []int64{50, 60})
	require.NoError(t, err)
	array := bytes.NewBuffer(bytes.Replace(header, []byte("False"), []byte("True "), 1))
	for column := range 60 {
		for row := range 50 {
			require.NoError(t, binary.Write(array, binary.LittleEndian, float32(row*60+column)))
		}
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"v.npy", "w.npy"} {
		f, err := w.Create(name) // deflated
		require.NoError(t, err)
		_, err = f.Write(array.Bytes())
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestCompressedFortranOrder(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("TMP", temporary)
	path := filepath.Join(t.TempDir(), "a.npz")
	good := fortranArchive(t)
	require.NoError(t, os.WriteFile(path, good, 0o600))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	want := make([]float64, 3000)
	for i := range want {
		want[i] = float64(i)
	}
	for _, name := range []string{"w", "v"} {
		tensor, ok := set.Lookup(name)
		require.True(t, ok)
		require.Equal(t, want, values(t, tensor))
	}
	require.NoError(t, set.Close())

	// What is damaged is seen before a value is given out.
	middle := len(good) / 4
	good[middle] ^= 0x55
	require.NoError(t, os.WriteFile(path, good, 0o600))
	_, err = checkpoint.Open(path)
	require.ErrorIs(t, err, checkpoint.BadArchive)
	good[middle] ^= 0x55

	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	require.Empty(t, left)

	// Without a place for the temporary file the system is at fault.
	gone := filepath.Join(temporary, "gone")
	t.Setenv("TMPDIR", gone)
	t.Setenv("TMP", gone)
	require.NoError(t, os.WriteFile(path, good, 0o600))
	_, err = checkpoint.Open(path)
	require.True(t, fault.IsCannotRun(err), "%v", err)
	require.ErrorContains(t, err, "temporary file")
}
