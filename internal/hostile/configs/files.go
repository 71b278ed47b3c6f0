package configs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// fileCases are the rows about what is no ordinary file.
func fileCases() []Case {
	special := func(id, file string, write func(path string) error, mustName ...string) Case {
		return Case{ID: id, File: file, Verdict: Refuse, MustName: mustName, Write: func(dir string) (string, error) {
			path := filepath.Join(dir, file)
			return path, write(path)
		}}
	}
	device := special("C72", "zero", nil)
	device.Write = func(string) (string, error) {
		const path = "/dev/zero"
		if info, err := os.Stat(path); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
			return "", ErrNoSuchFile
		}
		return path, nil
	}
	return []Case{
		special("C69", "folder.json", func(path string) error { return os.Mkdir(path, 0o777) }, "directory"),
		special("C70", "missing.json", func(string) error { return nil }),
		special("C71", "pipe.json", makePipe),
		device,
		special("C93", "loop.json", func(path string) error { return symlink(filepath.Base(path), path) }),
	}
}

// linkTo writes contents beside a symbolic link to it.
func linkTo(contents string) func(dir string) (string, error) {
	return func(dir string) (string, error) {
		if err := os.WriteFile(filepath.Join(dir, "target.txt"), []byte(contents), 0o666); err != nil {
			return "", err
		}
		path := filepath.Join(dir, "link.json")
		return path, symlink("target.txt", path)
	}
}

func symlink(target, path string) error {
	err := os.Symlink(target, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return ErrNoSuchFile
	}
	return err
}

// sortByID sorts as the table: C1, C2, ... then VC1, ...
func sortByID(list []Case) {
	key := func(c Case) (prefix string, n int) {
		digits := strings.TrimLeft(c.ID, "CV")
		n, _ = strconv.Atoi(digits)
		return strings.TrimSuffix(c.ID, digits), n
	}
	slices.SortStableFunc(list, func(a, b Case) int {
		p, i := key(a)
		q, j := key(b)
		if p != q {
			return strings.Compare(p, q)
		}
		return i - j
	})
}
