package rules_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/weightinit/weightinit/parity/rules"
)

func readSchema(t require.TestingT) *jsonschema.Resolved {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "parity-rules.schema.json"))
	require.NoError(t, err)
	var schema jsonschema.Schema
	require.NoError(t, json.Unmarshal(text, &schema))
	resolved, err := schema.Resolve(nil)
	require.NoError(t, err)
	return resolved
}

// documents are JSON texts, and so YAML as well, and whether they are rules.
// "R" stands for a rule's pattern.
var documents = map[string]bool{
	`{"rules": [{R, "check": "bits"}]}`:                     true,
	`{"rules": [{R, "check": "all"}, {R, "ignore": true}]}`: true,
	`{"rules": []}`:                    false,
	`{"rules": {}}`:                    false,
	`{"rules": null}`:                  false,
	`{}`:                               false,
	`[]`:                               false,
	`"rules"`:                          false,
	`null`:                             false,
	`{"rule": [{R, "check": "bits"}]}`: false,
	`{"rules": [{R, "check": "bits"}], "more": 1}`:               false,
	`{"rules": [null]}`:                                          false,
	`{"rules": [[]]}`:                                            false,
	`{"rules": [{}]}`:                                            false,
	`{"rules": [{R}]}`:                                           false,
	`{"rules": [{"check": "bits"}]}`:                             false,
	`{"rules": [{"tensors": "", "check": "bits"}]}`:              false,
	`{"rules": [{"tensors": 3, "check": "bits"}]}`:               false,
	`{"rules": [{"tensors": null, "check": "bits"}]}`:            false,
	`{"rules": [{"tensors": ["a"], "check": "bits"}]}`:           false,
	`{"rules": [{"tensors": " ", "check": "bits"}]}`:             true,
	`{"rules": [{"tensors": "3", "check": "bits"}]}`:             true,
	`{"rules": [{"tensors": "\u0000\n😀", "check": "bits"}]}`:     true,
	`{"rules": [{"tensors": "a: b, [*] # &", "check": "bits"}]}`: true,

	`{"rules": [{R, "ignore": false}]}`:                    false,
	`{"rules": [{R, "ignore": false, "check": "bits"}]}`:   true,
	`{"rules": [{R, "ignore": true, "check": "bits"}]}`:    false,
	`{"rules": [{R, "ignore": true, "check": []}]}`:        false,
	`{"rules": [{R, "ignore": true, "rtol": 0}]}`:          false,
	`{"rules": [{R, "ignore": true, "equal_nan": false}]}`: false,
	`{"rules": [{R, "ignore": null}]}`:                     false,
	`{"rules": [{R, "ignore": null, "check": "bits"}]}`:    false,
	`{"rules": [{R, "ignore": 1}]}`:                        false,
	`{"rules": [{R, "ignore": "true"}]}`:                   false,

	`{"rules": [{R, "check": "Bits"}]}`:                     false,
	`{"rules": [{R, "check": ""}]}`:                         false,
	`{"rules": [{R, "check": null}]}`:                       false,
	`{"rules": [{R, "check": true}]}`:                       false,
	`{"rules": [{R, "check": {"bits": true}}]}`:             false,
	`{"rules": [{R, "check": []}]}`:                         false,
	`{"rules": [{R, "check": [null]}]}`:                     false,
	`{"rules": [{R, "check": [["bits"]]}]}`:                 false,
	`{"rules": [{R, "check": ["all"]}]}`:                    true,
	`{"rules": [{R, "check": ["all", "all"]}]}`:             false,
	`{"rules": [{R, "check": ["all", "bits"]}]}`:            false,
	`{"rules": [{R, "check": ["bits", "all"]}]}`:            false,
	`{"rules": [{R, "check": ["bits", "bits"]}]}`:           false,
	`{"rules": [{R, "check": ["stats", "close", "bits"]}]}`: true,

	`{"rules": [{R, "check": "close", "rtol": 0, "atol": 0.5}]}`:           true,
	`{"rules": [{R, "check": "close", "rtol": 1.0e-5}]}`:                   true,
	`{"rules": [{R, "check": "close", "rtol": -0.0}]}`:                     true,
	`{"rules": [{R, "check": "close", "rtol": -1}]}`:                       false,
	`{"rules": [{R, "check": "close", "rtol": "1"}]}`:                      false,
	`{"rules": [{R, "check": "close", "rtol": null}]}`:                     false,
	`{"rules": [{R, "check": "close", "rtol": true}]}`:                     false,
	`{"rules": [{R, "check": "close", "rtol": [1]}]}`:                      false,
	`{"rules": [{R, "check": "close", "rtol": 1.7976931348623157e+308}]}`:  true,
	`{"rules": [{R, "check": "bits", "rtol": 0}]}`:                         false,
	`{"rules": [{R, "check": "all", "rtol": 0, "margin": 1}]}`:             true,
	`{"rules": [{R, "check": ["all"], "atol": 0, "margin": 0.01}]}`:        true,
	`{"rules": [{R, "check": ["bits", "stats"], "atol": 0}]}`:              false,
	`{"rules": [{R, "check": "stats", "margin": 0}]}`:                      false,
	`{"rules": [{R, "check": "stats", "margin": 1.0}]}`:                    true,
	`{"rules": [{R, "check": "stats", "margin": 1.5}]}`:                    false,
	`{"rules": [{R, "check": "close", "margin": 0.5}]}`:                    false,
	`{"rules": [{R, "check": "close", "equal_nan": true}]}`:                true,
	`{"rules": [{R, "check": "close", "equal_nan": "yes"}]}`:               false,
	`{"rules": [{R, "check": "stats", "equal_nan": true}]}`:                false,
	`{"rules": [{R, "check": "bits", "equal_nan": false}]}`:                false,
	`{"rules": [{R, "check": ["close"], "any_dtype": true}]}`:              true,
	`{"rules": [{R, "check": "bits", "any_dtype": true}]}`:                 false,
	`{"names": "transformerlens-bridge"}`:                                  true,
	`{"names": ["transformerlens-bridge", {"from": "a.*", "to": "b.$1"}]}`: true,
	`{"names": "transformerlens-bridge", "rules": [{R, "check": "bits"}]}`: true,
	`{"names": "transformerlens-bridge", "rules": []}`:                     false,
	`{"names": null, "rules": [{R, "check": "bits"}]}`:                     false,
	`{"names": "other"}`:                                             false,
	`{"names": []}`:                                                  false,
	`{"names": {}}`:                                                  false,
	`{"names": 3}`:                                                   false,
	`{"names": [null]}`:                                              false,
	`{"names": [["transformerlens-bridge"]]}`:                        false,
	`{"names": [{}]}`:                                                false,
	`{"names": [{"from": "a"}]}`:                                     false,
	`{"names": [{"to": "a"}]}`:                                       false,
	`{"names": [{"from": "", "to": "a"}]}`:                           false,
	`{"names": [{"from": "a", "to": ""}]}`:                           false,
	`{"names": [{"from": "a", "to": "b", "beside": ""}]}`:            false,
	`{"names": [{"from": "a", "to": "b", "beside": "c"}]}`:           true,
	`{"names": [{"from": "a?*", "to": "$2.$1.$$", "beside": "$2"}]}`: true,
	`{"names": [{"from": "a", "to": "b*"}]}`:                         false,
	`{"names": [{"from": "a", "to": "b?"}]}`:                         false,
	`{"names": [{"from": "a", "to": "b$"}]}`:                         false,
	`{"names": [{"from": "a*", "to": "b$0"}]}`:                       false,
	`{"names": [{"from": "a*", "to": "b$x"}]}`:                       false,
	`{"names": [{"from": "a*", "to": "b$\u00e9"}]}`:                  false,
	`{"names": [{"from": "a*", "to": "b", "beside": "c*"}]}`:         false,
	`{"names": [{"from": "a", "zeros": true}]}`:                      true,
	`{"names": [{"from": "a", "zeros": true, "beside": "b"}]}`:       true,
	`{"names": [{"from": "a", "zeros": false}]}`:                     false,
	`{"names": [{"from": "a", "zeros": false, "to": "b"}]}`:          false,
	`{"names": [{"from": "a", "zeros": true, "to": "b"}]}`:           false,
	`{"names": [{"from": "a", "zeros": 1}]}`:                         false,
	`{"names": [{"from": "a", "too": "b"}]}`:                         false,
	`{"names": [{"from": 1, "to": "b"}]}`:                            false,

	`{"rules": [{R, "chek": "bits"}]}`:                   false,
	`{"rules": [{R, "check": "bits", "Check": "bits"}]}`: false,
}

// requireAgreement checks a JSON text against the schema and the parser.
func requireAgreement(t require.TestingT, schema *jsonschema.Resolved, text string) (valid bool) {
	var value any
	require.NoError(t, json.Unmarshal([]byte(text), &value), text)
	invalid := schema.Validate(value)
	_, err := rules.Parse([]byte(text), "p")
	require.Equal(t, invalid == nil, err == nil, "%s\nschema: %v\nparser: %v", text, invalid, err)
	return err == nil
}

func TestTheSchemaAndTheParserTakeTheSameDocuments(t *testing.T) {
	schema := readSchema(t)
	for text, want := range documents {
		text = strings.ReplaceAll(text, "{R", `{"tensors": "a.*"`)
		require.Equal(t, want, requireAgreement(t, schema, text), text)
		// The same in block style.
		var value any
		require.NoError(t, yaml.Unmarshal([]byte(text), &value))
		block, err := yaml.Marshal(value)
		require.NoError(t, err)
		if strings.Contains(text, "e-5") {
			continue // it is written without a point
		}
		_, err = rules.Parse(block, "p")
		require.Equal(t, want, err == nil, "%s: %v", block, err)
	}
	for n, want := range map[int]bool{1: true, 2048: true, 2049: false} {
		list := strings.TrimSuffix(strings.Repeat(`{"tensors": "a", "ignore": true},`, n), ",")
		require.Equal(t, want, requireAgreement(t, schema, `{"rules": [`+list+`]}`), n)
	}
	var value any
	require.NoError(t, yaml.Unmarshal([]byte(example), &value))
	raw, err := json.Marshal(value)
	require.NoError(t, err)
	require.True(t, requireAgreement(t, schema, strings.ReplaceAll(string(raw), "1e-05", "1.0e-5")))
}

// What YAML says and JSON does not: the parser takes what the two versions of
// YAML read as the same document.
func TestNumbersOfYAMLAreThoseOfTheSchema(t *testing.T) {
	for text, want := range map[string]float64{"0x10": 16, ".5": 0.5, "2.": 2, "+1": 1, "1.0e-3": 0.001, "5.0E+0": 5} {
		r, err := rules.Parse([]byte("rules: [{tensors: a, check: close, rtol: "+text+"}]"), "p")
		require.NoError(t, err, text)
		require.Equal(t, want, *r.Rules[0].RTol, text)
	}
	for _, text := range []string{"1e-5", "1_0", "010", "0o7", "1:30", ".inf", "-.inf", ".nan", "1.8e+308", "0x" + strings.Repeat("f", 300), "-0.1", "2024-01-01"} {
		_, err := rules.Parse([]byte("rules: [{tensors: a, check: close, rtol: "+text+"}]"), "p")
		require.ErrorContains(t, err, "rtol", text)
	}
}

// ascii writes a value as JSON in which nothing but the structure matters to
// YAML: no exponents, no raw character outside ASCII.
func ascii(value any) string {
	switch v := value.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, ascii(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, ascii(key)+": "+ascii(v[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	text, _ := json.Marshal(value)
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff: // the parser knows no pairs of escapes
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// randomRules returns rules of which many are sound and most others have one
// fault.
func randomRules(r *rand.Rand) (list []any, patterns []string) {
	values := map[string][]any{
		"check": {"all", "close", "close", "stats", "bits", []any{"close", "stats"}, []any{"stats", "bits", "close"}, []any{"all"},
			[]any{}, []any{"bits", "bits"}, []any{"all", "bits"}, []any{"close", 1.0}, "x", nil},
		"ignore":    {false, false, true, nil},
		"rtol":      {0.0, 1e-5, 1e308, 0.25, -1.0, "0"},
		"atol":      {0.0, 5e-324, 3.0, nil},
		"margin":    {0.01, 1.0, 0.5, 0.0, 1.0000001},
		"equal_nan": {true, false, true, "yes"},
		"any_dtype": {true, false, false, 0.0},
		"other":     {1.0},
	}
	percent := map[string]int{"check": 90, "ignore": 15, "rtol": 15, "atol": 15, "margin": 15, "equal_nan": 10, "any_dtype": 10, "other": 1}
	runes := []rune("ab*?.: #&*!|>'\"%@`,[]{}-\\/\x00\x1b\n\t\r\u0085\u2028\ufeff\u00e9\U0001f600")
	for range 1 + r.IntN(2) {
		name := []rune(nil)
		for range r.IntN(6) {
			name = append(name, runes[r.IntN(len(runes))])
		}
		rule := map[string]any{"tensors": string(name)}
		patterns = append(patterns, string(name))
		for _, key := range slices.Sorted(maps.Keys(values)) {
			choice := values[key]
			if r.IntN(100) < percent[key] {
				rule[key] = choice[r.IntN(len(choice))]
			}
		}
		list = append(list, rule)
	}
	return list, patterns
}

func TestTheSchemaAndTheParserAgreeOnRandomDocuments(t *testing.T) {
	schema := readSchema(t)
	const documents = 3000
	accepted := 0
	for seed := range uint64(documents) {
		list, patterns := randomRules(rand.New(rand.NewPCG(seed, 0)))
		text := ascii(map[string]any{"rules": list})
		if !requireAgreement(t, schema, text) {
			continue
		}
		accepted++
		r, err := rules.Parse([]byte(text), "p")
		require.NoError(t, err)
		for i, pattern := range patterns {
			require.Equal(t, pattern, r.Rules[i].Tensors, text)
		}
	}
	t.Logf("%d of %d documents were rules", accepted, documents)
	require.Greater(t, accepted, documents/10)
	require.Less(t, accepted, documents*9/10)
}
