package shown_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/internal/shown"
)

func TestLineKeepsBackslashes(t *testing.T) {
	require.Equal(t, `"a\u009b" größe`, shown.Line(`"a\u009b" größe`))
	require.Equal(t, `a\u009b\u202e\u000a\u0009\u001b\udb40\udc41�`, shown.Line("a\u009b\u202e\n\t\x1b\U000e0041\xff"))
}

// However the text is cut into writes, a JSON document stays the same document,
// and nothing but line ends and tabs moves the cursor.
func TestWriterEscapesWhatMovesTheCursor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text") + "\u009b\u202e\u2028\x7f\ufeff\U000e0041東😀"
		document, err := json.Marshal(map[string]string{text: text})
		require.NoError(t, err)
		var out bytes.Buffer
		w := shown.NewWriter(&out)
		for rest := document; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			wrote, err := w.Write(rest[:n])
			require.NoError(t, err)
			require.Equal(t, n, wrote)
			rest = rest[n:]
		}
		require.NoError(t, w.Close())
		for _, r := range out.String() {
			require.True(t, unicode.IsPrint(r), "%U", r)
		}
		var got map[string]string
		require.NoError(t, json.Unmarshal(out.Bytes(), &got))
		require.Equal(t, map[string]string{text: text}, got)
	})
}

func TestWriterPassesTextOn(t *testing.T) {
	var out bytes.Buffer
	w := shown.NewWriter(&out)
	for _, part := range []string{"a\tb\n", "\xe6\x9d", "\xb1", "\xff", "\r", "\xe6"} {
		_, err := w.Write([]byte(part))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.Equal(t, "a\tb\n東�\\u000d�", out.String())
}
