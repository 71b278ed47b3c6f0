// Package fault sorts errors into the two classes that decide the exit code
// of the command line: input that is wrong, and a system that cannot do what
// was asked.
//
// It carries no text of its own: messages are made where the fault is found.
package fault

import (
	"errors"
	"io/fs"
	"syscall"
)

// cannotRun marks an error of the system: disk full, unreadable file, a
// process that does not start.
type cannotRun struct{ err error }

func (e *cannotRun) Error() string { return e.err.Error() }
func (e *cannotRun) Unwrap() error { return e.err }

// CannotRun marks err as an error of the system (exit code 3). nil stays nil.
func CannotRun(err error) error {
	if err == nil {
		return nil
	}
	return &cannotRun{err}
}

// badInput marks an error of what the user gave.
type badInput struct{ err error }

func (e *badInput) Error() string { return e.err.Error() }
func (e *badInput) Unwrap() error { return e.err }

// BadInput marks err as an error of the input (exit code 2), whatever it
// wraps. nil stays nil.
func BadInput(err error) error {
	if err == nil {
		return nil
	}
	return &badInput{err}
}

// IsCannotRun reports whether err is an error of the system. An outer mark
// counts before an inner one. Unmarked errors of the operating system count
// as such, except those that say that a path is wrong (it does not exist, or
// is of another kind): these, and all other errors, are bad input.
func IsCannotRun(err error) bool {
	for e := err; e != nil; e = errors.Unwrap(e) {
		switch e.(type) {
		case *cannotRun:
			return true
		case *badInput:
			return false
		}
	}
	var marked *cannotRun
	if errors.As(err, &marked) {
		return true
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		switch number {
		case syscall.ENOENT, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EINVAL:
			return false
		}
		return true
	}
	var path *fs.PathError
	return errors.As(err, &path) && !errors.Is(err, fs.ErrNotExist)
}
