package place_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/place"
	"github.com/weightinit/weightinit/checkpoint/target"
	"github.com/weightinit/weightinit/dtype"
)

var entries = []target.Entry{
	{Name: "a", Shape: []int64{4}, DType: dtype.F32}, {Name: "empty", Shape: []int64{0}, DType: dtype.F32}, {Name: "c", Shape: []int64{6}, DType: dtype.F16},
}

func targets(t *testing.T) map[string]*target.Target {
	t.Helper()
	one, err := target.Safetensors(entries, nil)
	require.NoError(t, err)
	face, err := target.HuggingFace(entries, nil, target.Folder{Config: []byte("{}"), MaxShard: 16})
	require.NoError(t, err)
	npy, err := target.NPY(entries, nil)
	require.NoError(t, err)
	return map[string]*target.Target{"one.safetensors": one, "face": face, "npy": npy}
}

func TestBytesComeBackWhateverTheOrderOfWrites(t *testing.T) {
	values := [][]byte{[]byte("0123456789abcdef"), nil, []byte("ABCDEFGHIJKL")}
	for name, out := range targets(t) {
		path := filepath.Join(t.TempDir(), name)
		o, err := place.Create(out, path, place.Options{})
		require.NoError(t, err)
		var all sync.WaitGroup
		for i, bytes := range values {
			for off := len(bytes) - 4; off >= 0; off -= 4 {
				all.Go(func() {
					if err := o.Write(i, bytes[off:off+4], int64(off)); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		_, err = os.Stat(path)
		if !out.Folder() {
			require.ErrorIs(t, err, os.ErrNotExist, "nothing appears before it is whole")
		}
		require.NoError(t, o.Finish(t.Context()))
		set, err := checkpoint.Open(path)
		require.NoError(t, err, name)
		for i, e := range entries {
			tensor, ok := set.Lookup(e.Name)
			require.True(t, ok, e.Name)
			got := make([]byte, len(values[i]))
			require.NoError(t, tensor.ReadAt(got, 0))
			require.Equal(t, string(values[i]), string(got))
		}
		require.NoError(t, set.Close())
		_, err = place.Create(out, path, place.Options{})
		require.ErrorIs(t, err, os.ErrExist, "an output is not replaced unasked")
	}
}

func TestAnAbortedOutputLeavesNothing(t *testing.T) {
	gone := errors.New("gone")
	for name, out := range targets(t) {
		path := filepath.Join(t.TempDir(), name)
		o, err := place.Create(out, path, place.Options{NoSync: true})
		require.NoError(t, err)
		require.NoError(t, o.Write(0, []byte("0123"), 0))
		require.ErrorIs(t, o.Abort(gone), gone)
		_, err = os.Stat(path)
		require.ErrorIs(t, err, os.ErrNotExist, name)

		o, err = place.Create(out, path, place.Options{NoSync: true})
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(gone)
		require.Error(t, o.Finish(ctx), "and it is not whole either")
		_, err = os.Stat(path)
		require.ErrorIs(t, err, os.ErrNotExist, name)
	}
}
