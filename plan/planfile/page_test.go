package planfile_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestThePageOfPlanFilesRuns: every document in docs/plan-files.md is read,
// run, and the same once it is written.
func TestThePageOfPlanFilesRuns(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "plan-files.md"))
	require.NoError(t, err)
	documents := regexp.MustCompile("(?ms)^```json\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	require.GreaterOrEqual(t, len(documents), 2)
	for _, m := range documents {
		requireSameValues(t, lower(t, m[1]))
	}
}
