package shown

import (
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Line returns s, which a program of ours has made of texts that are escaped
// already, with what may still not stand in a line of a terminal escaped; a
// backslash stays as it is.
func Line(s string) string {
	if !needsEscape([]byte(s), false) {
		return s
	}
	return string(appendEscaped(nil, []byte(s), false))
}

// Writer is the last guard of an output that a terminal may show. It passes
// text on and escapes the characters that [Text] would escape, but for line
// ends and tabs, as \uXXXX: that is right in free text and inside the strings
// of a JSON document, where a stray one can stand.
type Writer struct {
	w    io.Writer
	part []byte // the start of a character that the last Write cut
	out  []byte
}

// NewWriter returns a guard of w. It is no place for binary data.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write implements [io.Writer].
func (g *Writer) Write(p []byte) (int, error) {
	text := p
	if len(g.part) > 0 {
		text = append(g.part, p...)
		g.part = nil
	}
	whole := len(text) - unfinished(text)
	g.part = append(g.part, text[whole:]...)
	return g.pass(p, text[:whole])
}

// Close passes on what is left of a character that was cut.
func (g *Writer) Close() error {
	text := g.part
	g.part = nil
	if len(text) == 0 {
		return nil
	}
	_, err := g.pass(text, text)
	return err
}

func (g *Writer) pass(p, text []byte) (int, error) {
	if needsEscape(text, true) {
		g.out = appendEscaped(g.out[:0], text, true)
		text = g.out
	}
	if len(text) > 0 {
		if _, err := g.w.Write(text); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// unfinished returns the length of the start of a character at the end of
// text, 0 when it ends with a whole one.
func unfinished(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if last := text[len(text)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

// layoutRune reports whether a control character only places text.
func layoutRune(r rune) bool { return r == '\n' || r == '\t' }

func needsEscape(text []byte, lines bool) bool {
	for i := 0; i < len(text); {
		if c := text[i]; c >= ' ' && c <= '~' || lines && layoutRune(rune(c)) {
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n <= 1 || !strconv.IsPrint(r) {
			return true
		}
		i += n
	}
	return false
}

// appendEscaped appends text. A byte that is no UTF-8 becomes U+FFFD, so that
// a JSON document stays one.
func appendEscaped(dst, text []byte, lines bool) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case strconv.IsPrint(r) || lines && layoutRune(r):
			dst = utf8.AppendRune(dst, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			dst = appendUnit(appendUnit(dst, high), low)
		default:
			dst = appendUnit(dst, r)
		}
		text = text[n:]
	}
	return dst
}

func appendUnit(dst []byte, unit rune) []byte {
	dst = append(dst, `\u`...)
	for shift := 12; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[unit>>shift&15])
	}
	return dst
}
