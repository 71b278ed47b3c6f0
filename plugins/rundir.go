package plugins

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/weightinit/weightinit/internal/fault"
)

// runDirPrefix begins the names of run directories; the start of the run id
// follows, so that what a killed host left can be told from others' files.
const (
	runDirPrefix = "wi-"
	runDirDigits = 16
)

// runDir is the private working directory of one start of a plugin.
type runDir struct {
	path string
	lock *os.File // held while this process lives; nil where folders have no locks
}

// newRunID returns 32 hexadecimal digits.
func newRunID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// runDirBases are the folders in which a run directory may lie, best first.
func runDirBases() []string {
	var out []string
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), shortTemp} {
		if dir == "" || !filepath.IsAbs(dir) {
			continue
		}
		// A plugin may learn its working directory from the system, which
		// resolves links; the socket's path must begin the same.
		if dir, err := filepath.EvalSymlinks(dir); err == nil {
			out = append(out, dir)
		}
	}
	return out
}

// newRunDir makes the run directory of a run id, in the first of bases where it
// can be made and its path is short: the path of a socket in it must fit into
// what the system allows.
func newRunDir(bases []string, runID string) (*runDir, error) {
	var problems []string
	for _, base := range bases {
		path := filepath.Join(base, runDirPrefix+runID[:runDirDigits])
		if shortPaths && len(path) > maxRunDirPath {
			problems = append(problems, fmt.Sprintf("%s has %d bytes, the limit is %d", said(path), len(path), maxRunDirPath))
			continue
		}
		sweepRunDirs(base)
		if err := os.Mkdir(path, 0o700); err != nil {
			problems = append(problems, said(path)+": "+reasonOf(err))
			continue
		}
		lock, err := lockRunDir(path)
		if err != nil {
			_ = os.Remove(path)
			problems = append(problems, said(path)+": "+reasonOf(err))
			continue
		}
		return &runDir{path: path, lock: lock}, nil
	}
	return nil, fault.CannotRun(&failure{
		"no working directory for it: " + strings.Join(problems, ", ") + ": set XDG_RUNTIME_DIR or TMPDIR to a short path that you may write to",
		[]error{ErrStart},
	})
}

// remove deletes the directory with all that the plugin put into it. It may be
// called again.
func (d *runDir) remove() error {
	if d == nil || d.path == "" {
		return nil
	}
	err := removeTree(d.path)
	if d.lock != nil {
		_ = d.lock.Close()
		d.lock = nil
	}
	if err == nil {
		d.path = ""
	}
	return err
}

// removeTree is os.RemoveAll, also for folders that their owner may not write
// to. It follows no link.
func removeTree(path string) error {
	err := os.RemoveAll(path)
	if err == nil {
		return nil
	}
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(p, 0o700)
			if errors.Is(err, fs.ErrPermission) {
				return nil
			}
		}
		return nil
	})
	return os.RemoveAll(path)
}

var swept sync.Map // base folders that this process has swept

// sweepRunDirs removes the run directories of hosts that died, once a process
// and folder, and ends what they left running. It is a courtesy and never a
// reason to fail.
func sweepRunDirs(base string) {
	if _, done := swept.LoadOrStore(base, true); done {
		return
	}
	sweepNow(base)
}

func sweepNow(base string) {
	stale, err := filepath.Glob(filepath.Join(globEscape(base), runDirPrefix+strings.Repeat("[0-9a-f]", runDirDigits)))
	if err != nil {
		return
	}
	for _, path := range stale {
		lock, ok := takeStale(path)
		if !ok {
			continue
		}
		killRun(filepath.Base(path)[len(runDirPrefix):])
		_ = (&runDir{path: path, lock: lock}).remove()
	}
}

// globEscape makes a folder's name stand for itself in a pattern.
func globEscape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}
