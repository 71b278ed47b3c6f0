package safetensors

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/checkpoint/internal/sizes"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
)

// header is the text being read. tensor and field say where the reader is, so
// that a fault of the JSON text can name it.
type header struct {
	path     string
	p        *strictjson.Parser
	tensors  []Tensor
	metadata map[string]string
	findings findings

	member, inMember bool
	tensor           string
	field            string
}

// parse reads the whole text. A fault of the text is reported before a fault of
// a field, wherever they stand.
func (h *header) parse(text []byte) error {
	if text[0] != '{' {
		return h.notAnObject(text)
	}
	h.p = strictjson.NewAt(text, limits.Depth, lengthBytes)
	const shortestEntry = 50 // bytes
	h.tensors = make([]Tensor, 0, min(bytes.Count(text, []byte(`"data_offsets"`)), len(text)/shortestEntry, limits.Tensors))
	err := h.p.Object(h.readMember)
	if err == nil {
		err = h.p.End()
	}
	if err == nil {
		return nil
	}
	err = h.wrap(err)
	var own *Error
	if errors.As(err, &own) && own.Reason != HeaderText {
		if textErr := checkText(text); textErr != nil {
			h.inMember = false
			return h.wrap(textErr)
		}
	}
	return err
}

func (h *header) notAnObject(text []byte) error {
	what := fmt.Sprintf("the header must begin with {, found %s", shown.Quote(string(text[:1])))
	switch {
	case strings.HasPrefix(string(text[:min(3, len(text))]), "\xef\xbb\xbf"):
		what = "the header must begin with {, found a UTF-8 byte order mark: write the header without it"
	case text[0] == ' ' || text[0] == '\n' || text[0] == '\t' || text[0] == '\r':
		what += ": white space may stand only at its end"
	}
	return &Error{Path: h.path, Reason: HeaderText, Offset: lengthBytes, What: what}
}

// checkText reports what is wrong with the text as JSON, repeated names aside.
func checkText(text []byte) error {
	p := strictjson.NewAt(text, limits.Depth, lengthBytes)
	err := p.Skip()
	if err == nil {
		err = p.End()
	}
	if errors.Is(err, strictjson.Duplicate) {
		return nil
	}
	return err
}

// wrap puts the path, the tensor and the field to an error of the JSON parser.
func (h *header) wrap(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	var text *strictjson.Error
	if !errors.As(err, &text) {
		return err
	}
	e := &Error{Path: h.path, Reason: HeaderText, Offset: text.Offset, What: text.Detail(), Err: text}
	switch text.Reason {
	case strictjson.Duplicate:
		h.wrapDuplicate(e, text.Key)
	case strictjson.WrongKind:
		h.wrapKind(e)
	}
	return e
}

func (h *header) wrapDuplicate(e *Error, key string) {
	e.Reason = DuplicateName
	switch {
	case !h.inMember && key == metadataKey:
		e.Field, e.What = metadataKey, "duplicate "+metadataKey+": keep one"
	case !h.inMember:
		e.Tensor, e.HasTensor, e.What = key, true, "duplicate name: keep one"
	case h.member:
		e.Field, e.What = key, metadataKey+": duplicate key "+shown.Quote(key)+": keep one"
	default:
		e.Tensor, e.HasTensor, e.Field = h.tensor, true, key
		e.What = "duplicate field " + shown.Quote(key) + ": keep one"
	}
}

func (h *header) wrapKind(e *Error) {
	if !h.inMember {
		return
	}
	if h.member {
		e.Reason, e.Field = BadMetadata, h.field
		place := metadataKey
		if h.field != "" {
			place += ", key " + shown.Quote(h.field)
		}
		e.What = place + ": " + e.What
		return
	}
	e.Tensor, e.HasTensor, e.Field = h.tensor, true, h.field
	switch h.field {
	case "":
		e.Reason = BadEntry
		e.What = "its entry: " + e.What
	case "dtype":
		e.Reason = BadDType
	case "shape":
		e.Reason = BadShape
	case "data_offsets":
		e.Reason = BadOffsets
	}
	if h.field != "" {
		e.What = h.field + ": " + e.What
	}
}

// readMember reads one member of the header: the metadata or a tensor.
func (h *header) readMember(key string, at int64) error {
	h.inMember, h.member, h.tensor, h.field = true, key == metadataKey, key, ""
	var err error
	if h.member {
		err = h.readMetadata(at)
	} else {
		err = h.readTensor(key, at)
	}
	if err == nil {
		h.inMember = false
	}
	return err
}

func (h *header) readMetadata(at int64) error {
	kind, err := h.p.Peek()
	if err != nil {
		return err
	}
	if kind == strictjson.Null {
		h.findings.add(fmt.Sprintf("safetensors: %s: header byte %d: %s is null, which counts as none: leave it out, or write {}", shown.Path(h.path), at, metadataKey))
		return h.p.Null()
	}
	h.metadata = map[string]string{}
	return h.p.Object(func(key string, _ int64) error {
		h.field = key
		text, err := h.p.String()
		if err != nil {
			return err
		}
		h.metadata[key] = text
		h.field = ""
		return nil
	})
}

// entry is what one tensor's entry holds, and where.
type entry struct {
	Tensor
	hasDType, hasShape, hasOffsets bool
	shapeAt, offsetsAt             int64
}

func (h *header) readTensor(name string, at int64) error {
	if len(h.tensors) >= limits.Tensors {
		return &Error{Path: h.path, Reason: TooMany, Offset: at, What: fmt.Sprintf("this is tensor number %d, the limit is %d tensors in a file: split the file", limits.Tensors+1, limits.Tensors)}
	}
	e := entry{Tensor: Tensor{Name: name, at: at}}
	err := h.p.Object(func(field string, fieldAt int64) error {
		h.field = field
		var err error
		switch field {
		case "dtype":
			err = h.readDType(&e)
		case "shape":
			err = h.readShape(&e)
		case "data_offsets":
			err = h.readOffsets(&e)
		default:
			return h.fault(BadEntry, field, fieldAt, "unknown field "+shown.Quote(field)+": an entry has dtype, shape and data_offsets")
		}
		if err == nil {
			h.field = ""
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := h.checkEntry(&e); err != nil {
		return err
	}
	h.checkName(name, at)
	h.tensors = append(h.tensors, e.Tensor)
	return nil
}

// fault is an error about the tensor that is being read.
func (h *header) fault(reason Reason, field string, at int64, what string) error {
	return &Error{Path: h.path, Reason: reason, Tensor: h.tensor, HasTensor: true, Field: field, Offset: at, What: what}
}

func (h *header) readDType(e *entry) error {
	at := h.p.Offset()
	text, err := h.p.String()
	if err != nil {
		return err
	}
	name, bits, ok := canonical(text)
	if !ok {
		return h.fault(BadDType, "dtype", at, "dtype: unknown type "+shown.Quote(text)+": use one of "+strings.Join(DTypes(), ", "))
	}
	e.DType, e.Bits, e.hasDType = name, bits, true
	return nil
}

func (h *header) readShape(e *entry) error {
	e.shapeAt = h.p.Offset()
	var sizes [limits.Dims]int64
	count := 0
	err := h.p.Array(func(i int) error {
		count++
		at := h.p.Offset()
		literal, err := h.p.Number()
		if err != nil {
			return err
		}
		size, problem := parseSize(literal)
		if problem != "" {
			return h.fault(BadShape, "shape", at, "shape: size "+shown.Cut(literal, shown.MaxText)+" "+problem)
		}
		if i < len(sizes) {
			sizes[i] = size
		}
		return nil
	})
	if err != nil {
		return err
	}
	if count > limits.Dims {
		return h.fault(BadShape, "shape", e.shapeAt, fmt.Sprintf("shape: %d dimensions, the limit is %d: store the tensor with fewer", count, limits.Dims))
	}
	e.Shape, e.hasShape = slices.Clone(sizes[:count]), true
	return nil
}

func (h *header) readOffsets(e *entry) error {
	e.offsetsAt = h.p.Offset()
	var pair [2]int64
	count := 0
	err := h.p.Array(func(i int) error {
		count++
		at := h.p.Offset()
		literal, err := h.p.Number()
		if err != nil {
			return err
		}
		v, problem := parseSize(literal)
		if problem != "" {
			return h.fault(BadOffsets, "data_offsets", at, "data_offsets: "+shown.Cut(literal, shown.MaxText)+" "+problem)
		}
		if i < len(pair) {
			pair[i] = v
		}
		return nil
	})
	if err != nil {
		return err
	}
	if count != len(pair) {
		return h.fault(BadOffsets, "data_offsets", e.offsetsAt, fmt.Sprintf("data_offsets: %d numbers, want 2: the first byte and the one after the last", count))
	}
	e.Begin, e.End, e.hasOffsets = pair[0], pair[1], true
	return nil
}

// parseSize reads a size or an offset; problem is empty when it is one.
func parseSize(literal string) (v int64, problem string) {
	for i := 0; i < len(literal); i++ {
		if literal[i] < '0' || literal[i] > '9' {
			return 0, "is not written in digits only: write a whole number from 0 to 9223372036854775807"
		}
	}
	v, err := strconv.ParseInt(literal, 10, 64)
	if err != nil {
		return 0, "is above the limit of 9223372036854775807 (2^63-1)"
	}
	return v, ""
}

// checkEntry compares the fields of one entry with each other.
func (h *header) checkEntry(e *entry) error {
	for _, f := range []struct {
		name string
		has  bool
	}{{"dtype", e.hasDType}, {"shape", e.hasShape}, {"data_offsets", e.hasOffsets}} {
		if !f.has {
			return h.fault(BadEntry, f.name, e.at, "no "+f.name+": an entry has dtype, shape and data_offsets")
		}
	}
	size, elements, problem := sizes.Of(e.Shape, e.Bits)
	if problem != "" {
		return h.fault(BadShape, "shape", e.shapeAt, fmt.Sprintf("shape: %s of %s %s", sizes.Text(e.Shape, "[", "]"), e.DType, problem))
	}
	e.Elements = elements
	if e.Begin > e.End {
		return h.fault(BadOffsets, "data_offsets", e.offsetsAt, fmt.Sprintf("data_offsets: [%d, %d] end before they begin", e.Begin, e.End))
	}
	if e.End-e.Begin != size {
		return h.fault(BadOffsets, "data_offsets", e.offsetsAt, fmt.Sprintf("data_offsets: [%d, %d] are %d bytes, shape %s of %s takes %d", e.Begin, e.End, e.End-e.Begin, sizes.Text(e.Shape, "[", "]"), e.DType, size))
	}
	return nil
}

// arrange sorts the tensors by their bytes and checks that they cover dataSize
// bytes without a hole or an overlap.
func (h *header) arrange(dataSize int64) error {
	misplaced := func(t *Tensor, format string, args ...any) error {
		h.tensor = t.Name
		return h.fault(BadOffsets, "data_offsets", t.at, fmt.Sprintf("data_offsets: [%d, %d] ", t.Begin, t.End)+fmt.Sprintf(format, args...))
	}
	for i := range h.tensors {
		if t := &h.tensors[i]; t.End > dataSize {
			return misplaced(t, "end beyond the %d bytes of data: is the file complete?", dataSize)
		}
	}
	slices.SortStableFunc(h.tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.End, b.End))
	})
	var covered int64
	for i := range h.tensors {
		t := &h.tensors[i]
		switch {
		case t.Begin < covered:
			return misplaced(t, "overlap with tensor %s, which ends at %d", shown.Quote(h.tensors[i-1].Name), covered)
		case t.Begin > covered:
			return misplaced(t, "leave a hole: bytes %d to %d of the data belong to no tensor", covered, t.Begin)
		}
		covered = t.End
	}
	if covered < dataSize {
		return &Error{
			Path: h.path, Reason: TrailingData, Offset: h.p.Offset() + covered,
			What: fmt.Sprintf("%d trailing bytes after the last tensor: remove them, they belong to nobody", dataSize-covered),
		}
	}
	return nil
}
