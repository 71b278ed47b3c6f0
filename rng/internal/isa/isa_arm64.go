//go:build !purego

package isa

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// lacking says what keeps this processor from using i, "" if nothing does.
// Every arm64 processor that Go runs on has NEON; only Linux is asked, because
// elsewhere x/sys/cpu does not always know.
func lacking(i ISA) string {
	switch {
	case i == AVX2 || i == AVX512:
		return "this build has no kernels for it (they are for amd64)"
	case i == NEON && runtime.GOOS == "linux" && !cpu.ARM64.HasASIMD:
		return "this processor does not offer ASIMD"
	}
	return ""
}
