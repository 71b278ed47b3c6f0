//go:build !linux && !darwin && !windows

package atomicfile

import (
	"errors"
	"os"
)

const openFlags = 0

func tryLock(*os.File) error { return errors.ErrUnsupported }

// removeAfterClose tells whether a file must be closed to be removed.
const removeAfterClose = false

// renameNew leaves the work to Link and Remove.
func renameNew(string, string) error { return errors.ErrUnsupported }

func reserve(*os.File, int64) error { return errors.ErrUnsupported }

// syncDir says that it does nothing: whether a folder can be opened and synced
// differs from system to system.
func syncDir(string) error { return errors.ErrUnsupported }

func spaceOf(string) (Space, error) { return Space{}, errors.ErrUnsupported }

func startSync(*os.File) {}
