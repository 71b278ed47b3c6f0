//go:build linux

package plugins

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/sys/unix"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/registry"
)

// pluginFolder is a folder that plays an act, with a file beside its program.
func pluginFolder(t testing.TB, name, act string, args ...string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "bin"), 0o755))
	program := fmt.Sprintf("#!/bin/sh\nexec %s hostile %s \"$0\" %s\n", self, act, strings.Join(args, " "))
	if act == "named" {
		program = fmt.Sprintf("#!/bin/sh\nexec %s hostile %s %s\n", self, act, strings.Join(args, " "))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bin", "run"), []byte(program), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data.txt"), []byte("some data"), 0o644))
	manifest := fmt.Sprintf(`{"manifest": 1, "name": %q, "run": ["bin/run"]}`, name)
	require.NoError(t, os.WriteFile(filepath.Join(dir, manifestName), []byte(manifest), 0o644))
	return dir
}

// place is a lock file, a store, and what was started.
type place struct {
	t testing.TB
	*runs
	lock, store string
}

func newPlace(t testing.TB) *place {
	dir := t.TempDir()
	return &place{t: t, runs: watch(t), lock: filepath.Join(dir, LockName), store: filepath.Join(dir, "store")}
}

func (p *place) options() AddOptions {
	return AddOptions{LockFile: p.lock, Store: p.store, Launch: p.runs.options(patient())}
}

func (p *place) add(path string) Entry {
	p.t.Helper()
	e, err := Add(context.Background(), path, p.options())
	require.NoError(p.t, err)
	return e
}

// host is a host with the lock file.
func (p *place) host() *Host {
	p.t.Helper()
	h := NewHost(HostOptions{Options: p.runs.options(patient()), Store: p.store})
	p.t.Cleanup(h.Close)
	require.NoError(p.t, h.AddLock(p.lock))
	return h
}

// run lets a mode of the lock assign.
func (p *place) run(name string) error {
	h := p.host()
	defer h.Close()
	r := registry.New()
	if err := h.Register(context.Background(), r, name); err != nil {
		return err
	}
	info, err := r.Lookup(name)
	if err != nil {
		return err
	}
	_, err = info.New().Assign(context.Background(), small2())
	return err
}

func TestAddCopiesHashesAndLocks(t *testing.T) {
	p := newPlace(t)
	folder := pluginFolder(t, "corp", "good")
	require.NoError(t, os.Mkdir(filepath.Join(folder, cacheFolder), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, cacheFolder, "x.pyc"), []byte("x"), 0o644))
	e := p.add(folder)
	require.Equal(t, "corp", e.Name)
	require.Equal(t, 1, p.started())
	p.nothingLeft()
	copy := filepath.Join(p.store, e.Path)
	h1, err := dirhash.HashDir(copy, "", dirhash.Hash1)
	require.NoError(t, err)
	require.Equal(t, e.H1, h1)
	modes := map[string]fs.FileMode{}
	require.NoError(t, filepath.WalkDir(p.store, func(path string, d fs.DirEntry, err error) error {
		info, _ := d.Info()
		relative, _ := filepath.Rel(p.store, path)
		modes[strings.Replace(relative, e.Path, "COPY", 1)] = info.Mode().Perm()
		return err
	}))
	require.Equal(t, map[string]fs.FileMode{
		".": 0o700, "COPY": 0o700, "COPY/bin": 0o700, "COPY/bin/run": 0o500, "COPY/data.txt": 0o400, "COPY/plugin.json": 0o400,
	}, modes)
	text, err := os.ReadFile(p.lock)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf(`{
  "version": 1,
  "plugins": [
    {
      "name": "corp",
      "version": "1.4.0",
      "path": "%s",
      "h1": "%s",
      "protocol": "weightinit.mode.v1",
      "features": [
        "fill",
        "fill.range"
      ],
      "modes": [
        {
          "id": "flat",
          "version": 1
        },
        {
          "id": "wide",
          "version": 1
        },
        {
          "id": "wide",
          "version": 2
        }
      ]
    }
  ]
}
`, e.Path, e.H1), string(text))
	require.Regexp(t, `^corp-[A-Za-z0-9_-]{43}$`, e.Path)
	// Again: the same bytes, the same store.
	require.Equal(t, e, p.add(folder))
	again, err := os.ReadFile(p.lock)
	require.NoError(t, err)
	require.Equal(t, text, again)
	require.NoError(t, p.run("corp.wide"))
	p.nothingLeft()
}

func TestAddTakesOneFileToo(t *testing.T) {
	p := newPlace(t)
	self, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "tool")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\nexec %s hostile good\n", self), 0o755))
	e := p.add(path)
	require.Empty(t, e.Platform, "a script runs everywhere")
	require.NoError(t, os.Remove(path))
	require.NoError(t, p.run("corp.wide@1"))
	status, ok, err := Verify(p.lock, p.store)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, StateOK, status[0].State)
	p.nothingLeft()
}

func TestEveryTamperingIsRefusedAndStartsNothing(t *testing.T) {
	replace := func(old, new string) func(*place, Entry) error {
		return func(p *place, _ Entry) error {
			text, err := os.ReadFile(p.lock)
			if err != nil {
				return err
			}
			if !strings.Contains(string(text), old) {
				return fmt.Errorf("%q is not in the lock", old)
			}
			return os.WriteFile(p.lock, []byte(strings.Replace(string(text), old, new, 1)), 0o644)
		}
	}
	inCopy := func(do func(dir string) error) func(*place, Entry) error {
		return func(p *place, e Entry) error { return do(filepath.Join(p.store, e.Path)) }
	}
	other := "h1:" + strings.Repeat("A", 43) + "="
	for name, c := range map[string]struct {
		tamper func(*place, Entry) error
		input  bool // found when the lock is read: exit code 2
		state  State
		words  []string
	}{
		"a byte of the program": {tamper: inCopy(func(dir string) error {
			return rewrite(filepath.Join(dir, "bin", "run"), func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
		}), state: StateChanged, words: []string{`plugin "corp": differs from weightinit.lock (h1:`, "is locked, h1:", "not started"}},
		"a byte of a data file": {tamper: inCopy(func(dir string) error {
			return rewrite(filepath.Join(dir, "data.txt"), func(b []byte) []byte { b[0] ^= 1; return b })
		}), state: StateChanged, words: []string{"differs"}},
		"a file cut": {tamper: inCopy(func(dir string) error {
			return rewrite(filepath.Join(dir, "bin", "run"), func(b []byte) []byte { return b[:10] })
		}), state: StateChanged},
		"a file emptied": {tamper: inCopy(func(dir string) error {
			return rewrite(filepath.Join(dir, "data.txt"), func([]byte) []byte { return nil })
		}), state: StateChanged},
		"a file added":    {tamper: inCopy(func(dir string) error { return os.WriteFile(filepath.Join(dir, "more"), nil, 0o600) }), state: StateChanged},
		"a cache added":   {tamper: inCopy(func(dir string) error { return addCache(dir) }), state: StateChanged},
		"a file removed":  {tamper: inCopy(func(dir string) error { return os.Remove(filepath.Join(dir, "data.txt")) }), state: StateChanged},
		"a file renamed":  {tamper: inCopy(func(dir string) error { return os.Rename(filepath.Join(dir, "data.txt"), filepath.Join(dir, "d")) }), state: StateChanged},
		"a link in place": {tamper: inCopy(linkInPlace), state: StateChanged, words: []string{"symbolic link"}},
		"a pipe added":    {tamper: inCopy(func(dir string) error { return unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600) }), state: StateChanged, words: []string{"named pipe"}},
		"the copy missing": {tamper: inCopy(os.RemoveAll), state: StateMissing, words: []string{
			"was not added on this computer", "weightinit plugins add PATH",
		}},
		"the copy a link": {tamper: inCopy(func(dir string) error {
			if err := os.Rename(dir, dir+"x"); err != nil {
				return err
			}
			return os.Symlink(dir+"x", dir)
		}), state: StateChanged},
		"the copy writable by others":  {tamper: inCopy(func(dir string) error { return os.Chmod(dir, 0o777) }), state: StateChanged, words: []string{"may be written to by others"}},
		"the store writable by others": {tamper: func(p *place, _ Entry) error { return os.Chmod(p.store, 0o770) }, state: StateChanged},
		"the store missing":            {tamper: func(p *place, _ Entry) error { return os.RemoveAll(p.store) }, state: StateMissing},
		"the hash in the lock": {tamper: func(p *place, e Entry) error {
			if err := replace(e.H1, other)(p, e); err != nil {
				return err
			}
			return replace(e.Path, storeName("corp", other))(p, e)
		}, state: StateMissing},
		"the hash in the lock, the path kept": {tamper: func(p *place, e Entry) error { return replace(e.H1, other)(p, e) }, input: true, words: []string{"line 4, column 5", "does not belong"}},
		"an absolute path":                    {tamper: func(p *place, e Entry) error { return replace(e.Path, "/tmp/x")(p, e) }, input: true, words: []string{"line 7, column 15", "/tmp/x"}},
		"a path upward":                       {tamper: func(p *place, e Entry) error { return replace(e.Path, "../"+e.Path)(p, e) }, input: true},
		"a path with two parts":               {tamper: func(p *place, e Entry) error { return replace(e.Path, "a/"+e.Path)(p, e) }, input: true},
		"a path with a backslash":             {tamper: func(p *place, e Entry) error { return replace(e.Path, `..\\`+e.Path)(p, e) }, input: true},
		"a future version":                    {tamper: replace(`"version": 1,`, `"version": 2,`), input: true, words: []string{"line 2, column 14", "version", "2", "newer"}},
		"a future protocol":                   {tamper: replace("mode.v1", "mode.v2"), input: true, words: []string{"mode.v2"}},
		"an unknown key":                      {tamper: replace(`"h1"`, `"run": "x", "h1"`), input: true, words: []string{"unknown key", "run"}},
		"a key twice":                         {tamper: replace(`"h1"`, `"name": "corp", "h1"`), input: true, words: []string{"duplicate"}},
		"a key missing":                       {tamper: replace(`"protocol": "weightinit.mode.v1",`, ``), input: true, words: []string{"missing"}},
		"letter case of a name":               {tamper: replace(`"corp"`, `"Corp"`), input: true},
		"a reserved name":                     {tamper: replace(`"corp"`, `"torch"`), input: true},
		"text behind it":                      {tamper: replace("  ]\n}\n", "  ]\n}\nx"), input: true, words: []string{"line 31, column 1"}},
		"not JSON":                            {tamper: func(p *place, _ Entry) error { return os.WriteFile(p.lock, []byte("{"), 0o600) }, input: true},
		"an empty file":                       {tamper: func(p *place, _ Entry) error { return os.WriteFile(p.lock, nil, 0o600) }, input: true},
		"the lock cut": {tamper: func(p *place, _ Entry) error {
			return rewrite(p.lock, func(b []byte) []byte { return b[:len(b)/2] })
		}, input: true},
		"the lock too large": {tamper: func(p *place, _ Entry) error {
			return rewrite(p.lock, func(b []byte) []byte { return append(b, make([]byte, maxLockBytes)...) })
		}, input: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			e := p.add(pluginFolder(t, "corp", "good"))
			require.Equal(t, 1, p.started())
			require.NoError(t, c.tamper(p, e))
			h := NewHost(HostOptions{Options: p.runs.options(patient()), Store: p.store})
			defer h.Close()
			err := h.AddLock(p.lock)
			require.Equal(t, c.input, err != nil, err)
			if !c.input {
				err = h.Register(context.Background(), registry.New(), "corp.wide")
				require.ErrorIs(t, err, ErrLock)
				require.True(t, fault.IsCannotRun(err), err)
				status, ok, verifyErr := Verify(p.lock, p.store)
				require.NoError(t, verifyErr)
				require.False(t, ok)
				require.Equal(t, c.state, status[0].State)
				require.NotEmpty(t, status[0].Problem)
			} else {
				require.False(t, fault.IsCannotRun(err), err)
				_, _, verifyErr := Verify(p.lock, p.store)
				require.Error(t, verifyErr)
			}
			for _, w := range c.words {
				require.ErrorContains(t, err, w)
			}
			require.NotContains(t, err.Error(), "\n")
			require.Equal(t, 1, p.started(), "a process was started")
			t.Log(err)
		})
	}
}

func rewrite(path string, change func([]byte) []byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		return err
	}
	return os.Chmod(path, info.Mode().Perm())
}

func addCache(dir string) error {
	if err := os.Mkdir(filepath.Join(dir, cacheFolder), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, cacheFolder, "x.pyc"), nil, 0o600)
}

// linkInPlace puts a link to an equal file in the place of a file: the hash of
// the content would be the same.
func linkInPlace(dir string) error {
	at := filepath.Join(dir, "data.txt")
	if err := os.Rename(at, dir+".data"); err != nil {
		return err
	}
	return os.Symlink(dir+".data", at)
}

func TestH28AllFilesAreHashedAtEveryStart(t *testing.T) {
	p := newPlace(t)
	e := p.add(pluginFolder(t, "corp", "good"))
	require.NoError(t, p.run("corp.wide"))
	require.NoError(t, p.run("corp.wide"))
	require.NoError(t, rewrite(filepath.Join(p.store, e.Path, "data.txt"), func([]byte) []byte { return []byte("other") }))
	require.ErrorIs(t, p.run("corp.wide"), ErrLock)
	require.Equal(t, 3, p.started())
}

func TestH37ALockFileOfSomebodyElseStartsNothing(t *testing.T) {
	theirs, mine := newPlace(t), newPlace(t)
	folder := pluginFolder(t, "corp", "good")
	theirs.add(folder)
	text, err := os.ReadFile(theirs.lock)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(mine.lock, text, 0o644))
	err = mine.run("corp.wide")
	require.ErrorIs(t, err, ErrLock)
	require.True(t, fault.IsCannotRun(err))
	require.ErrorContains(t, err, "weightinit plugins add PATH")
	require.Zero(t, mine.started())
	require.NoDirExists(t, mine.store)
	// The command is the consent.
	o := mine.options()
	o.Locked = true
	_, err = Add(context.Background(), folder, o)
	require.NoError(t, err)
	require.NoError(t, mine.run("corp.wide"))
	after, err := os.ReadFile(mine.lock)
	require.NoError(t, err)
	require.Equal(t, text, after)
}

func TestAddLockedTakesOnlyWhatIsLocked(t *testing.T) {
	p := newPlace(t)
	o := p.options()
	o.Locked = true
	folder := pluginFolder(t, "corp", "good")
	_, err := Add(context.Background(), folder, o)
	require.ErrorIs(t, err, ErrLock)
	require.True(t, fault.IsCannotRun(err))
	require.Zero(t, p.started())
	p.add(folder)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "data.txt"), []byte("changed"), 0o644))
	_, err = Add(context.Background(), folder, o)
	require.ErrorIs(t, err, ErrLock)
	require.Equal(t, 1, p.started())
}

func TestAnotherPluginOfANameNeedsReplace(t *testing.T) {
	p := newPlace(t)
	first := p.add(pluginFolder(t, "corp", "good"))
	newer := pluginFolder(t, "corp", "named", "corp", "2.0.0")
	_, err := Add(context.Background(), newer, p.options())
	require.ErrorIs(t, err, ErrNameLocked)
	require.False(t, fault.IsCannotRun(err))
	entries, err := ReadLock(p.lock)
	require.NoError(t, err)
	require.Equal(t, []Entry{first}, entries)
	o := p.options()
	o.Replace = true
	second, err := Add(context.Background(), newer, o)
	require.NoError(t, err)
	entries, err = ReadLock(p.lock)
	require.NoError(t, err)
	require.Equal(t, []Entry{second}, entries)
	require.Equal(t, "2.0.0", second.Version)
	left, err := filepath.Glob(filepath.Join(p.store, tempPrefix+"*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAddRefusesWhatCannotBeLocked(t *testing.T) {
	for name, c := range map[string]struct {
		folder func() string
		is     error
		words  string
	}{
		"a link": {func() string { d := pluginFolder(t, "corp", "good"); _ = os.Symlink("/etc/passwd", d+"/l"); return d }, ErrNotPlugin, "symbolic link"},
		"a name in two cases": {func() string {
			d := pluginFolder(t, "corp", "good")
			_ = os.WriteFile(d+"/DATA.txt", nil, 0o600)
			return d
		}, ErrNotPlugin, "letter case"},
		"a newline in a name":   {func() string { d := pluginFolder(t, "corp", "good"); _ = os.WriteFile(d+"/a\nb", nil, 0o600); return d }, ErrNotPlugin, `a\nb`},
		"another name":          {func() string { return pluginFolder(t, "acme", "good") }, ErrBadReply, "acme"},
		"a plugin that hangs":   {func() string { return pluginFolder(t, "corp", "silent") }, ErrTimeout, "no handshake"},
		"a plugin that changes": {func() string { return selfChanging(t) }, ErrLock, "changes the files of its own folder"},
		"a missing folder":      {func() string { return filepath.Join(t.TempDir(), "none") }, ErrNotPlugin, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			o := p.options()
			o.Launch.StartTimeout = slow * 1500 * 1e6
			_, err := Add(context.Background(), c.folder(), o)
			require.ErrorIs(t, err, c.is)
			require.ErrorContains(t, err, c.words)
			require.NoFileExists(t, p.lock)
			left, err := filepath.Glob(filepath.Join(p.store, "*"))
			require.NoError(t, err)
			require.Empty(t, left)
			left, err = filepath.Glob(filepath.Join(p.store, ".*"))
			require.NoError(t, err)
			require.Empty(t, left)
			p.nothingLeft()
		})
	}
}

// selfChanging writes into its own folder, as a Python plugin without -B would.
func selfChanging(t *testing.T) string {
	self, err := os.Executable()
	require.NoError(t, err)
	dir := pluginFolder(t, "corp", "good")
	program := fmt.Sprintf("#!/bin/sh\necho x > \"$(dirname \"$0\")/../cache\"\nexec %s hostile good\n", self)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bin", "run"), []byte(program), 0o755))
	return dir
}

func TestRemoveTakesAPluginOutOfLockAndStore(t *testing.T) {
	p := newPlace(t)
	e := p.add(pluginFolder(t, "corp", "good"))
	err := Remove("acme", p.lock, p.store, false)
	require.ErrorContains(t, err, "which holds corp")
	require.False(t, fault.IsCannotRun(err))
	require.NoError(t, Remove("corp", p.lock, p.store, true))
	require.DirExists(t, filepath.Join(p.store, e.Path))
	p.add(pluginFolder(t, "corp", "good"))
	require.NoError(t, Remove("corp", p.lock, p.store, false))
	require.NoDirExists(t, filepath.Join(p.store, e.Path))
	entries, err := ReadLock(p.lock)
	require.NoError(t, err)
	require.Empty(t, entries)
	text, err := os.ReadFile(p.lock)
	require.NoError(t, err)
	require.Equal(t, "{\n  \"version\": 1,\n  \"plugins\": []\n}\n", string(text))
}
