//go:build !purego

package kernel

import (
	"testing"
	"unsafe"
)

// TestFloat64FormsStayInTheirMemory dies of a fault if they do not.
func TestFloat64FormsStayInTheirMemory(t *testing.T) {
	onAVX2(t, func() {
		for _, atStart := range []bool{true, false} {
			for _, n := range []int{1, 15, 16, 17, 31, 32, 48, 256, 512, 624} {
				words := guardedWords(t, 2*n, atStart)
				dst := guardedWords(t, 2*n, atStart)
				for i := range words {
					words[i] = uint32(i) * 2654435761
				}
				values := unsafe.Slice((*float64)(unsafe.Pointer(&dst[0])), n)
				normalF64(values, words, 0.1, 0.7)
				uniformF64(values, words, -1, 1)
			}
		}
	})
}
