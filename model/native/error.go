package native

import (
	"fmt"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
)

// Error says what is wrong with a config: where, in which field, with which
// value, and what to do. All faults of a config's text and fields are
// *Error, and bad input for package fault; only files that cannot be opened or
// read have the errors of the system.
type Error struct {
	// File is the name given to [Parse] or [Load]; "" for a config made by hand.
	File string
	// Offset is the byte in a JSON text, counted from 0, and -1 when unknown.
	Offset int64
	// Line and Column are the place in a YAML text, counted from 1, and 0 when
	// unknown.
	Line, Column int
	// Field is the name of the field or key, "" when no single one is at
	// fault. A field of an object is joined with a dot: "rope_scaling.factor".
	Field string
	// Value is the value as it is written, a text in quotes, escaped and cut for
	// a message; "" when there is none to show.
	Value string
	// Problem says what is wrong and then what to do.
	Problem string
	// Err is the cause, or nil.
	Err error
	// Others are further faults of the same text, without File; More counts
	// those that are not kept.
	Others []*Error
	More   int
}

// maxTold is the most faults, and the most warnings, that are told of one config.
const maxTold = 16

// maxLine is the length in bytes from which on [Error.Error] only counts the
// other faults.
const maxLine = 1200

// joined makes one error of several faults of a text, nil of none; more are
// those that were only counted.
func joined(faults []*Error, more int) *Error {
	if len(faults) == 0 {
		return nil
	}
	told := faults[:min(len(faults), maxTold)]
	first := told[0]
	first.Others, first.More = append(first.Others, told[1:]...), more+len(faults)-len(told)
	return first
}

// Error returns one line. It tells the other faults too, as far as they fit.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("model: config")
	if e.File != "" {
		b.WriteString(" " + shown.Path(e.File))
	}
	b.WriteString(": ")
	e.tell(&b)
	more := e.More
	for _, other := range e.Others {
		if b.Len() >= maxLine {
			more++
			continue
		}
		b.WriteString("; also ")
		other.tell(&b)
	}
	if more > 0 {
		fmt.Fprintf(&b, "; and %d more", more)
	}
	return b.String()
}

// tell writes place, field, value and problem.
func (e *Error) tell(b *strings.Builder) {
	switch {
	case e.Column > 0:
		fmt.Fprintf(b, "line %d, column %d: ", e.Line, e.Column)
	case e.Line > 0:
		fmt.Fprintf(b, "line %d: ", e.Line)
	case e.Offset >= 0:
		fmt.Fprintf(b, "byte %d: ", e.Offset)
	}
	if e.Field != "" {
		b.WriteString(shown.Quote(e.Field))
		if e.Value != "" {
			b.WriteString(" is " + e.Value)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// place is a position in a text.
type place struct {
	offset       int64
	line, column int
}

var nowhere = place{offset: -1}

// at sets the position.
func (e *Error) at(p place) *Error {
	e.Offset, e.Line, e.Column = p.offset, p.line, p.column
	return e
}

// badField is the error of one field of a config.
func badField(field, value, format string, args ...any) *Error {
	return &Error{Offset: -1, Field: field, Value: value, Problem: fmt.Sprintf(format, args...)}
}

// badText is the error of a text that is no config.
func badText(p place, format string, args ...any) *Error {
	return (&Error{Problem: fmt.Sprintf(format, args...)}).at(p)
}
