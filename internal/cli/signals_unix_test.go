//go:build unix

package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// longRun starts an init that takes many seconds, in a new folder, and waits
// until its temporary is there.
func longRun(t *testing.T, program string) (cmd *exec.Cmd, dir string, stderr *bytes.Buffer) {
	t.Helper()
	dir, stderr = t.TempDir(), new(bytes.Buffer)
	cmd = exec.Command(program, "init", "--preset", "gpt2-xl", "--seed", "1", "--no-sync", "-q", "-o", filepath.Join(dir, "m.safetensors"))
	cmd.Stderr = stderr
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool {
		entries, err := os.ReadDir(dir)
		return err == nil && len(entries) > 0
	}, 10*time.Second, 5*time.Millisecond)
	return cmd, dir, stderr
}

func requireGone(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestTheFirstSignalStopsCleanlyWithExit130(t *testing.T) {
	program := filepath.Join(buildPlugins(t, "../../cmd/weightinit"), "weightinit")
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			// What this process handles is not ignored in the child, as it
			// would be under nohup.
			handled := make(chan os.Signal, 1)
			signal.Notify(handled, s)
			defer signal.Stop(handled)
			cmd, dir, stderr := longRun(t, program)
			require.NoError(t, cmd.Process.Signal(s))
			began := time.Now()
			_ = cmd.Wait()
			require.Equal(t, 130, cmd.ProcessState.ExitCode(), stderr)
			require.Less(t, time.Since(began), 5*time.Second)
			require.Equal(t, 1, bytes.Count(stderr.Bytes(), []byte("\n")), "%s", stderr)
			requireGone(t, dir)
		})
	}
	t.Run("ignored at the start", func(t *testing.T) {
		signal.Ignore(syscall.SIGHUP) // inherited, as under nohup
		defer signal.Reset(syscall.SIGHUP)
		cmd, dir, stderr := longRun(t, program)
		require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
		time.Sleep(300 * time.Millisecond)
		require.NoError(t, cmd.Process.Signal(syscall.Signal(0)), "it must still run")
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		_ = cmd.Wait()
		require.Equal(t, 130, cmd.ProcessState.ExitCode(), stderr)
		requireGone(t, dir)
	})
	t.Run("closed stdout", func(t *testing.T) {
		read, write, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, read.Close())
		out := filepath.Join(t.TempDir(), "m.safetensors")
		cmd := exec.Command(program, "init", "--preset", "toy-1l", "--seed", "1", "--json", "-q", "-o", out)
		cmd.Stdout = write
		_ = cmd.Run()
		require.NoError(t, write.Close())
		require.Equal(t, 3, cmd.ProcessState.ExitCode())
		require.FileExists(t, out, "the output is whole all the same")
	})
}
