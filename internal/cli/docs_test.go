package cli

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/weightinit/weightinit/parity/report"
	"github.com/weightinit/weightinit/parity/rules"
)

// docs are the pages whose examples are held against the real command.
var docs = []string{
	"README.md", "CONTRIBUTING.md", "docs/README.md", "docs/ci.md", "docs/cli.md", "docs/huggingface.md", "docs/keyed.md", "docs/library.md",
	"docs/parity.md", "docs/plan-files.md", "docs/plugins.md", "docs/promises.md",
}

func readRepository(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(path)))
	require.NoError(t, err)
	return string(text)
}

// block is what stands between two fences.
type block struct{ language, text string }

var fenced = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

func blocksOf(text string) (blocks []block, prose string) {
	for _, m := range fenced.FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, block{m[1], m[2]})
	}
	return blocks, fenced.ReplaceAllString(text, "")
}

// textsOf appends all texts of a YAML document.
func textsOf(texts []string, v any) []string {
	switch v := v.(type) {
	case string:
		return append(texts, v)
	case []any:
		for _, e := range v {
			texts = textsOf(texts, e)
		}
	case map[string]any:
		for _, e := range v {
			texts = textsOf(texts, e)
		}
	}
	return texts
}

var (
	callOf     = regexp.MustCompile(`(?:^|[\s;&|])(?:\./|\S*/cmd/)?weightinit(?:@\S+)? +([a-z].*)`)
	inlineCode = regexp.MustCompile("`([^`\n]+)`")
	flagWord   = regexp.MustCompile(`(?:^|[\s(])(--[a-z][a-z-]*)`)
)

// callsIn returns the words behind "weightinit" of each line that calls it.
func callsIn(text string) (calls [][]string) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, " #")
		if m := callOf.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			calls = append(calls, strings.Fields(m[1]))
		}
	}
	return calls
}

// requireCall parses a call's flags as the command would.
func requireCall(t *testing.T, words []string) {
	t.Helper()
	call := strings.Join(words, " ")
	cmd, rest, err := (&app{stdout: &output{}, stderr: &bytes.Buffer{}}).root().Find(words)
	require.NoError(t, err, call)
	require.NotEqual(t, "weightinit", cmd.Name(), call)
	require.NoError(t, cmd.ParseFlags(rest), call)
	if f := cmd.Flags().Lookup("report"); f != nil && cmd.Name() == "parity" {
		values, err := cmd.Flags().GetStringArray("report")
		require.NoError(t, err)
		for _, r := range values {
			name, _, _ := strings.Cut(r, "=")
			require.Contains(t, report.Formats(), name, call)
		}
		stdout, err := cmd.Flags().GetString("format")
		require.NoError(t, err)
		require.Contains(t, report.Formats(), stdout, call)
	}
}

// TestTheDocumentedCallsAreTaken: every block of YAML or Go parses, and every call
// of weightinit, in a block or in a line, is one whose flags the command has.
func TestTheDocumentedCallsAreTaken(t *testing.T) {
	calls := map[string]int{}
	for _, path := range docs {
		blocks, prose := blocksOf(readRepository(t, path))
		for _, m := range inlineCode.FindAllStringSubmatch(prose, -1) {
			for _, words := range callsIn(m[1]) {
				requireCall(t, words)
				calls[path]++
			}
		}
		for _, b := range blocks {
			text := b.text
			if b.language == "yaml" {
				var doc any
				require.NoError(t, yaml.Unmarshal([]byte(b.text), &doc), "%s:\n%s", path, b.text)
				require.NotNil(t, doc)
				text = strings.Join(textsOf(nil, doc), "\n")
			}
			if b.language == "go" {
				_, err := format.Source([]byte(b.text))
				require.NoError(t, err, "%s:\n%s", path, b.text)
				continue
			}
			for _, words := range callsIn(text) {
				requireCall(t, words)
				calls[path]++
			}
		}
	}
	require.GreaterOrEqual(t, calls["docs/ci.md"], 5)
	require.GreaterOrEqual(t, calls["docs/plugins.md"], 8)
	require.GreaterOrEqual(t, calls["README.md"], 2)
}

// TestAnExampleWithAWrongFlagIsFound keeps the test above honest.
func TestAnExampleWithAWrongFlagIsFound(t *testing.T) {
	calls := callsIn("go run github.com/weightinit/weightinit/cmd/weightinit@v1 parity \\\n  --refernce x # not this\nweightinit version\n")
	require.Equal(t, [][]string{{"parity", "--refernce", "x"}, {"version"}}, calls)
	cmd, rest, err := (&app{stdout: &output{}, stderr: &bytes.Buffer{}}).root().Find(calls[0])
	require.NoError(t, err)
	require.Error(t, cmd.ParseFlags(rest))
}

// TestEveryFlagInTheCIPageExists: in prose too, a flag is one of a command or
// of the script that dumps references.
func TestEveryFlagInTheCIPageExists(t *testing.T) {
	known := map[string]bool{}
	var add func(*cobra.Command)
	add = func(cmd *cobra.Command) {
		for _, line := range strings.Fields(cmd.UsageString()) {
			if name := strings.TrimRight(line, ",="); strings.HasPrefix(name, "--") {
				known[name] = true
			}
		}
		for _, sub := range cmd.Commands() {
			add(sub)
		}
	}
	add((&app{stdout: &output{}, stderr: &bytes.Buffer{}}).root())
	script := readRepository(t, "scripts/reference/weightinit_reference.py")
	for _, m := range regexp.MustCompile(`add_argument\("(--[a-z-]+)"`).FindAllStringSubmatch(script, -1) {
		known[m[1]] = true
	}
	require.True(t, known["--reference"] && known["--state-dict"])
	text := readRepository(t, "docs/ci.md")
	blocks, prose := blocksOf(text)
	found := 0
	check := func(text string) {
		for _, m := range flagWord.FindAllStringSubmatch(text, -1) {
			require.True(t, known[m[1]], "no command has %s: %s", m[1], text)
			found++
		}
	}
	for _, b := range blocks {
		check(b.text)
	}
	for _, m := range inlineCode.FindAllStringSubmatch(prose, -1) {
		check(m[1])
	}
	require.Greater(t, found, 30)
}

func TestTheRulesInTheCIPageAreRules(t *testing.T) {
	blocks, _ := blocksOf(readRepository(t, "docs/ci.md"))
	i := slices.IndexFunc(blocks, func(b block) bool { return strings.HasPrefix(b.text, "# parity.yaml\n") })
	require.GreaterOrEqual(t, i, 0)
	r, err := rules.Parse([]byte(blocks[i].text), "parity.yaml")
	require.NoError(t, err)
	require.Len(t, r.Rules, 3)
	require.Equal(t, 1, r.For("layers.0.ln1.weight"))
}

func TestTheNamesInTheParityPageAreRules(t *testing.T) {
	blocks, _ := blocksOf(readRepository(t, "docs/parity.md"))
	i := slices.IndexFunc(blocks, func(b block) bool { return strings.HasPrefix(b.text, "names:\n") })
	require.GreaterOrEqual(t, i, 0)
	r, err := rules.Parse([]byte(blocks[i].text), "parity.yaml")
	require.NoError(t, err)
	mapped, err := r.Names.Map([]string{"blocks.3.mlp.in.bias", "h.3.mlp.in.weight", "h.3.mlp.gate.weight"})
	require.NoError(t, err)
	require.Equal(t, "layers.3.mlp.fc_in.bias", mapped[0].To)
	require.Equal(t, "layers.3.mlp.in.weight", mapped[1].To)
}

// TestLinksInTheDocsLead: a relative link names a file that is there.
func TestLinksInTheDocsLead(t *testing.T) {
	for _, path := range docs {
		for _, m := range regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(readRepository(t, path), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			_, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(filepath.Dir(path)), filepath.FromSlash(m[1])))
			require.NoError(t, err, "%s links to %s", path, m[1])
		}
	}
}

// TestTheIndexHasEveryPage: docs/README.md links to every page and schema.
func TestTheIndexHasEveryPage(t *testing.T) {
	index := readRepository(t, "docs/README.md")
	entries, err := os.ReadDir(filepath.Join("..", "..", "docs"))
	require.NoError(t, err)
	pages := 0
	for _, e := range entries {
		if name := e.Name(); name != "README.md" && (strings.HasSuffix(name, ".md") || strings.HasSuffix(name, ".json")) {
			require.Contains(t, index, "]("+name+")")
			pages++
		}
	}
	require.Greater(t, pages, 6)
}
