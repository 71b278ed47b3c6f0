package shown_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/internal/shown"
)

func TestText(t *testing.T) {
	for s, want := range map[string]string{
		"":                        "",
		"plain größe 東 😀":         "plain größe 東 😀",
		"al\x1b[31m\npha\u009b2J": `al\x1b[31m\npha\u009b2J`,
		"\x00\x7f\r\t":            `\x00\x7f\r\t`,
		"a\u202eb\u2066c\u200f":   `a\u202eb\u2066c\u200f`,
		"\u2028\u2029\u0085":      `\u2028\u2029\u0085`,
		"a\xffb\xed\xa0\x80":      `a\xffb\xed\xa0\x80`,
		`a\nb`:                    `a\\nb`,
		`say "x"`:                 `say "x"`,
		"it's":                    "it's",
		"\U000e0041":              `\U000e0041`,
		"\ufeffx":                 `\ufeffx`,
	} {
		require.Equal(t, want, shown.Text(s))
	}
}

func TestQuote(t *testing.T) {
	require.Equal(t, `"a\"b\\c\n"`, shown.Quote("a\"b\\c\n"))
	require.Equal(t, `""`, shown.Quote(""))
	long := shown.Quote(strings.Repeat("x", 500) + "end")
	require.Equal(t, `"`+strings.Repeat("x", 80)+"…"+strings.Repeat("x", 37)+`end"`, long)
	require.Equal(t, `"`+strings.Repeat("x", shown.MaxText)+`"`, shown.Quote(strings.Repeat("x", shown.MaxText)))
}

func TestPathIsKeptUpToItsLimit(t *testing.T) {
	path := "/" + strings.Repeat("folder/", 85) + "x"
	require.Equal(t, `"`+path+`"`, shown.Path(path))
	require.LessOrEqual(t, len(shown.Path(path+path)), shown.MaxPath+len(`"…"`))
}

func TestNothingLeavesTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		limit := rapid.IntRange(0, 60).Draw(t, "limit")
		cut := shown.Cut(s, limit)
		require.LessOrEqual(t, len(cut), limit+len("…"))
		for _, line := range []string{shown.Text(s), shown.Quote(s), shown.Path(s), cut} {
			require.True(t, utf8.ValidString(line))
			for _, r := range line {
				require.True(t, unicode.IsPrint(r) && !unicode.Is(unicode.Cf, r), "%U in %q", r, line)
			}
		}
		if len(shown.Text(s)) <= limit {
			require.Equal(t, shown.Text(s), cut)
		}
	})
}
