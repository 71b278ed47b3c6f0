package strictjson

import (
	"fmt"

	"github.com/weightinit/weightinit/internal/shown"
)

// Reason says what is wrong with a document. It is itself an error, so that
// errors.Is(err, strictjson.Duplicate) works.
type Reason uint8

// The reasons.
const (
	// Syntax: the text is not JSON at the offset.
	Syntax Reason = iota + 1
	// UTF8: the byte at the offset is not part of valid UTF-8.
	UTF8
	// Surrogate: an escape is one half of a surrogate pair, alone.
	Surrogate
	// Duplicate: a name occurs twice in one object.
	Duplicate
	// Depth: more arrays and objects are open than the limit allows.
	Depth
	// Trailing: something follows the document.
	Trailing
	// WrongKind: the value is sound and of another kind than the caller wants.
	WrongKind
	// Unread: the caller did not read the value it was called for; a fault of
	// the program, not of the document.
	Unread
)

var reasonNames = [...]string{
	"unknown reason", "not JSON", "not UTF-8", "lone surrogate", "duplicate name",
	"nested too deep", "text after the document", "value of another kind", "value not read",
}

// Error returns the reason in a few words.
func (r Reason) Error() string {
	if int(r) >= len(reasonNames) {
		r = 0
	}
	return reasonNames[r]
}

// Error is the first fault of a document. Which fields are set depends on
// Reason. The message has no name of a file: callers put it in front.
type Error struct {
	// Offset counts bytes from 0, from the base given to [NewAt].
	Offset int64
	Reason Reason
	// Key is the repeated name of a [Duplicate].
	Key string
	// Want says in words what should stand at the offset; Found is what does,
	// one character, empty at the end of the text. [Syntax], [UTF8] and
	// [Trailing] have them; [Surrogate] has Found, the escape.
	Want, Found string
	// WantKind and GotKind are set for [WrongKind].
	WantKind, GotKind Kind
	// Limit is set for [Depth].
	Limit int
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Reason }

// Error returns one line that begins with "byte N: ".
func (e *Error) Error() string {
	return fmt.Sprintf("byte %d: %s", e.Offset, e.Detail())
}

// Detail is the message without the offset, for callers that name the place
// in another way.
func (e *Error) Detail() string {
	switch e.Reason {
	case Syntax:
		if e.Found == "" {
			return "want " + e.Want + " and the text ends"
		}
		return "want " + e.Want + " and found " + shown.Quote(e.Found)
	case UTF8:
		return "not valid UTF-8 (" + shown.Quote(e.Found) + "): save the text as UTF-8"
	case Surrogate:
		return "lone surrogate " + shown.Text(e.Found) + `: write the character itself, or both halves`
	case Duplicate:
		return "duplicate name " + shown.Quote(e.Key) + ": keep one"
	case Depth:
		return fmt.Sprintf("nested deeper than the limit of %d arrays and objects", e.Limit)
	case Trailing:
		return "nothing may follow the document, found " + shown.Quote(e.Found)
	case WrongKind:
		return fmt.Sprintf("want %s, found %s", article(e.WantKind), article(e.GotKind))
	default:
		return e.Reason.Error()
	}
}

func article(k Kind) string {
	switch k {
	case Object, Array:
		return "an " + k.String()
	case Null:
		return k.String()
	default:
		return "a " + k.String()
	}
}
