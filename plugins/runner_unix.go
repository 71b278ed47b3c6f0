//go:build unix && !linux

package plugins

import (
	"os"
	"os/exec"
	"syscall"
)

// This file is what is left where there is neither a parent-death signal nor
// /proc: a group of its own, which is killed. A plugin whose host is killed
// ends by itself, because its stdin ends. It was not tested.

func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func closeOnExec() {}

func waitUnreaped(int) bool { return false }

func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

func killRun(string) int { return 0 }
