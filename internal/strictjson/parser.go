// Package strictjson reads JSON documents to the letter of RFC 8259, one value
// at a time, from a text in memory.
//
// It accepts less than encoding/json does: names of an object are unique after
// their escapes are decoded, text is valid UTF-8, a surrogate escape comes in
// pairs, nesting has a limit, and nothing follows the document. It keeps
// numbers as they are written, so that no integer passes through a float64.
// Time is linear in the text; what is allocated is the text that callers ask
// for and, within an object that is being read, its names.
//
// It does not build a tree and does not know about Go structs: a caller says
// what it expects, field by field, and so decides itself about unknown fields.
// Files and their limits are the caller's as well (package inputfile).
package strictjson

import (
	"unicode/utf8"
)

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds of values.
const (
	Object Kind = iota + 1
	Array
	String
	Number
	Bool
	Null
)

var kindNames = [...]string{"value", "object", "array", "string", "number", "boolean", "null"}

// String returns the word that messages use, such as "object".
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		k = 0
	}
	return kindNames[k]
}

// Parser reads one document. It stands before a value, or at the end. After
// an error it must not be used again.
type Parser struct {
	data     []byte
	pos      int
	base     int64
	depth    int
	maxDepth int
}

// New returns a parser that stands before the document's value. maxDepth is
// the most arrays and objects that may be open at once. The caller must not
// change data while it parses.
func New(data []byte, maxDepth int) *Parser { return NewAt(data, maxDepth, 0) }

// NewAt is [New] for a text that begins at byte base of its file: all offsets
// count from the start of the file.
func NewAt(data []byte, maxDepth int, base int64) *Parser {
	return &Parser{data: data, maxDepth: maxDepth, base: base}
}

// Offset returns where the next value begins (white space skipped), or where
// the text ends.
func (p *Parser) Offset() int64 {
	p.space()
	return p.base + int64(p.pos)
}

// Peek returns the kind of the next value and consumes nothing but the white
// space before it. It looks at one byte: that the value is well formed turns
// out when it is read.
func (p *Parser) Peek() (Kind, error) {
	p.space()
	if p.pos >= len(p.data) {
		return 0, p.syntax("a value")
	}
	switch c := p.data[p.pos]; c {
	case '{':
		return Object, nil
	case '[':
		return Array, nil
	case '"':
		return String, nil
	case 't', 'f':
		return Bool, nil
	case 'n':
		return Null, nil
	default:
		if c == '-' || isDigit(c) {
			return Number, nil
		}
	}
	return 0, p.syntax("a value")
}

// Object reads an object. For every member it calls each with the decoded name
// and the offset of the name's opening quote; the parser then stands before the
// member's value, and each must read exactly that. A name that occurs twice is
// a [Duplicate] error, found before each is called for it. An error of each
// ends the reading and is returned as it is.
func (p *Parser) Object(each func(key string, keyOffset int64) error) error {
	if err := p.expect(Object); err != nil {
		return err
	}
	if err := p.enter(); err != nil {
		return err
	}
	var names nameSet
	for first := true; ; first = false {
		p.space()
		if first && p.take('}') {
			break
		}
		at := p.pos
		if p.pos >= len(p.data) || p.data[p.pos] != '"' {
			if first {
				return p.syntax(`a name in double quotes or "}"`)
			}
			return p.syntax("a name in double quotes")
		}
		key, err := p.text()
		if err != nil {
			return err
		}
		if !names.add(p.data, key, at) {
			return &Error{Offset: p.base + int64(at), Reason: Duplicate, Key: key}
		}
		p.space()
		if !p.take(':') {
			return p.syntax(`":" after a name`)
		}
		p.space()
		if err := p.value(func() error { return each(key, p.base+int64(at)) }); err != nil {
			return err
		}
		if p.take('}') {
			break
		}
		if !p.take(',') {
			return p.syntax(`"," or "}"`)
		}
	}
	p.depth--
	return nil
}

// Array reads an array and calls each with the index of every item, the parser
// standing before the item; each must read exactly that.
func (p *Parser) Array(each func(i int) error) error {
	if err := p.expect(Array); err != nil {
		return err
	}
	if err := p.enter(); err != nil {
		return err
	}
	p.space()
	if p.take(']') {
		p.depth--
		return nil
	}
	for i := 0; ; i++ {
		p.space()
		if err := p.value(func() error { return each(i) }); err != nil {
			return err
		}
		if p.take(']') {
			break
		}
		if !p.take(',') {
			return p.syntax(`"," or "]"`)
		}
	}
	p.depth--
	return nil
}

// value runs read, which must consume the value at the parser's position, and
// skips the white space behind it.
func (p *Parser) value(read func() error) error {
	start, depth := p.pos, p.depth
	if err := read(); err != nil {
		return err
	}
	if p.pos == start || p.depth != depth {
		return &Error{Offset: p.base + int64(start), Reason: Unread}
	}
	p.space()
	return nil
}

// String reads a string and returns it with its escapes decoded.
func (p *Parser) String() (string, error) {
	if err := p.expect(String); err != nil {
		return "", err
	}
	return p.text()
}

// Number reads a number and returns it as it is written, such as "-0" or
// "2.5e3".
func (p *Parser) Number() (literal string, err error) {
	if err := p.expect(Number); err != nil {
		return "", err
	}
	start := p.pos
	if err := p.number(); err != nil {
		return "", err
	}
	return string(p.data[start:p.pos]), nil
}

// Bool reads true or false.
func (p *Parser) Bool() (bool, error) {
	if err := p.expect(Bool); err != nil {
		return false, err
	}
	if p.data[p.pos] == 't' {
		return true, p.literal("true")
	}
	return false, p.literal("false")
}

// Null reads null.
func (p *Parser) Null() error {
	if err := p.expect(Null); err != nil {
		return err
	}
	return p.literal("null")
}

// Skip reads the next value, whatever it is, and checks all of it, names of
// nested objects included.
func (p *Parser) Skip() error {
	kind, err := p.Peek()
	if err != nil {
		return err
	}
	switch kind {
	case Object:
		return p.Object(func(string, int64) error { return p.Skip() })
	case Array:
		return p.Array(func(int) error { return p.Skip() })
	case String:
		return p.scanString()
	case Number:
		return p.number()
	case Bool:
		_, err := p.Bool()
		return err
	default:
		return p.Null()
	}
}

// End reports an error unless only white space is left.
func (p *Parser) End() error {
	p.space()
	if p.pos == len(p.data) {
		return nil
	}
	e := p.syntax("nothing")
	e.Reason, e.Want = Trailing, ""
	return e
}

// expect reports an error unless a value of the given kind comes next.
func (p *Parser) expect(want Kind) error {
	got, err := p.Peek()
	if err != nil {
		return err
	}
	if got != want {
		return &Error{Offset: p.Offset(), Reason: WrongKind, WantKind: want, GotKind: got}
	}
	return nil
}

// enter steps into the array or object whose bracket comes next.
func (p *Parser) enter() error {
	if p.depth >= p.maxDepth {
		return &Error{Offset: p.base + int64(p.pos), Reason: Depth, Limit: p.maxDepth}
	}
	p.depth++
	p.pos++
	return nil
}

func (p *Parser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *Parser) take(c byte) bool {
	if p.pos < len(p.data) && p.data[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *Parser) literal(word string) error {
	for i := 0; i < len(word); i++ {
		if !p.take(word[i]) {
			return p.syntax(`the rest of "` + word + `"`)
		}
	}
	return nil
}

func (p *Parser) digits() bool {
	start := p.pos
	for p.pos < len(p.data) && isDigit(p.data[p.pos]) {
		p.pos++
	}
	return p.pos > start
}

// number consumes the number that comes next.
func (p *Parser) number() error {
	p.take('-')
	if p.take('0') {
		if p.pos < len(p.data) && isDigit(p.data[p.pos]) {
			return p.syntax("no digit after a leading zero")
		}
	} else if !p.digits() {
		return p.syntax("a digit")
	}
	if p.take('.') && !p.digits() {
		return p.syntax("a digit after the decimal point")
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if !p.digits() {
			return p.syntax("a digit in the exponent")
		}
	}
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// syntax says that want did not come at the parser's position.
func (p *Parser) syntax(want string) *Error {
	e := &Error{Offset: p.base + int64(p.pos), Reason: Syntax, Want: want}
	if p.pos >= len(p.data) {
		return e
	}
	r, n := utf8.DecodeRune(p.data[p.pos:])
	if r == utf8.RuneError && n <= 1 {
		e.Reason = UTF8
	}
	e.Found = string(p.data[p.pos : p.pos+n])
	return e
}
