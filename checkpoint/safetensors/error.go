package safetensors

import (
	"fmt"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
)

// Reason says which rule of the format a file breaks. It is itself an error,
// so that errors.Is(err, safetensors.BadShape) works.
type Reason uint8

// The reasons, in the order in which they are looked for.
const (
	// HeaderLength: the length field is missing, or more than the file or the
	// limit allows.
	HeaderLength Reason = iota + 1
	// HeaderText: the header is not a JSON object; Err is the *strictjson.Error
	// when there is one.
	HeaderText
	// DuplicateName: a name occurs twice, at any level. Field is the name
	// inside an entry, empty for the name of a tensor.
	DuplicateName
	// BadMetadata: __metadata__ is not an object of strings. Field is the key.
	BadMetadata
	// BadEntry: a tensor's entry is no object, or lacks a field, or has an
	// unknown one. Field is the field.
	BadEntry
	// BadDType: a type that the format does not have.
	BadDType
	// BadShape: sizes that are no numbers, too many, or too large.
	BadShape
	// BadOffsets: offsets that do not fit the shape, the file or the offsets of
	// the other tensors.
	BadOffsets
	// TrailingData: bytes behind the last tensor.
	TrailingData
	// TooMany: more tensors than the limit.
	TooMany
	// ReadFailed: the system did not give the bytes.
	ReadFailed
)

var reasonNames = [...]string{
	"unknown reason", "header length", "header text", "duplicate name", "metadata", "tensor entry",
	"dtype", "shape", "data_offsets", "trailing data", "too many tensors", "read failed",
}

// Error returns the reason in a few words.
func (r Reason) Error() string {
	if int(r) >= len(reasonNames) {
		r = 0
	}
	return reasonNames[r]
}

// Error is the first fault of a file.
type Error struct {
	// Path is the file as the user named it.
	Path   string
	Reason Reason
	// Tensor is the name of the tensor at fault; HasTensor tells "no tensor"
	// from a tensor with an empty name.
	Tensor    string
	HasTensor bool
	// Field is the field of the entry, or the key of the metadata, at fault.
	Field string
	// Offset counts bytes from the start of the file; -1: no single place.
	Offset int64
	// What is the problem, the value found and the next step, in words.
	What string
	// Err is the cause, when there is one.
	Err error
}

// Error returns one line: the path, the place, the problem.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("safetensors: " + shown.Path(e.Path) + ": ")
	if e.Offset >= 0 {
		if e.inHeader() {
			b.WriteString("header ")
		}
		fmt.Fprintf(&b, "byte %d: ", e.Offset)
	}
	if e.HasTensor {
		b.WriteString("tensor " + shown.Quote(e.Tensor) + ": ")
	}
	b.WriteString(e.What)
	return b.String()
}

func (e *Error) inHeader() bool { return e.Reason != TrailingData && e.Reason != ReadFailed }

// Is makes errors.Is(err, reason) hold.
func (e *Error) Is(target error) bool {
	r, ok := target.(Reason)
	return ok && r == e.Reason
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
