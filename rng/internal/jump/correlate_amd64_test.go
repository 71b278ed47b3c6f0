//go:build !purego

package jump

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/cpu"

	"github.com/weightinit/weightinit/internal/needs"
)

func TestAssemblyIsUsedWhereTheCPUCanRunIt(t *testing.T) {
	if !cpu.X86.HasAVX || !cpu.X86.HasPCLMULQDQ {
		require.False(t, HasAssembly())
		needs.Skip(t, "needs a CPU with AVX and PCLMULQDQ")
	}
	require.True(t, HasAssembly())
	before := AllowAssembly(true)
	defer AllowAssembly(before)
	var w workspace
	w.load(&w.coeffs, new(poly))
	require.True(t, w.assembly)
	AllowAssembly(false)
	w.load(&w.coeffs, new(poly))
	require.False(t, w.assembly)
}
