//go:build unix

package rawhost

import (
	"os"
	"os/exec"
	"syscall"
)

func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// Interrupt sends an interrupt to the group of a process that leads one, and
// reports whether the system can.
func Interrupt(pid int) bool { return syscall.Kill(-pid, syscall.SIGINT) == nil }
