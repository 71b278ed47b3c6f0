package philox

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/rng/internal/isa"
)

// guarded returns n words of memory between two pages that no one may touch.
// They end at the second one, or start at the first.
func guarded(t *testing.T, n int, atStart bool) []uint32 {
	t.Helper()
	page := os.Getpagesize()
	inner := (4*n + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, inner+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(all)) })
	require.NoError(t, syscall.Mprotect(all[:page], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(all[page+inner:], syscall.PROT_NONE))
	at := page
	if !atStart {
		at = page + inner - 4*n
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(&all[at])), n)
}

// TestKernelsStayInTheirMemory dies of a fault if one does not.
func TestKernelsStayInTheirMemory(t *testing.T) {
	for _, i := range isa.Supported() {
		for _, atStart := range []bool{true, false} {
			for _, n := range []int{4, 8, 12, 32, 36, 40, 64, 100, 128, 508, 512} {
				words, dst := guarded(t, n, atStart), guarded(t, n, atStart)
				wide := unsafe.Slice((*float64)(unsafe.Pointer(&dst[0])), n/2)
				values := unsafe.Slice((*float32)(unsafe.Pointer(&dst[0])), n)
				s := newSchedule(7)
				with(i, func() {
					s.words(words, 1<<64-3)
					uniformF32(values, words, 0, 1)
					normalF32(values, words, 0, 1)
					normalF32(values[:n-1], words[:n-1], 0, 1)
					uniformF64(wide, words, 0, 1)
					normalF64(wide, words, 0, 1)
				})
			}
		}
	}
}
