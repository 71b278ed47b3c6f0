package sdk

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// The exponents of infinity and NaN.
const (
	exponent32 = 0xFF << 23
	exponent64 = 0x7FF << 52
)

// Writer takes the values of one [Filler.Fill] and sends them in chunks. After
// an error it takes no more.
type Writer struct {
	send  func(*modev1.FillChunk) error
	wide  bool
	chunk int
	// buf holds the values from element first on that are not sent yet; next
	// is the element that comes next, end the one behind the last.
	buf              []byte
	first, next, end int64
	err              error
}

func newWriter(req FillRequest, chunkBytes uint32, send func(*modev1.FillChunk) error) *Writer {
	chunk := int(min(max(chunkBytes, wire.MinChunk), wire.MaxChunk))
	if chunkBytes == 0 {
		chunk = wire.DefaultChunk
	}
	return &Writer{
		send: send, wide: req.DType == dtype.F64, chunk: chunk &^ 7,
		first: req.First, next: req.First, end: req.First + req.Count,
	}
}

// Next returns the index of the element that comes next, counted from the
// start of the parameter.
func (w *Writer) Next() int64 { return w.next }

// Left returns how many elements are still to be written.
func (w *Writer) Left() int64 { return w.end - w.next }

// Float32 writes values; where float64 is asked for they are widened. Values
// that are not finite, and more values than were asked for, are errors.
func (w *Writer) Float32(values []float32) error {
	for len(values) > 0 && w.err == nil {
		room := w.room(len(values))
		if w.err != nil {
			break
		}
		at := len(w.buf)
		w.buf = w.buf[:at+room*w.size()]
		dst := w.buf[at:]
		for i, v := range values[:room] {
			bits := math.Float32bits(v)
			if bits&exponent32 == exponent32 {
				return w.notFinite(w.next+int64(i), float64(v))
			}
			if w.wide {
				binary.LittleEndian.PutUint64(dst[8*i:], math.Float64bits(float64(v)))
			} else {
				binary.LittleEndian.PutUint32(dst[4*i:], bits)
			}
		}
		values = values[room:]
		w.advance(room)
	}
	return w.err
}

// Float64 writes values; where float32 is asked for they are rounded to
// nearest even. Values that are not finite, or not after rounding, and more
// values than were asked for, are errors.
func (w *Writer) Float64(values []float64) error {
	for len(values) > 0 && w.err == nil {
		room := w.room(len(values))
		if w.err != nil {
			break
		}
		at := len(w.buf)
		w.buf = w.buf[:at+room*w.size()]
		dst := w.buf[at:]
		for i, v := range values[:room] {
			if w.wide {
				bits := math.Float64bits(v)
				if bits&exponent64 == exponent64 {
					return w.notFinite(w.next+int64(i), v)
				}
				binary.LittleEndian.PutUint64(dst[8*i:], bits)
				continue
			}
			bits := math.Float32bits(float32(v))
			if bits&exponent32 == exponent32 {
				return w.notFinite(w.next+int64(i), v)
			}
			binary.LittleEndian.PutUint32(dst[4*i:], bits)
		}
		values = values[room:]
		w.advance(room)
	}
	return w.err
}

func (w *Writer) size() int {
	if w.wide {
		return 8
	}
	return 4
}

// room returns how many of n values fit into the buffer.
func (w *Writer) room(n int) int {
	if int64(n) > w.Left() {
		w.err = fmt.Errorf("fill: %d values at element %d, only %d are left", n, w.next, w.Left())
		return 0
	}
	if w.buf == nil {
		// A sent chunk may still be read, so each has a buffer of its own.
		w.buf = make([]byte, 0, int(min(int64(w.chunk), w.Left()*int64(w.size()))))
	}
	return min(n, (cap(w.buf)-len(w.buf))/w.size())
}

func (w *Writer) advance(n int) {
	w.next += int64(n)
	if len(w.buf) == cap(w.buf) {
		w.flush()
	}
}

func (w *Writer) flush() {
	if len(w.buf) == 0 || w.err != nil {
		return
	}
	w.err = w.send(&modev1.FillChunk{First: uint64(w.first), Data: w.buf})
	w.first, w.buf = w.next, nil
}

// finish sends what is left and reports an error unless all values came.
func (w *Writer) finish() error {
	w.flush()
	if w.err == nil && w.next != w.end {
		w.err = fmt.Errorf("fill: the mode wrote up to element %d, %d are missing", w.next, w.Left())
	}
	return w.err
}

func (w *Writer) notFinite(i int64, v float64) error {
	w.err = fmt.Errorf("fill: element %d is %v, not a finite number", i, v)
	return w.err
}
