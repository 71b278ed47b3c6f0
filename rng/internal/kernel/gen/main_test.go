package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCommittedTablesAreWhatGenWrites(t *testing.T) {
	for name, make := range files {
		want, err := make()
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join("..", name))
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "%s: run go generate in rng/internal/kernel", name)
	}
}
