package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCommittedPolynomialIsWhatGenFinds(t *testing.T) {
	want, err := table()
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join("..", name))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run go generate in rng/internal/jump")
}

func TestShortestRecurrenceOfKnownSequences(t *testing.T) {
	for _, c := range []struct {
		name     string
		sequence []uint64
		want     []int
	}{
		{"all ones: t + 1", []uint64{1, 1, 1, 1, 1, 1}, []int{1, 0}},
		{"all zeros: 1", []uint64{0, 0, 0, 0}, []int{0}},
		{"period 7: t^3 + t + 1", []uint64{1, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1}, []int{3, 1, 0}},
	} {
		require.Equal(t, c.want, characteristic(c.sequence), c.name)
	}
}
