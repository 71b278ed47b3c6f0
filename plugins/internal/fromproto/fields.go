// Package fromproto turns messages of the plugin protocol into the project's
// values and checks them on the way. Every function is pure; package toproto
// goes the other way.
//
// Replies are taken as hostile: a count, name, number, size or text that
// breaks a rule of the protocol is a [*FieldError] that names the field and
// shows the value, and nothing is allocated beyond a small multiple of the
// message. Replies that come over a connection go through [ScanAssign] or
// [ScanDescribe] before they are decoded (package rpc does that).
package fromproto

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weightinit/weightinit/internal/shown"
)

// FieldError says which field of a message breaks which rule.
type FieldError struct {
	// Param is the parameter that the field is about; empty for none.
	Param string
	// Field is the path in the message, such as "modes[0].id".
	Field string
	// Value is the offending value as text; empty when there is none to show.
	Value string
	// Problem is the broken rule.
	Problem string
}

// Error is one line; the value and the name are quoted and cut.
func (e *FieldError) Error() string {
	var b strings.Builder
	if e.Param != "" {
		fmt.Fprintf(&b, "parameter %s: ", shown.Quote(e.Param))
	}
	b.WriteString("field " + e.Field)
	if e.Value != "" {
		b.WriteString(" " + shown.Quote(e.Value))
	}
	b.WriteString(": " + e.Problem)
	return b.String()
}

func bad(field, value, format string, args ...any) error {
	return &FieldError{Field: field, Value: value, Problem: fmt.Sprintf(format, args...)}
}

// text checks a string field: its length in bytes, UTF-8, and no control
// characters; with newlines allowed, all but the newline.
func text(field, s string, least, most int, newlines bool) error {
	switch {
	case len(s) < least:
		return bad(field, s, "must have %d to %d bytes, has %d", least, most, len(s))
	case len(s) > most:
		return bad(field, s, "must have at most %d bytes, has %d", most, len(s))
	case !utf8.ValidString(s):
		return bad(field, s, "must be UTF-8")
	}
	for _, r := range s {
		if unicode.IsControl(r) && !(newlines && r == '\n') {
			return bad(field, s, "must not have control characters")
		}
	}
	return nil
}

func finite(field string, values ...float64) error {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return bad(field, fmt.Sprint(v), "must be finite")
		}
	}
	return nil
}

func index(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }

func tooMany(field string, have, most int) error {
	return bad(field, "", "has %d entries, the limit is %d", have, most)
}
