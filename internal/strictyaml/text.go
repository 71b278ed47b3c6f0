package strictyaml

import (
	"strings"
	"unicode/utf8"
)

// checkText checks what must hold before the parser sees the text: size,
// encoding, characters that readers of YAML disagree about, and directives,
// for which the parser has no linear time.
func (d *Dialect) checkText(text []byte) *Error {
	if len(text) > d.Bytes {
		return bad(nowhere, "the text has %d bytes, the limit of a %s is %d: is this the right file?", len(text), d.Limited, d.Bytes)
	}
	at := place{offset: 0, line: 1, column: 1}
	blank, comment := true, false // the line so far
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size <= 1:
			return bad(at, "not valid UTF-8 (byte %#02x): save the text as UTF-8", rest[0])
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f, r > 0x7f && r < 0xa0, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return bad(at, "the character %U is not allowed in YAML: remove it", r)
		case r == 0x2028, r == 0x2029:
			return bad(at, "the character %U is a line break in YAML 1.1 and none in YAML 1.2: remove it", r)
		case r == '\t' && !comment:
			return bad(at, "a tab: use spaces, or write \\t in double quotes")
		case r == '%' && at.column == 1:
			return bad(at, "directives (%%) are not supported in a %s: remove the line", d.Name)
		}
		comment = comment || blank && r == '#'
		blank = blank && r == ' '
		at.column++
		rest = rest[size:]
		if r == '\n' || r == '\r' && (len(rest) == 0 || rest[0] != '\n') {
			at.line, at.column, blank, comment = at.line+1, 1, true, false
		}
		at.offset += int64(size)
	}
	return nil
}

// cursor finds places of a text. It only moves forward, so that all places of
// a tree in its order take linear time, also those of one long line.
type cursor struct {
	text         string
	offset       int
	line, column int // of offset, from 1 on; a column is a character
}

// from returns the text from a place on, which must not lie before the last
// one.
func (c *cursor) from(p place) string {
	for c.line < p.line {
		c.offset += strings.IndexByte(c.text[c.offset:], '\n') + 1
		c.line, c.column = c.line+1, 1
	}
	for c.column < p.column && c.offset < len(c.text) {
		_, size := utf8.DecodeRuneInString(c.text[c.offset:])
		c.offset, c.column = c.offset+size, c.column+1
	}
	return c.text[c.offset:]
}

// behindAnchor returns what follows the anchor at the start of a text, its
// name, spaces, line breaks and comments.
func behindAnchor(s string) string {
	s = strings.TrimLeft(s[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
	for {
		s = strings.TrimLeft(s, " \n")
		if !strings.HasPrefix(s, "#") {
			return s
		}
		_, s, _ = strings.Cut(s, "\n")
	}
}

// quoted returns the quoted scalar at the start of a text with its quotes, ""
// when there is none.
func quoted(s string) string {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return ""
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[0] == '"' && s[i] == '\\':
			i++
		case s[0] == '\'' && strings.HasPrefix(s[i:], "''"):
			i++
		case s[i] == s[0]:
			return s[:i+1]
		}
	}
	return ""
}
