// Package inputfile opens the files that a user names: without ever blocking,
// and only files that can be read at any place (regular ones; for small texts
// also pipes).
//
// It knows no format. Its errors are one line that begins with the path as the
// user gave it; a path that does not exist or is of the wrong kind is bad
// input, a file that the system cannot read is not (package fault).
package inputfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
)

// Reasons for which a file is refused; [Error] wraps them.
var (
	// ErrKind: the path is a directory, a device, a socket or a pipe.
	ErrKind = errors.New("wrong kind of file")
	// ErrLimit: the file is larger than the caller's limit.
	ErrLimit = errors.New("larger than the limit")
	// ErrNoWriter: the pipe has no data and nobody who could write some.
	ErrNoWriter = errors.New("nobody writes to the pipe")
)

// Error says why a path cannot be read.
type Error struct {
	Path string // as the user gave it
	What string // the problem and the next step, without the path
	Err  error  // the cause: one of the reasons above, or the system's error
}

// Error returns one line: the path in quotes, then the problem.
func (e *Error) Error() string { return shown.Path(e.Path) + ": " + e.What }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Open opens a regular file for reading and returns it with its size. Symbolic
// links are followed. It never blocks, whatever the path is. The error is an
// *Error, marked for package fault.
func Open(path string) (*os.File, int64, error) {
	f, info, err := open(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		f.Close()
		return nil, 0, wrongKind(path, info.Mode())
	}
	return f, info.Size(), nil
}

// open opens whatever path is. What is certainly of no use is not even opened,
// because opening can have effects on a device.
func open(path string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, Classify(path, err)
	}
	if m := info.Mode(); !m.IsRegular() && m.Type() != fs.ModeNamedPipe {
		return nil, nil, wrongKind(path, m)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, nil, Classify(path, err)
	}
	info, err = f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, Classify(path, err)
	}
	return f, info, nil
}

// ReadAll returns the whole file, which must be of at most limit bytes. No more
// is allocated than the file really holds, whatever size it claims. With
// allowPipe a pipe is read to its end, as for --config <(command); a pipe that
// nobody writes to is refused at once. The error is an *Error, marked for
// package fault.
func ReadAll(path string, limit int64, allowPipe bool) ([]byte, error) {
	f, info, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pipe := info.Mode().Type() == fs.ModeNamedPipe
	if !info.Mode().IsRegular() && (!pipe || !allowPipe) {
		return nil, wrongKind(path, info.Mode())
	}
	if !pipe && info.Size() > limit {
		return nil, tooLarge(path, limit, fmt.Sprintf("%d bytes", info.Size()))
	}
	// A file of /proc says that it is empty, so the size is only a hint.
	var buf bytes.Buffer
	buf.Grow(int(min(info.Size(), limit)) + bytes.MinRead)
	if _, err := buf.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, Classify(path, err)
	}
	if int64(buf.Len()) > limit {
		return nil, tooLarge(path, limit, "more")
	}
	if pipe && buf.Len() == 0 {
		return nil, fault.BadInput(&Error{path, "this pipe gives no data, nobody writes to it: start its writer first, or name a regular file", ErrNoWriter})
	}
	return buf.Bytes(), nil
}

func tooLarge(path string, limit int64, found string) error {
	return fault.BadInput(&Error{path, fmt.Sprintf("the file has %s, the limit is %d bytes: is this the right file?", found, limit), ErrLimit})
}

func wrongKind(path string, mode fs.FileMode) error {
	kind, next := "not a regular file", "name a regular file"
	switch {
	case mode.IsDir():
		kind = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		kind, next = "a pipe", "write its contents to a file first"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	}
	return fault.BadInput(&Error{path, "this is " + kind + ": " + next, ErrKind})
}

// Classify turns an error of the system about path into an *Error that is
// marked for package fault: a wrong path is bad input, all else is a system
// that cannot read.
func Classify(path string, err error) error {
	cause := err
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		cause = pathErr.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.BadInput(&Error{path, "no such file or directory: check the path", err})
	case isWrongPath(err):
		return fault.BadInput(&Error{path, cause.Error() + ": check the path", err})
	case errors.Is(err, fs.ErrPermission):
		return fault.CannotRun(&Error{path, "permission denied: make the file readable for this user", err})
	default:
		return fault.CannotRun(&Error{path, "cannot read: " + cause.Error(), err})
	}
}

// Changed is the error for a file that turns out shorter, while it is read,
// than it was when it was opened. It counts as a system that cannot read.
func Changed(path string, offset int64) error {
	return fault.CannotRun(&Error{path, fmt.Sprintf("the file ends before byte %d, it was cut short while it was read: try again when nothing writes to it", offset), io.ErrUnexpectedEOF})
}

// AsError returns the *Error in err's chain.
func AsError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
