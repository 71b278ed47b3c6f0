package atomicfile

import (
	"errors"
	"io"
	"io/fs"
)

// FS is the part of a file system that crash-safe writing needs, one method a
// call, with as little policy as possible: what is retried, ignored or undone
// is decided by its users, where faults can be tried at every call.
//
// Names are paths as the user gave them. Errors wrap the error number of the
// system, so errors.Is works with fs.ErrExist, fs.ErrNotExist and
// errors.ErrUnsupported.
type FS interface {
	// Create makes a new file for writing, of mode 0666 less the umask. A name
	// that exists in any form, a dangling symlink too, is fs.ErrExist.
	Create(name string) (Handle, error)
	// Open opens a regular file for reading and writing, or makes it when
	// create is set and it is not there. It follows no symlink and waits for
	// no other process.
	Open(name string, create bool) (Handle, error)
	// Stat returns the kind of what name leads to; Lstat that of name itself.
	Stat(name string) (fs.FileMode, error)
	Lstat(name string) (fs.FileMode, error)
	// List returns the entries of a folder, sorted by name.
	List(dir string) ([]Entry, error)
	Mkdir(name string) error
	// Remove removes a file, or a folder that is empty.
	Remove(name string) error
	// Rename replaces what is at to. RenameNew never does: fs.ErrExist when
	// there is anything, errors.ErrUnsupported where the system has no such
	// call; then Link, which never replaces either, and Remove do the same.
	Rename(from, to string) error
	RenameNew(from, to string) error
	Link(from, to string) error
	// SyncDir makes the entries of a folder durable; errors.ErrUnsupported or
	// EINVAL where folders are not synced.
	SyncDir(dir string) error
	// Space tells the room on the file system of a folder, or
	// errors.ErrUnsupported when it does not know it.
	Space(dir string) (Space, error)
}

// Handle is an open file.
type Handle interface {
	io.ReaderAt
	// WriteAt may write less than all of p without an error, as pwrite does.
	io.WriterAt
	Truncate(size int64) error
	// Reserve takes the room for a file of size bytes and makes it so long;
	// errors.ErrUnsupported where that needs writing.
	Reserve(size int64) error
	// StartSync asks the system to begin writing the content out, and waits
	// for nothing: a later Sync is done sooner. It is a hint without a result.
	StartSync()
	// Sync makes the content durable. A failed Sync must not be repeated: the
	// system may have dropped the data, and would report success.
	Sync() error
	// TryLock takes the lock that belongs to this opening of the file, or
	// returns ErrLocked at once when another opening holds it;
	// errors.ErrUnsupported where files have no locks.
	TryLock() error
	// KeepLock returns a second handle on the same opening, so that Close can
	// be called, and its result checked, without giving the lock up.
	KeepLock() (io.Closer, error)
	// Is reports whether name is this very file, not one that was put in its
	// place.
	Is(name string) (bool, error)
	Close() error
}

// Entry is one name in a folder.
type Entry struct {
	Name string
	Kind fs.FileMode // type bits only; 0 is a regular file
}

// Space is the room on a file system.
type Space struct {
	Free  int64 // bytes that this user may still take
	Block int64 // bytes in which files take room, at least 1
}

// ErrLocked is returned by Handle.TryLock when another opening of the file
// holds the lock.
var ErrLocked = errors.New("locked by another process")
