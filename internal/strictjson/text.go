package strictjson

import (
	"unicode/utf16"
	"unicode/utf8"
)

// text reads the string that comes next and returns it decoded.
func (p *Parser) text() (string, error) {
	start := p.pos + 1
	if escaped, err := p.plainRun(); err != nil {
		return "", err
	} else if !escaped {
		s := string(p.data[start:p.pos])
		p.pos++
		return s, nil
	}
	out := append([]byte(nil), p.data[start:p.pos]...)
	for {
		if p.data[p.pos] == '"' {
			p.pos++
			return string(out), nil
		}
		r, err := p.escape()
		if err != nil {
			return "", err
		}
		out = utf8.AppendRune(out, r)
		run := p.pos
		p.pos--
		if _, err := p.plainRun(); err != nil {
			return "", err
		}
		out = append(out, p.data[run:p.pos]...)
	}
}

// scanString reads the string that comes next and keeps nothing of it.
func (p *Parser) scanString() error {
	for {
		escaped, err := p.plainRun()
		if err != nil {
			return err
		}
		if !escaped {
			p.pos++
			return nil
		}
		if _, err := p.escape(); err != nil {
			return err
		}
		p.pos--
	}
}

// plainRun steps over the byte at the position (an opening quote, or the last
// byte of an escape) and over the characters that stand for themselves. It
// stops at a backslash, and says so, or at the closing quote.
func (p *Parser) plainRun() (escaped bool, err error) {
	for p.pos++; p.pos < len(p.data); {
		c := p.data[p.pos]
		switch {
		case c == '"':
			return false, nil
		case c == '\\':
			return true, nil
		case c < ' ':
			return false, p.syntax("an escape in place of a control character")
		case c < utf8.RuneSelf:
			p.pos++
		default:
			r, n := utf8.DecodeRune(p.data[p.pos:])
			if r == utf8.RuneError && n <= 1 {
				return false, p.syntax("a character")
			}
			p.pos += n
		}
	}
	return false, p.syntax("the closing quote of a string")
}

var simpleEscapes = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// escape reads the escape whose backslash comes next; a surrogate pair counts
// as one.
func (p *Parser) escape() (rune, error) {
	start := p.pos
	p.pos++
	if p.pos < len(p.data) {
		if c := simpleEscapes[p.data[p.pos]]; c != 0 {
			p.pos++
			return rune(c), nil
		}
	}
	if !p.take('u') {
		return 0, p.syntax(`one of "\/bfnrtu after a backslash`)
	}
	r, err := p.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	lone := &Error{Offset: p.base + int64(start), Reason: Surrogate, Found: string(p.data[start:p.pos])}
	if !p.take('\\') || !p.take('u') {
		return 0, lone
	}
	low, err := p.hex()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, lone
	}
	return r, nil
}

// hex reads four hexadecimal digits.
func (p *Parser) hex() (rune, error) {
	var r rune
	for range 4 {
		if p.pos >= len(p.data) {
			return 0, p.syntax("four hexadecimal digits")
		}
		switch c := p.data[p.pos]; {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, p.syntax("four hexadecimal digits")
		}
		p.pos++
	}
	return r, nil
}
