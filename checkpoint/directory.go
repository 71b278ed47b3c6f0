package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/checkpoint/internal/sizes"
	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// directory is a directory with tensors being opened.
type directory struct {
	path string // as the user gave it
	real string // without links

	// variant is the one asked for; empty: none in particular.
	variant string

	shards, indexes, arrays []string
	manifest                bool
	// used are the files of the set that was chosen, the index included.
	used map[string]bool

	set   set
	files handles
}

// openDirectory opens a directory by what it holds.
func openDirectory(path, variant string) (Set, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", inputfile.Classify(path, err))
	}
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", inputfile.Classify(path, err))
	}
	d := &directory{path: path, real: real, variant: variant}
	d.set.closers = append(d.set.closers, &d.files)
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, "."): // as for every program that lists files
		case isIndexName(name):
			d.indexes = append(d.indexes, name)
		case strings.HasSuffix(name, shardExt):
			d.shards = append(d.shards, name)
		case strings.HasSuffix(name, npy.Extension):
			d.arrays = append(d.arrays, name)
		case name == npy.ManifestName:
			d.manifest = true
		}
	}
	switch {
	case len(d.shards) > 0 || len(d.indexes) > 0:
		err = d.openShards()
	case variant != "":
		err = d.fault(NoVariant, "", "", "no variant "+shown.Quote(variant)+": there are no .safetensors files in this directory")
	case d.manifest:
		err = d.openManifest()
	case len(d.arrays) > 0:
		err = d.openArrays()
	default:
		err = d.fault(NothingFound, "", "", "no .safetensors and no .npy files in this directory: name one that has some")
	}
	if err != nil {
		d.set.Close()
		return nil, err
	}
	return d.set.seal(), nil
}

// join is the path of a file in the directory, for messages: it keeps the
// directory as the user wrote it.
func (d *directory) join(name string) string {
	if os.IsPathSeparator(d.path[len(d.path)-1]) {
		return d.path + name
	}
	return d.path + string(filepath.Separator) + name
}

func (d *directory) fault(reason Reason, tensor, file, what string) error {
	return &Error{Path: d.path, Reason: reason, Tensor: tensor, File: file, What: what}
}

func (d *directory) warn(what string) {
	d.set.warnings = append(d.set.warnings, "checkpoint: "+shown.Path(d.path)+": "+what)
}

// warnOfEach says, for a list of names that does not grow without bounds, that
// something is there and not part of the set. what is the plural of it.
func (d *directory) warnOfEach(names []string, what, why string) {
	for i, name := range names {
		if i == limits.Warnings {
			d.warn(fmt.Sprintf("each of %d more %s%s", len(names)-i, what, why))
			return
		}
		d.warn(name + why)
	}
}

// resolve returns the path of a file of the directory with links followed, so
// that a link cannot lead elsewhere later. A link may end anywhere, as links into
// the cache of Hugging Face do: what it ends at must be a regular file, which is
// seen when it is opened.
func (d *directory) resolve(name string) (string, error) {
	path := filepath.Join(d.real, name)
	info, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", inputfile.Classify(d.join(name), err))
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return path, nil
	}
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		return target, nil
	}
	e := &Error{Path: d.path, Reason: BrokenLink, File: name, Err: err,
		What: shown.Quote(name) + " is a symlink that leads to no file: restore its target"}
	if errors.Is(err, fs.ErrNotExist) {
		e.Reason = MissingFile
	}
	return "", e
}

// openFile opens a file of the directory for reading now and again.
func (d *directory) openFile(name string) (*handle, error) {
	path, err := d.resolve(name)
	if err != nil {
		return nil, err
	}
	h, err := d.files.newHandle(path, d.join(name))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return h, nil
}

// readText reads a small file of the directory.
func (d *directory) readText(name string, limit int64) ([]byte, error) {
	path, err := d.resolve(name)
	if err != nil {
		return nil, err
	}
	text, err := inputfile.ReadAll(path, limit, false)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", rename(err, d.join(name)))
	}
	return text, nil
}

// room checks the number of tensors against the limit.
func (d *directory) room(more int) error {
	if n := len(d.set.tensors) + more; n > limits.Tensors {
		return d.fault(TooMany, "", "", fmt.Sprintf("%d tensors, the limit is %d: name a part of the set", n, limits.Tensors))
	}
	return nil
}

// addArray opens an array of the directory as a tensor of the set.
func (d *directory) addArray(tensor, file string) (*Tensor, error) {
	h, err := d.openFile(file)
	if err != nil {
		return nil, err
	}
	f, err := npy.NewFile(h, h.size, d.join(file))
	if err != nil {
		return nil, err
	}
	d.set.closers = append(d.set.closers, f)
	d.set.tensors = append(d.set.tensors, npyTensor(tensor, f))
	return &d.set.tensors[len(d.set.tensors)-1], nil
}

// openArrays opens a directory without a manifest: every array is a tensor of
// the file's name.
func (d *directory) openArrays() error {
	if err := d.room(len(d.arrays)); err != nil {
		return err
	}
	skipped := 0
	for _, file := range d.arrays {
		_, err := d.addArray(strings.TrimSuffix(file, npy.Extension), file)
		var bad *npy.Error
		if errors.As(err, &bad) && bad.NoNumbers != "" && len(d.arrays) > 1 {
			skipped++
			d.warn(shown.Quote(file) + " holds " + bad.NoNumbers + ", no numbers: it is skipped")
		} else if err != nil {
			return err
		}
	}
	if skipped == len(d.arrays) {
		return d.fault(NothingFound, "", "", "no array holds numbers: name a directory of number arrays")
	}
	return nil
}

// openManifest opens the arrays that the manifest names.
func (d *directory) openManifest() error {
	text, err := d.readText(npy.ManifestName, limits.Index)
	if err != nil {
		return err
	}
	m, err := npy.ParseManifest(text, d.join(npy.ManifestName))
	if err != nil {
		return err
	}
	there := setOf(d.arrays)
	if err := d.room(len(m.Tensors)); err != nil {
		return err
	}
	for _, entry := range m.Tensors {
		if !there[entry.File] {
			return d.fault(MissingFile, entry.Name, entry.File, fmt.Sprintf("tensor %s: the manifest names the file %s, which is not there: restore it", shown.Quote(entry.Name), shown.Quote(entry.File)))
		}
		delete(there, entry.File)
		t, err := d.addArray(entry.Name, entry.File)
		if err != nil {
			return err
		}
		if err := d.match(t, entry); err != nil {
			return err
		}
	}
	d.set.metadata = m.Metadata
	var strays []string
	for _, name := range d.arrays {
		if there[name] {
			strays = append(strays, shown.Quote(name))
		}
	}
	d.warnOfEach(strays, "files", " is not in the manifest: it is not read")
	return nil
}

// stored are the types of an array that hold values of a manifest's type, and
// the name of that type.
var stored = map[string][2]string{
	"f32": {"F32", "F32"}, "f64": {"F64", "F64"}, "f16": {"F16", "F16"}, "bf16": {"U16", "BF16"},
	"bool": {"BOOL", "BOOL"}, "i8": {"I8", "I8"}, "i16": {"I16", "I16"}, "i32": {"I32", "I32"}, "i64": {"I64", "I64"},
	"u8": {"U8", "U8"}, "u16": {"U16", "U16"}, "u32": {"U32", "U32"}, "u64": {"U64", "U64"}, "c64": {"C64", "C64"}, "c128": {"C128", "C128"},
}

// match compares an array with its entry in the manifest.
func (d *directory) match(t *Tensor, entry npy.ManifestTensor) error {
	types := stored[entry.DType]
	bad := func(what string) error {
		return d.fault(WrongTensor, entry.Name, entry.File, fmt.Sprintf("tensor %s: file %s holds %s: write the set again", shown.Quote(entry.Name), shown.Quote(entry.File), what))
	}
	if t.DType != types[0] {
		return bad(fmt.Sprintf("the type %s, the dtype %s of the manifest is stored as %s", t.DType, entry.DType, types[0]))
	}
	if !slices.Equal(t.Shape, entry.Shape) {
		return bad(fmt.Sprintf("the shape %s, the manifest says %s", sizes.Text(t.Shape, "[", "]"), sizes.Text(entry.Shape, "[", "]")))
	}
	t.DType, t.SHA256 = types[1], entry.SHA256
	return nil
}
