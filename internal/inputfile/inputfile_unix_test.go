//go:build unix

package inputfile_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/inputfile"
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

func TestAPipeWithAWriterIsReadToItsEnd(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc/self/fd")
	}
	for _, size := range []int{1, 1000, 300_000} {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		want := bytes.Repeat([]byte{'x'}, size)
		go func() {
			for rest := want; len(rest) > 0; {
				n, err := w.Write(rest[:min(len(rest), 50_000)])
				if err != nil {
					break
				}
				rest = rest[n:]
				time.Sleep(time.Millisecond)
			}
			w.Close()
		}()
		path := filepath.Join("/proc/self/fd", itoa(int(r.Fd())))
		soon(t, func() {
			got, err := inputfile.ReadAll(path, 300_000, true)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got), "%d bytes of %d", len(got), size)
		})
		r.Close()
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// An endless pipe is given up at the limit.
func TestAnEndlessPipe(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc/self/fd")
	}
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}()
	path := "/proc/self/fd/" + itoa(int(r.Fd()))
	soon(t, func() {
		_, err := inputfile.ReadAll(path, 100_000, true)
		check(t, err, path, false, "limit is 100000")
	})
	w.Close()
	<-stopped
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
		t.Skip("no sockets here:", err)
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

func TestUnreadableFiles(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	path := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0))
	_, _, err := inputfile.Open(path)
	check(t, err, path, true, "permission")
}

// Files of /proc say that they are empty.
func TestFilesWithoutASize(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	text, err := inputfile.ReadAll("/proc/self/status", 1<<20, false)
	require.NoError(t, err)
	require.NotEmpty(t, text)
}
