package rules_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/parity/rules"
)

const example = "# norms are exact\nrules:\n  - tensors: \"layers.*.ln*.weight\"\n    check: bits\n" +
	"  - tensors: \"*.mask\"\n    ignore: true\n  - tensors: \"*\"\n    check: [close, stats]\n    margin: 0.01\n    rtol: 1.0e-5\n    atol: 0\n"

func TestTheFirstRuleThatMatchesDecides(t *testing.T) {
	r, err := rules.Parse([]byte(example), "parity.yaml")
	require.NoError(t, err)
	require.Len(t, r, 3)
	require.Equal(t, 0, r.For("layers.3.ln1.weight"))
	require.Equal(t, 1, r.For("a.mask"))
	require.Equal(t, 2, r.For("layers.3.ln1.bias"))
	require.Equal(t, []string{"close", "stats"}, r[2].Checks)
	require.Equal(t, 1e-5, *r[2].RTol)
	require.Equal(t, 0.01, *r[2].Margin)
	require.Equal(t, 7, r[2].Line)
	require.Equal(t, -1, r[:2].For("other"))
	unused := r.Unused([]string{"a.mask", "b"})
	require.Len(t, unused, 1)
	require.Equal(t, 3, unused[0].Line)
}

func TestFaultsHaveAPlaceAndANextStep(t *testing.T) {
	head := "rules:\n  - tensors: \"*\"\n"
	for text, want := range map[string]string{
		"":                      "empty",
		"rule: []":              "line 1 column 1: unknown key \"rule\": did you mean rules?",
		"rules: []":             "list of 1",
		head + "    chek: bits": "line 3 column 5: unknown key \"chek\": did you mean check?",
		head + "    check: bits\n    check: bits":  "line 4 column 5: duplicate",
		head + "    check: bit":                    "line 3 column 12: check \"bit\"",
		head + "    check: [bits, bits]":           "twice",
		head + "    check: 3":                      "want a text",
		head + "    check: close\n    rtol: -1":    "line 4 column 11: rtol",
		head + "    check: close\n    rtol: x":     "rtol",
		head + "    check: close\n    rtol: .nan":  "rtol",
		head + "    check: stats\n    margin: 2":   "margin",
		head + "    check: bits\n    margin: 0.1":  "only with check: stats",
		head + "    check: bits\n    ignore: true": "only tensors",
		head + "    ignore: yes":                   "true or false",
		head:                                       "without check",
		"rules:\n  - check: bits":                  "without tensors",
		"rules:\n\t- a":                            "U+0009",
		"rules: &a [*a]":                           "not supported",
		"a\xff":                                    "UTF-8",
		strings.Repeat(" ", 65537):                 "limit",
		"rules: " + strings.Repeat("[", 500):       "limit",
	} {
		_, err := rules.Parse([]byte(text), "parity.yaml")
		require.ErrorContains(t, err, want, text)
		var fault *rules.Error
		require.ErrorAs(t, err, &fault)
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestTheSchemaTakesTheExampleAndNoMisspeltKey(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "parity-rules.schema.json"))
	require.NoError(t, err)
	var schema jsonschema.Schema
	require.NoError(t, json.Unmarshal(text, &schema))
	resolved, err := schema.Resolve(nil)
	require.NoError(t, err)
	for text, valid := range map[string]bool{
		example:                                         true,
		"rules: [{tensors: a, check: all}]":             true,
		"rules: [{tensors: a, chek: all}]":              false,
		"rules: [{tensors: a}]":                         false,
		"rules: [{check: bits}]":                        false,
		"rules: [{tensors: a, check: close, rtol: -1}]": false,
	} {
		raw, err := yaml.YAMLToJSON([]byte(text))
		require.NoError(t, err)
		var value any
		require.NoError(t, json.Unmarshal(raw, &value))
		require.Equal(t, valid, resolved.Validate(value) == nil, text)
		_, err = rules.Parse([]byte(text), "p")
		require.Equal(t, valid, err == nil, text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example, "layers.0.ln1.weight")
	f.Add("rules: [{tensors: a, check: all}]", "a")
	f.Fuzz(func(t *testing.T, text, name string) {
		r, err := rules.Parse([]byte(text), "p")
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		require.NotEmpty(t, r)
		for _, rule := range r {
			require.NotEmpty(t, rule.Tensors)
			require.NotEqual(t, rule.Ignore, len(rule.Checks) > 0)
		}
		r.For(name)
	})
}
