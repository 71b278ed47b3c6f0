package npy

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/weightinit/weightinit/internal/shown"
)

// ReadAt reads len(dst) bytes of the values from byte off on, as they would lie
// in C order and little-endian, whatever the order of the file. As with
// [io.ReaderAt], reading beyond the end gives what there is and io.EOF.
//
// A file in Fortran order is put into C order a block at a time, and blocks are
// kept for the next call, see blocks.go: read such a file from start to end.
func (f *File) ReadAt(dst []byte, off int64) (int, error) {
	total := f.Bytes()
	if off < 0 || off > total {
		return 0, fmt.Errorf("npy: %s: no byte %d, there are %d", shown.Path(f.path), off, total)
	}
	want := dst[:min(int64(len(dst)), total-off)]
	if err := f.readPlain(want, off); err != nil {
		return 0, err
	}
	if len(want) < len(dst) {
		return len(want), io.EOF
	}
	return len(want), nil
}

// ReadStored fills dst with the values from byte off on, little-endian but in
// the order of the file. Both must be whole elements within the file.
func (f *File) ReadStored(dst []byte, off int64) error {
	if err := f.readFull(dst, f.data+off); err != nil {
		return err
	}
	if f.dtype.BigEndian {
		swap(dst, f.dtype.Part)
	}
	return nil
}

func (f *File) readPlain(dst []byte, off int64) error {
	switch {
	case f.Strided():
		return f.readBlocks(dst, off)
	case f.dtype.BigEndian:
		return f.readSwapped(dst, off)
	}
	return f.readFull(dst, f.data+off)
}

// readSwapped reads a file in C order and turns the bytes of every number round.
func (f *File) readSwapped(dst []byte, off int64) error {
	size := int64(f.dtype.Size)
	// The part of an element at either end comes through a buffer.
	for len(dst) > 0 {
		skip := off % size
		if whole := int64(len(dst)) / size * size; skip == 0 && whole > 0 {
			if err := f.readFull(dst[:whole], f.data+off); err != nil {
				return err
			}
			swap(dst[:whole], f.dtype.Part)
			dst, off = dst[whole:], off+whole
			continue
		}
		var element [16]byte
		if err := f.readFull(element[:size], f.data+off-skip); err != nil {
			return err
		}
		swap(element[:size], f.dtype.Part)
		n := copy(dst, element[skip:size])
		dst, off = dst[n:], off+int64(n)
	}
	return nil
}

// swap reverses the bytes of every part of p.
func swap(p []byte, part int) {
	little, big := binary.LittleEndian, binary.BigEndian
	switch part {
	case 2:
		for ; len(p) >= 2; p = p[2:] {
			little.PutUint16(p, big.Uint16(p))
		}
	case 4:
		for ; len(p) >= 4; p = p[4:] {
			little.PutUint32(p, big.Uint32(p))
		}
	case 8:
		for ; len(p) >= 8; p = p[8:] {
			little.PutUint64(p, big.Uint64(p))
		}
	}
}
