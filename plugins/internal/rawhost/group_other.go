//go:build !unix

package rawhost

import (
	"os"
	"os/exec"
)

func ownGroup(*exec.Cmd) {}

func killGroup(p *os.Process) { _ = p.Kill() }

// Interrupt sends an interrupt to the group of a process that leads one, and
// reports whether the system can.
func Interrupt(int) bool { return false }
