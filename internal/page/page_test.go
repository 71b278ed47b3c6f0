package page_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/page"
)

func TestTheStyleRefersToNothingOutside(t *testing.T) {
	for _, text := range []string{"url(", "@import", "http", "expression", "</", "@font-face"} {
		require.NotContains(t, strings.ToLower(string(page.Style)), text)
	}
}

// TestTheDarkHasEveryColour: a colour that only the light has would be
// unreadable on the dark ground.
func TestTheDarkHasEveryColour(t *testing.T) {
	light, dark, ok := strings.Cut(string(page.Style), "@media (prefers-color-scheme: dark)")
	require.True(t, ok)
	dark, rest, _ := strings.Cut(dark, "\n}\n")
	colour := regexp.MustCompile(`(--[a-z-]+): #`)
	names := func(text string) (out []string) {
		for _, m := range colour.FindAllStringSubmatch(text, -1) {
			out = append(out, m[1])
		}
		return out
	}
	require.Greater(t, len(names(light)), 10)
	require.ElementsMatch(t, names(light), names(dark))
	require.Empty(t, regexp.MustCompile(`#[0-9a-f]{3,6}\b`).FindString(rest), "a colour beside the variables")
	for _, m := range regexp.MustCompile(`var\((--[a-z-]+)\)`).FindAllStringSubmatch(rest, -1) {
		require.Contains(t, names(light), m[1])
	}
}
