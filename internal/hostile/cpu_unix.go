//go:build unix

package hostile

import (
	"syscall"
	"time"
)

// CPU returns the processor time that the process has used so far: what a time
// limit of a test is measured with, so that it holds on a busy machine too.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
