package atomicfile

import (
	"os"

	"golang.org/x/sys/unix"
)

func renameNew(from, to string) error {
	err := again(func() error {
		return unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	})
	return linkError("renameat2", from, to, err)
}

func reserve(f *os.File, size int64) error {
	return control(f, "fallocate", func(fd uintptr) error {
		return again(func() error { return unix.Fallocate(int(fd), 0, 0, size) })
	})
}

func startSync(f *os.File) {
	_ = control(f, "sync_file_range", func(fd uintptr) error {
		return unix.SyncFileRange(int(fd), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
	})
}
