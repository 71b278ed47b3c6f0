package inputfile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/inputfile"
)

func TestAPipeWithAWriterIsReadToItsEnd(t *testing.T) {
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
		path := filepath.Join("/proc/self/fd", strconv.Itoa(int(r.Fd())))
		soon(t, func() {
			got, err := inputfile.ReadAll(path, 300_000, true)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got), "%d bytes of %d", len(got), size)
		})
		r.Close()
	}
}

// An endless pipe is given up at the limit.
func TestAnEndlessPipe(t *testing.T) {
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
	path := "/proc/self/fd/" + strconv.Itoa(int(r.Fd()))
	soon(t, func() {
		_, err := inputfile.ReadAll(path, 100_000, true)
		check(t, err, path, false, "limit is 100000")
	})
	w.Close()
	<-stopped
}

// Files of /proc say that they are empty.
func TestFilesWithoutASize(t *testing.T) {
	text, err := inputfile.ReadAll("/proc/self/status", 1<<20, false)
	require.NoError(t, err)
	require.NotEmpty(t, text)
}
