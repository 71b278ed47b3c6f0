package inputfile

import (
	"errors"
	"syscall"
)

// openFlags is empty: what blocks on Windows (named pipes) is refused before
// it is opened.
const openFlags = 0

// isWrongPath reports whether the system's answer is about the path that was
// named and not about the system.
func isWrongPath(err error) bool {
	const (
		invalidName = syscall.Errno(123) // ERROR_INVALID_NAME
		badPathName = syscall.Errno(161) // ERROR_BAD_PATHNAME
	)
	for _, e := range []error{invalidName, badPathName, syscall.EINVAL, syscall.ENOTDIR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
