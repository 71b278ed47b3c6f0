package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/needs"
	_ "github.com/weightinit/weightinit/plugins/sdk" // which the plugin needs: the go command caches a test by what it imports
)

// TestThePluginsPageRuns: the commands of docs/plugins.md work in the order of
// the page, and each line of a block of text stands in the output of the last
// command before it. The section about Python runs where its SDK can.
func TestThePluginsPageRuns(t *testing.T) {
	var goPart, pythonPart strings.Builder
	sections := strings.Split(readRepository(t, "docs/plugins.md"), "\n## ")
	for _, section := range sections {
		part := &goPart
		if strings.HasPrefix(section, "In Python\n") {
			part = &pythonPart
		}
		blocks, _ := blocksOf(section)
		for _, b := range blocks {
			storyOf(part, b)
		}
	}
	require.Equal(t, 9, strings.Count(goPart.String(), "exec weightinit "))
	require.Equal(t, 2, strings.Count(pythonPart.String(), "exec weightinit "))
	t.Run("go", func(t *testing.T) { runStory(t, goPart.String(), "") })
	t.Run("python", func(t *testing.T) { runStory(t, pythonPart.String(), needs.Python(t)) })
}

// storyOf appends a block as lines of a testscript.
func storyOf(story *strings.Builder, b block) {
	for line := range strings.Lines(b.text) {
		line = strings.TrimSpace(line)
		switch {
		case b.language == "text":
			fmt.Fprintf(story, "stdout '^%s'\n", regexp.QuoteMeta(line))
		case strings.HasPrefix(line, "cd "):
			fmt.Fprintln(story, line)
		case line != "":
			fmt.Fprintln(story, "exec", line)
		}
	}
}

// runStory runs a testscript in a fresh folder, with the go command's caches.
func runStory(t *testing.T, story, python string) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "page.txtar"), []byte(story), 0o600))
	clone, err := filepath.Abs("../..")
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
				value, err := exec.Command("go", "env", name).Output()
				if err != nil {
					return err
				}
				env.Setenv(name, strings.TrimSpace(string(value)))
			}
			env.Setenv("GOPROXY", "off")
			env.Setenv("GOFLAGS", "-buildvcs=false")
			env.Setenv("CLONE", clone)
			env.Setenv("WEIGHTINIT_PYTHON", python)
			env.Setenv("WEIGHTINIT_PLUGIN_DIR", filepath.Join(env.WorkDir, ".store"))
			return nil
		},
	})
}
