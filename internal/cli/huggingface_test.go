package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The first result and the other modes of docs/huggingface.md, run as they stand.
func TestTheHuggingFacePageRuns(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "huggingface.md"))
	require.NoError(t, err)
	block := regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")
	t.Chdir(t.TempDir())
	calls := 0
	for _, b := range block.FindAllStringSubmatch(string(page), -1) {
		if b[1] == "json" {
			require.NoError(t, os.WriteFile("config.json", []byte(b[2]), 0o666))
		}
		if b[1] != "sh" {
			continue
		}
		for line := range strings.Lines(b[2]) {
			line, _, _ = strings.Cut(line, " #")
			if words := strings.Fields(line); !heavy(words) {
				require.Equal(t, "weightinit", words[0])
				code, _, stderr := run(words[1:]...)
				require.Zero(t, code, "%s\n%s", line, stderr)
				calls++
			}
		}
	}
	require.Equal(t, 9, calls)
}

// heavy tells that a call makes a real model. References that torch makes are
// those of other tests.
func heavy(words []string) bool {
	call := strings.Join(words, " ")
	return strings.Contains(call, "--reference") || strings.Contains(call, " init --preset")
}
