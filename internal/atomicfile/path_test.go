//go:build linux || darwin

package atomicfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/faultfs"
	"github.com/weightinit/weightinit/internal/needs"
)

// picture describes everything below root: kinds, inodes, sizes, times, bytes.
func picture(t *testing.T, root string) map[string]string {
	t.Helper()
	seen := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		text := fmt.Sprint(info.Mode(), info.ModTime().UnixNano(), info.Sys().(*syscall.Stat_t).Ino)
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			text += string(data)
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			require.NoError(t, err)
			text += to
		}
		seen[path] = text
		return nil
	}))
	return seen
}

// refusals are outputs that are bad input, with force too if forced is set.
var refusals = []struct {
	name   string
	make   func(root string) error // what is there
	path   string
	forced bool
	want   any // type of the error, or nil
	says   string
}{
	{"an existing file", func(r string) error { return os.WriteFile(r+"/x", []byte("old"), 0o600) }, "x", false, new(*atomicfile.ExistsError), "by force"},
	{"a folder", func(r string) error { return os.Mkdir(r+"/x", 0o755) }, "x", true, new(*atomicfile.KindError), "a folder"},
	{"a symlink to a file", func(r string) error {
		return errors.Join(os.WriteFile(r+"/y", nil, 0o600), os.Symlink("y", r+"/x"))
	}, "x", true, new(*atomicfile.KindError), "a symlink"},
	{"a dangling symlink", func(r string) error { return os.Symlink("nowhere", r+"/x") }, "x", true, new(*atomicfile.KindError), "a symlink"},
	{"a symlink to itself", func(r string) error { return os.Symlink("x", r+"/x") }, "x", true, new(*atomicfile.KindError), "a symlink"},
	{"a symlink to a folder", func(r string) error { return os.Symlink(".", r+"/x") }, "x", true, new(*atomicfile.KindError), "a symlink"},
	{"a pipe", func(r string) error { return unix.Mkfifo(r+"/x", 0o600) }, "x", true, new(*atomicfile.KindError), "a pipe"},
	{"a missing folder", nil, "no/such/x", true, nil, "does not exist"},
	{"below a file", func(r string) error { return os.WriteFile(r+"/y", nil, 0o600) }, "y/x", true, nil, "not a directory"},
	{"below a circle of symlinks", func(r string) error { return os.Symlink("y", r+"/y") }, "y/x", true, nil, "symbolic links"},
	{"a path with a NUL byte", nil, "x\x00y", true, nil, "NUL"},
	{"too long a name", nil, strings.Repeat("x", 300), true, nil, "too long"},
	{"a hostile name", func(r string) error { return os.WriteFile(r+"/\x1b[31m\nx", nil, 0o600) }, "\x1b[31m\nx", false, nil, `\x1b[31m\nx`},
}

func TestRefusedFiles(t *testing.T) {
	for _, tc := range refusals {
		for _, force := range []bool{false, true} {
			if force && !tc.forced {
				continue
			}
			t.Run(fmt.Sprintf("%s, force %v", tc.name, force), func(t *testing.T) {
				root := t.TempDir()
				if tc.make != nil {
					require.NoError(t, tc.make(root))
				}
				before := picture(t, root)
				_, err := atomicfile.Create(atomicfile.OS(), root+"/"+tc.path, 10, atomicfile.Options{Force: force})
				checkRefusal(t, err, tc.want, tc.says)
				require.Equal(t, before, picture(t, root))
			})
		}
	}
}

func checkRefusal(t *testing.T, err error, want any, says string) {
	t.Helper()
	require.ErrorContains(t, err, says)
	require.False(t, fault.IsCannotRun(err), "%v", err)
	require.NotContains(t, err.Error(), "\n")
	if want != nil {
		require.ErrorAs(t, err, want)
	}
}

func TestRefusedSets(t *testing.T) {
	set := []atomicfile.Spec{{Name: "a.npy", Size: 10}, {Name: "config.json", Size: 10, Order: 1}, {Name: "manifest.json", Size: 10, Order: 2}}
	for _, tc := range refusals {
		path := tc.path
		switch tc.name {
		case "a folder", "an existing file": // below
			continue
		}
		for _, end := range []string{"", "/", "//"} {
			t.Run(tc.name+end, func(t *testing.T) {
				root := t.TempDir()
				if tc.make != nil {
					require.NoError(t, tc.make(root))
				}
				before := picture(t, root)
				_, err := createSet(atomicfile.OS(), root+"/"+path+end, set, atomicfile.Options{Force: true})
				checkRefusal(t, err, nil, "")
				require.Equal(t, before, picture(t, root))
			})
		}
	}
	file := func(name string) func(string) error {
		return func(r string) error { return os.WriteFile(r+"/"+name, []byte("old"), 0o600) }
	}
	for _, tc := range []struct {
		name  string
		make  func(root string) error
		force bool
		want  any
		says  string
	}{
		{"weights", file("other.safetensors"), false, new(*atomicfile.ExistsError), `"other.safetensors"`},
		{"an array", file("other.npy"), false, new(*atomicfile.ExistsError), `"other.npy"`},
		{"an index", file("x.index.json"), false, new(*atomicfile.ExistsError), `"x.index.json"`},
		{"a manifest", file("manifest.json"), false, new(*atomicfile.ExistsError), `"manifest.json"`},
		{"a file of the set's own", file("config.json"), false, new(*atomicfile.ExistsError), `"config.json"`},
		{"a folder in the place of a file", func(r string) error { return os.Mkdir(r+"/a.npy", 0o755) }, true, new(*atomicfile.KindError), "a folder"},
		{"a symlink in the place of a file", func(r string) error { return os.Symlink("y", r+"/a.npy") }, true, new(*atomicfile.KindError), "a symlink"},
		{"a symlink among the old weights", func(r string) error { return os.Symlink("y", r+"/old.npy") }, true, new(*atomicfile.KindError), "a symlink"},
		{"a pipe among the old weights", func(r string) error { return unix.Mkfifo(r+"/old.safetensors", 0o600) }, true, new(*atomicfile.KindError), "a pipe"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := t.TempDir()
			require.NoError(t, tc.make(root))
			before := picture(t, root)
			_, err := createSet(atomicfile.OS(), root, set, atomicfile.Options{Force: tc.force})
			checkRefusal(t, err, tc.want, tc.says)
			require.Equal(t, before, picture(t, root))
		})
	}
	root := t.TempDir()
	require.NoError(t, file("x")(root))
	_, err := createSet(atomicfile.OS(), root+"/x/", set, atomicfile.Options{Force: true})
	checkRefusal(t, err, new(*atomicfile.KindError), "a file, not a folder")
}

func TestRefusedNamesInASet(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", `a\b`, "/a", "a\x00", ".a.npy.01234567.tmp", atomicfile.LockName} {
		root := t.TempDir()
		_, err := createSet(atomicfile.OS(), root, []atomicfile.Spec{{Name: name}}, atomicfile.Options{})
		checkRefusal(t, err, nil, "file name")
		require.Len(t, picture(t, root), 1)
	}
	for _, set := range [][]atomicfile.Spec{{{Name: "a"}, {Name: "a"}}, {{Name: "a", Size: -2}}} {
		_, err := createSet(atomicfile.OS(), t.TempDir(), set, atomicfile.Options{})
		checkRefusal(t, err, nil, `"a"`)
	}
	_, err := atomicfile.Create(atomicfile.OS(), t.TempDir()+"/x", -1, atomicfile.Options{})
	checkRefusal(t, err, nil, "negative")
}

func TestDevicesAreNeverReplaced(t *testing.T) {
	root := t.TempDir()
	if err := unix.Mknod(root+"/x", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 7))); err != nil {
		needs.Skip(t, "needs root, to make a device node: %v", err)
	}
	before := picture(t, root)
	for _, force := range []bool{false, true} {
		_, err := atomicfile.Create(atomicfile.OS(), root+"/x", 10, atomicfile.Options{Force: force})
		checkRefusal(t, err, new(*atomicfile.KindError), "a device")
		_, err = createSet(atomicfile.OS(), root+"/x", nil, atomicfile.Options{Force: force})
		checkRefusal(t, err, new(*atomicfile.KindError), "a device")
	}
	require.Equal(t, before, picture(t, root))
}

func TestAFolderOnTheWayMayBeASymlink(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(root+"/real/deep", 0o755))
	require.NoError(t, os.Symlink("real/deep", root+"/link"))
	require.NoError(t, atomicfile.WriteFile(atomicfile.OS(), root+"/link/x", []byte("data"), atomicfile.Options{}))
	require.FileExists(t, root+"/real/deep/x")
	// "link/.." is the folder above the link's target, not above the link.
	require.NoError(t, atomicfile.WriteFile(atomicfile.OS(), root+"/link/../y", []byte("data"), atomicfile.Options{}))
	require.FileExists(t, root+"/real/y")
	require.NoFileExists(t, root+"/y")
	t.Chdir(root)
	require.NoError(t, atomicfile.WriteFile(atomicfile.OS(), "x", []byte("data"), atomicfile.Options{}))
	s, err := createSet(atomicfile.OS(), "new", []atomicfile.Spec{{Name: "a.npy", Size: 4}}, atomicfile.Options{})
	require.NoError(t, err)
	require.Equal(t, "new", s.Name())
	require.NoError(t, s.Put(0, []byte("data")))
	require.NoError(t, s.Commit())
	require.Len(t, picture(t, root+"/new"), 2)
	require.FileExists(t, root+"/new/a.npy")
	// The folder that one stands in.
	s, err = createSet(atomicfile.OS(), ".", []atomicfile.Spec{{Name: "b.npy", Size: 4}}, atomicfile.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Put(0, []byte("data")))
	require.NoError(t, s.Commit())
	require.FileExists(t, root+"/b.npy")
}

func TestOnlyDeadTemporariesOfTheSameNameAreSwept(t *testing.T) {
	root := t.TempDir()
	dead := []string{".x.safetensors.0123abcd.tmp", ".x.safetensors.0123456789abcdef.tmp"}
	others := []string{
		".y.safetensors.0123abcd.tmp", ".x.safetensors.0123ABCD.tmp", ".x.safetensors.0123abc.tmp", ".x.safetensors.0123abcd.tmp2",
		"x.safetensors.0123abcd.tmp", ".x.safetensors.0123abcg.tmp", ".x.safetensors.tmp", "..x.safetensors.0123abcd.tmp",
		".x.safetensors.01234567.0123abcd.tmp",
	}
	for _, name := range append(dead, others...) {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(name), 0o600))
	}
	require.NoError(t, os.Mkdir(root+"/.x.safetensors.aaaaaaaa.tmp", 0o755))
	require.NoError(t, os.Symlink("notes", root+"/.x.safetensors.bbbbbbbb.tmp"))
	require.NoError(t, unix.Mkfifo(root+"/.x.safetensors.cccccccc.tmp", 0o600))
	others = append(others, ".x.safetensors.aaaaaaaa.tmp", ".x.safetensors.bbbbbbbb.tmp", ".x.safetensors.cccccccc.tmp")

	f, err := atomicfile.Create(atomicfile.OS(), root+"/x.safetensors", 4, atomicfile.Options{})
	require.NoError(t, err)
	require.Len(t, picture(t, root), 1+len(others)+1)
	// A second run does not take the first one's temporary for a dead one.
	require.NoError(t, atomicfile.WriteFile(atomicfile.OS(), root+"/x.safetensors", []byte("mine"), atomicfile.Options{}))
	require.Len(t, picture(t, root), 1+len(others)+2)
	require.NoError(t, f.Abort())
	for _, name := range others {
		_, err := os.Lstat(filepath.Join(root, name))
		require.NoError(t, err)
	}
	require.Len(t, picture(t, root), 1+len(others)+1)
}

func TestALockThatNobodyHoldsIsTakenOver(t *testing.T) {
	root := t.TempDir()
	for _, old := range []string{"", "pid 1 host elsewhere\n", strings.Repeat("x", 10000), "\x00\x1b[31m"} {
		require.NoError(t, os.WriteFile(root+"/"+atomicfile.LockName, []byte(old), 0o600))
		s, err := createSet(atomicfile.OS(), root, []atomicfile.Spec{{Name: "a", Size: 1}}, atomicfile.Options{Force: true})
		require.NoError(t, err)
		text, err := os.ReadFile(root + "/" + atomicfile.LockName)
		require.NoError(t, err)
		require.Regexp(t, fmt.Sprintf(`^pid %d host \S+\n$`, os.Getpid()), string(text))

		_, err = createSet(atomicfile.OS(), root, nil, atomicfile.Options{})
		require.ErrorIs(t, err, atomicfile.ErrLocked)
		require.NoError(t, os.WriteFile(root+"/"+atomicfile.LockName, []byte(old), 0o600))
		_, err = createSet(atomicfile.OS(), root, nil, atomicfile.Options{})
		require.ErrorIs(t, err, atomicfile.ErrLocked)
		oneLine(t, err, root, "a foreign text in the lock file")
		require.NotContains(t, err.Error(), "\x1b")

		require.NoError(t, s.Put(0, []byte("a")))
		require.NoError(t, s.Commit())
		require.NoFileExists(t, root+"/"+atomicfile.LockName)
	}
	require.NoError(t, os.Symlink("elsewhere", root+"/"+atomicfile.LockName))
	_, err := createSet(atomicfile.OS(), root, nil, atomicfile.Options{})
	require.Error(t, err)
	require.NoFileExists(t, root+"/elsewhere")
}

func TestATemporaryThatWasSweptBeforeItWasLockedIsMadeAgain(t *testing.T) {
	m := faultfs.NewMem()
	swept := 0
	for _, held := range []bool{false, true} {
		fsys := faultfs.Wrap(m, func(c faultfs.Call) error {
			if c.Op != "trylock" || swept > 2 {
				return nil
			}
			swept++
			require.NoError(t, m.Remove(c.Path))
			if held {
				return atomicfile.ErrLocked
			}
			return nil
		})
		swept = 0
		require.NoError(t, atomicfile.WriteFile(fsys, "x", []byte("data"), atomicfile.Options{Force: true}))
		require.Equal(t, 3, swept)
		require.Len(t, m.Files(), 1)
	}
}

func TestTheSystemsCallsFollowNoLinkAndDoNotWait(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(root+"/file", []byte("text"), 0o600))
	require.NoError(t, os.Symlink("file", root+"/link"))
	require.NoError(t, os.Symlink("nowhere", root+"/dangling"))
	require.NoError(t, unix.Mkfifo(root+"/pipe", 0o600))
	system := atomicfile.OS()
	for _, name := range []string{"file", "link", "dangling", "pipe"} {
		_, err := system.Create(root + "/" + name)
		require.ErrorIs(t, err, fs.ErrExist, name)
		require.ErrorIs(t, system.RenameNew(root+"/file", root+"/"+name), fs.ErrExist, name)
		require.ErrorIs(t, system.Link(root+"/file", root+"/"+name), fs.ErrExist, name)
	}
	for _, name := range []string{"link", "dangling"} {
		for _, create := range []bool{false, true} {
			_, err := system.Open(root+"/"+name, create)
			require.ErrorIs(t, err, syscall.ELOOP, name)
		}
	}
	h, err := system.Open(root+"/pipe", false)
	if err == nil {
		require.NoError(t, h.Close())
	}
	require.NoFileExists(t, root+"/nowhere")
}

func TestALockThatItsHolderRemovedIsTakenAnew(t *testing.T) {
	for _, another := range []bool{false, true} {
		m := faultfs.NewMem()
		m.Put("w/"+atomicfile.LockName, nil)
		removed := 0
		s, err := createSet(faultfs.Wrap(m, func(c faultfs.Call) error {
			if c.Op == "trylock" && removed == 0 {
				removed++
				require.NoError(t, m.Remove(c.Path))
				if another {
					m.Put(c.Path, []byte("of the next run"))
				}
			}
			return nil
		}), "w", nil, atomicfile.Options{})
		require.NoError(t, err)
		require.Equal(t, 1, removed)
		require.Contains(t, string(m.Files()["w/"+atomicfile.LockName]), "pid")
		require.NoError(t, s.Commit())
		require.Len(t, m.Files(), 1)
	}
}
