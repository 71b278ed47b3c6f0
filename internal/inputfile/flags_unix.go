//go:build unix

package inputfile

import (
	"errors"
	"syscall"
)

// openFlags keep open from waiting for a pipe's writer, and from making a
// terminal the process's own.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY

// isWrongPath reports whether the system's answer is about the path that was
// named and not about the system.
func isWrongPath(err error) bool {
	for _, e := range []error{
		syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG,
		syscall.EINVAL, syscall.ENXIO, syscall.ENODEV,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
