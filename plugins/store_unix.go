//go:build unix

package plugins

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// notPrivate says why a folder is not this user's alone, or "".
func notPrivate(info fs.FileInfo) string {
	switch owner, ok := info.Sys().(*syscall.Stat_t); {
	case !info.IsDir():
		return "is not a folder"
	case !ok || int(owner.Uid) != os.Geteuid():
		return "belongs to another user"
	case info.Mode().Perm()&0o022 != 0:
		return "may be written to by others"
	}
	return ""
}

// lockStore keeps other processes from changing the store and the lock files
// that go with it; it waits for them.
func lockStore(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil && err != unix.ENOTSUP {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
