//go:build !purego

package jump

import "golang.org/x/sys/cpu"

// hasAssembly: all that the assembly uses.
var hasAssembly = cpu.X86.HasAVX && cpu.X86.HasPCLMULQDQ

// correlateAsm is correlateGeneric for a c whose words have been reversed, by
// the carry-less product of the CPU. Package _asm writes it.
//
//go:noescape
func correlateAsm(dst, c *[digitWords]uint64, s *[planeWords]uint64)
