package cli_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/hostile"
	"github.com/weightinit/weightinit/internal/hostile/configs"
	"github.com/weightinit/weightinit/internal/needs"
	"github.com/weightinit/weightinit/internal/shown"
)

// requireRefusal checks exit code 2, one line on stderr that names the words,
// and nothing on stdout.
func requireRefusal(t *testing.T, code int, stdout, stderr string, words []string) {
	t.Helper()
	require.Equal(t, 2, code, stderr)
	require.Empty(t, stdout)
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	require.Len(t, lines, 1, "%q", stderr)
	requireClean(t, stderr)
	require.GreaterOrEqual(t, len(lines[0]), 20, lines[0])
	require.LessOrEqual(t, len(lines[0]), 2000)
	for _, w := range words {
		require.Contains(t, strings.ToLower(lines[0]), strings.ToLower(w))
	}
}

// requireClean checks that nothing can move the cursor or colour the terminal.
func requireClean(t *testing.T, text string) {
	t.Helper()
	require.True(t, utf8.ValidString(text))
	const bidirectional = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
	for _, r := range text {
		if (r < ' ' && r != '\n') || (r >= 0x7f && r < 0xa0) || strings.ContainsRune(bidirectional, r) {
			t.Fatalf("control character %q in %.200q", r, text)
		}
	}
}

// requireFindings checks that stderr holds warnings, or nothing.
func requireFindings(t *testing.T, stderr string, warn bool, words []string) {
	t.Helper()
	requireClean(t, stderr)
	if !warn {
		require.Empty(t, stderr)
		return
	}
	require.NotEmpty(t, stderr)
	for line := range strings.Lines(stderr) {
		require.True(t, strings.HasPrefix(line, "warning:"), line)
	}
	for _, w := range words {
		require.Contains(t, strings.ToLower(stderr), strings.ToLower(w))
	}
}

func TestInspectKeepsTheTableOfHostileFiles(t *testing.T) {
	cases := slices.Concat(hostile.Safetensors(), hostile.NPY(), hostile.Directories())
	require.Greater(t, len(cases), 200)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			path, err := c.Write(t.TempDir())
			require.NoError(t, err)
			code, stdout, stderr := run("inspect", path)
			if c.Verdict == hostile.Refuse {
				requireRefusal(t, code, stdout, stderr, append([]string{shown.Text(filepath.Base(path))}, c.MustName...))
				return
			}
			require.Zero(t, code, stderr)
			require.NotEmpty(t, stdout)
			requireClean(t, stdout)
			requireFindings(t, stderr, c.Verdict == hostile.Warn, c.MustName)
			code, stdout, _ = run("inspect", "--json", path)
			require.Zero(t, code)
			require.True(t, json.Valid([]byte(stdout)), c.ID)
		})
	}
}

func TestPlanAndInitKeepTheTableOfHostileConfigs(t *testing.T) {
	cases := configs.Cases()
	require.Greater(t, len(cases), 120)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			dir := t.TempDir()
			path, err := c.Put(dir)
			if errors.Is(err, configs.ErrNoSuchFile) {
				needs.Skip(t, "needs a kind of file that this system does not have")
			}
			require.NoError(t, err)
			args := []string{"--config", path}
			if c.Seed != "" {
				args = append(args, "--seed", c.Seed)
			}
			out := filepath.Join(t.TempDir(), "out.safetensors")
			if c.Verdict == configs.Refuse || c.ByMode {
				for _, command := range [][]string{{"plan"}, {"init", "-o", out}} {
					code, stdout, stderr := run(append(command, args...)...)
					requireRefusal(t, code, stdout, stderr, c.MustName)
				}
				entries, err := os.ReadDir(filepath.Dir(out))
				require.NoError(t, err)
				require.Empty(t, entries, "init left a file")
				return
			}
			code, stdout, stderr := run(append([]string{"plan"}, args...)...)
			require.Zero(t, code, stderr)
			require.NotEmpty(t, stdout)
			stderr = withoutSeed(stderr)
			requireFindings(t, stderr, c.Verdict == configs.Warn, c.MustName)
			if c.PlanOnly {
				return
			}
			code, _, stderr = run(append([]string{"init", "-q", "-o", out}, args...)...)
			require.Zero(t, code, stderr)
			require.FileExists(t, out)
		})
	}
}

// withoutSeed drops the line that tells a fresh seed.
func withoutSeed(stderr string) string {
	var keep []string
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "seed: ") {
			keep = append(keep, line)
		}
	}
	return strings.Join(keep, "")
}
