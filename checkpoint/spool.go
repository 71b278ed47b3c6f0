package checkpoint

import (
	"fmt"
	"io"
	"os"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
)

// spool is a temporary file of bytes that can only be inflated from their start
// and are needed in another order. It is gone when it is closed or the process
// ends, on systems that let an open file be removed.
type spool struct {
	file *os.File
	end  int64
}

// add appends what r gives. The error tells those of writing from those of r.
func (s *spool) add(r io.Reader) (at, n int64, write, read error) {
	if s.file == nil {
		f, err := os.CreateTemp("", "weightinit-*.npy")
		if err != nil {
			return 0, 0, s.failed(err), nil
		}
		s.file = f
		_ = os.Remove(f.Name()) // where this fails, Close does it
	}
	at = s.end
	w := &keptError{w: io.NewOffsetWriter(s.file, at)}
	n, read = io.Copy(w, r)
	s.end += n
	if w.err != nil {
		return at, n, s.failed(w.err), nil
	}
	return at, n, nil, read
}

func (s *spool) failed(err error) error {
	return fault.CannotRun(fmt.Errorf("checkpoint: a temporary file in %s for compressed values in Fortran order: %w", shown.Path(os.TempDir()), err))
}

// keptError remembers whether writing failed.
type keptError struct {
	w   io.Writer
	err error
}

func (k *keptError) Write(p []byte) (int, error) {
	n, err := k.w.Write(p)
	k.err = err
	return n, err
}

// Close removes the file.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	_ = os.Remove(s.file.Name()) // mostly gone already
	return err
}
