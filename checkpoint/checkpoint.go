// Package checkpoint opens what holds tensors, whatever its form: a safetensors
// file, a .npy file, a .npz archive, a directory of .npy files, a Hugging Face
// directory of safetensors files. All of them become a [Set].
//
// The whole structure of a set is checked before the first value is read, and
// values are read in pieces, so that a set may be larger than the memory.
// Formats have packages of their own below this one (safetensors, npy), which
// also encode; writing to disk without leaving half a file is package
// internal/atomicfile. What a set should hold is for package parity.
package checkpoint

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/checkpoint/internal/sizes"
	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/shown"
)

// Set is an open set of tensors. Its methods may be called from several
// goroutines.
type Set interface {
	// Tensors returns all tensors: those of one file in the order of their
	// bytes, the files of a directory in the order of its manifest or else of
	// their names. Callers must not change the list.
	Tensors() []Tensor
	// Lookup returns the tensor of that name.
	Lookup(name string) (Tensor, bool)
	// Metadata returns the texts that the set holds beside its tensors, such as
	// the record of how it was made; nil when there are none. Callers must not
	// change it.
	Metadata() map[string]string
	// Warnings returns what is odd about the set without being a fault, one
	// line a finding, ready to be shown behind "warning: ".
	Warnings() []string
	// Close closes all files. Tensors cannot be read any more.
	Close() error
}

// Tensor is one tensor of a [Set].
type Tensor struct {
	Name string
	// DType is the type in the words of the safetensors format, such as "BF16";
	// "C128" (from .npy files) is one that safetensors does not have.
	DType string
	// Shape has the sizes, outermost first; empty for a scalar. Callers must
	// not change it.
	Shape []int64
	// File is the path of the file that holds the values.
	File string
	// SHA256 is what a manifest says the digest of the whole file is, in
	// hexadecimal digits; mostly empty. It has not been compared.
	SHA256 string

	elements, bytes int64
	source          source
	index           int
	// sequential says that a read before the last one costs a new start.
	sequential bool
}

// source reads the values of a file's tensors, as [safetensors.File.ReadAt].
type source interface {
	ReadAt(dst []byte, index int, off int64) (int, error)
}

// NewTensor returns a tensor whose values are read from r: little-endian, in C
// order. It is for sets that are no files.
func NewTensor(name, dtype string, shape []int64, r io.ReaderAt) (Tensor, error) {
	elementBits, ok := bitsOf(dtype)
	if !ok {
		return Tensor{}, fmt.Errorf("checkpoint: tensor %s: unknown dtype %s", shown.Quote(name), shown.Quote(dtype))
	}
	size, elements, problem := sizes.Of(shape, elementBits)
	if problem != "" {
		return Tensor{}, fmt.Errorf("checkpoint: tensor %s: shape %s of %s %s", shown.Quote(name), sizes.Text(shape, "[", "]"), dtype, problem)
	}
	return Tensor{Name: name, DType: dtype, Shape: shape, elements: elements, bytes: size, source: readerSource{r}}, nil
}

type readerSource struct{ r io.ReaderAt }

func (s readerSource) ReadAt(dst []byte, _ int, off int64) (int, error) { return s.r.ReadAt(dst, off) }

// Elements returns the number of values.
func (t Tensor) Elements() int64 { return t.elements }

// Bytes returns the size of all values.
func (t Tensor) Bytes() int64 { return t.bytes }

// ReadAt fills dst with the bytes of the values from byte off on, as they lie
// in C order and little-endian, whatever the file's own order. A range beyond
// [Tensor.Bytes] is an error.
func (t Tensor) ReadAt(dst []byte, off int64) error {
	if off < 0 || off > t.bytes || int64(len(dst)) > t.bytes-off {
		return fmt.Errorf("checkpoint: tensor %s: no bytes %d to %d, there are %d", shown.Quote(t.Name), off, off+int64(len(dst)), t.bytes)
	}
	if len(dst) == 0 {
		return nil
	}
	n, err := t.source.ReadAt(dst, t.index, off)
	if n == len(dst) {
		return nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// Open opens what path names. A file is taken for what its ending says, or else
// for what its first bytes say; a directory for what it holds.
func Open(path string) (Set, error) { return OpenVariant(path, "") }

// OpenVariant is [Open] for a Hugging Face directory that holds the same model
// several times: variant, such as "fp16", chooses one. Empty chooses the files
// without a variant in their names, or the only variant there is. The error is a
// [NoVariant] when there is none of that name, also if path is a file.
func OpenVariant(path, variant string) (Set, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", inputfile.Classify(path, err))
	}
	if info.IsDir() {
		return openDirectory(path, variant)
	}
	if variant != "" {
		return nil, &Error{Path: path, Reason: NoVariant, What: "no variant " + shown.Quote(variant) + ": this is one file, variants are files of a directory"}
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".safetensors":
		return openSafetensors(path)
	case npy.Extension:
		return openNPY(path)
	case ".npz":
		return openNPZ(path)
	}
	switch head, err := firstBytes(path); {
	case err != nil:
		return nil, err
	case strings.HasPrefix(head, "\x93NUMPY"):
		return openNPY(path)
	case strings.HasPrefix(head, "PK\x03\x04"):
		return openNPZ(path)
	default:
		return openSafetensors(path)
	}
}

// firstBytes returns the first bytes of a file, fewer than 8 if it is short.
func firstBytes(path string) (string, error) {
	f, size, err := inputfile.Open(path)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	defer f.Close()
	head := make([]byte, min(size, 8))
	if n, err := f.ReadAt(head, 0); n < len(head) {
		return "", fault.CannotRun(fmt.Errorf("checkpoint: %s: cannot read: %w", shown.Path(path), err))
	}
	return string(head), nil
}

// set is a Set of files that are all known.
type set struct {
	tensors  []Tensor
	byName   []int32 // places in tensors, sorted by name: less memory than a map
	metadata map[string]string
	warnings []string
	closers  []io.Closer
}

// seal makes the index by name. The names must be unique.
func (s *set) seal() *set {
	s.byName = make([]int32, len(s.tensors))
	for i := range s.tensors {
		s.byName[i] = int32(i)
	}
	slices.SortFunc(s.byName, func(a, b int32) int { return strings.Compare(s.tensors[a].Name, s.tensors[b].Name) })
	return s
}

func (s *set) Tensors() []Tensor { return s.tensors }

func (s *set) Lookup(name string) (Tensor, bool) {
	i, ok := slices.BinarySearchFunc(s.byName, name, func(at int32, name string) int { return strings.Compare(s.tensors[at].Name, name) })
	if !ok {
		return Tensor{}, false
	}
	return s.tensors[s.byName[i]], true
}

func (s *set) Metadata() map[string]string {
	if len(s.metadata) == 0 {
		return nil
	}
	return s.metadata
}

func (s *set) Warnings() []string { return s.warnings }

func (s *set) Close() error {
	var first error
	for _, c := range s.closers {
		if err := c.Close(); err != nil && first == nil {
			first = err
		}
	}
	s.closers = nil
	return first
}

// addSafetensors appends the tensors of a file.
func (s *set) addSafetensors(f *safetensors.File) {
	s.tensors = slices.Grow(s.tensors, len(f.Tensors()))
	var shape []int64
	for i, t := range f.Tensors() {
		if shape == nil || !slices.Equal(shape, t.Shape) {
			shape = t.Shape // neighbours of one shape share it
		}
		s.tensors = append(s.tensors, Tensor{
			Name: t.Name, DType: t.DType, Shape: shape, File: f.Path(),
			elements: t.Elements, bytes: t.End - t.Begin, source: f, index: i,
		})
	}
	s.warnings = append(s.warnings, f.Warnings()...)
	f.Forget()
}

func openSafetensors(path string) (Set, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	s := &set{metadata: f.Metadata(), closers: []io.Closer{f}}
	s.addSafetensors(f)
	return s.seal(), nil
}

// npySource is an array as a source of one tensor.
type npySource struct{ *npy.File }

func (s npySource) ReadAt(dst []byte, _ int, off int64) (int, error) { return s.File.ReadAt(dst, off) }

// npyTensor is the tensor that an array holds.
func npyTensor(name string, f *npy.File) Tensor {
	return Tensor{
		Name: name, DType: f.DType().Name, Shape: f.Shape(), File: f.Path(),
		elements: f.Elements(), bytes: f.Bytes(), source: npySource{f},
	}
}

// openNPY opens one array; the tensor has the name of the file.
func openNPY(path string) (Set, error) {
	f, err := npy.Open(path)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	if stem := name[:len(name)-len(filepath.Ext(name))]; strings.EqualFold(filepath.Ext(name), npy.Extension) && stem != "" {
		name = stem
	}
	s := &set{closers: []io.Closer{f}}
	s.tensors = []Tensor{npyTensor(name, f)}
	return s.seal(), nil
}
