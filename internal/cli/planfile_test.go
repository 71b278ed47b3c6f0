package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/hostile/planfiles"
)

func TestPlanAndInitKeepTheTableOfHostilePlanFiles(t *testing.T) {
	cases := planfiles.Cases()
	require.Greater(t, len(cases), 200)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			if c.Large {
				return // takes seconds: the test of the reader has it
			}
			path := filepath.Join(t.TempDir(), c.ID+".json")
			require.NoError(t, os.WriteFile(path, c.Bytes(), 0o666))
			out := filepath.Join(t.TempDir(), "out.safetensors")
			if !c.Sound {
				for _, command := range [][]string{{"plan"}, {"init", "-o", out}} {
					code, stdout, stderr := run(append(command, "--plan", path, "--seed", "7")...)
					requireRefusal(t, code, stdout, stderr, append([]string{c.ID + ".json"}, c.MustName...))
				}
				entries, err := os.ReadDir(filepath.Dir(out))
				require.NoError(t, err)
				require.Empty(t, entries, "init left a file")
				return
			}
			code, stdout, stderr := run("plan", "--plan", path, "--seed", "7")
			require.Zero(t, code, stderr)
			require.NotEmpty(t, stdout)
			requireClean(t, stdout)
			code, _, stderr = run("init", "-q", "--plan", path, "--seed", "7", "-o", out)
			require.Zero(t, code, stderr)
			code, _, stderr = run("verify", "-q", out)
			require.Zero(t, code, stderr)
		})
	}
}
