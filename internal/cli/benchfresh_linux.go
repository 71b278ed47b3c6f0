package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng"
)

// hugePage is the size of a huge page on amd64 and most of arm64; memory
// aligned to it can be huge pages from end to end.
const hugePage = 2 << 20

// benchFresh fills memory that is mapped, advised and unmapped each time: what
// a program pays that draws a large tensor once.
func benchFresh(_ context.Context, n, _ int) (func() error, error) {
	mode, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil || bytes.Contains(mode, []byte("[never]")) {
		return nil, fmt.Errorf("huge pages are switched off: %w", errNotHere)
	}
	size := (4*n + hugePage - 1) / hugePage * hugePage
	s, d := rng.New(1), dist.Dist{Draw: dist.Normal{Std: 0.02}}
	return func() error {
		memory, err := unix.Mmap(-1, 0, size+hugePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			return fmt.Errorf("mapping %d bytes: %w", size+hugePage, err)
		}
		begin := uintptr(unsafe.Pointer(unsafe.SliceData(memory)))
		aligned := memory[(hugePage-begin%hugePage)%hugePage:][:size]
		if err := unix.Madvise(aligned, unix.MADV_HUGEPAGE); err != nil {
			_ = unix.Munmap(memory)
			return fmt.Errorf("the system refuses huge pages (%w): %w", err, errNotHere)
		}
		rng.Fill(s, d, unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(aligned))), n))
		return unix.Munmap(memory)
	}, nil
}
