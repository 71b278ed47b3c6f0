package jump

import (
	"math/bits"
	"sync/atomic"
)

var allowed atomic.Bool

func init() { allowed.Store(true) }

// AllowAssembly says whether later calls may use assembly where this CPU has
// what it needs (AVX and PCLMULQDQ on amd64), as they do unless told
// otherwise, and returns what was the case before. The bits are the same.
func AllowAssembly(yes bool) (before bool) { return allowed.Swap(yes) }

// HasAssembly tells whether this build and CPU have more than the portable
// code.
func HasAssembly() bool { return hasAssembly }

// correlate is correlateGeneric, for a c that load has prepared.
func (s *scratch) correlate(dst, c *digit, planes *plane) {
	if s.assembly {
		correlateAsm((*[digitWords]uint64)(dst), (*[digitWords]uint64)(c), (*[planeWords]uint64)(planes))
		return
	}
	correlateGeneric(dst, c, planes)
}

// load prepares the digits of p as coefficients. Sums of prepared digits are
// prepared sums.
func (s *scratch) load(dst *[order]digit, p *poly) {
	if s.assembly = hasAssembly && allowed.Load(); !s.assembly {
		*dst = p.digits
		return
	}
	for j := range dst {
		reverseWords(&dst[j], &p.digits[j])
	}
}

func reverseWords(dst, d *digit) {
	for i, v := range d {
		dst[i] = bits.Reverse64(v)
	}
}
