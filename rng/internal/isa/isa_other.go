//go:build !amd64 || purego

package isa

func lacking(i ISA) string {
	if i == Generic {
		return ""
	}
	return "this build has no kernels for it (they are for amd64, without the tag purego)"
}
