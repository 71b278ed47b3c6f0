package strictjson

import (
	"unicode"
	"unicode/utf8"
)

// AppendString appends s to dst as a JSON string. Text stays as it is, also
// beyond ASCII; the quote, the backslash, control characters and the line and
// paragraph separators (U+2028, U+2029) are escaped. s must be valid UTF-8: an
// invalid byte becomes U+FFFD, so callers check first.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0 // of what has not been copied yet
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if escaped := escapeOf(r, n); escaped != "" {
			dst = append(append(dst, s[start:i]...), escaped...)
			start = i + n
		}
		i += n
	}
	return append(append(dst, s[start:]...), '"')
}

// escapeOf returns what stands for a character of n bytes, empty when it stands
// for itself.
func escapeOf(r rune, n int) string {
	const hexDigits = "0123456789abcdef"
	switch {
	case r == utf8.RuneError && n <= 1:
		return "\ufffd"
	case r == '"' || r == '\\':
		return `\` + string(r)
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
		return string([]byte{'\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15]})
	}
	return ""
}
