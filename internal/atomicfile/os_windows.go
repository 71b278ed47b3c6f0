package atomicfile

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

const openFlags = 0

// lockAt is where the one locked byte lies: beyond any content, because a
// Windows lock also keeps others from reading.
const lockAt = 1 << 30

func tryLock(f *os.File) error {
	err := control(f, "LockFileEx", func(fd uintptr) error {
		where := windows.Overlapped{OffsetHigh: lockAt}
		return windows.LockFileEx(windows.Handle(fd),
			windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &where)
	})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	return err
}

// removeAfterClose tells whether a file must be closed to be removed.
const removeAfterClose = true

func renameNew(from, to string) error {
	a, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	b, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	if err := windows.MoveFileEx(a, b, windows.MOVEFILE_WRITE_THROUGH); err != nil {
		return &os.LinkError{Op: "MoveFileEx", Old: from, New: to, Err: err}
	}
	return nil
}

func reserve(*os.File, int64) error { return errors.ErrUnsupported }

// syncDir does nothing: Windows does not sync folders.
func syncDir(string) error { return errors.ErrUnsupported }

func spaceOf(dir string) (Space, error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return Space{}, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return Space{}, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	return Space{Free: int64(min(free, 1<<63-1)), Block: 4096}, nil
}

func startSync(*os.File) {}
