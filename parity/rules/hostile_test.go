package rules_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/hostile/configs"
	"github.com/weightinit/weightinit/internal/limits"
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
		if len(texts[0]) > limits.RulesYAML {
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
	for _, c := range append(yamltest.Disputed(), yamltest.Readable()...) {
		for _, text := range wrapped(c.Text) {
			_, err := requireParsed(t, text)
			require.Error(t, err, "%s: %q", c.Name, text)
		}
	}
}

// What the parser takes the most time and memory for, at nearly the limits.
func TestLargeTextsAreReadWithinTheBounds(t *testing.T) {
	// full returns a text of nearly the most bytes.
	full := func(part string) string { return strings.Repeat(part, (limits.RulesYAML-100)/len(part)) }
	took := map[string]time.Duration{}
	for name, text := range map[string]string{
		"empty items":            "rules:\n" + full("- \n"),
		"empty items, fewer":     "rules:\n" + strings.Repeat("- \n", 32_000) + strings.Repeat("-\n", 32_000),
		"keys in braces":         "rules:\n- {" + full("a: b, ") + "}\n",
		"keys in one rule":       "rules:\n- a: b\n" + full("  a: b\n"),
		"keys at the top":        full("a: b\n"),
		"keys without values":    "rules:\n" + full("    k:\n"),
		"lists to the left":      "rules:\n" + full("    k:\n  -\n"),
		"keys in lists":          "rules:\n" + full("- k:\n"),
		"keys over two lines":    "rules:\n" + full("  a: 1\n  \"\n\": 1\n"),
		"rules":                  "rules:\n" + full("- {tensors: a, ignore: true}\n"),
		"blank lines":            "rules: |\n" + full("\n"),
		"blank lines and a sign": "# |\n" + full(strings.Repeat("\n", 250)+"#\n"),
		"comments":               "rules:\n" + full("# a\n"),
		"comments in a rule":     "rules:\n- a: b\n" + full("  # a\n"),
		"comments and items":     "rules:\n" + full("#\n\n-\n"),
		"words":                  "rules: [" + full("a,") + "]",
		"words outside ASCII":    "rules: [" + full("é,") + "]",
		"pairs in a list":        "rules: [" + full("a: ,") + "]",
		"deep, one line":         full("a: "),
		"deep, lists":            "rules:\n" + full("- "),
		"deep, brackets":         "rules: " + full("["),
		"deep, braces":           "rules: " + full("{a: "),
		"a long text":            "rules: " + full("a"),
		"a long quoted text":     "rules: \"" + full("\\\\") + "\"",
		"a text over lines":      "rules: a" + full("\n  a"),
		"a quoted text on lines": "rules: \"" + full("\n") + "\"",
		"commas":                 "rules: [" + full(",") + "]",
		"colons":                 "rules: [" + full(": ") + "]",
		"signs of aliases":       "rules: [" + full("*a,") + "]",
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
	const most = limits.Rules
	keys := []string{"tensors: a", "check: [bits, close, stats]", "ignore: false", "rtol: 0"}
	every := "- {" + strings.Join(keys, ", ") + ", atol: 0, margin: 1, equal_nan: true, any_dtype: true}\n"
	r, err := requireParsed(t, "rules:\n"+strings.Repeat(every, 1400)) // of so long ones the bytes are the limit
	require.NoError(t, err)
	require.Len(t, r.Rules, 1400)
	for name, rule := range map[string]string{
		"blocks": "- " + strings.Join(keys, "\n  ") + "\n",
		"braces": "- {" + strings.Join(keys, ", ") + "}\n",
		"lists":  "- " + strings.ReplaceAll(strings.Join(keys, "\n  "), "[bits, close, stats]", "\n  - bits\n  - close\n  - stats") + "\n",
	} {
		r, err := requireParsed(t, "rules:\n"+strings.Repeat(rule, most))
		require.NoError(t, err, name)
		require.Len(t, r.Rules, most)
		_, err = requireParsed(t, "rules:\n"+strings.Repeat(rule, most+1))
		require.Error(t, err, name)
	}
	_, err = requireParsed(t, "rules: ["+strings.Repeat("{tensors: a, ignore: true}, ", 2049)+"]")
	require.ErrorContains(t, err, "list of 1 to 2048 rules")
}
