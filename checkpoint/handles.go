package checkpoint

import (
	"os"
	"sync"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/inputfile"
)

// maxHandles is how many files of a directory stay open at once: a directory
// may hold more files than a process may open.
const maxHandles = 64

// handles opens the files of a directory when they are read, and closes those
// that were not used for the longest time.
type handles struct {
	mu     sync.Mutex
	clock  int64
	open   []*handle
	closed bool
}

// handle is one file of a directory, open or not.
type handle struct {
	pool *handles
	// path is the one to open, shown the one for messages: a link is resolved
	// once, so that it cannot lead elsewhere later.
	path, shown string
	size        int64

	// What follows is guarded by pool.mu.
	file  *os.File
	users int
	used  int64
}

// newHandle opens a file for the first time and notes its size.
func (p *handles) newHandle(path, shown string) (*handle, error) {
	h := &handle{pool: p, path: path, shown: shown, size: -1}
	if _, err := h.acquire(); err != nil {
		return nil, err
	}
	h.release()
	return h, nil
}

// ReadAt reads from the file, which it opens if need be.
func (h *handle) ReadAt(dst []byte, off int64) (int, error) {
	f, err := h.acquire()
	if err != nil {
		return 0, err
	}
	defer h.release()
	return f.ReadAt(dst, off)
}

func (h *handle) acquire() (*os.File, error) {
	p := h.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, os.ErrClosed
	}
	if h.file == nil {
		f, size, err := inputfile.Open(h.path)
		if err != nil {
			return nil, rename(err, h.shown)
		}
		if h.size >= 0 && size != h.size {
			f.Close()
			return nil, inputfile.Changed(h.shown, size)
		}
		h.file, h.size = f, size
		p.open = append(p.open, h)
	}
	p.clock++
	h.used = p.clock
	h.users++
	p.trim()
	return h.file, nil
}

func (h *handle) release() {
	h.pool.mu.Lock()
	defer h.pool.mu.Unlock()
	h.users--
	h.pool.trim()
}

// trim closes files until no more than maxHandles are open, as far as they are
// not being read.
func (p *handles) trim() {
	for len(p.open) > maxHandles || p.closed && len(p.open) > 0 {
		oldest := -1
		for i, h := range p.open {
			if h.users == 0 && (oldest < 0 || h.used < p.open[oldest].used) {
				oldest = i
			}
		}
		if oldest < 0 {
			return
		}
		p.open[oldest].file.Close()
		p.open[oldest].file = nil
		p.open = append(p.open[:oldest], p.open[oldest+1:]...)
	}
}

// Close closes all files. One that is being read is closed afterwards.
func (p *handles) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.trim()
	return nil
}

// rename puts the path that the user knows into an error of package inputfile.
func rename(err error, path string) error {
	e, ok := inputfile.AsError(err)
	if !ok {
		return err
	}
	renamed := &inputfile.Error{Path: path, What: e.What, Err: e.Err}
	if fault.IsCannotRun(err) {
		return fault.CannotRun(renamed)
	}
	return fault.BadInput(renamed)
}
