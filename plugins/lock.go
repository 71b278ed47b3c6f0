package plugins

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/plugins/internal/wire"
)

// LockName is the lock file's usual name, beside the user's work.
const LockName = "weightinit.lock"

var (
	platformRule = regexp.MustCompile(`^[a-z0-9]{1,32}/[a-z0-9]{1,32}$`)
	pathRule     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}-[A-Za-z0-9_-]{43}$`)
)

// isVersion reports whether a text is a semantic version with all three
// numbers and nothing before them.
func isVersion(s string) bool {
	v := "v" + s
	return len(s) <= wire.MaxVersion && semver.IsValid(v) && semver.Canonical(v)+semver.Build(v) == v
}

// lockVersion is the version of the lock file's form.
const lockVersion = 1

// LockedMode is one version of one mode.
type LockedMode struct {
	ID      string
	Version int
}

// Entry is one plugin of a lock file: what the user has agreed to run.
type Entry struct {
	Name    string
	Version string
	// Platform is like "linux/arm64"; empty fits all.
	Platform string
	// Path is the folder of the private copy, relative to the store.
	Path string
	// H1 is the hash of the private copy.
	H1 string
	// Protocol is the package of the protocol's major version.
	Protocol string
	// Features and Modes are what the plugin said of itself, sorted.
	Features []string
	Modes    []LockedMode
}

// fits reports whether the entry is for the running platform.
func (e Entry) fits() bool { return e.Platform == "" || e.Platform == platform }

const platform = runtime.GOOS + "/" + runtime.GOARCH

// equal reports whether two entries are the same in every field.
func (e Entry) equal(o Entry) bool {
	return e.Name == o.Name && e.Version == o.Version && e.Platform == o.Platform && e.Path == o.Path &&
		e.H1 == o.H1 && e.Protocol == o.Protocol && slices.Equal(e.Features, o.Features) && slices.Equal(e.Modes, o.Modes)
}

// sorted returns a copy whose lists are in the order of a lock file.
func (e Entry) sorted() Entry {
	e.Features, e.Modes = slices.Clone(e.Features), slices.Clone(e.Modes)
	slices.Sort(e.Features)
	sortModes(e.Modes)
	return e
}

// ReadLock reads a lock file. One that does not exist has no entries. A file
// that does not parse, or names a plugin twice for one platform, is an error
// of the input that wraps [ErrLock].
func ReadLock(path string) ([]Entry, error) {
	text, err := inputfile.ReadAll(path, maxLockBytes, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("lock file %w", err)
	}
	entries, err := parseLock(text)
	if err != nil {
		return nil, fault.BadInput(&failure{
			"lock file " + shown.Path(path) + ": " + whereIs(text, err) + ": restore the file, or remove it and add the plugins again",
			[]error{ErrLock, err},
		})
	}
	return entries, nil
}

// placed is an error at a byte of the text.
func placed(p *strictjson.Parser, offset int64, text []byte, format string, args ...any) error {
	if offset < 0 {
		offset = p.Offset()
	}
	line, column := position(text, offset)
	return fmt.Errorf("line %d, column %d: %s", line, column, fmt.Sprintf(format, args...))
}

// lockReader reads the form of a lock file; every fault names its place.
type lockReader struct {
	*strictjson.Parser
	text []byte
}

func (r lockReader) wrong(offset int64, format string, args ...any) error {
	return placed(r.Parser, offset, r.text, format, args...)
}

// parseLock reads the text of a lock file. Every key is there exactly once;
// "platform" may be missing.
func parseLock(text []byte) ([]Entry, error) {
	r := lockReader{strictjson.New(text, 8), text}
	var entries []Entry
	version, listed := false, false
	err := r.Object(func(key string, at int64) error {
		switch key {
		case "version":
			version = true
			where := r.Offset()
			n, err := r.Number()
			if err == nil && n != strconv.Itoa(lockVersion) {
				return r.wrong(where, "version %s is not known, this weightinit reads %d: take a newer weightinit", shown.Quote(n), lockVersion)
			}
			return err
		case "plugins":
			listed = true
			return r.Array(func(i int) error {
				if i == maxLocked {
					return r.wrong(-1, "more than %d plugins", maxLocked)
				}
				e, err := r.entry()
				entries = append(entries, e)
				return err
			})
		}
		return r.wrong(at, "unknown key %s", shown.Quote(key))
	})
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return nil, err
	}
	if !version || !listed {
		return nil, r.wrong(0, `"version" and "plugins" must be there`)
	}
	return entries, checkEntries(entries)
}

var entryKeys = []string{"name", "version", "path", "h1", "protocol", "features", "modes"}

func (r lockReader) entry() (Entry, error) {
	var e Entry
	begin := r.Offset()
	seen := map[string]bool{}
	err := r.Object(func(key string, at int64) error {
		seen[key] = true
		texts := map[string]*string{
			"name": &e.Name, "version": &e.Version, "platform": &e.Platform, "path": &e.Path, "h1": &e.H1, "protocol": &e.Protocol,
		}
		where := r.Offset()
		if dst, ok := texts[key]; ok {
			s, err := r.String()
			if *dst = s; err != nil {
				return err
			}
			if problem := e.problem(key); problem != "" {
				return r.wrong(where, "%s", problem)
			}
			return nil
		}
		switch key {
		case "features":
			e.Features = []string{}
			return r.Array(func(i int) error {
				where := r.Offset()
				s, err := r.String()
				if err == nil && (i == wire.MaxFeatures || !wire.FeatureRule.MatchString(s)) {
					return r.wrong(where, "feature %s must match %s, and there may be %d", shown.Quote(s), wire.FeatureRule, wire.MaxFeatures)
				}
				e.Features = append(e.Features, s)
				return err
			})
		case "modes":
			return r.Array(func(i int) error {
				if i == wire.MaxModes {
					return r.wrong(-1, "more than %d modes", wire.MaxModes)
				}
				m, err := r.mode()
				e.Modes = append(e.Modes, m)
				return err
			})
		}
		return r.wrong(at, "unknown key %s", shown.Quote(key))
	})
	if err != nil {
		return e, err
	}
	for _, key := range entryKeys {
		if !seen[key] {
			return e, r.wrong(begin, "key %q is missing", key)
		}
	}
	switch {
	case len(e.Modes) == 0:
		return e, r.wrong(begin, "plugin %q has no modes", e.Name)
	case e.Path != storeName(e.Name, e.H1):
		return e, r.wrong(begin, "path %s does not belong to the name and the hash, it must be %s", shown.Quote(e.Path), shown.Quote(storeName(e.Name, e.H1)))
	}
	return e, nil
}

func (r lockReader) mode() (LockedMode, error) {
	var m LockedMode
	begin := r.Offset()
	err := r.Object(func(key string, at int64) error {
		where := r.Offset()
		switch key {
		case "id":
			s, err := r.String()
			if err == nil && !wire.ModeRule.MatchString(s) {
				return r.wrong(where, "mode %s must match %s", shown.Quote(s), wire.ModeRule)
			}
			m.ID = s
			return err
		case "version":
			n, err := r.Number()
			if err != nil {
				return err
			}
			v, err := strconv.ParseInt(n, 10, 32)
			if err != nil || v < 1 || v > math.MaxInt32 {
				return r.wrong(where, "version %s must be a whole number from 1", shown.Quote(n))
			}
			m.Version = int(v)
			return nil
		}
		return r.wrong(at, "unknown key %s", shown.Quote(key))
	})
	if err == nil && (m.ID == "" || m.Version == 0) {
		err = r.wrong(begin, `a mode must have "id" and "version"`)
	}
	return m, err
}

// problem says what is wrong with the text of one key, or "".
func (e Entry) problem(key string) string {
	switch key {
	case "name":
		return checkPluginName(e.Name)
	case "version":
		if !isVersion(e.Version) {
			return fmt.Sprintf("version %s is not a semantic version", shown.Quote(e.Version))
		}
	case "platform":
		if !platformRule.MatchString(e.Platform) {
			return fmt.Sprintf("platform %s must be like \"linux/arm64\"", shown.Quote(e.Platform))
		}
	case "path":
		if !isElement(e.Path) {
			return fmt.Sprintf("path %s must be one name inside the store", shown.Quote(e.Path))
		}
	case "h1":
		if _, ok := hashBytes(e.H1); !ok {
			return fmt.Sprintf("h1 %s is not a hash of the form \"h1:…\"", shown.Quote(e.H1))
		}
	case "protocol":
		if e.Protocol != protocolName {
			return fmt.Sprintf("protocol %s is not known, this weightinit speaks %q: take a weightinit that speaks it", shown.Quote(e.Protocol), protocolName)
		}
	}
	return ""
}

// isElement reports whether a path is one name: not absolute, no separator of
// any system, not a step upward, nothing hidden.
func isElement(path string) bool {
	return pathRule.MatchString(path) && filepath.IsLocal(path)
}

// hashBytes returns the SHA-256 of an "h1:" hash in its canonical spelling.
func hashBytes(h1 string) ([]byte, bool) {
	text, ok := strings.CutPrefix(h1, "h1:")
	sum, err := base64.StdEncoding.Strict().DecodeString(text)
	return sum, ok && err == nil && len(sum) == 32
}

// storeName is the name of a private copy in the store.
func storeName(name, h1 string) string {
	sum, _ := hashBytes(h1)
	return name + "-" + base64.RawURLEncoding.EncodeToString(sum)
}

// checkEntries finds what contradicts itself between entries: a name twice for
// one platform, and two versions of one name.
func checkEntries(entries []Entry) error {
	seen := map[string]Entry{}
	for _, e := range entries {
		for _, have := range seen {
			if have.Name == e.Name && have.Version != e.Version {
				return fmt.Errorf("plugin %q is there in versions %s and %s", e.Name, shown.Cut(have.Version, 64), shown.Cut(e.Version, 64))
			}
		}
		key := e.Name + " " + e.Platform
		if _, twice := seen[key]; twice {
			return fmt.Errorf("plugin %q is there twice for the same platform", e.Name)
		}
		seen[key] = e
		modes := map[LockedMode]bool{}
		for _, m := range e.Modes {
			if modes[m] {
				return fmt.Errorf("plugin %q has the mode %s@%d twice", e.Name, m.ID, m.Version)
			}
			modes[m] = true
		}
	}
	return nil
}

// chosen returns the entries for the running platform, one a plugin: one that
// names the platform before one that fits all.
func chosen(entries []Entry) []Entry {
	best := map[string]Entry{}
	for _, e := range entries {
		if have, ok := best[e.Name]; e.fits() && (!ok || have.Platform == "") {
			best[e.Name] = e
		}
	}
	var out []Entry
	for _, e := range best {
		out = append(out, e)
	}
	sortEntries(out)
	return out
}

func sortEntries(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Platform, b.Platform))
	})
}

// encodeLock writes entries in the one form that they have: keys in a fixed
// order, plugins by name, modes by id and version, features sorted.
func encodeLock(entries []Entry) []byte {
	entries = slices.Clone(entries)
	sortEntries(entries)
	var b bytes.Buffer
	quote := func(s string) string { return string(strictjson.AppendString(nil, s)) }
	fmt.Fprintf(&b, "{\n  \"version\": %d,\n  \"plugins\": [", lockVersion)
	for i, e := range entries {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "\n    {\n      \"name\": %s,\n      \"version\": %s,\n", quote(e.Name), quote(e.Version))
		if e.Platform != "" {
			fmt.Fprintf(&b, "      \"platform\": %s,\n", quote(e.Platform))
		}
		fmt.Fprintf(&b, "      \"path\": %s,\n      \"h1\": %s,\n      \"protocol\": %s,\n", quote(e.Path), quote(e.H1), quote(e.Protocol))
		b.WriteString("      \"features\": [")
		e = e.sorted()
		for j, f := range e.Features {
			fmt.Fprintf(&b, "%s\n        %s", comma(j), quote(f))
		}
		closeList(&b, len(e.Features), "      ")
		b.WriteString(",\n      \"modes\": [")
		for j, m := range e.Modes {
			fmt.Fprintf(&b, "%s\n        {\n          \"id\": %s,\n          \"version\": %d\n        }", comma(j), quote(m.ID), m.Version)
		}
		closeList(&b, len(e.Modes), "      ")
		b.WriteString("\n    }")
	}
	closeList(&b, len(entries), "  ")
	b.WriteString("\n}\n")
	return b.Bytes()
}

func comma(i int) string {
	if i > 0 {
		return ","
	}
	return ""
}

// closeList ends a list; an empty one stays on its line.
func closeList(b *bytes.Buffer, n int, indent string) {
	if n > 0 {
		b.WriteString("\n" + indent)
	}
	b.WriteString("]")
}

func sortModes(modes []LockedMode) {
	slices.SortFunc(modes, func(a, b LockedMode) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version))
	})
}

// writeLock replaces the lock file. A reader finds the old one or the new one.
func writeLock(path string, entries []Entry) error {
	if err := checkEntries(entries); err != nil {
		return fault.BadInput(&failure{"lock file " + shown.Path(path) + ": " + err.Error(), []error{ErrLock}})
	}
	text := encodeLock(entries)
	if len(text) > maxLockBytes || len(entries) > maxLocked {
		return fault.BadInput(&failure{fmt.Sprintf("lock file %s: %d plugins in %d bytes, the limits are %d and %d", shown.Path(path), len(entries), len(text), maxLocked, maxLockBytes), []error{ErrLock, ErrTooLarge}})
	}
	f, err := atomicfile.Create(atomicfile.OS(), path, int64(len(text)), atomicfile.Options{Force: true})
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.WriteAt(text, 0); err != nil {
		return err
	}
	return f.Commit()
}
