package plugins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
)

// The store holds private copies of the plugins that this user added on this
// computer. Only what is there is ever started from a lock file.

// StoreDir returns the store's folder: the one that WEIGHTINIT_PLUGIN_DIR
// names, else the user's data directory for weightinit/plugins.
func StoreDir() (string, error) {
	if dir := os.Getenv("WEIGHTINIT_PLUGIN_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	base, err := dataDir()
	if err != nil {
		return "", fault.CannotRun(fmt.Errorf("plugins: no folder for private copies: %w: set WEIGHTINIT_PLUGIN_DIR", err))
	}
	return filepath.Join(base, "weightinit", "plugins"), nil
}

func dataDir() (string, error) {
	if runtime.GOOS == "windows" {
		if dir := os.Getenv("LOCALAPPDATA"); dir != "" {
			return dir, nil
		}
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	switch runtime.GOOS {
	case "darwin":
		return filepath.Join(home, "Library", "Application Support"), nil
	case "windows":
		return filepath.Join(home, "AppData", "Local"), nil
	default:
		return filepath.Join(home, ".local", "share"), nil
	}
}

// orStoreDir is dir, or the default when it is empty, without links.
func orStoreDir(dir string) (string, error) {
	if dir == "" {
		var err error
		if dir, err = StoreDir(); err != nil {
			return "", err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fault.CannotRun(err)
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real, nil
	}
	return dir, nil
}

// checkPrivate refuses a folder of the store that somebody else could change.
func checkPrivate(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if problem := notPrivate(info); problem != "" {
		return fail(ErrLock, fmt.Sprintf("the folder %s of the store %s: it must be a folder of this user with permissions 0700; not started", shown.Path(dir), problem))
	}
	return nil
}

// verifyLocked compares a locked plugin's copy with its hash; others pass. It
// reads the very folder that runs, at every start.
func (c Candidate) verifyLocked() error {
	if c.locked == nil {
		return nil
	}
	return verifyCopy(c.store, *c.locked)
}

func verifyCopy(store string, e Entry) error {
	dir := filepath.Join(store, e.Path)
	if err := checkPrivate(store); err != nil {
		return notInstalled(e, err)
	}
	if err := checkPrivate(dir); err != nil {
		return notInstalled(e, err)
	}
	h1, err := hashTree(dir)
	if err != nil {
		return fail(ErrLock, fmt.Sprintf("its private copy differs from %s: %s; not started: weightinit plugins add it again", LockName, err), err)
	}
	if h1 != e.H1 {
		return fail(ErrLock, fmt.Sprintf("differs from %s (%s is locked, %s is there); not started: weightinit plugins add it again", LockName, e.H1, h1))
	}
	return nil
}

// notInstalled explains a copy that is not there.
func notInstalled(e Entry, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fail(ErrLock, fmt.Sprintf("is in %s but was not added on this computer (%s); not started: if you trust it, run weightinit plugins add PATH", LockName, e.H1), err)
}

// lockedCandidate finds what to run in the copy of an entry. A copy that is
// missing or changed is found when it is started.
func lockedCandidate(store string, e Entry) (Candidate, error) {
	c := Candidate{Name: e.Name, locked: &e, store: store}
	if err := verifyCopy(store, e); err != nil {
		return c, c.wrap("", err)
	}
	dir := filepath.Join(store, e.Path)
	found, err := copied(Candidate{Path: dir})
	if err != nil {
		return c, c.wrap("", fail(ErrLock, err.Error(), err))
	}
	if found.Name != "" && found.Name != e.Name {
		return c, c.wrap("", fail(ErrLock, fmt.Sprintf("its manifest says that it is %q; not started", found.Name)))
	}
	found.Name, found.locked, found.store = e.Name, &e, store
	return found, nil
}

// copied finds what to run in the private copy c.Path: a program that was
// added as a file is the only thing in it.
func copied(c Candidate) (Candidate, error) {
	files, err := os.ReadDir(c.Path)
	if err != nil {
		return c, fault.CannotRun(err)
	}
	if len(files) == 1 && files[0].Type().IsRegular() && files[0].Name() != manifestName && files[0].Name() != pythonMain {
		c.Path, c.Kind = filepath.Join(c.Path, files[0].Name()), Executable
		return c, nil
	}
	return folder(c)
}

// AddOptions say how a plugin is added.
type AddOptions struct {
	// LockFile is the lock file to write.
	LockFile string
	// Store is the store's folder; empty means [StoreDir].
	Store string
	// Replace allows another plugin or version of a name that is locked.
	Replace bool
	// Locked adds the plugin only if the lock file has its hash already, and
	// leaves the lock file as it is.
	Locked bool
	// Taken reports whether a mode of this process has a name; it may be nil.
	Taken func(name string) bool
	// Launch says how the plugin is started.
	Launch Options
}

// Add is the user's consent to run a plugin: it copies the plugin into the
// store, starts the copy once, and writes what it is into the lock file. After
// an error neither the store nor the lock file has changed.
func Add(ctx context.Context, path string, opt AddOptions) (Entry, error) {
	c, err := Discover(path)
	if err != nil {
		return Entry{}, err
	}
	e, err := add(ctx, c, opt)
	return e, c.wrap("", err)
}

func add(ctx context.Context, c Candidate, opt AddOptions) (Entry, error) {
	store, err := orStoreDir(opt.Store)
	if err != nil {
		return Entry{}, err
	}
	unlock, err := openStore(store)
	if err != nil {
		return Entry{}, err
	}
	defer unlock()
	entries, err := ReadLock(opt.LockFile)
	if err != nil {
		return Entry{}, err
	}
	temp := filepath.Join(store, tempPrefix+newRunID()[:16])
	defer removeTree(temp)
	if err := copyTree(temp, c); err != nil {
		return Entry{}, err
	}
	h1, err := hashTree(temp)
	if err != nil {
		return Entry{}, err
	}
	same := func(e Entry) bool { return e.H1 == h1 && e.fits() }
	if opt.Locked && !slices.ContainsFunc(entries, same) {
		return Entry{}, fail(ErrLock, fmt.Sprintf("its hash %s is not in %s; not started: check where it comes from, or add it unlocked", h1, shown.Path(opt.LockFile)), ErrNotLocked)
	}
	e, err := tryCopy(ctx, temp, h1, c, opt)
	if err != nil {
		return Entry{}, err
	}
	merged, err := merge(entries, e, opt)
	if err != nil {
		return Entry{}, err
	}
	if err := install(temp, filepath.Join(store, e.Path), h1); err != nil {
		return Entry{}, err
	}
	if opt.Locked {
		return e, nil
	}
	return e, writeLock(opt.LockFile, merged)
}

// tryCopy starts the copy once and returns the entry for it. The hash must
// not change by the start: it would never match again.
func tryCopy(ctx context.Context, temp, h1 string, c Candidate, opt AddOptions) (Entry, error) {
	copy, err := copied(Candidate{Given: c.Given, Path: temp})
	if err != nil {
		return Entry{}, err
	}
	p, err := Launch(ctx, copy, opt.Launch)
	if err != nil {
		return Entry{}, err
	}
	defer p.Stop()
	d, err := p.Describe(ctx, opt.Taken)
	if err != nil {
		return Entry{}, err
	}
	native, err := isNative(copy)
	if err != nil {
		return Entry{}, err
	}
	p.Stop()
	after, err := hashTree(temp)
	if err != nil {
		return Entry{}, err
	}
	if after != h1 {
		return Entry{}, fail(ErrLock, "it changes the files of its own folder when it runs: it cannot be locked; let it write to its working directory")
	}
	e := entryOf(d)
	e.H1, e.Path = h1, storeName(e.Name, h1)
	if native {
		e.Platform = platform
	}
	return e, nil
}

// merge returns the entries with e in the place of older ones of its name.
func merge(entries []Entry, e Entry, opt AddOptions) ([]Entry, error) {
	var out []Entry
	for _, have := range entries {
		samePlace := have.Version == e.Version && have.Platform == e.Platform
		switch {
		case have.Name != e.Name:
			out = append(out, have)
		case opt.Locked:
			if have.H1 == e.H1 && have.fits() && !have.equal(withPlatform(e, have.Platform)) {
				return nil, fail(ErrLock, fmt.Sprintf("says of itself what %s does not say: version %s, modes %s", shown.Path(opt.LockFile), shown.Cut(e.Version, 64), modeList(e.Modes)))
			}
		case samePlace && have.H1 == e.H1:
		case have.Version == e.Version && have.Platform != e.Platform:
			out = append(out, have)
		case !opt.Replace:
			return nil, fault.BadInput(&failure{
				fmt.Sprintf("the name %q is locked already, version %s with %s, this is version %s with %s: replace it to take this one", e.Name, shown.Cut(have.Version, 64), have.H1, shown.Cut(e.Version, 64), e.H1),
				[]error{ErrLock, ErrNameLocked},
			})
		}
	}
	return append(out, e), nil
}

func withPlatform(e Entry, platform string) Entry {
	e.Platform = platform
	return e
}

func modeList(modes []LockedMode) string {
	names := make([]string, len(modes))
	for i, m := range modes {
		names[i] = fmt.Sprintf("%s@%d", m.ID, m.Version)
	}
	return strings.Join(names, ", ")
}

// install gives a copy its final name. A copy that is there and sound stays.
func install(temp, final, h1 string) error {
	if have, err := hashTree(final); err == nil && have == h1 && checkPrivate(final) == nil {
		return nil
	}
	if err := removeTree(final); err != nil {
		return fault.CannotRun(fmt.Errorf("replace the private copy: %w", err))
	}
	if err := os.Rename(temp, final); err != nil {
		return fault.CannotRun(fmt.Errorf("keep the private copy: %w", err))
	}
	return nil
}

// tempPrefix begins the names of copies that are not finished.
const tempPrefix = ".tmp-"

// openStore makes the store, takes its lock and removes unfinished copies of
// dead processes. unlock gives the lock up.
func openStore(store string) (unlock func(), err error) {
	if err := os.MkdirAll(store, 0o700); err != nil {
		return nil, fault.CannotRun(fmt.Errorf("make the store: %w", err))
	}
	if err := checkPrivate(store); err != nil {
		return nil, err
	}
	unlock, err = lockStore(store)
	if err != nil {
		return nil, fault.CannotRun(fmt.Errorf("lock the store %s: %w", shown.Path(store), err))
	}
	if left, err := filepath.Glob(filepath.Join(globEscape(store), tempPrefix+"*")); err == nil {
		for _, dir := range left {
			_ = removeTree(dir)
		}
	}
	return unlock, nil
}

// State says how a private copy stands to its entry.
type State string

// The states.
const (
	StateOK        State = "ok"
	StateMissing   State = "missing"
	StateChanged   State = "changed"
	StateElsewhere State = "other platform"
)

// Status is one entry of a lock file and the state of its copy.
type Status struct {
	Entry Entry
	State State
	// Problem says what is wrong, one line; empty for StateOK.
	Problem string
	// Python is the interpreter that would run it, which the hash does not
	// cover; empty for other plugins, or when there is none.
	Python string
}

// List returns what a lock file holds, each compared with its copy. It starts
// nothing. An entry for another platform is not compared.
func List(lockFile, store, python string) ([]Status, error) {
	entries, err := ReadLock(lockFile)
	if err != nil {
		return nil, err
	}
	if store, err = orStoreDir(store); err != nil {
		return nil, err
	}
	sortEntries(entries)
	out := make([]Status, len(entries))
	for i, e := range entries {
		out[i] = statusOf(store, e, python)
	}
	return out, nil
}

func statusOf(store string, e Entry, python string) Status {
	s := Status{Entry: e, State: StateOK}
	if !e.fits() {
		s.State, s.Problem = StateElsewhere, "is for "+e.Platform
		return s
	}
	c, err := lockedCandidate(store, e)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.State, s.Problem = StateMissing, err.Error()
	case err != nil:
		s.State, s.Problem = StateChanged, err.Error()
	case c.Kind == Python:
		s.Python, _ = findPython(python)
	}
	return s
}

// Verify is [List], and reports whether every entry for this platform is
// unchanged.
func Verify(lockFile, store string) (all []Status, ok bool, err error) {
	all, err = List(lockFile, store, "")
	ok = err == nil && !slices.ContainsFunc(all, func(s Status) bool {
		return s.State == StateMissing || s.State == StateChanged
	})
	return all, ok, err
}

// Remove takes a plugin out of a lock file and, without keep, its copies out
// of the store. A name that is not locked is an error of the input.
func Remove(name, lockFile, store string, keep bool) error {
	store, err := orStoreDir(store)
	if err != nil {
		return err
	}
	unlock, err := openStore(store)
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := ReadLock(lockFile)
	if err != nil {
		return err
	}
	var rest []Entry
	var known []string
	for _, e := range entries {
		if known = append(known, e.Name); e.Name != name {
			rest = append(rest, e)
		}
	}
	if len(rest) == len(entries) {
		text := fmt.Sprintf("is not in %s, which holds none", shown.Path(lockFile))
		if len(known) > 0 {
			text = fmt.Sprintf("is not in %s, which holds %s", shown.Path(lockFile), strings.Join(slices.Compact(known), ", "))
		}
		return &Error{Plugin: name, Err: fault.BadInput(&failure{text, []error{ErrLock}})}
	}
	if err := writeLock(lockFile, rest); err != nil {
		return err
	}
	if keep {
		return nil
	}
	for _, e := range entries {
		if e.Name != name {
			continue
		}
		if err := removeTree(filepath.Join(store, e.Path)); err != nil {
			return fault.CannotRun(fmt.Errorf("plugins: remove the private copy: %w", err))
		}
	}
	return nil
}
