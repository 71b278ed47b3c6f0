package npy

import (
	"fmt"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
)

// Reason says which rule of the format a file breaks. It is itself an error,
// so that errors.Is(err, npy.BadShape) works.
type Reason uint8

// The reasons, in the order in which they are looked for.
const (
	// BadMagic: the file does not begin as a .npy file does.
	BadMagic Reason = iota + 1
	// BadVersion: a version of the format that does not exist.
	BadVersion
	// HeaderLength: the length of the header is cut off, or more than the file
	// or the limit allows.
	HeaderLength
	// HeaderText: the header is not a dictionary as NumPy writes it.
	HeaderText
	// DuplicateKey, UnknownKey, MissingKey: Field is the key.
	DuplicateKey
	UnknownKey
	MissingKey
	// BadDescr: a number type that is not read.
	BadDescr
	// BadOrder: fortran_order is neither True nor False.
	BadOrder
	// BadShape: no tuple of sizes, or too many or too large ones.
	BadShape
	// ShortData: the file has fewer bytes than the shape takes.
	ShortData
	// TrailingData: bytes behind the last value.
	TrailingData
	// ReadFailed: the system did not give the bytes.
	ReadFailed
	// BadManifest: a manifest that breaks its own format.
	BadManifest
)

var reasonNames = [...]string{
	"unknown reason", "magic", "version", "header length", "header text", "duplicate key", "unknown key",
	"missing key", "descr", "fortran_order", "shape", "short data", "trailing data", "read failed", "manifest",
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
	// Field is the key of the header (or of the manifest) at fault.
	Field string
	// NoNumbers says, of BadDescr, what the array holds if that is no numbers,
	// such as text or records. It is empty for numbers of a type that is not read.
	NoNumbers string
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
	b.WriteString("npy: " + shown.Path(e.Path) + ": ")
	if e.Offset >= 0 {
		if e.Reason >= HeaderText && e.Reason <= BadShape {
			b.WriteString("header ")
		}
		fmt.Fprintf(&b, "byte %d: ", e.Offset)
	}
	b.WriteString(e.What)
	return b.String()
}

// Is makes errors.Is(err, reason) hold.
func (e *Error) Is(target error) bool {
	r, ok := target.(Reason)
	return ok && r == e.Reason
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
