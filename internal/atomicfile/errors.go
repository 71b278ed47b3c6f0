package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
)

// ErrAborted is the cause of every error of a File or Set that was aborted.
var ErrAborted = errors.New("aborted or finished before")

// ExistsError refuses to replace an output that is there: bad input.
type ExistsError struct {
	Path  string   // the file or folder, as given
	Found []string // for a folder: what was found in it, sorted
}

func (e *ExistsError) Error() string {
	if len(e.Found) == 0 {
		return fmt.Sprintf("atomicfile: output %s exists: replace it by force, or write elsewhere", shown.Path(e.Path))
	}
	return fmt.Sprintf("atomicfile: output folder %s already holds %s: replace it by force, or write elsewhere",
		shown.Path(e.Path), some(e.Found))
}

// Is makes errors.Is(err, fs.ErrExist) true.
func (e *ExistsError) Is(target error) bool { return target == fs.ErrExist }

// KindError refuses a path that is, or leads through, something that cannot be
// replaced by a file or a folder: bad input, with force too.
type KindError struct {
	Path string
	Kind string // "a symlink", "a folder", …
	Want string // what it must be
}

func (e *KindError) Error() string {
	return fmt.Sprintf("atomicfile: output %s is %s, not %s: nothing is replaced there, by force neither; write elsewhere",
		shown.Path(e.Path), e.Kind, e.Want)
}

// LockedError says that another run writes into the same folder.
type LockedError struct {
	Dir  string
	PID  string // "unknown" when the lock file does not tell
	Host string
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("atomicfile: output folder %s is being written by process %s on host %s: wait until it has ended, or write elsewhere",
		shown.Path(e.Dir), shown.Cut(e.PID, 32), shown.Cut(e.Host, shown.MaxText))
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// WriteError is any error of the system before the commit. Nothing of this run
// is left, except what Leftover names.
type WriteError struct {
	Op       string // what was done: "reserve space for", "write", …
	Path     string // the file or folder, as given
	Needed   int64  // bytes of the whole output
	Free     int64  // bytes free after the failure; negative: not known
	Leftover string // a temporary that could not be removed, or empty
	Err      error
}

func (e *WriteError) Unwrap() error { return e.Err }

func (e *WriteError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "atomicfile: cannot %s %s: %s (needs %d bytes", e.Op, shown.Path(e.Path), cause(e.Err), e.Needed)
	if e.Free >= 0 {
		fmt.Fprintf(&b, ", %d free", e.Free)
	}
	b.WriteString("); ")
	if e.Leftover == "" {
		b.WriteString("nothing was changed: ")
	} else {
		fmt.Fprintf(&b, "the temporary %s could not be removed: ", shown.Path(e.Leftover))
	}
	b.WriteString(nextStep(e.Err))
	return b.String()
}

// Elsewhere reports whether the same output may succeed at another path.
func (e *WriteError) Elsewhere() bool {
	for _, same := range []error{ErrAborted, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(e.Err, same) {
			return false
		}
	}
	return true
}

// nextStep is what the user can do after an error of the system.
func nextStep(err error) string {
	switch {
	case errors.Is(err, ErrAborted):
		return "write it again"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, errQuota):
		return "free some space, or write elsewhere"
	case errors.Is(err, syscall.EFBIG):
		return "raise the limit on the size of files (ulimit -f), or write to another file system"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "write to a folder that you may change"
	case errors.Is(err, errors.ErrUnsupported):
		return "this file system cannot rename without replacing; replace by force, or write elsewhere"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "raise the limit on open files (ulimit -n)"
	}
	return "check the disk, or write elsewhere"
}

// CommittedError says that the output is complete under its final name, but
// that something after the commit failed.
type CommittedError struct {
	Path string
	Left string // a temporary that could not be removed; empty: the folder sync failed
	Err  error
}

func (e *CommittedError) Unwrap() error { return e.Err }

func (e *CommittedError) Error() string {
	if e.Left != "" {
		return fmt.Sprintf("atomicfile: output %s is whole, but its temporary %s could not be removed: %s; remove it by hand",
			shown.Path(e.Path), shown.Path(e.Left), cause(e.Err))
	}
	return fmt.Sprintf("atomicfile: output %s is whole, but may not survive a power cut, because its folder could not be synced: %s; run sync, or write it again by force",
		shown.Path(e.Path), cause(e.Err))
}

// BrokenSetError says that replacing a set failed half-way: the old one is
// gone and the new one is not in place.
type BrokenSetError struct {
	Dir  string // the folder, as given
	Op   string // what failed
	Path string // on which file
	Err  error
}

func (e *BrokenSetError) Unwrap() error { return e.Err }

func (e *BrokenSetError) Error() string {
	return fmt.Sprintf("atomicfile: cannot %s %s: %s; the folder %s holds no whole set now: write it again by force",
		e.Op, shown.Path(e.Path), cause(e.Err), shown.Path(e.Dir))
}

// Committed reports whether err, returned by Commit, leaves the complete
// output under its final name. nil does.
func Committed(err error) bool {
	var after *CommittedError
	return err == nil || errors.As(err, &after)
}

// describe makes the error of a failed operation before the commit: a
// *WriteError of the system, or an *ExistsError when somebody else took the
// final name meanwhile. free is negative when it is not known.
func describe(op, path string, needed, free int64, err error) error {
	if op == opRename && errors.Is(err, fs.ErrExist) {
		return fault.BadInput(&ExistsError{Path: path})
	}
	return fault.CannotRun(&WriteError{Op: op, Path: path, Needed: needed, Free: free, Err: err})
}

// opRename is the operation whose fs.ErrExist is the user's to settle.
const opRename = "rename the temporary of"

// free returns the bytes free for an output, or -1 when they are not known.
func free(fsys FS, path string) int64 {
	dir, _ := split(path)
	space, err := fsys.Space(orDot(dir))
	if err != nil {
		return -1
	}
	return space.Free
}

// cause is the innermost text of an error of the system, without the paths
// that os puts around it: the message names the path as the user gave it.
func cause(err error) string {
	for next := err; next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return shown.Cut(err.Error(), shown.MaxPath)
}

// some lists at most three names.
func some(names []string) string {
	var shownNames []string
	for _, n := range names[:min(len(names), 3)] {
		shownNames = append(shownNames, shown.Quote(n))
	}
	text := strings.Join(shownNames, ", ")
	if more := len(names) - len(shownNames); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// PathError says that a path cannot be an output: bad input.
type PathError struct {
	Path string // as given
	Why  string
}

func (e *PathError) Error() string {
	return fmt.Sprintf("atomicfile: output %s %s", shown.Path(e.Path), e.Why)
}

func badPath(path, why string) error { return fault.BadInput(&PathError{path, why}) }

// kindName puts the type bits of a mode into words.
func kindName(kind fs.FileMode) string {
	switch {
	case kind.IsRegular():
		return "a file"
	case kind&fs.ModeDir != 0:
		return "a folder"
	case kind&fs.ModeSymlink != 0:
		return "a symlink"
	case kind&fs.ModeNamedPipe != 0:
		return "a pipe (FIFO)"
	case kind&fs.ModeSocket != 0:
		return "a socket"
	case kind&fs.ModeDevice != 0:
		return "a device"
	}
	return "neither a file nor a folder"
}
