package formula

import (
	"fmt"
	"strings"
)

// tokenKind is the kind of a token.
type tokenKind uint8

const (
	endToken tokenKind = iota
	nameToken
	numberToken
	textToken
	signToken
)

type token struct {
	kind tokenKind
	text string
	at   int
}

// signs are tried in this order: the longer ones first.
var signs = []string{"**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "<", ">", "(", ")", "[", "]", ","}

// lex cuts a text into tokens.
func lex(text string) ([]token, error) {
	var out []token
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ':
			i++
			continue
		case letter(c):
			end := i
			for end < len(text) && (letter(text[end]) || digit(text[end])) {
				end++
			}
			out = append(out, token{nameToken, text[i:end], i})
			i = end
			continue
		case digit(c) || c == '.':
			end := numberEnd(text, i)
			out = append(out, token{numberToken, text[i:end], i})
			i = end
			continue
		case c == '"' || c == '\'':
			end := strings.IndexByte(text[i+1:], c)
			if end < 0 {
				return nil, fmt.Errorf("column %d: a text without an end", i+1)
			}
			if strings.ContainsRune(text[i+1:i+1+end], '\\') {
				return nil, fmt.Errorf("column %d: a text with a backslash", i+1)
			}
			out = append(out, token{textToken, text[i+1 : i+1+end], i})
			i += end + 2
			continue
		}
		sign := signAt(text[i:])
		if sign == "" {
			return nil, fmt.Errorf("column %d: unknown character %q", i+1, c)
		}
		out = append(out, token{signToken, sign, i})
		i += len(sign)
	}
	return append(out, token{endToken, "", len(text)}), nil
}

func signAt(text string) string {
	for _, s := range signs {
		if strings.HasPrefix(text, s) {
			return s
		}
	}
	return ""
}

// numberEnd returns where the number that begins at i ends.
func numberEnd(text string, i int) int {
	for i < len(text) {
		c := text[i]
		exponent := i > 0 && (text[i-1] == 'e' || text[i-1] == 'E') && (c == '+' || c == '-')
		if !digit(c) && c != '.' && c != 'e' && c != 'E' && !exponent {
			break
		}
		i++
	}
	return i
}

func letter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
