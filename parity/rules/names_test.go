package rules_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/parity/rules"
)

func parseNames(t *testing.T, text string) rules.Names {
	t.Helper()
	f, err := rules.Parse([]byte("names:\n"+text), "parity.yaml")
	require.NoError(t, err)
	return f.Names
}

func TestNamesAreMappedByTheFirstRuleThatMatches(t *testing.T) {
	names := parseNames(t, `
  - {from: "h.*.mlp.in.*", to: "layers.$1.mlp.in.$2", beside: "h.$1.mlp.gate.$2"}
  - {from: "h.*.mlp.in.*", to: "layers.$1.mlp.fc_in.$2"}
  - {from: "h.?.*", to: "layers.$1.$2.$$"}
  - {from: "swap.*.*", to: "$2.$1"}
  - {from: "extra", zeros: true}
`)
	for _, one := range []struct{ set, want []string }{
		{[]string{"h.0.mlp.in.w"}, []string{"layers.0.mlp.fc_in.w"}},
		{[]string{"h.0.mlp.in.w", "h.0.mlp.gate.w"}, []string{"layers.0.mlp.in.w", "layers.0.mlp.gate.w.$"}},
		{[]string{"h.0.mlp.in.w", "h.1.mlp.gate.w"}, []string{"layers.0.mlp.fc_in.w", "layers.1.mlp.gate.w.$"}},
		{[]string{"h.3.a.b.c", "h.33.a"}, []string{"layers.3.a.b.c.$", "h.33.a"}},
		{[]string{"swap.a.b.c"}, []string{"b.c.a"}}, // the first star takes as little as it can
		{[]string{"extra", "other", ""}, []string{"extra", "other", ""}},
		{[]string{"swap.\xff.\n"}, []string{"\n.\xff"}},
	} {
		mapped, err := names.Map(one.set)
		require.NoError(t, err)
		for i, m := range mapped {
			require.Equal(t, one.want[i], m.To, one.set)
		}
	}
}

func TestNoTwoTensorsGetOneName(t *testing.T) {
	names := parseNames(t, "  - {from: \"a.*\", to: \"b\"}\n  - {from: \"c\", zeros: true}\n")
	_, err := names.Map([]string{"a.1", "x", "a.2"})
	require.EqualError(t, err, `names, line 2: "a.1" and "a.2" would both be "b": a name stands for one tensor; make the patterns narrower`)
	_, err = names.Map([]string{"b", "a.1"})
	require.ErrorContains(t, err, `line 2: "b" and "a.1" would both be "b"`)
	_, err = names.Map([]string{"a.1", "b"})
	require.ErrorContains(t, err, `line 2: "a.1" and "b" would both be "b"`)
	_, err = names.Map([]string{"a.1", "c"})
	require.NoError(t, err)
}

func TestFaultsOfNamesHaveAPlaceAndANextStep(t *testing.T) {
	for text, want := range map[string]string{
		"names: transformerlens":                 "line 1 column 8: names \"transformerlens\": no map of this name is built in: use transformerlens-bridge, or write rules",
		"names: []":                              "line 1 column 8: names: want transformerlens-bridge, or a list of 1 to 2048 rules",
		"names: [{from: a, to: b, tu: c}]":       "unknown key \"tu\": did you mean to?",
		"names: [{to: a}]":                       "without from",
		"names: [{from: a}]":                     "without to",
		"names: [{from: a, to: $1}]":             "line 1 column 23: to \"$1\": $1, but from has 0 * and ?",
		"names: [{from: a, to: b.*}]":            "write $1 for what the first",
		"names: [{from: a, to: b$}]":             "write $$",
		"names: [{from: a, to: b, zeros: true}]": "keep one",
		"nams: x":                                "unknown key \"nams\": did you mean names?",
	} {
		_, err := rules.Parse([]byte(text), "p")
		require.ErrorContains(t, err, want, text)
	}
}

// The file's names are those that TransformerLens itself gives to one storage.
func TestTheBridgesMapIsThatOfTheLibrary(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "transformerlens-bridge.json"))
	require.NoError(t, err)
	var library struct {
		Models       int
		Added        map[string]float64 `json:"added_with_largest_value"`
		Plain, Gated map[string]string
	}
	require.NoError(t, json.Unmarshal(text, &library))
	require.Greater(t, library.Models, 40)
	names, ok := rules.Builtin("transformerlens-bridge")
	require.True(t, ok)
	used := map[int]bool{}
	for _, pairs := range []map[string]string{library.Plain, library.Gated} {
		require.Greater(t, len(pairs), 30)
		own := slices.Sorted(maps.Keys(pairs))
		added := slices.Sorted(maps.Keys(library.Added))
		mapped, err := names.Map(slices.Concat(own, added))
		require.NoError(t, err)
		for i, name := range own {
			require.Equal(t, pairs[name], mapped[i].To)
			require.GreaterOrEqual(t, mapped[i].Rule, 0, name)
			used[mapped[i].Rule] = true
		}
		for i, name := range added {
			m := mapped[len(own)+i]
			require.True(t, names[m.Rule].Zeros, name)
			require.Zero(t, library.Added[name])
			used[m.Rule] = true
		}
	}
	require.Len(t, used, len(names), "a rule of the map is for no name")
	_, ok = rules.Builtin("other")
	require.False(t, ok)
}
