package atomicfile

import (
	"io"
	"io/fs"
	"os"
)

// OS returns the file system of the operating system.
//
// On Linux and macOS everything of FS is there. Windows has no folder sync and
// no reserving; a file that is open cannot be replaced or removed there, which
// takes the place of the lock on a temporary. On other systems files have no
// locks here: two runs into one folder do not notice each other, and temporary
// files of killed runs stay.
func OS() FS { return osFS{} }

type osFS struct{}

func (osFS) Create(name string) (Handle, error) {
	return handleOf(os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666))
}

func (osFS) Open(name string, create bool) (Handle, error) {
	flag := os.O_RDWR | openFlags
	if create {
		flag |= os.O_CREATE
	}
	return handleOf(os.OpenFile(name, flag, 0o666))
}

func (osFS) Stat(name string) (fs.FileMode, error)  { return kindOf(os.Stat(name)) }
func (osFS) Lstat(name string) (fs.FileMode, error) { return kindOf(os.Lstat(name)) }

func (osFS) List(dir string) ([]Entry, error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(found))
	for i, e := range found {
		entries[i] = Entry{e.Name(), e.Type()}
	}
	return entries, nil
}

func (osFS) Mkdir(name string) error         { return os.Mkdir(name, 0o777) }
func (osFS) Remove(name string) error        { return os.Remove(name) }
func (osFS) Rename(from, to string) error    { return os.Rename(from, to) }
func (osFS) Link(from, to string) error      { return os.Link(from, to) }
func (osFS) RenameNew(from, to string) error { return renameNew(from, to) }
func (osFS) SyncDir(dir string) error        { return syncDir(dir) }
func (osFS) Space(dir string) (Space, error) { return spaceOf(dir) }
func kindOf(i fs.FileInfo, err error) (fs.FileMode, error) {
	if err != nil {
		return 0, err
	}
	return i.Mode().Type(), nil
}

// osFile adds to os.File what differs between systems.
type osFile struct{ *os.File }

func handleOf(f *os.File, err error) (Handle, error) {
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (f osFile) Reserve(size int64) error     { return reserve(f.File, size) }
func (f osFile) StartSync()                   { startSync(f.File) }
func (f osFile) TryLock() error               { return tryLock(f.File) }
func (f osFile) KeepLock() (io.Closer, error) { return keepLock(f.File) }

func (f osFile) Is(name string) (bool, error) {
	here, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Lstat(name)
	if err != nil {
		return false, err
	}
	return os.SameFile(here, there), nil
}

// control runs call with the descriptor of f and returns its error with the
// name of the operation and of the file.
func control(f *os.File, op string, call func(fd uintptr) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = call(fd) }); err != nil {
		return err
	}
	if failed != nil {
		return &fs.PathError{Op: op, Path: f.Name(), Err: failed}
	}
	return nil
}
