package atomicfile_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/atomicfile"
)

// scenario is one whole run of a writer, in the folder "w" of a file system.
// It is run undisturbed, with every call failing in turn, killed and cut from
// power at every call, on a real file system and on one in memory.
type scenario struct {
	name   string
	before map[string]string // what is in the folder
	after  map[string]string // what is in it after an undisturbed run
	path   string            // of the output
	set    []atomicfile.Spec // empty: one file
	opt    atomicfile.Options
}

const (
	singleName = "w/model.safetensors"
	foreign    = "w/.model.safetensors.swp"
	foreignTwo = "w/.other.safetensors.0123abcd.tmp"
)

// content returns recognisable bytes for a name.
func content(name string, n int) string {
	return strings.Repeat(name+"|", n/(len(name)+1)+1)[:n]
}

var shards = []atomicfile.Spec{
	{Name: "model.safetensors.index.json", Size: 40, Order: 2},
	{Name: "model-00001-of-00002.safetensors", Size: 3000},
	{Name: "config.json", Size: atomicfile.SizeUnknown, Order: 1},
	{Name: "model-00002-of-00002.safetensors", Size: 700},
}

var arrays = []atomicfile.Spec{
	{Name: "wte.npy", Size: 2300},
	{Name: "empty.npy", Size: 0},
	{Name: "manifest.json", Size: 60, Order: 2},
}

// single is the layout of a folder without an index.
var single = []atomicfile.Spec{
	{Name: "model.safetensors", Size: 1500},
	{Name: "config.json", Size: atomicfile.SizeUnknown, Order: 1},
}

func specSize(s atomicfile.Spec) int {
	if s.Size == atomicfile.SizeUnknown {
		return 50
	}
	return int(s.Size)
}

// newFiles are the files that a set leaves in folder.
func newFiles(folder string, set []atomicfile.Spec) map[string]string {
	files := map[string]string{}
	for _, s := range set {
		files[folder+s.Name] = content("new "+s.Name, specSize(s))
	}
	return files
}

func join(parts ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	return all
}

func scenarios() []scenario {
	others := map[string]string{foreign: "swap", "w/notes.txt": "notes", foreignTwo: "not of this run"}
	file := map[string]string{singleName: content("new", 5000)}
	oldSingle := map[string]string{singleName: "old model", "w/config.json": "old config"}
	force := atomicfile.Options{Force: true}
	oldShards := map[string]string{
		"w/model.safetensors.index.json":     "old index",
		"w/model-00001-of-00003.safetensors": "old 1", "w/model-00002-of-00003.safetensors": "old 2", "w/model-00003-of-00003.safetensors": "old 3",
		"w/config.json": "old config",
	}
	sameShards := map[string]string{}
	for name := range newFiles("w/", shards) {
		sameShards[name] = "old " + name
	}
	return []scenario{
		{"a new file", others, join(others, file), singleName, nil, atomicfile.Options{}},
		{"a file over an old one", join(others, map[string]string{singleName: "old"}), join(others, file), singleName, nil, force},
		{"a new file without sync", others, join(others, file), singleName, nil, atomicfile.Options{NoSync: true}},
		{"a set in a new folder", others, join(others, newFiles("w/out/", shards)), "w/out/", shards, atomicfile.Options{}},
		{"a set in a folder with other files", others, join(others, newFiles("w/", arrays)), "w", arrays, atomicfile.Options{}},
		{"a set over one of other names", join(others, oldShards), join(others, newFiles("w/", shards)), "w", shards, force},
		{"a set over one of the same names", join(others, sameShards), join(others, newFiles("w/", shards)), "w", shards, force},
		{"a set without an index over one of the same names", join(others, oldSingle), join(others, newFiles("w/", single)), "w/", single, force},
		{"arrays over shards", join(others, oldShards), join(others, newFiles("w/", arrays), map[string]string{"w/config.json": "old config"}), "w/", arrays, force},
	}
}

// at returns the scenario under another root folder.
func (sc scenario) at(root string) scenario {
	move := func(files map[string]string) map[string]string {
		moved := map[string]string{}
		for name, text := range files {
			moved[root+name] = text
		}
		return moved
	}
	sc.before, sc.after, sc.path = move(sc.before), move(sc.after), root+sc.path
	return sc
}

func (sc scenario) isSet() bool { return sc.set != nil }

// folder returns the folder of the output, with a separator at the end.
func (sc scenario) folder() string {
	if sc.isSet() {
		return strings.TrimRight(sc.path, "/") + "/"
	}
	return sc.path[:strings.LastIndex(sc.path, "/")+1]
}

// run is a whole run, as a command does it: the first error ends it.
func (sc scenario) run(fsys atomicfile.FS) error {
	w, err := sc.write(fsys)
	if err != nil {
		return err
	}
	return w.Commit()
}

// write is a run up to the commit. After an error it is aborted.
func (sc scenario) write(fsys atomicfile.FS) (atomicfile.Output, error) {
	if !sc.isSet() {
		data := []byte(sc.after[sc.path])
		f, err := atomicfile.Create(fsys, sc.path, int64(len(data)), sc.opt)
		if err != nil {
			return nil, err
		}
		return f, inPieces(data, f, f.WriteAt)
	}
	s, err := createSet(fsys, sc.path, sc.set, sc.opt)
	if err != nil {
		return nil, err
	}
	for i, spec := range sc.set {
		data := []byte(sc.after[sc.folder()+spec.Name])
		if spec.Size == atomicfile.SizeUnknown {
			if err = s.Put(i, data); err != nil {
				_ = s.Abort()
			}
		} else {
			err = inPieces(data, s, func(p []byte, off int64) (int, error) { return s.WriteAt(i, p, off) })
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// inPieces writes data, the end first.
func inPieces(data []byte, w atomicfile.Output, writeAt func([]byte, int64) (int, error)) error {
	const piece = 1024
	for end := len(data); end > 0; {
		start := (end - 1) / piece * piece
		if _, err := writeAt(data[start:end], int64(start)); err != nil {
			_ = w.Abort()
			return err
		}
		end = start
	}
	return nil
}

var tempPattern = regexp.MustCompile(`(^|/)\.(.+)\.[0-9a-f]{8}\.tmp$`)

// isTemp tells a temporary or the lock of this scenario's output.
func (sc scenario) isTemp(name string) bool {
	if name == sc.folder()+atomicfile.LockName {
		return true
	}
	m := tempPattern.FindStringSubmatch(name)
	if m == nil {
		return false
	}
	final := name[:strings.LastIndex(name, "/")+1] + m[2]
	if !sc.isSet() {
		return final == sc.path
	}
	return slices.ContainsFunc(sc.set, func(s atomicfile.Spec) bool { return sc.folder()+s.Name == final })
}

// sound fails the test unless files, what a killed run left, are what a reader
// may find: the old output, the new one, or none; whatever else was there; and
// temporaries.
func (sc scenario) sound(t *testing.T, files map[string]string, when string) {
	t.Helper()
	outside := map[string]string{} // neither output nor temporary
	for name, text := range files {
		_, was := sc.before[name]
		_, will := sc.after[name]
		if sc.isTemp(name) {
			require.NotRegexp(t, `\.(safetensors|npy|json)$`, name, when)
			continue
		}
		require.True(t, was || will, "%s: %s appeared", when, name)
		if was && will && sc.before[name] == sc.after[name] {
			outside[name] = text
		}
		require.True(t, was && text == sc.before[name] || will && text == sc.after[name], "%s: %s holds %.20q (%d bytes)", when, name, text, len(text))
	}
	for name, text := range sc.before {
		if sc.after[name] == text {
			require.Equal(t, text, outside[name], "%s: %s was touched", when, name)
		}
	}
	if !sc.isSet() {
		if old, was := sc.before[sc.path]; was {
			now, is := files[sc.path]
			require.True(t, is && (now == old || now == sc.after[sc.path]), "%s: the old file is gone", when)
		}
		return
	}
	for name, text := range files {
		if !strings.HasSuffix(name, ".index.json") && !strings.HasSuffix(name, "manifest.json") {
			continue
		}
		want := sc.after
		if text != sc.after[name] {
			want = sc.before
		}
		require.Equal(t, weightsIn(want), weightsIn(files), "%s: %s stands beside another set", when, name)
	}
}

func weightsIn(files map[string]string) map[string]string {
	found := map[string]string{}
	for name, text := range files {
		if strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".npy") || strings.HasSuffix(name, ".json") {
			found[name] = text
		}
	}
	return found
}

// clean fails the test unless files are exactly want.
func clean(t *testing.T, want, files map[string]string, when string) {
	t.Helper()
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(files)), when)
	for name := range want {
		require.True(t, want[name] == files[name], "%s: %s holds %.20q", when, name, files[name])
	}
}

// texts turns the files of a Mem into what scenarios compare, without folders.
func texts(files map[string][]byte) map[string]string {
	all := map[string]string{}
	for name, data := range files {
		if !strings.HasSuffix(name, "/") {
			all[name] = string(data)
		}
	}
	return all
}

// again runs the scenario once more, with force, and wants the undisturbed
// result.
func (sc scenario) again(t *testing.T, fsys atomicfile.FS, files func() map[string]string, when string) {
	t.Helper()
	sc.opt.Force = true
	require.NoError(t, sc.run(fsys), when)
	clean(t, sc.after, files(), when+", run again")
}

// oneLine fails the test unless err is a message that a command may print.
func oneLine(t *testing.T, err error, path, when string) {
	t.Helper()
	text := err.Error()
	require.NotContains(t, text, "\n", when)
	require.Contains(t, text, strings.TrimRight(path, "/"), when)
	require.True(t, len(text) >= 20 && len(text) <= 2000, "%s: %d characters", when, len(text))
	require.True(t, bytes.ContainsAny([]byte(text), ":"), fmt.Sprint(when))
}

// isLock tells the folder's lock, whose removal need not be durable.
func (sc scenario) isLock(name string) bool { return name == sc.folder()+atomicfile.LockName }

// onDisk makes a scenario's folder in root.
func onDisk(t *testing.T, sc scenario, root string) scenario {
	t.Helper()
	sc = sc.at(root + "/")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "w"), 0o755))
	for name, text := range sc.before {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	return sc
}

// filesUnder returns the content of every file below root.
func filesUnder(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	}))
	return files
}

// memoryFolder is a folder on a file system in memory where there is one:
// what kill -9 leaves does not depend on the disk, and syncs cost nothing there.
func memoryFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "atomicfile-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// partOf knows the names of a checkpoint folder.
func partOf(name string) atomicfile.Part {
	switch {
	case name == "manifest.json", strings.HasSuffix(name, ".index.json"):
		return atomicfile.Index
	case strings.HasSuffix(name, ".safetensors"), strings.HasSuffix(name, ".npy"):
		return atomicfile.Data
	}
	return atomicfile.Foreign
}

func createSet(fsys atomicfile.FS, dir string, files []atomicfile.Spec, opt atomicfile.Options) (*atomicfile.Set, error) {
	opt.Part = partOf
	return atomicfile.CreateSet(fsys, dir, files, opt)
}
