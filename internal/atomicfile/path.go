package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
)

// split parts a path into its folder, with the separator, and the last
// component. It does not clean the path: "link/.." is not "." when link is a
// symlink.
func split(path string) (dir, base string) { return filepath.Split(path) }

// orDot names the folder itself.
func orDot(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// checkTarget refuses a final name that cannot be, or without force must not
// be, replaced. It writes nothing.
func checkTarget(fsys FS, path string, force bool) error {
	dir, base := split(path)
	switch {
	case path == "":
		return badPath(path, "is empty: give a file name")
	case strings.ContainsRune(path, 0):
		return badPath(path, "holds a NUL byte")
	case base == "" || base == "." || base == "..":
		return badPath(path, "names a folder: give a file name")
	}
	if err := checkParent(fsys, path, dir); err != nil {
		return err
	}
	kind, err := fsys.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return lookError(path, err)
	case !kind.IsRegular():
		return &KindError{Path: path, Kind: kindName(kind), Want: "a file"}
	case !force:
		return &ExistsError{Path: path}
	}
	return nil
}

// checkParent refuses an output whose folder is not there.
func checkParent(fsys FS, path, dir string) error {
	kind, err := fsys.Stat(orDot(dir))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.BadInput(fmt.Errorf("atomicfile: output %s: folder %s does not exist: make it first",
			shown.Path(path), shown.Path(orDot(dir))))
	case err != nil:
		return lookError(path, err)
	case kind&fs.ModeDir == 0:
		return badPath(path, "lies in something that is not a folder")
	}
	return nil
}

// lookError sorts a failed look at a path: one that cannot exist is bad input,
// one that the system does not let us see is not.
func lookError(path string, err error) error {
	for _, wrong := range []error{syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EINVAL} {
		if errors.Is(err, wrong) {
			return badPath(path, "cannot be an output path: "+cause(err)+"; choose another")
		}
	}
	return fault.CannotRun(fmt.Errorf("atomicfile: cannot look at output %s: %w; check the path and its permissions",
		shown.Path(path), system{err}))
}

// system is an error of the system that shows its cause only: the message
// around it names the path as the user gave it.
type system struct{ err error }

func (e system) Error() string { return cause(e.err) }
func (e system) Unwrap() error { return e.err }

// trimSeparators removes the separators at the end of a folder's path, so that
// its last component can be looked at without following a symlink.
func trimSeparators(dir string) string {
	for len(dir) > len(filepath.VolumeName(dir))+1 && os.IsPathSeparator(dir[len(dir)-1]) {
		dir = dir[:len(dir)-1]
	}
	return dir
}
