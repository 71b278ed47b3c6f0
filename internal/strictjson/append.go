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
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			dst = append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
