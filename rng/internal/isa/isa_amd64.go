//go:build !purego

package isa

import (
	"strings"

	"golang.org/x/sys/cpu"
)

// lacking says what keeps this processor from using i, "" if nothing does. All
// flags are asked for: GODEBUG and virtual machines take away single ones.
func lacking(i ISA) string {
	if i == NEON {
		return "this build has no kernels for it (they are for arm64)"
	}
	type flag struct {
		name string
		has  bool
	}
	var flags []flag
	x := &cpu.X86
	if i >= AVX2 {
		flags = append(flags, flag{"AVX2", x.HasAVX2}, flag{"FMA", x.HasFMA}, flag{"F16C", x.HasF16C})
	}
	if i >= AVX512 {
		flags = append(flags, flag{"AVX-512 F", x.HasAVX512F}, flag{"AVX-512 VL", x.HasAVX512VL},
			flag{"AVX-512 DQ", x.HasAVX512DQ}, flag{"AVX-512 BW", x.HasAVX512BW})
	}
	var missing []string
	for _, f := range flags {
		if !f.has {
			missing = append(missing, f.name)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return "this processor does not offer " + strings.Join(missing, ", ")
}
