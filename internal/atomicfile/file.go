package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
)

// Options says how an output is written. The zero value never replaces
// anything and makes the output durable.
type Options struct {
	Force  bool // replace what is there
	NoSync bool // no fsync: the rename stays atomic, but may not survive a power cut
	// Part tells by its name what an entry of a folder is. Only a Set asks; nil:
	// every name but those of the set is foreign.
	Part func(name string) Part
}

// Part is what an entry of a folder is to a Set: together, data and indexes
// make the folder an existing output.
type Part uint8

// The parts. A set that replaces another removes its indexes first, so that no
// index ever stands beside data that are not its own.
const (
	Foreign Part = iota // neither looked at nor touched
	Data
	Index
)

// part is opt.Part, which may be nil.
func (o Options) part(name string) Part {
	if o.Part == nil {
		return Foreign
	}
	return o.Part(name)
}

// The states of an output. It leaves stateOpen once.
const (
	stateOpen int32 = iota
	stateAborted
	stateCommitBegun
)

// File is one file on its way to its final name. WriteAt may be called from
// several goroutines; Abort at any time from any of them.
type File struct {
	fsys FS
	opt  Options
	path string // final name, as given
	temp string
	size int64

	state   atomic.Int32
	written atomic.Int64

	mu     sync.RWMutex // read: WriteAt; write: Commit and Abort
	h      Handle       // nil once closed
	kept   io.Closer    // holds the lock after h is closed
	failed atomic.Pointer[error]
	gone   bool // the temporary is renamed or removed
}

// Create begins the file path of size bytes: it checks the path, compares the
// size with the free space, makes a locked temporary beside the final name,
// and reserves its space. Before the checks have passed nothing is written,
// except that temporaries of the same final name whose writers are dead are
// removed.
//
// A path that is there without opt.Force (*ExistsError), or that is no regular
// file (*KindError), is bad input; a *WriteError is an error of the system.
func Create(fsys FS, path string, size int64, opt Options) (*File, error) {
	if size < 0 {
		return nil, fault.BadInput(fmt.Errorf("atomicfile: output %s of %d bytes: a size cannot be negative", shown.Path(path), size))
	}
	if err := checkTarget(fsys, path, opt.Force); err != nil {
		return nil, err
	}
	f := &File{fsys: fsys, opt: opt, path: path, size: size}
	dir, base := split(path)
	if err := sweepFor(fsys, dir, base); err != nil {
		return nil, f.fail("list the folder of", err)
	}
	if _, op, err := checkSpace(fsys, orDot(dir), size); err != nil {
		return nil, f.fail(op, err)
	}
	h, temp, err := createTemp(fsys, dir, base, true)
	if err != nil {
		return nil, f.fail("create a temporary for", err)
	}
	f.h, f.temp = h, temp
	if err := reserveSpace(h, size); err != nil {
		return nil, f.give("reserve space for", err)
	}
	return f, nil
}

// sweepFor removes dead temporaries of one final name. A set that is being
// written into the folder keeps no locks on its temporaries, only on the
// folder.
func sweepFor(fsys FS, dir, base string) error {
	entries, err := fsys.List(orDot(dir))
	if err != nil {
		return err
	}
	mine := func(final string) bool { return final == base }
	for _, e := range entries {
		if final, ok := finalName(e.Name); ok && mine(final) {
			if !dirLocked(fsys, dir) {
				sweep(fsys, dir, entries, mine)
			}
			break
		}
	}
	return nil
}

// checkSpace compares the room that files of these sizes take together with
// the free one, and returns it. On ext4 a reserve that does not fit fails only
// after it has taken all the free blocks.
func checkSpace(fsys FS, dir string, sizes ...int64) (needed int64, op string, err error) {
	space, err := fsys.Space(dir)
	unknown := errors.Is(err, errors.ErrUnsupported)
	if err != nil && !unknown {
		return total(sizes, 1), "learn the free space for", err
	}
	if len(sizes) == 1 {
		space.Block = 1 // an exact figure in the message is worth more than a block
	}
	needed = total(sizes, space.Block)
	if !unknown && needed > space.Free {
		return needed, "reserve space for", syscall.ENOSPC
	}
	return needed, "", nil
}

// total adds up sizes, each in whole blocks, and stops at the largest number.
func total(sizes []int64, block int64) int64 {
	const most = 1<<63 - 1
	sum := int64(0)
	for _, size := range sizes {
		if rest := size % max(block, 1); rest != 0 {
			size = size - rest + min(block, most-(size-rest))
		}
		if size > most-sum {
			return most
		}
		sum += size
	}
	return sum
}

// reserveSpace reserves, where the file system can.
func reserveSpace(h Handle, size int64) error {
	if size == 0 {
		return nil
	}
	err := h.Reserve(size)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// Name returns the final name, as given.
func (f *File) Name() string { return f.path }

// Size returns the size in bytes that the file will have.
func (f *File) Size() int64 { return f.size }

// CommitBegun reports whether Commit has come so far that Abort does nothing
// any more.
func (f *File) CommitBegun() bool { return f.state.Load() == stateCommitBegun }

// WriteAt writes all of p at off, which must lie inside the file. Every byte
// must be written exactly once: Commit refuses a file that is incomplete. The
// first error is kept, and returned by Commit too.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || int64(len(p)) > f.size-off {
		return 0, outside(f.path, len(p), off, f.size)
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.h == nil {
		return 0, describe("write", f.path, f.size, -1, ErrAborted)
	}
	n, err := writeAll(f.h, p, off)
	written := f.written.Add(int64(n))
	if !f.opt.NoSync && err == nil && startSyncNow(written, n) {
		f.h.StartSync()
	}
	if err != nil {
		f.failed.CompareAndSwap(nil, &err)
		return n, f.fail("write", err)
	}
	return n, nil
}

func outside(path string, n int, off, size int64) error {
	return fault.CannotRun(fmt.Errorf("atomicfile: write %s: %d bytes at %d lie outside the file of %d bytes: this is a defect of the program", shown.Path(path), n, off, size))
}

// startSyncEvery is how many bytes of a file are written between two requests
// to begin writing it out: so the disk works while the next values are made.
const startSyncEvery = 16 << 20

// startSyncNow reports whether the last n of written bytes crossed a multiple
// of startSyncEvery.
func startSyncNow(written int64, n int) bool {
	return written/startSyncEvery != (written-int64(n))/startSyncEvery
}

// writeAll continues short writes.
func writeAll(h Handle, p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := h.WriteAt(p[done:], off+int64(done))
		done += n
		if err != nil {
			return done, err
		}
		if n <= 0 {
			return done, io.ErrShortWrite
		}
	}
	return done, nil
}

// Commit puts the file under its final name: it syncs, closes, renames and
// syncs the folder. After an error nothing of the file is left, except after
// one for which Committed is true. It is called once, after all WriteAt have
// returned.
func (f *File) Commit() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.h == nil {
		return describe("finish", f.path, f.size, -1, ErrAborted)
	}
	if op, err := f.finish(); err != nil {
		return f.give(op, err)
	}
	if !f.state.CompareAndSwap(stateOpen, stateCommitBegun) {
		return f.give("finish", ErrAborted)
	}
	left, err := rename(f.fsys, f.temp, f.path, f.opt.Force)
	if err != nil {
		return f.give(opRename, err)
	}
	f.gone = true
	_ = f.kept.Close() // only the lock; the content is synced
	dir, _ := split(f.path)
	if err := syncFolder(f.fsys, dir, f.opt); err != nil {
		return fault.CannotRun(&CommittedError{Path: f.path, Err: err})
	}
	if left != nil {
		return fault.CannotRun(&CommittedError{Path: f.path, Left: f.temp, Err: left})
	}
	return nil
}

// finish makes the temporary complete, synced and closed. The lock is kept.
func (f *File) finish() (op string, err error) {
	if failed := f.failed.Load(); failed != nil {
		return "write", *failed
	}
	if n := f.written.Load(); n != f.size {
		return "finish", incomplete(n, f.size)
	}
	if !f.opt.NoSync {
		if err := f.h.Sync(); err != nil {
			return "sync", err
		}
	}
	if f.kept, err = f.h.KeepLock(); err != nil {
		f.kept = nil
		return "keep the lock of", err
	}
	h := f.h
	f.h = nil
	if err := h.Close(); err != nil {
		return "close", err
	}
	return "", nil
}

func incomplete(n, size int64) error {
	return fmt.Errorf("%d of %d bytes were written, a defect of the program", n, size)
}

// rename puts a temporary under its final name. left is the reason why the
// temporary's name is still there although the final one is.
func rename(fsys FS, temp, final string, force bool) (left, err error) {
	if force {
		return nil, fsys.Rename(temp, final)
	}
	err = fsys.RenameNew(temp, final)
	if !errors.Is(err, errors.ErrUnsupported) {
		return nil, err
	}
	if err := fsys.Link(temp, final); err != nil {
		if errors.Is(err, syscall.EPERM) { // how Linux says that there are no hard links
			err = errors.ErrUnsupported
		}
		return nil, err
	}
	return fsys.Remove(temp), nil
}

// syncFolder syncs a folder, where folders can be synced.
func syncFolder(fsys FS, dir string, opt Options) error {
	if opt.NoSync {
		return nil
	}
	err := fsys.SyncDir(orDot(dir))
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// Abort removes the temporary and makes every later WriteAt and Commit fail
// with ErrAborted. It may be called at any time and again: after a commit has
// begun it does nothing, and CommitBegun is true. It waits for calls in other
// goroutines to return. The error says that the temporary could not be
// removed.
func (f *File) Abort() error {
	f.state.CompareAndSwap(stateOpen, stateAborted)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.discard(); err != nil {
		return fault.CannotRun(&WriteError{Op: "remove the temporary of", Path: f.path, Needed: f.size, Free: -1, Leftover: f.temp, Err: err})
	}
	return nil
}

// discard closes and removes the temporary, once.
func (f *File) discard() error {
	if f.gone || f.temp == "" {
		return nil
	}
	f.gone = true
	// The name goes while the lock is held, so that nobody else removes it;
	// Windows wants the other order.
	err := f.fsys.Remove(f.temp)
	if f.h != nil {
		_ = f.h.Close()
		f.h = nil
	}
	if f.kept != nil {
		_ = f.kept.Close()
		f.kept = nil
	}
	if err != nil && removeAfterClose {
		err = f.fsys.Remove(f.temp)
	}
	return err
}

// give gives the file up after an error and returns that error described.
func (f *File) give(op string, err error) error {
	f.state.CompareAndSwap(stateOpen, stateAborted)
	leftover := ""
	if f.discard() != nil {
		leftover = f.temp
	}
	failed := f.fail(op, err)
	var w *WriteError
	if errors.As(failed, &w) {
		w.Leftover = leftover
	}
	return failed
}

// fail describes an error before the commit, with the space free now.
func (f *File) fail(op string, err error) error {
	return describe(op, f.path, f.size, free(f.fsys, f.path), err)
}

// WriteFile writes a whole file whose content is known, as Create, WriteAt and
// Commit do.
func WriteFile(fsys FS, path string, data []byte, opt Options) error {
	f, err := Create(fsys, path, int64(len(data)), opt)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		_ = f.Abort() // the write's error says more
		return err
	}
	return f.Commit()
}
