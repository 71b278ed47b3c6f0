package kernel

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// guarded returns memory of the number of bytes between two pages that no one
// may touch. It ends at the second one, or starts at the first.
func guarded(t *testing.T, size int, atStart bool) []byte {
	t.Helper()
	page := os.Getpagesize()
	inner := (size + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, inner+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(all)) })
	require.NoError(t, syscall.Mprotect(all[:page], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(all[page+inner:], syscall.PROT_NONE))
	if atStart {
		return all[page : page+size : page+size]
	}
	return all[page+inner-size : page+inner : page+inner]
}

func guardedWords(t *testing.T, n int, atStart bool) []uint32 {
	t.Helper()
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(&guarded(t, 4*n, atStart)[0])), n)
}

// TestKernelsStayInTheirMemory dies of a fault if one does not.
func TestKernelsStayInTheirMemory(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			eachFast(t, func(t *testing.T) {
				for _, atStart := range []bool{true, false} {
					for _, n := range []int{0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 48, 64, 623, 624, 625, 640, 1247, 1248, 1264, 1279, 2496, 2497} {
						n -= n % op.step
						dst := guardedWords(t, n, atStart)
						src := floats(guardedWords(t, n, atStart))
						copy(src, hardFloats(max(n, 8)))
						e := (*Engine)(unsafe.Pointer(&guarded(t, int(unsafe.Sizeof(Engine{})), atStart)[0]))
						e.Seed(3)
						e.Skip(int64(n % 5))
						op.run(e, dst, src)
					}
				}
			})
		})
	}
}
