package atomicfile

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"

	"github.com/weightinit/weightinit/internal/fault"
)

// Commit puts all files under their final names, in rising Order, with a
// folder sync between two orders and at the end. Over an earlier output its
// indexes are removed first, then its weights that the set does not replace.
//
// After an error nothing of the set is left. The folder is as it was before,
// except after a *BrokenSetError (the earlier output is gone too) and after an
// error for which Committed is true (the set is in place). It is called once,
// after all WriteAt and Put have returned.
func (s *Set) Commit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return describe("finish", s.path, s.needed, -1, ErrAborted)
	}
	if err := s.finish(); err != nil {
		return s.give(err)
	}
	if !s.state.CompareAndSwap(stateOpen, stateCommitBegun) {
		return s.give(s.fail("finish", s.path, ErrAborted))
	}
	if op, path, err := s.removeOld(); err != nil {
		return s.undo(op, path, err)
	}
	left, op, path, err := s.install()
	if err != nil {
		return s.undo(op, path, err)
	}
	err = syncFolder(s.fsys, s.dir, s.opt)
	s.closed = true
	s.lock.release()
	switch {
	case err != nil:
		return fault.CannotRun(&CommittedError{Path: s.path, Err: err})
	case left != nil:
		return fault.CannotRun(left)
	}
	return nil
}

// finish sees that every file is complete, and that a folder made by this run
// is durable before anything is in it under a final name.
func (s *Set) finish() error {
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	for i := range s.files {
		f := &s.files[i]
		if f.Size == 0 && f.temp == "" {
			if _, err := s.write(f, nil, 0); err != nil {
				return err
			}
		}
		if !f.whole {
			return s.fail("finish", s.dir+f.Name, incomplete(f.written.Load(), f.Size))
		}
	}
	if s.made {
		parent, _ := split(trimSeparators(s.path))
		if err := syncFolder(s.fsys, parent, s.opt); err != nil {
			return s.fail("sync the folder of", s.path, err)
		}
	}
	return nil
}

// removeOld removes the indexes of an earlier output and makes that durable,
// so that no index ever stands beside data that are not its own; then the data
// that the set does not replace.
func (s *Set) removeOld() (op, path string, err error) {
	for _, name := range s.old {
		if s.opt.part(name) != Index {
			continue
		}
		if err := s.fsys.Remove(s.dir + name); err != nil {
			return "remove the old index", s.dir + name, err
		}
		s.broken = true
	}
	if s.broken {
		if err := syncFolder(s.fsys, s.dir, s.opt); err != nil {
			return "sync the folder", s.path, err
		}
	}
	for _, name := range s.old {
		if _, replaced := s.byName[name]; replaced || s.opt.part(name) != Data {
			continue
		}
		if err := s.fsys.Remove(s.dir + name); err != nil {
			return "remove the old file", s.dir + name, err
		}
		s.broken = true
	}
	return "", "", nil
}

// install renames the files. left says that a temporary's name is still there
// beside the final one.
func (s *Set) install() (left error, op, path string, err error) {
	order := make([]*setFile, len(s.files))
	for i := range s.files {
		order[i] = &s.files[i]
	}
	slices.SortStableFunc(order, func(a, b *setFile) int { return cmp.Compare(a.Order, b.Order) })
	for i, f := range order {
		if i > 0 && f.Order != order[i-1].Order {
			if err := syncFolder(s.fsys, s.dir, s.opt); err != nil {
				return nil, "sync the folder", s.path, err
			}
		}
		final := s.dir + f.Name
		stays, err := rename(s.fsys, f.temp, final, s.opt.Force)
		if err != nil {
			return nil, opRename, final, err
		}
		f.renamed = true
		if _, replaced := slices.BinarySearch(s.old, f.Name); replaced {
			s.broken = true
		}
		if stays != nil && left == nil {
			left = &CommittedError{Path: s.path, Left: f.temp, Err: stays}
		}
	}
	return left, "", "", nil
}

// undo takes back what a failed commit has put in place.
func (s *Set) undo(op, path string, err error) error {
	for i := range s.files {
		if f := &s.files[i]; f.renamed {
			_ = s.fsys.Remove(s.dir + f.Name)
		}
	}
	if s.broken {
		s.discard()
		return fault.CannotRun(&BrokenSetError{Dir: s.path, Op: op, Path: path, Err: err})
	}
	return s.give(s.fail(op, path, err))
}

// Abort removes the temporaries, the lock, and the folder if this run made it,
// and makes every later call fail with ErrAborted. It may be called at any
// time and again: after a commit has begun it does nothing, and CommitBegun is
// true. It waits for calls in other goroutines to return. The error names a
// temporary that could not be removed.
func (s *Set) Abort() error {
	s.state.CompareAndSwap(stateOpen, stateAborted)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if leftover, err := s.discard(); err != nil {
		return fault.CannotRun(&WriteError{Op: "remove the temporaries of", Path: s.path, Needed: s.needed, Free: -1, Leftover: leftover, Err: err})
	}
	return nil
}

// give gives the set up and returns err, which says why, completed.
func (s *Set) give(err error) error {
	s.state.CompareAndSwap(stateOpen, stateAborted)
	leftover, _ := s.discard()
	var w *WriteError
	if errors.As(err, &w) {
		w.Leftover, w.Free = leftover, s.free()
	}
	return err
}

// discard removes everything of this run that has no final name. It goes on
// after an error, and returns the first.
func (s *Set) discard() (leftover string, err error) {
	s.closed = true
	for i := range s.files {
		f := &s.files[i]
		if f.h != nil {
			_ = f.h.Close()
			f.h = nil
		}
		if f.temp == "" {
			continue
		}
		failed := s.fsys.Remove(f.temp)
		if failed != nil && !errors.Is(failed, fs.ErrNotExist) && err == nil {
			leftover, err = f.temp, failed
		}
	}
	if s.lock != nil {
		s.lock.release()
	}
	if s.made {
		_ = s.fsys.Remove(trimSeparators(s.path)) // stays when somebody else put a file there
	}
	return leftover, err
}
