//go:build unix

package checkpoint_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/hostile"
)

// X12a and X12b, alone and as a part of a directory.
func TestOpeningNeverBlocks(t *testing.T) {
	dir := t.TempDir()
	pipe := func(name string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, syscall.Mkfifo(path, 0o600))
		return path
	}
	pipe("shards/model.safetensors")
	pipe("arrays/w.npy")
	pipe("manifest/manifest.json")
	pipe("index/model.safetensors.index.json")
	for _, path := range []string{
		pipe("x.safetensors"), pipe("x.npy"), pipe("x.npz"), pipe("x"), "/dev/zero",
		filepath.Join(dir, "shards"), filepath.Join(dir, "arrays"), filepath.Join(dir, "manifest"), filepath.Join(dir, "index"),
	} {
		done := make(chan error)
		go func() {
			_, err := checkpoint.Open(path)
			done <- err
		}()
		select {
		case err := <-done:
			require.Error(t, err, path)
			require.False(t, fault.IsCannotRun(err), "%v", err)
			require.NoError(t, hostile.Case{MustName: []string{path}}.CheckLine(err.Error()))
		case <-time.After(5 * time.Second):
			t.Fatal("blocks: ", path)
		}
	}
}
