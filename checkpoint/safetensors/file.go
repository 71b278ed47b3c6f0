package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// Tensor is one tensor of a file.
type Tensor struct {
	Name string
	// DType is the format's name of the type, such as "BF16"; Bits is the size
	// of one element.
	DType string
	Bits  int
	// Shape has the sizes, outermost first; empty for a scalar. Callers must
	// not change it.
	Shape []int64
	// Begin and End are the tensor's bytes, counted from [File.DataOffset].
	// Values are little-endian, the last dimension varies fastest.
	Begin, End int64
	// Elements is the product of the sizes.
	Elements int64

	at int64 // offset of the name in the file, for messages
}

// File is an open file whose header has been checked. Its methods may be called
// from several goroutines.
type File struct {
	r        io.ReaderAt
	closer   io.Closer
	path     string
	data     int64
	tensors  []Tensor
	spans    []span // of the values of each tensor, after Forget
	metadata map[string]string
	warnings []string
}

// Open opens and checks a file. The error is an *[Error], or one of package
// inputfile when the path itself is at fault.
func Open(path string) (*File, error) {
	f, size, err := inputfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	file, err := NewFile(f, size, path)
	if err != nil {
		f.Close()
		return nil, err
	}
	file.closer = f
	return file, nil
}

// NewFile checks a file of size bytes in r, which must stay usable as long as
// the File is. path stands in messages. Of r's bytes the length field and the
// header are read, nothing else.
func NewFile(r io.ReaderAt, size int64, path string) (*File, error) {
	f := &File{r: r, path: path}
	text, err := f.headerText(size)
	if err != nil {
		return nil, err
	}
	h := header{path: path}
	if err := h.parse(text); err != nil {
		return nil, err
	}
	f.data = lengthBytes + int64(len(text))
	if err := h.arrange(size - f.data); err != nil {
		return nil, err
	}
	h.findings.done(path)
	f.tensors, f.metadata, f.warnings = h.tensors, h.metadata, h.findings.lines
	return f, nil
}

// headerText checks the length field and reads the header.
func (f *File) headerText(size int64) ([]byte, error) {
	bad := func(what string) error {
		head := make([]byte, min(size, inputfile.GuessLen))
		if n, err := f.r.ReadAt(head, 0); n == len(head) && (err == nil || errors.Is(err, io.EOF)) {
			if is := inputfile.Guess(head); is != "" {
				what += "; the file looks like " + is
			}
		}
		return &Error{Path: f.path, Reason: HeaderLength, Offset: 0, What: what}
	}
	if size < lengthBytes {
		return nil, bad(fmt.Sprintf("no header: the file has %d bytes, the length of the header alone takes 8: is it complete?", size))
	}
	var field [lengthBytes]byte
	if err := f.readFull(field[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(field[:])
	switch {
	case n > limits.SafetensorsHeader:
		return nil, bad(fmt.Sprintf("the header says it has %d bytes, the limit is %d: is this a safetensors file?", n, limits.SafetensorsHeader))
	case int64(n) > size-lengthBytes:
		return nil, bad(fmt.Sprintf("the header says it has %d bytes, the file has %d after the length: is it complete?", n, size-lengthBytes))
	case n < 2:
		return nil, bad(fmt.Sprintf("the header says it has %d bytes, the shortest header is {}: is this a safetensors file?", n))
	}
	text := make([]byte, n)
	if err := f.readFull(text, lengthBytes); err != nil {
		return nil, err
	}
	return text, nil
}

// readFull fills p from byte off of the file.
func (f *File) readFull(p []byte, off int64) error {
	n, err := f.r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fault.CannotRun(&Error{
			Path: f.path, Reason: ReadFailed, Offset: off + int64(n), Err: io.ErrUnexpectedEOF,
			What: "the file ends here, it was cut short while it was read: try again when nothing writes to it",
		})
	}
	return fault.CannotRun(&Error{
		Path: f.path, Reason: ReadFailed, Offset: off + int64(n), Err: err,
		What: "cannot read: " + shown.Cut(err.Error(), shown.MaxText),
	})
}

// Path returns the path as it was given to [Open].
func (f *File) Path() string { return f.path }

// Tensors returns the tensors in the order of their bytes. Callers must not
// change the list.
func (f *File) Tensors() []Tensor { return f.tensors }

// span are bytes counted from the first value.
type span struct{ begin, end int64 }

// Forget drops the list of tensors, which takes a hundred bytes each: Tensors is
// empty then, and ReadAt goes on.
func (f *File) Forget() {
	f.spans = make([]span, len(f.tensors))
	for i, t := range f.tensors {
		f.spans[i] = span{t.Begin, t.End}
	}
	f.tensors = nil
}

// span returns where the values of tensor i lie.
func (f *File) span(i int) (s span, known bool) {
	switch {
	case i < 0 || i >= max(len(f.tensors), len(f.spans)):
		return s, false
	case f.spans != nil:
		return f.spans[i], true
	}
	return span{f.tensors[i].Begin, f.tensors[i].End}, true
}

// Metadata returns the texts under __metadata__; nil when the file has no such
// key (or null in its place). Callers must not change it.
func (f *File) Metadata() map[string]string { return f.metadata }

// Warnings returns what is odd about the file without being a fault, one line
// a finding, ready to be shown behind "warning: ".
func (f *File) Warnings() []string { return f.warnings }

// DataOffset returns where in the file the values begin.
func (f *File) DataOffset() int64 { return f.data }

// ReadAt reads len(dst) bytes of tensor i (an index of [File.Tensors], as it was before [File.Forget]) from
// byte off of its values on. As with [io.ReaderAt], reading beyond the tensor's
// end gives what there is and io.EOF. Other errors are marked as such of the
// system: the header was right about the file when it was opened.
func (f *File) ReadAt(dst []byte, i int, off int64) (int, error) {
	s, known := f.span(i)
	if !known {
		return 0, fmt.Errorf("safetensors: %s: no tensor with index %d, there are %d", shown.Path(f.path), i, max(len(f.tensors), len(f.spans)))
	}
	if off < 0 || off > s.end-s.begin {
		return 0, fmt.Errorf("safetensors: %s: tensor %d: no byte %d, there are %d", shown.Path(f.path), i, off, s.end-s.begin)
	}
	want := dst[:min(int64(len(dst)), s.end-s.begin-off)]
	if err := f.readFull(want, f.data+s.begin+off); err != nil {
		return 0, err
	}
	if len(want) < len(dst) {
		return len(want), io.EOF
	}
	return len(want), nil
}

// Close closes the file that [Open] opened.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}
