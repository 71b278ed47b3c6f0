package fromproto

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/plugins/internal/wire"
)

// Filling checks the chunks of one Fill in the order in which they come.
type Filling struct {
	param string
	size  uint64
	// next is the element that comes next, end the one behind the last.
	next, end uint64
}

// NewFilling expects count values of the parameter in the compute type of
// dtype, from element first on.
func NewFilling(param string, stored dtype.Type, first, count uint64) *Filling {
	return &Filling{param: param, size: uint64(stored.Compute().Size()), next: first, end: first + count}
}

// Chunk checks one chunk: it must follow the last without gap or overlap, hold
// whole elements, and all of them finite.
func (f *Filling) Chunk(first uint64, data []byte) error {
	fail := func(field, value, format string, args ...any) error {
		e := bad(field, value, format, args...).(*FieldError)
		e.Param = f.param
		return e
	}
	n := uint64(len(data)) / f.size
	switch {
	case first != f.next:
		return fail("first", fmt.Sprint(first), "element %d comes next", f.next)
	case len(data) == 0 || len(data) > wire.MaxChunk:
		return fail("data", "", "has %d bytes at element %d, must have 1 to %d", len(data), first, wire.MaxChunk)
	case uint64(len(data))%f.size != 0:
		return fail("data", "", "has %d bytes at element %d, not whole elements of %d bytes", len(data), first, f.size)
	case n > f.end-f.next:
		return fail("data", "", "has %d elements at element %d, only %d are left", n, first, f.end-f.next)
	}
	if i := firstNotFinite(data, f.size == 8); i >= 0 {
		return fail("data", "", "element %d is not a finite number", first+uint64(i))
	}
	f.next += n
	return nil
}

// Done reports an error unless every element came.
func (f *Filling) Done() error {
	if f.next == f.end {
		return nil
	}
	return &FieldError{Param: f.param, Field: "data", Problem: fmt.Sprintf("the stream ends at element %d, %d are missing", f.next, f.end-f.next)}
}

// firstNotFinite returns the index of the first NaN or infinity, or -1: the
// numbers whose exponent bits are all set. One added to the lowest bit of such
// an exponent carries into the place of the sign, which is masked out before.
func firstNotFinite(data []byte, wide bool) int {
	mask, one, sign, size := uint64(0x7F80_0000_7F80_0000), uint64(0x0080_0000_0080_0000), uint64(0x8000_0000_8000_0000), 4
	if wide {
		mask, one, sign, size = 0x7FF0<<48, 0x0010<<48, 1<<63, 8
	}
	i := 0
	for ; i+32 <= len(data); i += 32 {
		b := data[i : i+32 : i+32]
		hit := (binary.LittleEndian.Uint64(b)&mask + one) |
			(binary.LittleEndian.Uint64(b[8:])&mask + one) |
			(binary.LittleEndian.Uint64(b[16:])&mask + one) |
			(binary.LittleEndian.Uint64(b[24:])&mask + one)
		if hit&sign != 0 {
			break
		}
	}
	for ; i+size <= len(data); i += size {
		v := uint64(binary.LittleEndian.Uint32(data[i:]))
		if wide {
			v = binary.LittleEndian.Uint64(data[i:])
		}
		// The upper half of a float32's word is 0 and cannot carry.
		if (v&mask+one)&sign != 0 {
			return i / size
		}
	}
	return -1
}

// FillChunk reads an undecoded FillChunk without copying its data.
func FillChunk(raw []byte) (first uint64, data []byte, err error) {
	for len(raw) > 0 {
		n, kind, length := protowire.ConsumeTag(raw)
		if length < 0 {
			return 0, nil, bad("message", "", "is not protobuf: %s", protowire.ParseError(length))
		}
		raw = raw[length:]
		switch {
		case n == 1 && kind == protowire.VarintType:
			first, length = protowire.ConsumeVarint(raw)
		case n == 2 && kind == protowire.BytesType:
			data, length = protowire.ConsumeBytes(raw)
		default:
			length = protowire.ConsumeFieldValue(n, kind, raw)
		}
		if length < 0 {
			return 0, nil, bad("message", "", "is not protobuf: %s", protowire.ParseError(length))
		}
		raw = raw[length:]
	}
	return first, data, nil
}
