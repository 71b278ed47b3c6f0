package cli_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/needs"
)

// slowPython is a plugin that says when it is inside a call, and stays there.
const slowPython = `import sys, time
from weightinit_plugin import Plugin, fill, normal

plugin = Plugin("slow", version="1.0.0")

def stay():
    print("inside", file=sys.stderr, flush=True)
    time.sleep(60)

@plugin.mode("assigning", version=1, summary="stays in Assign")
def assigning(layout):
    stay()
    for p in layout:
        yield normal(std=1.0)

@plugin.mode("filling", version=1, summary="stays in Fill")
def filling(layout):
    for p in layout:
        yield fill()

@plugin.fill("filling")
def make(request):
    stay()
    yield bytes(4)

plugin.serve()
`

func TestAKilledHostTakesItsPythonPluginAlong(t *testing.T) {
	python := needs.Python(t)
	program := filepath.Join(buildPlugins(t, "../../cmd/weightinit"), "weightinit")
	plugin := filepath.Join(t.TempDir(), "slow")
	require.NoError(t, os.CopyFS(filepath.Join(plugin, "weightinit_plugin"), os.DirFS("../../plugins/sdk/python/weightinit_plugin")))
	require.NoError(t, os.WriteFile(filepath.Join(plugin, "plugin.json"), []byte(`{"manifest": 1, "name": "slow", "python": ">=3.10"}`), 0o666))
	require.NoError(t, os.WriteFile(filepath.Join(plugin, "__main__.py"), []byte(slowPython), 0o666))
	for _, mode := range []string{"assigning", "filling"} {
		t.Run(mode, func(t *testing.T) {
			for range 3 {
				host := exec.Command(program, "init", "--preset", "toy-1l", "--seed", "1", "--plugin", plugin, "--python", python,
					"--mode", "slow."+mode, "-o", filepath.Join(t.TempDir(), "m.safetensors"))
				stderr, err := host.StderrPipe()
				require.NoError(t, err)
				require.NoError(t, host.Start())
				inside := false
				for lines := bufio.NewScanner(stderr); !inside && lines.Scan(); {
					inside = strings.Contains(lines.Text(), "inside")
				}
				running := runningWith(t, plugin, host.Process.Pid)
				require.NoError(t, host.Process.Kill())
				_ = host.Wait()
				require.True(t, inside, "the plugin was never asked")
				require.NotEmpty(t, running)
				require.Eventually(t, func() bool { return len(runningWith(t, plugin, 0)) == 0 }, 5*time.Second, 10*time.Millisecond)
			}
		})
	}
}

// runningWith lists the processes, but one, that have text as an argument.
func runningWith(t *testing.T, text string, but int) []string {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var out []string
	for _, path := range found {
		args, err := os.ReadFile(path)
		pid := filepath.Base(filepath.Dir(path))
		if err == nil && strings.Contains(string(args), text+"\x00") && pid != strconv.Itoa(but) {
			out = append(out, pid)
		}
	}
	return out
}
