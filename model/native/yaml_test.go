package native

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/hostile/configs"
	"github.com/weightinit/weightinit/internal/yamltest"
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

func TestYAMLThatReadersDisagreeAbout(t *testing.T) {
	for _, c := range yamltest.Disputed() {
		t.Run(c.Name, func(t *testing.T) {
			var words []string
			if c.Word != "" {
				words = []string{c.Word}
			}
			requireYAMLFault(t, yamlConfig(c.Text, "seed"), words...)
		})
	}
	for _, c := range yamltest.Readable() {
		yamltest.RequireCheap(t, func() { parseYAML(t, yamlConfig(c.Text)) })
	}
	parseYAML(t, yamlConfig("attn_types:\n"+strings.Repeat("- global\n", 5000)))
	parseYAML(t, yamlConfig("attn_types: [&a ["+strings.Repeat("1, ", 99)+"1], "+strings.Repeat("*a, ", 99)+"1]\n"))
	parseYAML(t, yamlConfig("model_name: |\n"+strings.Repeat("\n", 200)+"  x\n"))
	parseYAML(t, yamlConfig(strings.Repeat("\n", 60_000)))
}
