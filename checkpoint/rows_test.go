package checkpoint_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/hostile"
)

// reasons are the types of the refusals that are those of a directory or an
// archive as a whole; the others have the types of package safetensors, npy or
// inputfile.
var reasons = map[string]checkpoint.Reason{
	"X01": checkpoint.MissingFile, "X02a": checkpoint.BadFileName, "X02b": checkpoint.BadFileName,
	"X02c": checkpoint.BadFileName, "X02d": checkpoint.BadFileName,
	"X04": checkpoint.Duplicate, "X05": checkpoint.WrongTensor,
	"X12c": checkpoint.NothingFound, "X14a": checkpoint.BadFileName, "X14b": checkpoint.BadArchive,
	"X14c": checkpoint.BadArchive, "X14d": checkpoint.BadArchive, "X15a": checkpoint.BadIndex,
	"X15b": checkpoint.BadIndex, "X15c": checkpoint.BadIndex, "X15d": checkpoint.BadIndex,
	"X16": checkpoint.NothingFound, "X19": checkpoint.Duplicate, "X21": checkpoint.BadArchive,
	"X25": checkpoint.NoVariant, "X28": checkpoint.BrokenLink, "X31": checkpoint.MissingFile,
	"X35": checkpoint.NothingFound, "X37": checkpoint.Duplicate,
}

func TestRows(t *testing.T) {
	cases := append(hostile.Directories(), hostile.Safetensors()...)
	for _, c := range append(cases, hostile.NPY()...) {
		if c.Large {
			continue // package safetensors has these
		}
		t.Run(c.ID, func(t *testing.T) {
			dir := t.TempDir()
			path, err := c.Write(dir)
			require.NoError(t, err)
			start := hostile.CPU()
			set, err := checkpoint.Open(path)
			require.True(t, hostile.Race || hostile.CPU()-start < 10*time.Second)
			if c.Verdict == hostile.Refuse {
				require.Error(t, err)
				require.NoError(t, c.CheckLine(err.Error()))
				if !strings.ContainsAny(path, "\n") {
					require.Contains(t, err.Error(), path)
				}
				require.False(t, fault.IsCannotRun(err), "%v", err)
				if reason, ok := reasons[c.ID]; ok {
					require.ErrorIs(t, err, reason, "%v", err)
				}
				return
			}
			require.NoError(t, err)
			defer set.Close()
			if c.Verdict == hostile.Accept {
				require.Empty(t, set.Warnings())
			} else {
				require.NotEmpty(t, set.Warnings())
				for _, line := range set.Warnings() {
					require.NoError(t, hostile.Case{}.CheckLine(line))
				}
				for _, word := range c.MustName {
					require.Contains(t, strings.Join(set.Warnings(), "\n"), word)
				}
			}
			for i, tensor := range set.Tensors() {
				if i%1000 != 0 {
					continue
				}
				found, ok := set.Lookup(tensor.Name)
				require.True(t, ok)
				require.Equal(t, tensor, found)
				if !checkpoint.Decodable(tensor.DType) {
					continue
				}
				n := int64(0)
				require.NoError(t, tensor.Each(context.Background(), func(v []float64) error { n += int64(len(v)); return nil }))
				require.Equal(t, tensor.Elements(), n)
			}
		})
	}
}

func TestDirectoriesHoldTheirTensors(t *testing.T) {
	for _, c := range hostile.Directories() {
		if c.Verdict == hostile.Refuse || c.Bytes != nil {
			continue
		}
		path, err := c.Write(t.TempDir())
		require.NoError(t, err)
		set, err := checkpoint.Open(path + string(filepath.Separator))
		require.NoError(t, err)
		var names []string
		for _, tensor := range set.Tensors() {
			names = append(names, tensor.Name)
			require.Equal(t, []float64{1, 2, 3, 4}, values(t, tensor)[:4:4])
		}
		want := []string{"alpha", "beta"}
		if c.ID == "VX02" || c.ID == "X06" {
			want = want[:1]
		}
		require.Equal(t, want, names, c.ID)
		require.Equal(t, map[string]string{"format": "pt"}, set.Metadata())
		require.NoError(t, set.Close())
	}
}

func values(t *testing.T, tensor checkpoint.Tensor) []float64 {
	t.Helper()
	var all []float64
	require.NoError(t, tensor.Each(context.Background(), func(v []float64) error {
		all = append(all, v...)
		return nil
	}))
	return all
}

func TestArchives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npz")
	require.NoError(t, os.WriteFile(path, hostile.Archive(), 0o600))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer set.Close()
	require.Len(t, set.Tensors(), 2)
	for _, name := range []string{"w", "folder/v"} {
		tensor, ok := set.Lookup(name)
		require.True(t, ok)
		require.Equal(t, []int64{2, 3}, tensor.Shape)
		require.Equal(t, []float64{1, 2, 3, 4, 5, 6}, values(t, tensor))
		// Backwards, and by several at once.
		done := make(chan error)
		for range 8 {
			go func() {
				var err error
				b := make([]byte, 4)
				for off := int64(20); off >= 0 && err == nil; off -= 4 {
					err = tensor.ReadAt(b, off)
				}
				done <- err
			}()
		}
		for range 8 {
			require.NoError(t, <-done)
		}
	}
}

// Every byte of an archive is changed in turn: no member comes out otherwise
// than it was without an error.
func TestChangedArchives(t *testing.T) {
	good := hostile.Archive()
	path := filepath.Join(t.TempDir(), "a.npz")
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x55
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		set, err := checkpoint.Open(path)
		if err != nil {
			require.False(t, fault.IsCannotRun(err), "byte %d: %v", i, err)
			require.NoError(t, hostile.Case{}.CheckLine(err.Error()), "byte %d", i)
			continue
		}
		for _, tensor := range set.Tensors() {
			require.Equal(t, []float64{1, 2, 3, 4, 5, 6}, values(t, tensor), "byte %d", i)
		}
		require.NoError(t, set.Close())
	}
}
