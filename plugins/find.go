package plugins

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
)

// Find returns the plugin that a user means: one of the lock file by its name,
// else the one at a path.
func Find(nameOrPath, lockFile, store string) (Candidate, error) {
	entries, err := ReadLock(lockFile)
	if err != nil {
		return Candidate{}, err
	}
	for _, e := range chosen(entries) {
		if e.Name != nameOrPath {
			continue
		}
		if store, err = orStoreDir(store); err != nil {
			return Candidate{}, err
		}
		return lockedCandidate(store, e)
	}
	return Discover(nameOrPath)
}

// Hash returns the hash that the private copy of a plugin has, or would have
// if it was added now. It copies nothing.
func (c Candidate) Hash() (string, error) {
	if c.locked != nil {
		return c.locked.H1, nil
	}
	root, names := c.Path, []string{}
	if c.Kind == Executable {
		root, names = filepath.Dir(c.Path), []string{filepath.Base(c.Path)}
	} else {
		files, err := tree(c.Path, false)
		if err != nil {
			return "", c.wrap("", err)
		}
		for _, f := range files {
			if !f.info.IsDir() {
				names = append(names, filepath.ToSlash(f.path))
			}
		}
	}
	h1, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(root, filepath.FromSlash(name)))
	})
	if err != nil {
		return "", c.wrap("", fault.CannotRun(fmt.Errorf("hash %s: %w", shown.Path(c.Path), err)))
	}
	return h1, nil
}
