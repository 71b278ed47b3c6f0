package model

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/hostile/configs"
)

// yamlConfig is the base config without the fields named, and with text after.
func yamlConfig(text string, without ...string) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(configs.BaseYAML())) {
		key, _, _ := strings.Cut(line, ":")
		if !strings.Contains(" "+strings.Join(without, " ")+" ", " "+key+" ") {
			b.WriteString(line)
		}
	}
	return []byte(b.String() + text)
}

func parseYAML(t *testing.T, data []byte) *Config {
	t.Helper()
	c, warnings, err := Parse("c.yaml", data, AnySyntax)
	require.NoError(t, err)
	require.Empty(t, warnings)
	return c
}

func requireYAMLFault(t *testing.T, data []byte, words ...string) {
	t.Helper()
	_, _, err := Parse("c.yaml", data, AnySyntax)
	var fault *Error
	require.ErrorAs(t, err, &fault, "%q", data)
	requireRefusal(t, "c.yaml", err)
	requireNames(t, err.Error(), words)
}

func TestYAMLAndJSONGiveTheSameConfig(t *testing.T) {
	fromJSON, _, err := Parse("c.json", configs.BaseJSON(), AnySyntax)
	require.NoError(t, err)
	base := strings.TrimSpace(string(configs.BaseYAML()))
	for name, text := range map[string]string{
		"one key a line": base,
		"no last line end, comments, blank lines": "# model\n\n" + strings.ReplaceAll(base, "d_head: 16", "d_head: 16   # width: of a head\n\n#\td_head: 17"),
		"all in braces":           "{" + strings.ReplaceAll(base, "\n", ", ") + "}",
		"braces over lines":       "{\n  " + strings.ReplaceAll(base, "\n", ",\n  ") + ",\n}\n",
		"JSON":                    string(configs.BaseJSON()),
		"quoted keys and texts":   strings.ReplaceAll(strings.ReplaceAll(base, "act_fn: gelu", `"act_fn": "ge\u006cu"`), "init_mode: gpt2", `'init_mode': 'gpt2'`),
		"indented":                "  " + strings.ReplaceAll(base, "\n", "\n  "),
		"markers":                 "---\n" + base + "\n...\n",
		"marker with a comment":   "--- # a model\n" + base + "\n",
		"an anchor and its alias": strings.ReplaceAll(base, "n_heads: 4", "n_heads: &four 4\nn_key_value_heads: *four"),
		"values on the next line": strings.ReplaceAll(base, "d_vocab: 100", "d_vocab:\n  100"),
		"carriage returns":        strings.ReplaceAll(base, "\n", "\r\n"),
		"unused lists and objects": base + "\nattn_types:\n- global\n-  local\nper_layer_head_dim: [1, 2,\n 3]\n" +
			"rope_scaling:\n  factor: 2.0\n  type: linear\n  more:\n    - a: 1\n      b: 2\n    -\n      - 3\n",
		"a long text over lines": base + "\nmodel_name: some words\n  and more words\ntokenizer_name: \"x\\\n  y\"\noriginal_architecture: |\n  z\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := parseYAML(t, []byte(text))
			want := *fromJSON
			want.source = got.source
			require.Equal(t, &want, got)
		})
	}
}

func TestYAMLScalarsThatTwoVersionsReadDifferently(t *testing.T) {
	for text, field := range map[string]string{
		"0100": "d_model", "0o100": "d_model", "1_000": "d_model", "1:40": "d_model", "0b100": "d_model", "08": "d_model",
		"-0x10": "d_model", "0x1_0": "d_model", "+0100": "d_model",
		"yes": "attn_only", "No": "attn_only", "on": "attn_only", "OFF": "attn_only", "y": "attn_only", "N": "attn_only",
		"1e-2": "initializer_range", "1e5": "initializer_range", "1.0e5": "initializer_range", "1_0.5": "initializer_range",
		"1:30.5": "initializer_range", ".5_0": "initializer_range",
		"2024-01-31": "model_name", "2001-12-14t21:59:43.10-05:00": "model_name", "=": "model_name", "190:20": "model_name",
	} {
		requireYAMLFault(t, yamlConfig(field+": "+text+"\n", field), field, text, "YAML 1.1", "YAML 1.2")
		if field == "model_name" {
			parseYAML(t, yamlConfig(field+": \""+text+"\"\n", field))
		}
	}
}

func TestYAMLScalarsThatAllVersionsReadAlike(t *testing.T) {
	for text, want := range map[string]float64{"1": 1, "0.5": 0.5, ".5": 0.5, "2.": 2, "1.0e-2": 0.01, "25.E+2": 2500, "+0.25": 0.25} {
		require.Equal(t, want, parseYAML(t, yamlConfig("initializer_range: "+text+"\n")).InitializerRange, text)
	}
	for _, text := range []string{"true", "True", "TRUE"} {
		require.True(t, parseYAML(t, yamlConfig("attn_only: "+text+"\n")).AttnOnly)
	}
	for _, text := range []string{"", "~", "null", "Null", "NULL"} {
		require.Nil(t, parseYAML(t, yamlConfig("seed: "+text+"\n", "seed")).Seed)
	}
	for _, text := range []string{"0x10", "+64", "64.0", ".inf", "-.INF", ".NaN", "\"64\"", "'64'", "6 4", "[64]", "{a: 64}", ""} {
		requireYAMLFault(t, yamlConfig("d_model: "+text+"\n", "d_model"), "d_model", "whole number")
	}
}

// What goccy/go-yaml takes for something else than other readers do: fields
// would be lost or invented.
func TestYAMLThatReadersDisagreeAbout(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		word string
	}{
		"an empty list item swallows the next field":   {"attn_types:\n- 1\n-\nseed: 8\n", "indent"},
		"an empty list item with a comment":            {"attn_types:\n- # none\nseed: 8\n", "indent"},
		"an anchor without a value":                    {"attn_types: &x\n\nseed\n", "indent"},
		"an anchor at the left margin":                 {"attn_types:\n&x [1]\n", ""},
		"a value at the left margin":                   {"attn_types:\n[1]\n", "indent"},
		"a value at the left margin after spaces":      {"model_name: \n\nx\n", "indent"},
		"an alias at the left margin":                  {"device: &x cpu\nmodel_name:\n\n*x\n", "indent"},
		"a tab inside a key":                           {"se\ted: 8\n", "tab"},
		"a tab before a value":                         {"seed:\t8\n", "tab"},
		"a text with an unread rest":                   {"model_name: \"x\"\n!<\n", ""},
		"a colon without a space in braces":            {"rope_scaling: {factor:2.0}\n", "space"},
		"a key and its colon on two lines":             {"rope_scaling: {factor\n: 2.0}\n", "line"},
		"a list without brackets in braces":            {"rope_scaling: {factor: - 1}\n", "inside {}"},
		"an object without braces in braces":           {"rope_scaling: {factor: \n\n 'type': linear}\n", ""},
		"a leading comma":                              {"rope_scaling: {, type: linear}\n", "comma"},
		"a second colon":                               {"rope_scaling: {1, 2,a: b: d}\n", "quotes"},
		"a plain text that begins with a comma":        {"model_name: , x\n", "quotes"},
		"a plain text that begins with a bracket":      {"model_name: ]x\n", "not YAML"},
		"a bracket of the wrong kind":                  {"attn_types: [1, = d}]\n", "quotes"},
		"an alias on two lines":                        {"device: &x cpu\nmodel_name: *\n  x\n", "name"},
		"an anchor with a comma in its name":           {"attn_types: [&a,b 1]\n", ""},
		"a decisive text over two lines":               {"positional_embedding_type: \"stan\\\n  dard\"\n", "one line"},
		"a decisive block text":                        {"positional_embedding_type: >-\n  standard\n", "one line"},
		"a next-line character":                        {"model_name: a\u0085b\n", "U+0085"},
		"a line separator":                             {"model_name: a\u2028seed: 8\n", "U+2028"},
		"a byte order mark in the middle":              {"model_name: a\ufeffb\n", "U+FEFF"},
		"an escape character":                          {"model_name: a\x1b[31m\n", "U+001B"},
		"a NUL":                                        {"model_name: a\x00\n", "U+0000"},
		"a merge key":                                  {"rope_scaling: &r {factor: 1.0}\nx:\n  <<: *r\n", "merge"},
		"a tag":                                        {"device: !!str cpu\n", "tag"},
		"a directive":                                  {"%YAML 1.1\n", ""},
		"a second document after the end marker":       {"...\nseed: 8\n", "document"},
		"an undefined alias":                           {"device: *nothing\n", "nothing"},
		"an alias as a key":                            {"device: &x cpu\n*x : 8\n", "key"},
		"a list as a key in braces":                    {"rope_scaling: {[a]: 1}\n", "key"},
		"an unfinished list":                           {"attn_types: [1, 2\n", "not YAML"},
		"an unfinished text":                           {"model_name: \"x\n", "not YAML"},
		"a duplicate in an object":                     {"rope_scaling:\n  factor: 1.0\n  \"factor\": 2.0\n", "duplicate"},
		"a duplicate in an object nobody reads":        {"attn_types: [{a: 1, a: 2}]\n", "duplicate"},
		"many blank lines beside a block text":         {"model_name: |\n" + strings.Repeat("\n", 60_000), "limit"},
		"many lines of spaces beside a block text":     {"model_name: |\n" + strings.Repeat(" \n", 30_000), "limit"},
		"invalid UTF-8":                                {"model_name: caf\xe9\n", "UTF-8"},
		"lists nested over lines":                      {"attn_types:\n" + nestedLists(100), "nest"},
		"objects in braces nested":                     {"attn_types: " + strings.Repeat("{a: ", 70) + strings.Repeat("}", 70) + "\n", "nest"},
		"aliases that add 10,001 nodes":                {"attn_types: [&a [" + strings.Repeat("1, ", 99) + "1], " + strings.Repeat("*a, ", 100) + "1]\n", "limit"},
		"a colon at the end of a plain text in braces": {"rope_scaling: {type: 'linear', x:: 1}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var words []string
			if c.word != "" {
				words = []string{c.word}
			}
			requireYAMLFault(t, yamlConfig(c.text, "seed"), words...)
		})
	}
	for name, text := range map[string]string{
		"keys":                      "attn_types: [{" + strings.Repeat("a: 1,", 1100) + "}]\n",
		"words and signs":           "attn_types: [" + strings.Repeat("1,", 9000) + "]\n",
		"paths":                     "attn_types:\n  " + strings.Repeat("k", 5000) + ":\n" + strings.Repeat("  - 1\n", 5000),
		"paths of objects in lists": "attn_types: [" + strings.Repeat("{"+strings.Repeat("k", 900)+": [", 30) + strings.Repeat("1,", 5000) + strings.Repeat("]}", 30) + "]\n",
	} {
		bytes, _ := allocated(func() { requireYAMLFault(t, yamlConfig(text, "seed"), "limit") })
		require.Less(t, bytes, uint64(64<<20), name)
	}
	parseYAML(t, yamlConfig("attn_types:\n"+strings.Repeat("- global\n", 5000)))
	parseYAML(t, yamlConfig("attn_types: [&a ["+strings.Repeat("1, ", 99)+"1], "+strings.Repeat("*a, ", 99)+"1]\n"))
	parseYAML(t, yamlConfig("model_name: |\n"+strings.Repeat("\n", 200)+"  x\n"))
	parseYAML(t, yamlConfig(strings.Repeat("\n", 60_000)))
}

func nestedLists(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "-\n")
	}
	return b.String()
}
