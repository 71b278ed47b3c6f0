package rules_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/yamltest"
	"github.com/weightinit/weightinit/parity/rules"
)

const example = "# norms are exact\nrules:\n  - tensors: \"layers.*.ln*.weight\"\n    check: bits\n" +
	"  - tensors: \"*.mask\"\n    ignore: true\n  - tensors: \"*\"\n    check: [close, stats]\n    margin: 0.01\n    rtol: 1.0e-5\n    atol: 0\n"

func TestTheFirstRuleThatMatchesDecides(t *testing.T) {
	r, err := rules.Parse([]byte(example), "parity.yaml")
	require.NoError(t, err)
	require.Len(t, r.Rules, 3)
	require.Equal(t, 0, r.For("layers.3.ln1.weight"))
	require.Equal(t, 1, r.For("a.mask"))
	require.Equal(t, 2, r.For("layers.3.ln1.bias"))
	require.Equal(t, []string{"close", "stats"}, r.Rules[2].Checks)
	require.Equal(t, 1e-5, *r.Rules[2].RTol)
	require.Equal(t, 0.01, *r.Rules[2].Margin)
	require.Equal(t, 7, r.Rules[2].Line)
	require.Equal(t, -1, r.Rules[:2].For("other"))
	unused := r.Unused([]string{"a.mask", "b"})
	require.Len(t, unused, 1)
	require.Equal(t, 3, unused[0].Line)
}

func TestFaultsHaveAPlaceAndANextStep(t *testing.T) {
	head := "rules:\n  - tensors: \"*\"\n"
	for text, want := range map[string]string{
		"":                      "empty",
		"rule: []":              "line 1 column 1: unknown key \"rule\": did you mean rules?",
		"{}":                    "line 1 column 1: want \"rules:\" and below it a list of 1 to 2048 rules",
		"rules: []":             "line 1 column 8: want \"rules:\" and below it a list of 1",
		"rules: x":              "list of 1",
		"x":                     "want keys and values, found \"x\": use names, rules",
		"rules: [a]":            "line 1 column 9: want keys and values, found \"a\"",
		"rules: [{}]":           "line 1 column 9: a rule without tensors",
		head + "    chek: bits": "line 3 column 5: unknown key \"chek\": did you mean check?",
		head + "    check: bits\n    check: bits":                         "line 4 column 5: duplicate key \"check\": keep one",
		head + "    check: bit":                                           "line 3 column 12: check \"bit\"",
		head + "    check: [bits, bits]":                                  "twice",
		head + "    check: 3":                                             "line 3 column 12: check: want a text, \"3\" is none",
		head + "    check: [all, bits]":                                   "use it alone",
		head + "    check: on":                                            "check \"on\": a boolean in YAML 1.1",
		head + "    check: >-\n      bits":                                "not supported in a rule file",
		head + "    check: \"bi\\\n      ts\"":                            "one line",
		head + "    check: close\n    rtol: 1e-5":                         "line 4 column 11: rtol \"1e-5\": a number in one of YAML 1.1 and YAML 1.2",
		head + "    check: close\n    rtol: \"1\"":                        "without quotes",
		head + "    check: stats\n    margin: 0":                          "above 0",
		head + "    ignore: 1":                                            "ignore \"1\": want true or false",
		"rules:\n  - tensors: yes\n    check: bits":                       "tensors \"yes\": a boolean in YAML 1.1",
		"rules:\n  - tensors: *.bias":                                     "not supported in a rule file",
		head + "    check: bits\n    atol: 0\n    rtol: 0\n    margin: 1": "margin has a meaning only with check: stats",
		head + "    check: close\n    rtol: -1":                           "line 4 column 11: rtol",
		head + "    check: close\n    rtol: x":                            "rtol",
		head + "    check: close\n    rtol: .nan":                         "rtol",
		head + "    check: stats\n    margin: 2":                          "margin",
		head + "    check: bits\n    margin: 0.1":                         "only with check: stats",
		head + "    check: bits\n    ignore: true":                        "only tensors",
		head + "    ignore: yes":                                          "true or false",
		head:                                                              "without check",
		"rules:\n  - check: bits":                                         "without tensors",
		head + "    check: \"\\ud83d\\ude00\"":                            "line 3: not YAML: an escape that is no character",
		"rules:\n- tensors: a\n  check: [\n\n":                            "line 3: not YAML",
		"rules: [a":                                                       "line 1: not YAML",
		"rules:\n\t- a":                                                   "line 2 column 1: a tab",
		"rules: &a [*a]":                                                  "line 1 column 8: \"&\" is not supported in a rule file",
		"rules: !!seq []":                                                 "tags are not supported in a rule file",
		"rules: [x]\n---\na: 1":                                           "a rule file is one document",
		"a\xff":                                                           "UTF-8",
		strings.Repeat(" ", 196_609):                                      "limit",
		"rules: " + strings.Repeat("[", 500) + strings.Repeat("]", 500):   "limit",
		"rules: " + strings.Repeat("[", 20_000):                           "limit",
	} {
		_, err := rules.Parse([]byte(text), "parity.yaml")
		require.ErrorContains(t, err, want, text)
		var fault *rules.Error
		require.ErrorAs(t, err, &fault)
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestWhatAFileMayHaveAroundItsRules(t *testing.T) {
	want, err := rules.Parse([]byte(example), "p")
	require.NoError(t, err)
	for name, text := range map[string]string{
		"byte order mark":  "\ufeff" + example,
		"carriage returns": strings.ReplaceAll(example, "\n", "\r\n"),
		"markers":          "--- # rules\n" + strings.TrimPrefix(example, "# norms are exact\n") + "...\n",
		"spaces at ends":   strings.ReplaceAll(example, "\n", "  \n"),
	} {
		got, err := rules.Parse([]byte(text), "p")
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example, "layers.0.ln1.weight")
	f.Add("rules: [{tensors: a, check: all}]", "a")
	f.Add("names: transformerlens-bridge", "blocks.0.mlp.in")
	f.Add("names: [{from: 'a.*.?', to: 'b.$2.$$$1', beside: c}, {from: d, zeros: true}]", "a.b.c")
	for _, c := range yamltest.Disputed() {
		f.Add("rules:\n- tensors: a\n  check: all\n"+c.Text, "a")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		r, err := requireParsed(t, text)
		if err != nil {
			return
		}
		require.NotEmpty(t, len(r.Rules)+len(r.Names))
		for _, rule := range r.Names {
			require.NotEmpty(t, rule.From)
			require.Equal(t, rule.Zeros, rule.To == "")
		}
		_, err = r.Names.Map([]string{name, name + ".weight"})
		var twice *rules.TwiceError
		require.True(t, err == nil || errors.As(err, &twice), "%v", err)
		for _, rule := range r.Rules {
			require.NotEmpty(t, rule.Tensors)
			require.Positive(t, rule.Line)
			require.NotEqual(t, rule.Ignore, len(rule.Checks) > 0)
			require.Subset(t, []string{"bits", "close", "stats"}, rule.Checks)
			for _, x := range []*float64{rule.RTol, rule.ATol, rule.Margin} {
				require.True(t, x == nil || *x >= 0 && *x <= math.MaxFloat64)
			}
		}
		if i := r.For(name); i >= 0 {
			require.Len(t, r.Unused([]string{name}), len(r.Rules)-1)
		} else {
			require.Len(t, r.Unused([]string{name}), len(r.Rules))
		}
	})
}
