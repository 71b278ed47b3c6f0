package plugins

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/shown"
)

// cacheFolder holds compiled Python files: they change from run to run and are
// no part of a plugin.
const cacheFolder = "__pycache__"

// treeFile is one file or folder of a plugin.
type treeFile struct {
	path string // relative, with the system's separator
	info fs.FileInfo
}

// tree lists a plugin's folder, folders before what is in them. It opens
// nothing, and refuses what cannot be copied and hashed alike on every system:
// links, sockets, pipes and devices, names with control characters or that
// differ in letter case only, and too much of anything. Caches are left out,
// or an error in a copy, where there are none.
func tree(dir string, isCopy bool) ([]treeFile, error) {
	var out []treeFile
	var bytes int64
	folded := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fault.CannotRun(&failure{fmt.Sprintf("cannot read %s: %s", shown.Path(path), reasonOf(err)), []error{ErrNotPlugin, err}})
		}
		if path == dir {
			return nil
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == cacheFolder && !isCopy {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return fault.CannotRun(&failure{fmt.Sprintf("cannot read %s: %s", shown.Path(path), reasonOf(err)), []error{ErrNotPlugin, err}})
		}
		refuse := func(format string, args ...any) error {
			return fail(ErrNotPlugin, shown.Path(relative)+" in the folder "+fmt.Sprintf(format, args...))
		}
		fold := strings.ToLower(relative)
		switch {
		case !info.IsDir() && !info.Mode().IsRegular():
			return refuse("is %s: a plugin's folder holds regular files only", kindOf(info.Mode()))
		case !plainName(d.Name()):
			return refuse("has a name that is not plain UTF-8 text: rename it")
		case folded[fold] != "":
			return refuse("and %s differ in letter case only: rename one", shown.Path(folded[fold]))
		}
		folded[fold] = relative
		out = append(out, treeFile{relative, info})
		if !info.IsDir() {
			bytes += info.Size()
		}
		if len(out) > maxTreeFiles || bytes > maxTreeBytes {
			return fail(ErrNotPlugin, fmt.Sprintf("the folder holds more than %d files or %d bytes: is this the right folder?", maxTreeFiles, int64(maxTreeBytes)), ErrTooLarge)
		}
		return nil
	})
	return out, err
}

func plainName(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl) && !strings.Contains(name, `\`)
}

// hashTree returns the hash of a copy, which must hold nothing but regular
// files and folders: dirhash follows links, and blocks at a pipe.
func hashTree(dir string) (string, error) {
	if _, err := tree(dir, true); err != nil {
		return "", err
	}
	h1, err := dirhash.HashDir(dir, "", dirhash.Hash1)
	if err != nil {
		return "", fault.CannotRun(fmt.Errorf("hash %s: %w", shown.Path(dir), err))
	}
	return h1, nil
}

// copyTree copies a plugin, a folder or one file, into the new folder dst, as
// the store keeps it: folders for the owner only, files that nobody may write
// to, executable ones executable.
func copyTree(dst string, c Candidate) error {
	if err := os.Mkdir(dst, 0o700); err != nil {
		return fault.CannotRun(err)
	}
	if c.Kind == Executable {
		base := filepath.Base(c.Path)
		if base == manifestName || base == pythonMain || !plainName(base) {
			return fail(ErrNotPlugin, fmt.Sprintf("a program cannot be called %s: rename it", shown.Quote(base)))
		}
		info, err := os.Lstat(c.Path)
		if err != nil {
			return fail(ErrNotPlugin, reasonOf(err), err)
		}
		return copyFile(filepath.Join(dst, base), c.Path, info)
	}
	files, err := tree(c.Path, false)
	if err != nil {
		return err
	}
	for _, f := range files {
		to := filepath.Join(dst, f.path)
		if f.info.IsDir() {
			err = os.Mkdir(to, 0o700)
		} else {
			err = copyFile(to, filepath.Join(c.Path, f.path), f.info)
		}
		if err != nil {
			return fault.CannotRun(err)
		}
	}
	return nil
}

// copyFile copies the very file that was looked at.
func copyFile(dst, src string, info fs.FileInfo) (err error) {
	from, _, err := inputfile.Open(src)
	if err != nil {
		return err
	}
	defer from.Close()
	now, err := from.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(info, now) || now.Size() > maxTreeBytes {
		return inputfile.Changed(src, 0)
	}
	mode := fs.FileMode(0o400)
	if executable(info) {
		mode = 0o500
	}
	to, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closed := to.Close(); err == nil {
			err = closed
		}
	}()
	n, err := io.Copy(to, io.LimitReader(from, now.Size()+1))
	if err == nil && n != now.Size() {
		err = inputfile.Changed(src, n)
	}
	if err != nil {
		return err
	}
	// The mode of a new file is cut by the user's mask.
	return to.Chmod(mode)
}
