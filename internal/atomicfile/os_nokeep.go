//go:build !linux && !darwin

package atomicfile

import (
	"io"
	"os"
)

// keepLock keeps nothing: there is no lock, or, on Windows, an open file could
// not be renamed.
func keepLock(*os.File) (io.Closer, error) { return nothingKept{}, nil }

type nothingKept struct{}

func (nothingKept) Close() error { return nil }
