package atomicfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"
)

// tempTail is what a temporary's name has after "." + final name: a dot, the
// digits, the ending. The ending is none that another program takes for a
// checkpoint.
const (
	tempDigits = 8
	tempEnd    = ".tmp"
	tempTail   = 1 + tempDigits + len(tempEnd)
)

// tempName returns a fresh temporary name for a final one.
func tempName(final string) string {
	var digits [tempDigits / 2]byte
	rand.Read(digits[:])
	return "." + final + "." + hex.EncodeToString(digits[:]) + tempEnd
}

// finalName returns the final name that a temporary was made for.
func finalName(temp string) (final string, ok bool) {
	rest, ok := strings.CutSuffix(temp, tempEnd)
	if !ok || !strings.HasPrefix(rest, ".") {
		return "", false
	}
	dot := strings.LastIndexByte(rest, '.')
	if dot <= 1 || len(rest)-dot-1 < tempDigits || strings.Trim(rest[dot+1:], "0123456789abcdef") != "" {
		return "", false
	}
	return rest[1:dot], true
}

// createTemp makes and opens a temporary beside a final name; dir ends in a
// separator or is empty. With lock the temporary is locked, so that another
// run does not take it for a dead one.
func createTemp(fsys FS, dir, final string, lock bool) (Handle, string, error) {
	const tries = 100
	for range tries {
		name := dir + tempName(final)
		h, err := fsys.Create(name)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil || !lock {
			return h, name, err
		}
		ours, err := lockTemp(h, name)
		if ours {
			return h, name, nil
		}
		_ = h.Close()
		if err != nil {
			_ = fsys.Remove(name)
			return nil, "", err
		}
	}
	return nil, "", errors.New("no temporary name is free")
}

// lockTemp locks a temporary just made. Another run may have found it before
// it was locked, and is about to remove it: then it is not ours any more.
func lockTemp(h Handle, name string) (ours bool, err error) {
	err = h.TryLock()
	switch {
	case errors.Is(err, ErrLocked):
		return false, nil
	case errors.Is(err, errors.ErrUnsupported):
		return true, nil
	case err != nil:
		return false, err
	}
	ours, err = h.Is(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return ours, err
}

// sweep removes the temporaries that killed runs left for the final names that
// mine accepts. One that is locked, or cannot be opened, locked or removed, is
// left alone: sweeping is a courtesy, and never a reason to fail.
func sweep(fsys FS, dir string, entries []Entry, mine func(final string) bool) {
	for _, e := range entries {
		final, ok := finalName(e.Name)
		if !ok || !e.Kind.IsRegular() || !mine(final) {
			continue
		}
		h, err := fsys.Open(dir+e.Name, false)
		if err != nil {
			continue
		}
		if h.TryLock() == nil {
			_ = fsys.Remove(dir + e.Name)
		}
		_ = h.Close()
	}
}
