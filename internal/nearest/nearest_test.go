package nearest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNameProposesOnlyWhatIsNear(t *testing.T) {
	known := []string{"gpt2", "kaiming_normal", "xavier_normal", "d_model"}
	for name, want := range map[string]string{
		"Kaiming_Norml":            "kaiming_normal",
		"gtp2":                     "gpt2",
		"d_modle":                  "d_model",
		"xavier_normal":            "xavier_normal",
		"orthogonal":               "",
		"":                         "",
		"x":                        "",
		strings.Repeat("gpt2", 50): "",
	} {
		require.Equal(t, want, Name(name, known), name)
	}
}

func TestEditsCountsASwapOnce(t *testing.T) {
	require.Equal(t, 0, edits("abc", "abc"))
	require.Equal(t, 1, edits("abc", "acb"))
	require.Equal(t, 3, edits("", "abc"))
	require.Equal(t, 2, edits("kitten", "mitte"))
}
