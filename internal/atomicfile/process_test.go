//go:build linux || darwin

package atomicfile_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/faultfs"
)

// childVariable makes the test binary one run of a writer instead of the tests:
// a kind of child, the number of the scenario, the root folder, a number.
const childVariable = "ATOMICFILE_TEST_CHILD"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childVariable); spec != "" {
		os.Exit(child(strings.Split(spec, "|")))
	}
	os.Exit(m.Run())
}

// child exits as a command does: 0, 2 or 3.
func child(args []string) int {
	number, _ := strconv.Atoi(args[1])
	sc := scenarios()[number].at(args[2] + "/")
	k, _ := strconv.ParseInt(args[3], 10, 64)
	fsys := atomicfile.OS()
	switch args[0] {
	case "killed at call":
		fsys = faultfs.Wrap(fsys, func(c faultfs.Call) error {
			if int64(c.N) == k {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
			return nil
		})
	case "umask":
		syscall.Umask(int(k))
	case "file size limit":
		limit := syscall.Rlimit{Cur: uint64(k), Max: uint64(k)}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return 100
		}
	case "waiting before the commit":
		w, err := sc.write(fsys)
		if err == nil {
			fmt.Println("written")
			_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
			err = w.Commit()
		}
		return exitCode(err)
	}
	return exitCode(sc.run(fsys))
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	if fault.IsCannotRun(err) {
		return 3
	}
	return 2
}

// startChild prepares a child process.
func startChild(kind string, scenario int, root string, k int64) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%d|%s|%d", childVariable, kind, scenario, root, k),
		"GORACE=atexit_sleep_ms=0") // the race detector would sleep a second in every child
	return cmd
}

// runChild runs one and returns its exit code, -1 after a signal, and stderr.
func runChild(t *testing.T, kind string, scenario int, root string, k int64) (code int, stderr string) {
	t.Helper()
	cmd := startChild(kind, scenario, root, k)
	var text strings.Builder
	cmd.Stderr = &text
	err := cmd.Run()
	require.NotNil(t, cmd.ProcessState, "%v", err)
	return cmd.ProcessState.ExitCode(), text.String()
}

func TestKilledAtEveryCall(t *testing.T) {
	for i, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			var calls []faultfs.Call
			require.NoError(t, sc.run(faultfs.Wrap(memory(sc), faultfs.Record(&calls))))
			last := ""
			for k, c := range calls {
				// What a call leaves on disk is what matters: the looks at the
				// disk, and the second of two equal calls, are left out.
				switch c.Op {
				case "stat", "lstat", "list", "space", "trylock", "is", "readat", "keeplock", "unlock", "close":
					continue
				}
				if c.Op == last {
					continue
				}
				last = c.Op
				root := memoryFolder(t)
				sc := onDisk(t, sc, root)
				code, stderr := runChild(t, "killed at call", i, root, int64(k+1))
				require.Equal(t, -1, code, "%s: %s", c, stderr)
				when := "killed before " + c.String()
				sc.sound(t, filesUnder(t, root), when)
				sc.again(t, atomicfile.OS(), func() map[string]string { return filesUnder(t, root) }, when)
			}
		})
	}
}

func TestTheUmaskGivesTheMode(t *testing.T) {
	for mask, want := range map[int64]os.FileMode{0o022: 0o644, 0o027: 0o640} {
		for i, sc := range scenarios() {
			root := memoryFolder(t)
			sc := onDisk(t, sc, root)
			code, stderr := runChild(t, "umask", i, root, mask)
			require.Zero(t, code, stderr)
			for name := range sc.after {
				if sc.after[name] == sc.before[name] {
					continue
				}
				info, err := os.Stat(name)
				require.NoError(t, err)
				require.Equal(t, want, info.Mode().Perm(), "%s: %s", sc.name, name)
			}
		}
	}
}

func TestALimitOnTheSizeOfFilesLeavesNothing(t *testing.T) {
	for i, sc := range scenarios() {
		whole := int64(5000)
		if sc.isSet() {
			whole = sc.set[0].Size
		}
		for _, limit := range []int64{1, whole / 2, whole - 1} {
			root := memoryFolder(t)
			sc := onDisk(t, sc, root)
			code, stderr := runChild(t, "file size limit", i, root, limit)
			when := fmt.Sprintf("%s, limit %d", sc.name, limit)
			require.Equal(t, 3, code, "%s: %s", when, stderr)
			require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
			require.Contains(t, stderr, "ulimit -f", when)
			clean(t, sc.before, filesUnder(t, root), when)
		}
	}
}

// waiting starts a child that stops before its commit.
func waiting(t *testing.T, scenario int, root string) (cmd *exec.Cmd, goOn func() (code int, stderr string)) {
	t.Helper()
	cmd = startChild("waiting before the commit", scenario, root, 0)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var text strings.Builder
	cmd.Stderr = &text
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "written\n", line)
	return cmd, func() (int, string) {
		_, err := io.WriteString(in, "go on\n")
		require.NoError(t, err)
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode(), text.String()
	}
}

func TestTwoRunsToOneFile(t *testing.T) {
	for i, sc := range scenarios() {
		if sc.isSet() {
			continue
		}
		root := memoryFolder(t)
		sc := onDisk(t, sc, root)
		child, goOn := waiting(t, i, root)
		require.NoError(t, child.Process.Signal(syscall.SIGSTOP))

		require.NoError(t, sc.run(atomicfile.OS()), sc.name)
		live := 0
		for name := range filesUnder(t, root) {
			if sc.isTemp(name) {
				live++
			}
		}
		require.Equal(t, 1, live, "the temporary of the stopped run")

		require.NoError(t, child.Process.Signal(syscall.SIGCONT))
		code, stderr := goOn()
		if sc.opt.Force {
			require.Zero(t, code, stderr)
		} else {
			require.Equal(t, 2, code, stderr)
			require.Contains(t, stderr, "by force")
		}
		clean(t, sc.after, filesUnder(t, root), sc.name)
	}
}

func TestTwoRunsIntoOneFolder(t *testing.T) {
	host, err := os.Hostname()
	require.NoError(t, err)
	for i, sc := range scenarios() {
		if !sc.isSet() {
			continue
		}
		root := memoryFolder(t)
		sc := onDisk(t, sc, root)
		child, goOn := waiting(t, i, root)
		require.NoError(t, child.Process.Signal(syscall.SIGSTOP))
		before := filesUnder(t, root)

		err := sc.run(atomicfile.OS())
		var locked *atomicfile.LockedError
		require.ErrorAs(t, err, &locked, sc.name)
		require.ErrorIs(t, err, atomicfile.ErrLocked)
		require.True(t, fault.IsCannotRun(err))
		require.Equal(t, strconv.Itoa(child.Process.Pid), locked.PID)
		require.ErrorContains(t, err, host)
		oneLine(t, err, sc.path, sc.name)
		clean(t, before, filesUnder(t, root), sc.name)

		// A run that writes one file of the same name there leaves the set's
		// temporaries alone.
		name := sc.folder() + sc.set[0].Name
		require.NoError(t, atomicfile.WriteFile(atomicfile.OS(), name, []byte("single"), atomicfile.Options{Force: true}))
		require.Len(t, filesUnder(t, root), len(join(before, map[string]string{name: ""})))

		require.NoError(t, child.Process.Signal(syscall.SIGCONT))
		code, stderr := goOn()
		if sc.opt.Force {
			require.Zero(t, code, stderr)
			clean(t, sc.after, filesUnder(t, root), sc.name)
			continue
		}
		require.Equal(t, 2, code, stderr)
		clean(t, join(sc.before, map[string]string{name: "single"}), filesUnder(t, root), sc.name)
	}
}
