package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
)

// Spec is one file of a set.
type Spec struct {
	Name  string // inside the folder: no separators
	Size  int64  // bytes, or SizeUnknown
	Order int    // files get their final names in rising order: weights 0, config.json 1, index or manifest 2
}

// SizeUnknown is the size of a file that is given in one piece to Set.Put.
const SizeUnknown = -1

// Set is the files of one folder on their way to their final names. WriteAt
// and Put may be called from several goroutines; Abort at any time from any of
// them.
//
// A temporary is open from its first write until all its bytes are written;
// then it is synced and closed. So the number of open files is that of the
// files begun and not complete: write one file after the other, not all
// headers first. What protects the closed ones is the lock on the folder.
type Set struct {
	fsys   FS
	opt    Options
	path   string // the folder, as given
	dir    string // the same, ending in one separator
	needed int64
	files  []setFile
	byName map[string]int

	lock *dirLock
	made bool     // this run made the folder
	old  []string // what the folder held of an earlier output, or of a name of the set

	state  atomic.Int32
	failed atomic.Pointer[error]

	mu     sync.RWMutex // read: WriteAt and Put; write: Commit and Abort
	closed bool
	broken bool // something of an earlier output is gone
}

// setFile is one file of a set. written counts bytes; mu guards the rest.
type setFile struct {
	Spec
	written atomic.Int64

	mu      sync.Mutex
	h       Handle
	temp    string
	whole   bool // synced and closed
	renamed bool
}

// CreateSet begins a set of files in the folder dir, which is made when it is
// not there (its parent must be). It checks the folder and the names, compares
// the sizes with the free space, locks the folder, and removes temporaries of
// the same final names that a killed run left.
//
// Data, an index or a file of the set's own names in the folder (see
// [Options].Part) without opt.Force (*ExistsError), and a path that is no folder or an
// entry that is no regular file (*KindError), are bad input; before these
// checks have passed nothing is written. A *LockedError (another run writes
// there) and a *WriteError are errors of the system.
//
// With opt.Force the data and indexes that were in the folder are gone
// after the commit, whatever their names.
func CreateSet(fsys FS, dir string, files []Spec, opt Options) (*Set, error) {
	s := &Set{fsys: fsys, opt: opt, path: dir, files: make([]setFile, len(files)), byName: make(map[string]int, len(files))}
	if err := s.addFiles(files); err != nil {
		return nil, err
	}
	there, err := s.checkFolder()
	if err != nil {
		return nil, err
	}
	if there {
		if _, err := s.look(); err != nil {
			return nil, err
		}
	}
	if op, err := s.checkRoom(there); err != nil {
		return nil, s.fail(op, s.path, err)
	}
	if !there {
		err := fsys.Mkdir(trimSeparators(dir))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, s.fail("make the folder", s.path, err)
		}
		s.made = err == nil
	}
	if err := s.begin(); err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

// begin takes the lock, and looks again at what is in the folder: another run
// may have ended since the first look.
func (s *Set) begin() error {
	lock, err := lockDir(s.fsys, s.dir, s.path)
	if errors.Is(err, ErrLocked) {
		return fault.CannotRun(err)
	}
	if err != nil {
		return s.fail("lock the folder", s.path, err)
	}
	s.lock = lock
	entries, err := s.look()
	if err != nil {
		return err
	}
	sweep(s.fsys, s.dir, entries, func(final string) bool { _, ok := s.byName[final]; return ok })
	return nil
}

// addFiles checks the names and sizes. That a name is a good one for its
// format is checked by the format's package; here it must not leave the folder
// or meet another name.
func (s *Set) addFiles(files []Spec) error {
	for i, f := range files {
		_, temp := finalName(f.Name)
		_, twice := s.byName[f.Name]
		why := ""
		switch {
		case f.Name == "" || f.Name == "." || f.Name == "..":
			why = "is no file name"
		case strings.ContainsAny(f.Name, "/\\\x00"):
			why = "holds a separator or a NUL byte"
		case temp || f.Name == LockName:
			why = "is kept for temporary files"
		case twice:
			why = "occurs twice"
		case f.Size < 0 && f.Size != SizeUnknown:
			why = fmt.Sprintf("has the size %d", f.Size)
		}
		if why != "" {
			return fault.BadInput(fmt.Errorf("atomicfile: output %s: file name %s %s", shown.Path(s.path), shown.Quote(f.Name), why))
		}
		s.files[i].Spec = f
		s.byName[f.Name] = i
	}
	return nil
}

// checkFolder refuses a path that is not a folder and cannot become one.
func (s *Set) checkFolder() (there bool, err error) {
	if s.path == "" || strings.ContainsRune(s.path, 0) {
		return false, badPath(s.path, "is not a path: give a folder")
	}
	bare := trimSeparators(s.path)
	s.dir = bare
	if !os.IsPathSeparator(bare[len(bare)-1]) {
		s.dir += string(os.PathSeparator)
	}
	kind, err := s.fsys.Lstat(bare)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		parent, _ := split(bare)
		return false, checkParent(s.fsys, s.path, parent)
	case err != nil:
		return false, lookError(s.path, err)
	case kind&fs.ModeDir == 0:
		return false, &KindError{Path: s.path, Kind: kindName(kind), Want: "a folder"}
	}
	return true, nil
}

// look lists the folder, and refuses what must not be replaced.
func (s *Set) look() ([]Entry, error) {
	entries, err := s.fsys.List(s.dir)
	if err != nil {
		return nil, s.fail("list the folder", s.path, err)
	}
	s.old = s.old[:0]
	for _, e := range entries {
		if _, own := s.byName[e.Name]; !own && s.opt.part(e.Name) == Foreign {
			continue
		}
		if s.opt.Force && !e.Kind.IsRegular() {
			return nil, &KindError{Path: s.dir + e.Name, Kind: kindName(e.Kind), Want: "a file"}
		}
		s.old = append(s.old, e.Name)
	}
	if len(s.old) > 0 && !s.opt.Force {
		return nil, &ExistsError{Path: s.path, Found: s.old}
	}
	return entries, nil
}

func (s *Set) checkRoom(there bool) (op string, err error) {
	sizes := make([]int64, len(s.files))
	for i := range s.files {
		sizes[i] = max(s.files[i].Size, 0)
	}
	dir := s.dir
	if !there {
		parent, _ := split(trimSeparators(s.path))
		dir = orDot(parent)
	}
	s.needed, op, err = checkSpace(s.fsys, dir, sizes...)
	return op, err
}

// Name returns the folder, as given.
func (s *Set) Name() string { return s.path }

// CommitBegun reports whether Commit has come so far that Abort does nothing
// any more.
func (s *Set) CommitBegun() bool { return s.state.Load() == stateCommitBegun }

// WriteAt writes all of p at off of the file with this index in the list given
// to CreateSet, inside its size. Every byte must be written exactly once. The
// write that completes a file also syncs and closes it. The first error is
// kept, and returned by Commit too.
func (s *Set) WriteAt(file int, p []byte, off int64) (int, error) {
	if file < 0 || file >= len(s.files) {
		return 0, s.noFile(file)
	}
	f := &s.files[file]
	if off < 0 || int64(len(p)) > f.Size-off {
		return 0, outside(s.dir+f.Name, len(p), off, f.Size)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.write(f, p, off)
}

func (s *Set) noFile(file int) error {
	return fault.CannotRun(fmt.Errorf("atomicfile: write %s: no file %d in a set of %d: this is a defect of the program", shown.Path(s.path), file, len(s.files)))
}

// Put writes a whole file, whose size need not have been known before.
func (s *Set) Put(file int, data []byte) error {
	if file < 0 || file >= len(s.files) {
		return s.noFile(file)
	}
	f := &s.files[file]
	s.mu.RLock()
	defer s.mu.RUnlock()
	f.mu.Lock()
	if f.Size == SizeUnknown {
		f.Size = int64(len(data))
	}
	size := f.Size
	f.mu.Unlock()
	if size != int64(len(data)) {
		return outside(s.dir+f.Name, len(data), 0, size)
	}
	_, err := s.write(f, data, 0)
	return err
}

// write writes p, opening and completing the file as needed. s.mu is read-locked.
func (s *Set) write(f *setFile, p []byte, off int64) (int, error) {
	if s.closed {
		return 0, describe("write", s.path, s.needed, -1, ErrAborted)
	}
	if len(p) == 0 && f.Size != 0 {
		return 0, nil
	}
	h, op, err := s.open(f, int64(len(p)) < f.Size)
	if err != nil {
		return 0, s.keep(op, f, err)
	}
	n, err := writeAll(h, p, off)
	if err != nil {
		return n, s.keep("write", f, err)
	}
	written := f.written.Add(int64(n))
	if written == f.Size {
		if op, err := s.complete(f); err != nil {
			return n, s.keep(op, f, err)
		}
		return n, nil
	}
	if !s.opt.NoSync && startSyncNow(written, n) {
		h.StartSync()
	}
	return n, nil
}

// keep remembers the first error of a write, and describes it.
func (s *Set) keep(op string, f *setFile, err error) error {
	err = s.fail(op, s.dir+f.Name, err)
	s.failed.CompareAndSwap(nil, &err)
	return err
}

// open returns the open temporary of a file, making it at the first call. Room
// is reserved for a file that is written in several pieces: for one piece the
// write itself takes it just as early.
func (s *Set) open(f *setFile, pieces bool) (h Handle, op string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.h != nil {
		return f.h, "", nil
	}
	if f.temp != "" {
		return nil, "write", errors.New("written more than once, a defect of the program")
	}
	h, temp, err := createTemp(s.fsys, s.dir, f.Name, false)
	if err != nil {
		return nil, "create a temporary for", err
	}
	f.h, f.temp = h, temp
	if pieces {
		if err := reserveSpace(h, f.Size); err != nil {
			return nil, "reserve space for", err
		}
	}
	return h, "", nil
}

// complete syncs and closes a file all of whose bytes are written.
func (s *Set) complete(f *setFile) (op string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.h == nil {
		return "finish", errors.New("completed more than once, a defect of the program")
	}
	if !s.opt.NoSync {
		if err := f.h.Sync(); err != nil {
			return "sync", err
		}
	}
	h := f.h
	f.h = nil
	if err := h.Close(); err != nil {
		return "close", err
	}
	f.whole = true
	return "", nil
}

// fail describes an error before the commit, with the space free now.
func (s *Set) fail(op, path string, err error) error {
	return describe(op, path, s.needed, s.free(), err)
}

// free returns the bytes free for the folder, or beside it when it is not there.
func (s *Set) free() int64 {
	if n := free(s.fsys, s.dir); n >= 0 {
		return n
	}
	return free(s.fsys, trimSeparators(s.path))
}
