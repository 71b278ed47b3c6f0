package plugins

import (
	"bytes"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ownGroup gives the process a group of its own, and lets the system kill it
// when the thread that starts it ends: the thread of child.live, or all of them
// when this process is killed.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// closeOnExec keeps descriptors that this process inherited from the plugin.
// Those that Go opened are marked already. Older kernels lack the call; there
// inherited descriptors stay open.
func closeOnExec() {
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
}

// waitUnreaped waits for the end of a process and leaves it to be waited for,
// so that its id stays its own. It reports whether it could.
func waitUnreaped(pid int) bool {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil
		}
	}
}

// killGroup kills the group that the process leads. It must not have been
// waited for.
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// sweepRounds and sweepPause bound the search for processes that fork while
// they are being killed.
const (
	sweepRounds = 50
	sweepPause  = 2 * time.Millisecond
)

// killRun kills every process of this user whose environment carries a run id
// that begins so, until none is left, and returns how many it killed. This
// reaches what left the group. A process that clears its environment escapes.
func killRun(runID string) int {
	killed := 0
	for range sweepRounds {
		found := processesOf(runID)
		if len(found) == 0 {
			return killed
		}
		for _, pid := range found {
			if killIfOf(pid, runID) {
				killed++
			}
		}
		time.Sleep(sweepPause)
	}
	return killed
}

// processesOf lists the processes that carry a run id.
func processesOf(runID string) []int {
	folders, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []int
	for _, f := range folders {
		pid, err := strconv.Atoi(f.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if carries(pid, runID) {
			out = append(out, pid)
		}
	}
	return out
}

// carries reports whether the environment that a process was started with
// holds a run id that begins so.
func carries(pid int, runID string) bool {
	// Processes of other users cannot be read; zombies read as empty.
	environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false
	}
	want := []byte(runIDName + "=" + runID)
	for _, variable := range bytes.Split(environ, []byte{0}) {
		if bytes.HasPrefix(variable, want) {
			return !ended(pid)
		}
	}
	return false
}

// ended reports whether a process is a zombie.
func ended(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return true
	}
	_, after, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
	return strings.HasPrefix(after, "Z") || strings.HasPrefix(after, "X")
}

// killIfOf kills a process that carries the run id. The descriptor makes sure
// that the process that was looked at is the one that is killed.
func killIfOf(pid int, runID string) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ENOSYS) {
		return carries(pid, runID) && syscall.Kill(pid, syscall.SIGKILL) == nil
	}
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return carries(pid, runID) && unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil
}
