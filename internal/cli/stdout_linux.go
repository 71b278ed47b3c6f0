package cli

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// shells are the programs that close a file descriptor when a user writes >&-.
var shells = []string{"ash", "bash", "busybox", "dash", "fish", "ksh", "ksh93", "mksh", "sh", "yash", "zsh"}

// stdoutClosed reports whether a shell started this program with standard
// output closed. Go's runtime opens /dev/null for reading and writing in its
// place before any code of ours runs, so writing never fails. Other programs
// give their children just that on purpose (Python's subprocess.DEVNULL), so
// it is a closed one only when the parent is a shell that does not have the
// same itself: its own > /dev/null opens for writing alone.
func stdoutClosed() bool {
	if !isOpenNull("/proc/self") {
		return false
	}
	parent := fmt.Sprintf("/proc/%d", os.Getppid())
	comm, err := os.ReadFile(parent + "/comm")
	if err != nil || !slices.Contains(shells, strings.TrimPrefix(strings.TrimSpace(string(comm)), "-")) {
		return false
	}
	return !isOpenNull(parent)
}

// isOpenNull reports whether descriptor 1 of a process is /dev/null, open for
// reading and writing.
func isOpenNull(process string) bool {
	if target, err := os.Readlink(path.Join(process, "fd/1")); err != nil || target != os.DevNull {
		return false
	}
	info, err := os.ReadFile(path.Join(process, "fdinfo/1"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(info)) {
		var flags int
		if n, _ := fmt.Sscanf(line, "flags: %o", &flags); n == 1 {
			return flags&unix.O_ACCMODE == unix.O_RDWR
		}
	}
	return false
}
