//go:build linux || darwin

package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// openFlags keeps Open from following a symlink and from waiting for the other
// end of a pipe.
const openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK

// again repeats a call that a signal interrupted; Go's own signals do that.
func again(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

func tryLock(f *os.File) error {
	err := control(f, "flock", func(fd uintptr) error {
		return again(func() error { return unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) })
	})
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return ErrLocked
	case errors.Is(err, unix.ENOLCK):
		return errors.ErrUnsupported
	}
	return err
}

// removeAfterClose tells whether a file must be closed to be removed.
const removeAfterClose = false

func keepLock(f *os.File) (io.Closer, error) {
	var kept *os.File
	err := control(f, "dup", func(fd uintptr) error {
		second, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return err
		}
		kept = os.NewFile(uintptr(second), f.Name())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return kept, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closed := d.Close(); err == nil {
		err = closed
	}
	return err
}

func spaceOf(dir string) (Space, error) {
	var s unix.Statfs_t
	if err := again(func() error { return unix.Statfs(dir, &s) }); err != nil {
		return Space{}, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	if s.Blocks == 0 {
		// Some network and user-space file systems do not count.
		return Space{}, errors.ErrUnsupported
	}
	block := max(int64(s.Bsize), 1)
	const most = 1<<63 - 1
	if s.Bavail > uint64(most/block) {
		return Space{Free: most, Block: block}, nil
	}
	return Space{Free: int64(s.Bavail) * block, Block: block}, nil
}

// linkError dresses the error of a rename that never replaces. A kernel or a
// file system that lacks the call answers EINVAL.
func linkError(op, from, to string, err error) error {
	if err == unix.EINVAL {
		err = errors.ErrUnsupported
	}
	if err == nil {
		return nil
	}
	return &os.LinkError{Op: op, Old: from, New: to, Err: err}
}
