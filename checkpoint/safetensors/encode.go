package safetensors

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weightinit/weightinit/checkpoint/internal/sizes"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/layout"
)

// Alignment is the multiple of bytes at which [Header] lets the values begin.
// The format asks for none, its own writer takes 8; a whole cache line lets a
// reader map the file and load vectors from it.
const Alignment = 64

// Entry is one tensor to be written.
type Entry struct {
	Name  string
	DType layout.DType
	Shape []int64
}

// Header returns all bytes of a file that stand before the values (length field
// included), the offset in the file of every tensor's first byte, and the size
// of the whole file. Tensors lie in the given order, without gaps. The text is
// padded with spaces so that the values begin at a multiple of [Alignment];
// metadata comes first, its keys sorted, so equal arguments give equal bytes.
//
// What the reader of this package refuses is an error: a repeated name, the
// name __metadata__, text that is not UTF-8, a shape of more than 64 sizes or
// of sizes beyond int64, too many tensors, a header beyond the limit.
func Header(tensors []Entry, metadata map[string]string) (header []byte, offsets []int64, total int64, err error) {
	plain := make([]rawEntry, len(tensors))
	for i, t := range tensors {
		name, err := DTypeName(t.DType)
		if err != nil {
			return nil, nil, 0, fmt.Errorf("safetensors: tensor %s: %w", shown.Quote(t.Name), err)
		}
		plain[i] = rawEntry{t.Name, name, t.Shape}
	}
	return encode(plain, metadata, limits.SafetensorsHeader)
}

// DTypeName returns the format's name of a stored type.
func DTypeName(d layout.DType) (string, error) {
	if d.Valid() || d.Whole() {
		return strings.ToUpper(d.String()), nil
	}
	return "", fmt.Errorf("dtype %v is none that can be stored", d)
}

// rawEntry is an Entry of any type of the format.
type rawEntry struct {
	name, dtype string
	shape       []int64
}

// encode is [Header] for all types, with a limit for the header text.
func encode(tensors []rawEntry, metadata map[string]string, limit int) (header []byte, offsets []int64, total int64, err error) {
	if len(tensors) > limits.Tensors {
		return nil, nil, 0, fmt.Errorf("safetensors: %d tensors, the limit is %d in a file: split them over several files", len(tensors), limits.Tensors)
	}
	b := append(make([]byte, lengthBytes, 4096), '{')
	if len(metadata) > 0 {
		if b, err = appendMetadata(b, metadata); err != nil {
			return nil, nil, 0, err
		}
	}
	seen := make(map[string]struct{}, len(tensors))
	offsets = make([]int64, len(tensors))
	var end int64
	for i, t := range tensors {
		if _, dup := seen[t.name]; dup {
			return nil, nil, 0, fmt.Errorf("safetensors: duplicate tensor %s: give every tensor its own name", shown.Quote(t.name))
		}
		seen[t.name] = struct{}{}
		size, err := t.size()
		if err != nil {
			return nil, nil, 0, err
		}
		if size > math.MaxInt64-end-limits.SafetensorsHeader-Alignment {
			return nil, nil, 0, fmt.Errorf("safetensors: tensor %s: the file would pass the limit of 2^63-1 bytes", shown.Quote(t.name))
		}
		offsets[i] = end
		b = appendEntry(b, t, end, end+size)
		end += size
		if len(b) > limit+lengthBytes {
			break
		}
	}
	b = append(b, '}')
	for len(b)%Alignment != 0 {
		b = append(b, ' ')
	}
	n := len(b) - lengthBytes
	if n > limit {
		return nil, nil, 0, fmt.Errorf("safetensors: the header has at least %d bytes, the limit is %d: split the tensors over several files", n, limit)
	}
	binary.LittleEndian.PutUint64(b, uint64(n))
	for i := range offsets {
		offsets[i] += int64(len(b))
	}
	return b, offsets, int64(len(b)) + end, nil
}

// size checks an entry and returns the bytes of its values.
func (t rawEntry) size() (int64, error) {
	fail := func(what string) (int64, error) {
		return 0, fmt.Errorf("safetensors: tensor %s: %s", shown.Quote(t.name), what)
	}
	if t.name == metadataKey {
		return fail("this name is reserved: rename the tensor")
	}
	if !utf8.ValidString(t.name) {
		return fail("the name is not valid UTF-8: rename the tensor")
	}
	if len(t.shape) > limits.Dims {
		return fail(fmt.Sprintf("%d dimensions, the limit is %d", len(t.shape), limits.Dims))
	}
	elementBits, ok := Bits(t.dtype)
	if !ok {
		return fail("unknown dtype " + shown.Quote(t.dtype))
	}
	size, _, problem := sizes.Of(t.shape, elementBits)
	if problem != "" {
		return fail(fmt.Sprintf("shape %s of %s %s", sizes.Text(t.shape, "[", "]"), t.dtype, problem))
	}
	return size, nil
}

func appendMetadata(b []byte, metadata map[string]string) ([]byte, error) {
	b = append(b, `"`+metadataKey+`":{`...)
	for i, key := range slices.Sorted(maps.Keys(metadata)) {
		if !utf8.ValidString(key) || !utf8.ValidString(metadata[key]) {
			return nil, fmt.Errorf("safetensors: metadata %s: not valid UTF-8", shown.Quote(key))
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = strictjson.AppendString(b, key)
		b = append(b, ':')
		b = strictjson.AppendString(b, metadata[key])
	}
	return append(b, '}'), nil
}

func appendEntry(b []byte, t rawEntry, begin, end int64) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = strictjson.AppendString(b, t.name)
	b = append(b, `:{"dtype":"`...)
	b = append(b, t.dtype...)
	b = append(b, `","shape":[`...)
	for i, d := range t.shape {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, d, 10)
	}
	b = append(b, `],"data_offsets":[`...)
	b = strconv.AppendInt(b, begin, 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, end, 10)
	return append(b, `]}`...)
}
