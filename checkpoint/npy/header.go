package npy

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weightinit/weightinit/checkpoint/internal/sizes"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// The keys of a header.
const (
	keyDescr   = "descr"
	keyFortran = "fortran_order"
	keyShape   = "shape"
)

// scanner reads the text of a header: a Python dictionary of three entries,
// written with literals only. It evaluates nothing.
type scanner struct {
	text []byte
	pos  int
	base int64 // offset of the text in the file
	path string

	descr   DType
	fortran bool
	shape   []int64
	seen    map[string]bool
}

// parse reads the whole text.
func (s *scanner) parse(version byte) error {
	if version == 3 && !utf8.Valid(s.text) {
		for utf8.FullRune(s.text[s.pos:]) {
			r, n := utf8.DecodeRune(s.text[s.pos:])
			if r == utf8.RuneError && n <= 1 {
				break
			}
			s.pos += n
		}
		return s.fault(HeaderText, "", s.pos, "not valid UTF-8: write the file again with NumPy")
	}
	if err := s.parseDict(); err != nil {
		return err
	}
	if s.space(); s.pos < len(s.text) {
		return s.fault(HeaderText, "", s.pos, "want only spaces and a newline after }, found "+shown.Quote(s.character()))
	}
	if s.text[len(s.text)-1] != '\n' {
		return s.fault(HeaderText, "", len(s.text)-1, "the header does not end with a newline: write the file again with NumPy")
	}
	for _, key := range []string{keyDescr, keyFortran, keyShape} {
		if !s.seen[key] {
			return s.fault(MissingKey, key, -1, "no key "+key+": a header has descr, fortran_order and shape")
		}
	}
	return nil
}

func (s *scanner) parseDict() error {
	// A newline here could be an indentation error to Python.
	for s.pos < len(s.text) && strings.IndexByte(" \t\f", s.text[s.pos]) >= 0 {
		s.pos++
	}
	if !s.take('{') {
		return s.want("{")
	}
	s.seen = make(map[string]bool, 3)
	for {
		s.space()
		if s.take('}') {
			return nil
		}
		if err := s.entry(); err != nil {
			return err
		}
		s.space()
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.want(`"," or "}"`)
		}
	}
}

// entry reads one key and its value.
func (s *scanner) entry() error {
	at := s.pos
	key, ok := s.quoted()
	if !ok {
		return s.want("a key in quotes")
	}
	if s.seen[key] {
		return s.fault(DuplicateKey, key, at, "duplicate key "+shown.Quote(key)+": keep one")
	}
	if key != keyDescr && key != keyFortran && key != keyShape {
		return s.fault(UnknownKey, key, at, "unknown key "+shown.Quote(key)+": a header has descr, fortran_order and shape")
	}
	s.seen[key] = true
	s.space()
	if !s.take(':') {
		return s.want(`":" after the key ` + key)
	}
	s.space()
	switch key {
	case keyDescr:
		return s.readDescr()
	case keyFortran:
		return s.readFortran()
	default:
		return s.readShape()
	}
}

func (s *scanner) readDescr() error {
	at := s.pos
	text, ok := s.quoted()
	if !ok {
		e := s.fault(BadDescr, keyDescr, at, "descr: want one number type in quotes, found "+s.token()+": records and other types are not read")
		if at < len(s.text) && s.text[at] == '[' {
			e.NoNumbers = "records"
		}
		return e
	}
	if s.descr, ok = parseDescr(text); ok {
		return nil
	}
	e := s.fault(BadDescr, keyDescr, at, "descr: "+shown.Quote(text)+" "+explainDescr(text))
	if what := insteadOfNumbers(text); what != "" {
		e.NoNumbers = what + " (" + shown.Quote(text) + ")"
	}
	return e
}

func (s *scanner) readFortran() error {
	at := s.pos
	switch word := s.word(); word {
	case "True":
		s.fortran = true
	case "False":
	default:
		s.pos = at
		return s.fault(BadOrder, keyFortran, at, "fortran_order: want True or False, found "+s.token())
	}
	return nil
}

// readShape reads () or a tuple of decimal sizes; a tuple of one has its comma.
func (s *scanner) readShape() error {
	at := s.pos
	if !s.take('(') {
		return s.fault(BadShape, keyShape, at, "shape: want a tuple such as (2, 3), found "+s.token())
	}
	count, comma := 0, false
	for {
		s.space()
		if s.take(')') {
			break
		}
		if count > 0 && !comma {
			return s.fault(BadShape, keyShape, s.pos, `shape: want "," or ")", found `+s.token())
		}
		sizeAt := s.pos
		size, problem := parseSize(s.item())
		if problem != "" {
			s.pos = sizeAt
			return s.fault(BadShape, keyShape, sizeAt, "shape: size "+s.token()+" "+problem)
		}
		if count++; count <= limits.Dims {
			s.shape = append(s.shape, size)
		}
		s.space()
		comma = s.take(',')
	}
	if count == 1 && !comma {
		return s.fault(BadShape, keyShape, at, fmt.Sprintf("shape: (%d) is a number: write a tuple of one as (%d,)", s.shape[0], s.shape[0]))
	}
	if count > limits.Dims {
		return s.fault(BadShape, keyShape, at, fmt.Sprintf("shape: %d dimensions, the limit is %d: store the array with fewer", count, limits.Dims))
	}
	return nil
}

// parseSize reads a size as Python reads a whole number without sign, base or
// underscores; problem is empty when it is one.
func parseSize(literal string) (size int64, problem string) {
	const digitsOnly = "is not written in digits only: write whole numbers from 0 to 9223372036854775807"
	if digits, ok := strings.CutSuffix(strings.ToUpper(literal), "L"); ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
		return 0, "is a long number of Python 2, which is no number any more: load the file with NumPy and save it again"
	}
	for i := 0; i < len(literal); i++ {
		if literal[i] < '0' || literal[i] > '9' {
			return 0, digitsOnly
		}
	}
	if literal == "" || literal[0] == '0' && strings.Trim(literal, "0") != "" {
		return 0, digitsOnly
	}
	size, err := strconv.ParseInt(literal, 10, 64)
	if err != nil {
		return 0, "is above the limit of 9223372036854775807 (2^63-1)"
	}
	return size, ""
}

// checkData compares the shape with the bytes that the file has for it.
func (s *scanner) checkData(dataOffset, have int64) error {
	need, _, problem := sizes.Of(s.shape, 8*s.descr.Size)
	what := fmt.Sprintf("shape: %s of %s ", shapeText(s.shape), s.descr.Descr)
	switch {
	case problem != "":
		return s.fault(BadShape, keyShape, -1, what+problem)
	case have < need:
		return s.fault(ShortData, "", -1, fmt.Sprintf("%stakes %d bytes, the file has %d bytes of data: is it complete?", what, need, have))
	case have > need:
		e := s.fault(TrailingData, "", -1, fmt.Sprintf("%d trailing bytes after the data: %stakes %d bytes: remove the rest", have-need, what, need))
		e.Offset = dataOffset + need
		return e
	}
	return nil
}

// shapeText writes a shape as NumPy does, cut when it is long.
func shapeText(shape []int64) string {
	if len(shape) == 1 {
		return sizes.Text(shape, "(", ",)")
	}
	return sizes.Text(shape, "(", ")")
}

// fault is an error at a place of the text; at < 0 is no single place.
func (s *scanner) fault(reason Reason, field string, at int, what string) *Error {
	e := &Error{Path: s.path, Reason: reason, Field: field, Offset: -1, What: what}
	if at >= 0 {
		e.Offset = s.base + int64(at)
	}
	return e
}

func (s *scanner) want(what string) error {
	found := "and the header ends"
	if s.pos < len(s.text) {
		found = "found " + shown.Quote(s.character())
	}
	return s.fault(HeaderText, "", s.pos, "want "+what+", "+found)
}

// character is the byte at the position.
func (s *scanner) character() string { return string(s.text[s.pos : s.pos+1]) }

// space steps over what Python takes as white space between and after braces.
func (s *scanner) space() {
	for s.pos < len(s.text) && strings.IndexByte(" \t\n\r\f", s.text[s.pos]) >= 0 {
		s.pos++
	}
}

func (s *scanner) take(c byte) bool {
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// quoted reads a text in single or double quotes, without escapes; the letters
// that Python has for text (u, r) may stand before it. When there is none it
// leaves the position.
func (s *scanner) quoted() (string, bool) {
	start := s.pos
	if start < len(s.text) && strings.IndexByte("uUrR", s.text[start]) >= 0 {
		start++
	}
	if start >= len(s.text) || s.text[start] != '\'' && s.text[start] != '"' {
		return "", false
	}
	quote := s.text[start]
	for i := start + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == quote:
			text := string(s.text[start+1 : i])
			s.pos = i + 1
			return text, true
		case c == '\\' || c < ' ':
			return "", false
		}
	}
	return "", false
}

// word reads letters.
func (s *scanner) word() string {
	start := s.pos
	for s.pos < len(s.text) && (s.text[s.pos]|0x20 >= 'a' && s.text[s.pos]|0x20 <= 'z') {
		s.pos++
	}
	return string(s.text[start:s.pos])
}

// item reads up to the next comma, bracket or white space.
func (s *scanner) item() string {
	start := s.pos
	for s.pos < len(s.text) && strings.IndexByte(",() \t\n\r\f}", s.text[s.pos]) < 0 {
		s.pos++
	}
	return string(s.text[start:s.pos])
}

// token is what stands at the position, for a message.
func (s *scanner) token() string {
	end := s.pos
	for end < len(s.text) && strings.IndexByte(",}\n", s.text[end]) < 0 {
		end++
	}
	if end == s.pos && end < len(s.text) {
		end++
	}
	return shown.Quote(string(s.text[s.pos:end]))
}
