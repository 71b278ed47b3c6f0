package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/weightinit/weightinit/checkpoint/internal/sizes"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// File is an open array whose header and length have been checked. Its methods
// may be called from several goroutines.
type File struct {
	r      io.ReaderAt
	closer io.Closer
	path   string

	dtype    DType
	fortran  bool
	shape    []int64
	elements int64
	data     int64

	// Of a file in Fortran order: the size of a block and of the rows in it, and
	// who fills one.
	blockBytes, rowBytes int64
	filling              sync.Mutex
}

// Open opens and checks a file. The error is an *[Error], or one of package
// inputfile when the path itself is at fault.
func Open(path string) (*File, error) {
	f, size, err := inputfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	file, err := NewFile(f, size, path)
	if err != nil {
		f.Close()
		return nil, err
	}
	file.closer = f
	return file, nil
}

// NewFile checks an array of size bytes in r, which must stay usable as long as
// the File is. path stands in messages. Nothing but the header is read.
func NewFile(r io.ReaderAt, size int64, path string) (*File, error) {
	f := &File{r: r, path: path}
	version, text, err := f.headerText(size)
	if err != nil {
		return nil, err
	}
	s := &scanner{text: text, base: f.data - int64(len(text)), path: path}
	if err := s.parse(version); err != nil {
		return nil, err
	}
	if err := s.checkData(f.data, size-f.data); err != nil {
		return nil, err
	}
	f.dtype, f.fortran, f.shape = s.descr, s.fortran, s.shape
	_, f.elements, _ = sizes.Of(s.shape, 8*s.descr.Size)
	if f.Strided() {
		f.setBlockBytes(blockLimit(f.Bytes()))
	}
	return f, nil
}

// headerText checks everything before the header and reads the header.
func (f *File) headerText(size int64) (version byte, text []byte, err error) {
	fail := func(reason Reason, at int64, format string, args ...any) (byte, []byte, error) {
		return 0, nil, &Error{Path: f.path, Reason: reason, Offset: at, What: fmt.Sprintf(format, args...)}
	}
	head := make([]byte, min(size, inputfile.GuessLen))
	if err := f.readFull(head, 0); err != nil {
		return 0, nil, err
	}
	switch {
	case len(head) < len(magic):
		return fail(BadMagic, 0, "no magic: the file has %d bytes, a .npy file begins with the 6 bytes \\x93NUMPY: is it complete?", size)
	case string(head[:len(magic)]) != magic:
		what := "the magic at the start is " + shown.Quote(string(head[:len(magic)])) + ", not \\x93NUMPY: is this a .npy file?"
		if is := inputfile.Guess(head); is != "" {
			what += " It looks like " + is
		}
		return fail(BadMagic, 0, "%s", what)
	case len(head) < prefixBytes:
		return fail(BadVersion, int64(len(magic)), "the file ends before its version: is it complete?")
	}
	major, minor := head[len(magic)], head[len(magic)+1]
	if major < 1 || major > 3 || minor != 0 {
		return fail(BadVersion, int64(len(magic)), "version %d.%d of the format: 1.0, 2.0 and 3.0 are read, write the file again with NumPy", major, minor)
	}
	field := 4
	if major == 1 {
		field = 2
	}
	if len(head) < prefixBytes+field {
		return fail(HeaderLength, int64(prefixBytes), "the file ends within the length of its header: is it complete?")
	}
	n := int64(binary.LittleEndian.Uint16(head[prefixBytes:]))
	if field == 4 {
		n = int64(binary.LittleEndian.Uint32(head[prefixBytes:]))
	}
	start := int64(prefixBytes + field)
	switch {
	case n > limits.NPYHeader:
		return fail(HeaderLength, int64(prefixBytes), "the header says it has %d bytes, the limit is %d: is this a .npy file?", n, limits.NPYHeader)
	case n > size-start:
		return fail(HeaderLength, int64(prefixBytes), "the header says it has %d bytes, the file has %d after the length: is it complete?", n, size-start)
	case n == 0:
		return fail(HeaderLength, int64(prefixBytes), "the header is empty: write the file again with NumPy")
	}
	text = make([]byte, n)
	if err := f.readFull(text, start); err != nil {
		return 0, nil, err
	}
	f.data = start + n
	return major, text, nil
}

// readFull fills p from byte off of the file.
func (f *File) readFull(p []byte, off int64) error {
	n, err := f.r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	e := &Error{Path: f.path, Reason: ReadFailed, Offset: off + int64(n), Err: err}
	if err == nil || errors.Is(err, io.EOF) {
		e.Err = io.ErrUnexpectedEOF
		e.What = "the file ends here, it was cut short while it was read: try again when nothing writes to it"
	} else {
		e.What = "cannot read: " + shown.Cut(err.Error(), shown.MaxText)
	}
	return fault.CannotRun(e)
}

// Path returns the path as it was given to [Open].
func (f *File) Path() string { return f.path }

// DType returns the type of the elements as the file stores them.
func (f *File) DType() DType { return f.dtype }

// Shape returns the sizes, outermost first; empty for a scalar. Callers must
// not change it.
func (f *File) Shape() []int64 { return f.shape }

// Fortran reports whether the first dimension varies fastest in the file.
func (f *File) Fortran() bool { return f.fortran }

// Elements returns the product of the sizes.
func (f *File) Elements() int64 { return f.elements }

// Bytes returns the size of all values.
func (f *File) Bytes() int64 { return f.elements * int64(f.dtype.Size) }

// DataOffset returns where in the file the values begin.
func (f *File) DataOffset() int64 { return f.data }

// Plain reports whether the values lie in the file as [File.ReadAt] gives them:
// in C order and little-endian.
func (f *File) Plain() bool { return !f.dtype.BigEndian && !f.Strided() }

// Strided reports whether C order is not the file's order.
func (f *File) Strided() bool {
	if !f.fortran {
		return false
	}
	wide := 0
	for _, d := range f.shape {
		if d > 1 {
			wide++
		}
	}
	return wide > 1
}

// Close closes the file that [Open] opened, and frees what was kept of its
// values.
func (f *File) Close() error {
	if f.Strided() {
		cache.drop(f)
	}
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}
