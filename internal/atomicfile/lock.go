package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// LockName is the file that marks a folder which a set is being written into.
const LockName = ".weightinit.lock"

// dirLock is the lock on a folder. The handle must stay reachable: one that is
// collected would be closed, and the lock dropped.
type dirLock struct {
	fsys FS
	name string
	h    Handle
}

// lockTries and lockPause bound the wait for a lock: a run that writes a
// single file holds the lock of a dead set for an instant, to see that it is
// dead.
const (
	lockTries = 4
	lockPause = 5 * time.Millisecond
	unknown   = "unknown" // a holder that the lock file does not name
)

// lockDir takes the lock of a folder for this process. dir ends in a
// separator; shownDir is what the user gave.
func lockDir(fsys FS, dir, shownDir string) (*dirLock, error) {
	var err error
	for try := range lockTries {
		if try > 0 {
			time.Sleep(lockPause)
		}
		var l *dirLock
		if l, err = tryLockDir(fsys, dir, shownDir); !errors.Is(err, ErrLocked) {
			return l, err
		}
	}
	return nil, err
}

func tryLockDir(fsys FS, dir, shownDir string) (*dirLock, error) {
	l := &dirLock{fsys: fsys, name: dir + LockName}
	var err error
	made := false
	l.h, err = fsys.Open(l.name, false)
	if errors.Is(err, fs.ErrNotExist) {
		l.h, err = fsys.Create(l.name)
		made = err == nil
	}
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return nil, &LockedError{Dir: shownDir, PID: unknown, Host: unknown}
	}
	if err != nil {
		return nil, err
	}
	held, err := l.take(shownDir)
	if err == nil {
		return l, nil
	}
	if held || made && !errors.Is(err, ErrLocked) {
		l.release()
	} else {
		_ = l.h.Close()
	}
	return nil, err
}

// take locks the file that was opened and writes into it who we are. held
// tells after an error whether the lock is ours nevertheless.
func (l *dirLock) take(shownDir string) (held bool, err error) {
	err = l.h.TryLock()
	switch {
	case errors.Is(err, ErrLocked):
		return false, lockedBy(l.h, shownDir)
	case errors.Is(err, errors.ErrUnsupported):
		// Without locks two runs into one folder do not notice each other;
		// renames that never replace still keep the first one's files.
	case err != nil:
		return false, err
	}
	ours, err := l.h.Is(l.name)
	if err == nil && !ours || errors.Is(err, fs.ErrNotExist) {
		// The holder before us removed the file when it was done.
		return false, &LockedError{Dir: shownDir, PID: unknown, Host: unknown}
	}
	if err != nil {
		return true, err
	}
	return true, signLock(l.h)
}

// signLock writes who holds the lock.
func signLock(h Handle) error {
	host, err := os.Hostname()
	if err != nil {
		host = unknown
	}
	if err := h.Truncate(0); err != nil {
		return err
	}
	_, err = h.WriteAt(fmt.Appendf(nil, "pid %d host %s\n", os.Getpid(), host), 0)
	return err
}

// lockedBy reads who holds the lock; what the file says is only shown.
func lockedBy(h Handle, shownDir string) error {
	e := &LockedError{Dir: shownDir, PID: unknown, Host: unknown}
	text := make([]byte, 256)
	n, _ := h.ReadAt(text, 0)
	if f := strings.Fields(string(text[:n])); len(f) == 4 && f[0] == "pid" && f[2] == "host" {
		e.PID, e.Host = f[1], f[3]
	}
	return e
}

// release removes the lock file and gives the lock up. It goes in this order
// so that nobody locks a file that is about to go. A file that stays harms
// nobody: a lock that no one holds is taken over.
func (l *dirLock) release() {
	err := l.fsys.Remove(l.name)
	_ = l.h.Close()
	if err != nil && removeAfterClose {
		_ = l.fsys.Remove(l.name)
	}
}

// dirLocked reports whether a set is being written into dir.
func dirLocked(fsys FS, dir string) bool {
	h, err := fsys.Open(dir+LockName, false)
	if err != nil {
		return false
	}
	defer h.Close()
	return errors.Is(h.TryLock(), ErrLocked)
}
