package faultfs

import (
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/weightinit/weightinit/internal/atomicfile"
)

// Call is one call of a method of atomicfile.FS or atomicfile.Handle.
type Call struct {
	N    int    // counted from 1 over the whole file system
	Op   string // the method's name in lower case: "create", "writeat", "syncdir", …
	Path string // as the caller gave it; for a handle the name it was opened with
	To   string // second path of rename, renamenew, link
	Off  int64  // of writeat
	Len  int64  // bytes of writeat, size of reserve and truncate
}

func (c Call) String() string {
	s := fmt.Sprintf("%d %s %s", c.N, c.Op, c.Path)
	if c.To != "" {
		s += " to " + c.To
	}
	return s
}

// Hook sees a call before it is made. An error is returned to the caller
// instead of making it, except a Short error.
type Hook func(Call) error

// Short lets a writeat write only so many bytes, without an error.
type Short int

func (s Short) Error() string { return fmt.Sprintf("write only %d bytes", int(s)) }

// FS hands every call on to another file system, after its hook.
type FS struct {
	base  atomicfile.FS
	hook  Hook
	calls atomic.Int64
	mu    sync.Mutex
}

// Wrap returns a file system that asks hook before every call to base. Calls
// come to the hook one at a time, in the order of their numbers.
func Wrap(base atomicfile.FS, hook Hook) *FS { return &FS{base: base, hook: hook} }

// Calls returns how many calls there were.
func (f *FS) Calls() int { return int(f.calls.Load()) }

// FailAt returns a hook that fails the n-th call with err, and no other.
func FailAt(n int, err error) Hook {
	return func(c Call) error {
		if c.N == n {
			return err
		}
		return nil
	}
}

// StopAt returns a hook that fails the n-th call and all after it: to the
// caller, the machine is off.
func StopAt(n int) Hook {
	return func(c Call) error {
		if c.N >= n {
			return ErrStopped
		}
		return nil
	}
}

// ErrStopped is the error of every call after the power was cut.
var ErrStopped = syscall.EIO

// Record returns a hook that appends every call to dst.
func Record(dst *[]Call) Hook {
	return func(c Call) error {
		*dst = append(*dst, c)
		return nil
	}
}

func (f *FS) before(c Call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.N = int(f.calls.Add(1))
	return f.hook(c)
}

func (f *FS) handle(name string, open func() (atomicfile.Handle, error)) (atomicfile.Handle, error) {
	h, err := open()
	if err != nil {
		return nil, err
	}
	return &handle{f, h, name}, nil
}

// Create and the other methods are those of atomicfile.FS.
func (f *FS) Create(name string) (atomicfile.Handle, error) {
	if err := f.before(Call{Op: "create", Path: name}); err != nil {
		return nil, err
	}
	return f.handle(name, func() (atomicfile.Handle, error) { return f.base.Create(name) })
}

func (f *FS) Open(name string, create bool) (atomicfile.Handle, error) {
	if err := f.before(Call{Op: "open", Path: name}); err != nil {
		return nil, err
	}
	return f.handle(name, func() (atomicfile.Handle, error) { return f.base.Open(name, create) })
}

func (f *FS) Stat(name string) (fs.FileMode, error) {
	if err := f.before(Call{Op: "stat", Path: name}); err != nil {
		return 0, err
	}
	return f.base.Stat(name)
}

func (f *FS) Lstat(name string) (fs.FileMode, error) {
	if err := f.before(Call{Op: "lstat", Path: name}); err != nil {
		return 0, err
	}
	return f.base.Lstat(name)
}

func (f *FS) List(dir string) ([]atomicfile.Entry, error) {
	if err := f.before(Call{Op: "list", Path: dir}); err != nil {
		return nil, err
	}
	return f.base.List(dir)
}

func (f *FS) Space(dir string) (atomicfile.Space, error) {
	if err := f.before(Call{Op: "space", Path: dir}); err != nil {
		return atomicfile.Space{}, err
	}
	return f.base.Space(dir)
}

// plain makes a call that returns only an error.
func (f *FS) plain(c Call, do func() error) error {
	if err := f.before(c); err != nil {
		return err
	}
	return do()
}

func (f *FS) Mkdir(name string) error {
	return f.plain(Call{Op: "mkdir", Path: name}, func() error { return f.base.Mkdir(name) })
}

func (f *FS) Remove(name string) error {
	return f.plain(Call{Op: "remove", Path: name}, func() error { return f.base.Remove(name) })
}

func (f *FS) Rename(from, to string) error {
	return f.plain(Call{Op: "rename", Path: from, To: to}, func() error { return f.base.Rename(from, to) })
}

func (f *FS) RenameNew(from, to string) error {
	return f.plain(Call{Op: "renamenew", Path: from, To: to}, func() error { return f.base.RenameNew(from, to) })
}

func (f *FS) Link(from, to string) error {
	return f.plain(Call{Op: "link", Path: from, To: to}, func() error { return f.base.Link(from, to) })
}

func (f *FS) SyncDir(dir string) error {
	return f.plain(Call{Op: "syncdir", Path: dir}, func() error { return f.base.SyncDir(dir) })
}

type handle struct {
	fs   *FS
	base atomicfile.Handle
	name string
}

func (h *handle) call(op string, n int64, do func() error) error {
	return h.fs.plain(Call{Op: op, Path: h.name, Len: n}, do)
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	if err := h.fs.before(Call{Op: "readat", Path: h.name, Off: off, Len: int64(len(p))}); err != nil {
		return 0, err
	}
	return h.base.ReadAt(p, off)
}

func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	err := h.fs.before(Call{Op: "writeat", Path: h.name, Off: off, Len: int64(len(p))})
	if short, ok := err.(Short); ok {
		return h.base.WriteAt(p[:min(max(int(short), 0), len(p))], off)
	}
	if err != nil {
		return 0, err
	}
	return h.base.WriteAt(p, off)
}

func (h *handle) Truncate(size int64) error {
	return h.call("truncate", size, func() error { return h.base.Truncate(size) })
}

func (h *handle) Reserve(size int64) error {
	return h.call("reserve", size, func() error { return h.base.Reserve(size) })
}

func (h *handle) Sync() error    { return h.call("sync", 0, h.base.Sync) }
func (h *handle) StartSync()     { h.base.StartSync() }
func (h *handle) TryLock() error { return h.call("trylock", 0, h.base.TryLock) }

// Close closes the file even when the hook fails the call, as close does.
func (h *handle) Close() error {
	hooked := h.fs.before(Call{Op: "close", Path: h.name})
	if err := h.base.Close(); hooked == nil {
		return err
	}
	return hooked
}

func (h *handle) Is(name string) (bool, error) {
	if err := h.fs.before(Call{Op: "is", Path: h.name, To: name}); err != nil {
		return false, err
	}
	return h.base.Is(name)
}

func (h *handle) KeepLock() (io.Closer, error) {
	if err := h.fs.before(Call{Op: "keeplock", Path: h.name}); err != nil {
		return nil, err
	}
	kept, err := h.base.KeepLock()
	if err != nil {
		return nil, err
	}
	return &keptLock{h, kept}, nil
}

type keptLock struct {
	h    *handle
	base io.Closer
}

func (k *keptLock) Close() error {
	hooked := k.h.fs.before(Call{Op: "unlock", Path: k.h.name})
	if err := k.base.Close(); hooked == nil {
		return err
	}
	return hooked
}
