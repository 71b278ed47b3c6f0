package rules_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/hostile/configs"
	"github.com/weightinit/weightinit/internal/yamltest"
	"github.com/weightinit/weightinit/parity/rules"
)

// wrapped returns a text by itself and in the places of a rule file where
// something may stand.
func wrapped(text string) []string {
	indented := "      " + strings.ReplaceAll(text, "\n", "\n      ")
	const head = "rules:\n- tensors: a\n  check: close\n"
	return []string{
		text,
		head + text,
		text + "\n" + head,
		"rules:\n" + text,
		"rules:\n- " + strings.TrimLeft(indented, " "),
		head + "  rtol:\n" + indented,
		"rules: [{tensors: a, check: close, rtol: " + text + "}]",
	}
}

// requireParsed reads a text within the bounds of time and memory. An error is
// one line that names the file.
func requireParsed(t *testing.T, text string) (r rules.File, err error) {
	t.Helper()
	yamltest.RequireCheap(t, func() { r, err = rules.Parse([]byte(text), "p.yaml") })
	if err == nil {
		return r, nil
	}
	var fault *rules.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, "p.yaml", fault.Path)
	require.True(t, strings.HasPrefix(err.Error(), "rules: \"p.yaml\": "), "%q", err)
	require.Equal(t, -1, strings.IndexFunc(err.Error(), unicode.IsControl), "%q", err)
	require.LessOrEqual(t, len(err.Error()), 2000)
	return rules.File{}, err
}

func TestEveryHostileConfigIsReadWithinTheBounds(t *testing.T) {
	count := 0
	for _, c := range configs.Cases() {
		if c.Bytes == nil {
			continue
		}
		texts := wrapped(string(c.Bytes()))
		if len(texts[0]) > 1<<17 {
			texts = texts[:2] // refused for its length wherever it stands
		}
		for i, text := range texts {
			_, err := requireParsed(t, text)
			if i == 0 { // wrapped, an empty one is sound
				require.Error(t, err, c.ID)
			}
			count++
		}
	}
	require.Greater(t, count, 500)
	for _, c := range append(yamltest.Disputed(), yamltest.Large()...) {
		for _, text := range wrapped(c.Text) {
			_, err := requireParsed(t, text)
			require.Error(t, err, "%s: %q", c.Name, text)
		}
	}
}

// What the parser takes the most time and memory for, at nearly the limits.
func TestLargeTextsAreReadWithinTheBounds(t *testing.T) {
	took := map[string]time.Duration{}
	for name, text := range map[string]string{
		"empty items":            "rules:\n" + strings.Repeat("- \n", 16_000),
		"empty items, fewer":     "rules:\n" + strings.Repeat("- \n", 8_000) + strings.Repeat("-\n", 8_000),
		"keys in braces":         "rules:\n- {" + strings.Repeat("a: b, ", 2_040) + "}\n",
		"keys in one rule":       "rules:\n- a: b\n" + strings.Repeat("  a: b\n", 2_040),
		"keys at the top":        strings.Repeat("a: b\n", 2_040),
		"keys without values":    "rules:\n" + strings.Repeat("    k:\n", 2_040),
		"lists to the left":      "rules:\n" + strings.Repeat("    k:\n  -\n", 2_040),
		"keys in lists":          "rules:\n" + strings.Repeat("- k:\n", 2_040),
		"keys over two lines":    "rules:\n" + strings.Repeat("  a: 1\n  \"\n\": 1\n", 1_000),
		"rules":                  "rules:\n" + strings.Repeat("- {tensors: a, ignore: true}\n", 1_000),
		"blank lines":            "rules: |\n" + strings.Repeat("\n", 60_000),
		"blank lines and a sign": "# |\n" + strings.Repeat(strings.Repeat("\n", 250)+"#\n", 250),
		"comments":               "rules:\n" + strings.Repeat("# a\n", 16_000),
		"comments in a rule":     "rules:\n- a: b\n" + strings.Repeat("  # a\n", 10_000),
		"deep, one line":         strings.Repeat("a: ", 10_000),
		"deep, lists":            "rules:\n" + strings.Repeat("- ", 30_000),
		"deep, brackets":         "rules: " + strings.Repeat("[", 60_000),
		"deep, braces":           "rules: " + strings.Repeat("{a: ", 15_000),
		"a long text":            "rules: " + strings.Repeat("a", 65_000),
		"a long quoted text":     "rules: \"" + strings.Repeat("\\\\", 32_000) + "\"",
		"a text over lines":      "rules: a" + strings.Repeat("\n  a", 16_000),
		"a quoted text on lines": "rules: \"" + strings.Repeat("\n", 60_000) + "\"",
		"commas":                 "rules: [" + strings.Repeat(",", 60_000) + "]",
		"colons":                 "rules: [" + strings.Repeat(": ", 30_000) + "]",
		"signs of aliases":       "rules: [" + strings.Repeat("*a,", 20_000) + "]",
	} {
		start := time.Now()
		_, err := requireParsed(t, text)
		require.Error(t, err, name)
		took[name] = time.Since(start)
	}
	t.Log(took)
}

// The largest file that is one, in the styles of YAML.
func TestTheMostRulesAndKeysAreRead(t *testing.T) {
	keys := []string{"tensors: a", "check: [bits, close, stats]", "ignore: false", "rtol: 0", "atol: 0", "margin: 1", "equal_nan: true", "any_dtype: true"}
	for name, rule := range map[string]string{
		"blocks": "- " + strings.Join(keys, "\n  ") + "\n",
		"braces": "- {" + strings.Join(keys, ", ") + "}\n",
		"lists":  "- " + strings.ReplaceAll(strings.Join(keys, "\n  "), "[bits, close, stats]", "\n  - bits\n  - close\n  - stats") + "\n",
	} {
		r, err := requireParsed(t, "rules:\n"+strings.Repeat(rule, 256))
		require.NoError(t, err, name)
		require.Len(t, r.Rules, 256)
		_, err = requireParsed(t, "rules:\n"+strings.Repeat(rule, 257))
		require.Error(t, err, name)
	}
	_, err := requireParsed(t, "rules: ["+strings.Repeat("{tensors: a, ignore: true}, ", 257)+"]")
	require.ErrorContains(t, err, "list of 1 to 256 rules")
}
