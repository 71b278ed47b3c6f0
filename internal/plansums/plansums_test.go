package plansums_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/plansums"
)

func TestPlanFilesGiveWhatConstructorsOfTorchGave(t *testing.T) {
	files, err := filepath.Glob("../../testdata/plans/*.json.gz")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json.gz"), func(t *testing.T) {
			file, err := os.ReadFile(path)
			require.NoError(t, err)
			sums, err := os.ReadFile(strings.TrimSuffix(path, ".json.gz") + ".sums.json")
			require.NoError(t, err)
			r, err := plansums.Check(t.Context(), file, sums)
			require.NoError(t, err)
			require.Empty(t, r.Wrong)
			require.Positive(t, r.Exact)
			require.Empty(t, r.Names)
		})
	}
}
