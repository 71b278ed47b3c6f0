//go:build unix

package inputfile_test

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/needs"
)

// soon fails the test when f blocks.
func soon(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("blocks")
	}
}

func TestPipes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	soon(t, func() {
		_, _, err := inputfile.Open(path)
		check(t, err, path, false, "pipe")
		_, err = inputfile.ReadAll(path, 10, false)
		check(t, err, path, false, "pipe")
		_, err = inputfile.ReadAll(path, 10, true)
		check(t, err, path, false, "nobody writes")
		require.ErrorIs(t, err, inputfile.ErrNoWriter)
	})
}

func TestDevicesAndSockets(t *testing.T) {
	soon(t, func() {
		for _, path := range []string{"/dev/zero", "/dev/null"} {
			_, _, err := inputfile.Open(path)
			check(t, err, path, false, "device")
			_, err = inputfile.ReadAll(path, 10, true)
			check(t, err, path, false, "device")
		}
	})
	dir, err := os.MkdirTemp("", "s") // a socket's path must be short
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		needs.Skip(t, "needs a socket in the file system: %v", err)
	}
	defer l.Close()
	_, _, err = inputfile.Open(path)
	check(t, err, path, false, "socket")
}

func TestLinks(t *testing.T) {
	dir := t.TempDir()
	circle := filepath.Join(dir, "circle")
	require.NoError(t, os.Symlink("circle", circle))
	_, _, err := inputfile.Open(circle)
	check(t, err, circle, false, "check the path")
	through := filepath.Join(dir, "file", "below")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600))
	_, _, err = inputfile.Open(through)
	check(t, err, through, false, "check the path")
	require.NoError(t, os.Symlink("file", filepath.Join(dir, "link")))
	_, size, err := inputfile.Open(filepath.Join(dir, "link"))
	require.NoError(t, err)
	require.Equal(t, int64(1), size)
}
