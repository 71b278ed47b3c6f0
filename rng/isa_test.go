package rng_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/rng"
)

// withISA runs f once for each instruction set of this processor.
func withISA(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	before, _ := rng.ISA() // the error would be the environment's
	t.Cleanup(func() { require.NoError(t, rng.SetISA(before)) })
	for _, name := range rng.ISAs() {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, rng.SetISA(name))
			f(t)
		})
	}
}

func TestNamesOfInstructionSets(t *testing.T) {
	before, _ := rng.ISA() // the error would be the environment's
	t.Cleanup(func() { require.NoError(t, rng.SetISA(before)) })
	require.Equal(t, "generic", rng.ISAs()[0])
	for _, name := range rng.ISAs() {
		require.NoError(t, rng.SetISA(name))
		now, err := rng.ISA()
		require.NoError(t, err)
		require.Equal(t, name, now)
	}
	require.NoError(t, rng.SetISA("auto"))
	for _, name := range []string{"", "AVX2", "sse2", "avx512 ", strings.Repeat("x", 1000)} {
		err := rng.SetISA(name)
		require.ErrorContains(t, err, "is not one of auto, generic, avx2, avx512")
		require.Less(t, len(err.Error()), 200)
	}
	for _, name := range []string{"avx2", "avx512"} {
		if !slices.Contains(rng.ISAs(), name) {
			require.ErrorContains(t, rng.SetISA(name), `instruction set "`+name+`": this `)
		}
	}
}
