//go:build !amd64 || purego

package jump

const hasAssembly = false

// correlateAsm is correlateGeneric for a c whose words have been reversed.
func correlateAsm(dst, c *[digitWords]uint64, s *[planeWords]uint64) {
	var forward digit
	reverseWords(&forward, (*digit)(c))
	correlateGeneric((*digit)(dst), &forward, (*plane)(s))
}
