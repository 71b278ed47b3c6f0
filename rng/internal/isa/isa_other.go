//go:build (!amd64 && !arm64) || purego

package isa

func lacking(i ISA) string {
	if i == Generic {
		return ""
	}
	return "this build has no kernels at all (they are for amd64 and arm64, without the tag purego)"
}
