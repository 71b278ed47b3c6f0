// Package shown makes text that came from a file, a path or another program
// fit for a message or a terminal: one line, no control character, no
// character that reorders the line, and no more of it than a reader wants.
//
// It does not encode for a format: JSON strings and file names have their own
// rules in the packages that write them.
package shown

import (
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxText and MaxPath are the most bytes, counted after escaping and without
// the quotes, that [Quote] and [Path] show of a text. A longer one keeps its
// start and its end.
const (
	MaxText = 120
	MaxPath = 600
)

// gap stands for what was cut out of a text.
const gap = "…"

// Text escapes s for a table or a list, without quotes and without cutting:
// every character that does not print (controls, line and paragraph
// separators, bidirectional controls, other spaces than U+0020), every invalid
// byte and the backslash itself become an escape of Go's syntax, so two
// different texts never look the same.
func Text(s string) string { return escape(s, escapeBackslash, math.MaxInt) }

// Cut is [Text] in at most about limit bytes: a longer text loses its middle.
func Cut(s string, limit int) string { return escape(s, escapeBackslash, limit) }

// Quote returns s in double quotes, escaped as by [Text] (and the double quote
// too), cut to about [MaxText] bytes.
func Quote(s string) string {
	return `"` + escape(s, escapeBackslash|escapeQuote, MaxText) + `"`
}

// Path returns a path in double quotes, escaped and cut to about [MaxPath]
// bytes. Where the backslash separates folders it is left as the user wrote it.
func Path(path string) string {
	how := escapeBackslash | escapeQuote
	if filepath.Separator == '\\' {
		how = escapeQuote
	}
	return `"` + escape(path, how, MaxPath) + `"`
}

const (
	escapeBackslash = 1 << iota
	escapeQuote
)

// escape returns s escaped; when that is more than limit bytes, its first two
// thirds, the gap and its last third.
func escape(s string, how, limit int) string {
	if len(s) <= limit && plain(s) {
		return s
	}
	whole, left := escapeHead(s, how, limit)
	if left == "" {
		return whole
	}
	room := limit / 3
	head, left := escapeHead(s, how, limit-room)
	var tail []string
	for left != "" {
		_, n := utf8.DecodeLastRuneInString(left)
		e, _ := escapeFirst(left[len(left)-n:], how)
		if room -= len(e); room < 0 {
			break
		}
		tail = append(tail, e)
		left = left[:len(left)-n]
	}
	slices.Reverse(tail)
	return head + gap + strings.Join(tail, "")
}

// escapeHead escapes the characters at the start of s that fit into limit
// bytes, and returns the rest of s as well.
func escapeHead(s string, how, limit int) (escaped, left string) {
	var b strings.Builder
	for s != "" {
		e, n := escapeFirst(s, how)
		if len(e) > limit-b.Len() {
			break
		}
		b.WriteString(e)
		s = s[n:]
	}
	return b.String(), s
}

// plain reports whether s surely needs no escape.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '\\' || c == '"' {
			return false
		}
	}
	return true
}

// escapeFirst returns the first character of s as it is shown, and its length
// in s.
func escapeFirst(s string, how int) (string, int) {
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && n <= 1:
		return `\x` + string(hexDigits[s[0]>>4]) + string(hexDigits[s[0]&15]), 1
	case r == '\\' && how&escapeBackslash != 0, r == '"' && how&escapeQuote != 0:
		return `\` + string(r), n
	case strconv.IsPrint(r):
		return s[:n], n
	default:
		return strings.Trim(strconv.QuoteRuneToASCII(r), "'"), n
	}
}

const hexDigits = "0123456789abcdef"
