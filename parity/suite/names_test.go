package suite_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/parity/rules"
	"github.com/weightinit/weightinit/parity/suite"
)

// setOf returns a set of tensors of one byte each; a name that ends in ! has the value 1, others 0.
func setOf(t *testing.T, names ...string) memory {
	t.Helper()
	var out memory
	for _, name := range names {
		value := byte(0)
		if last := len(name) - 1; name[last] == '!' {
			name, value = name[:last], 1
		}
		made, err := checkpoint.NewTensor(name, "U8", []int64{1}, bytes.NewReader([]byte{value}))
		require.NoError(t, err)
		out = append(out, made)
	}
	return out
}

func TestNamesAreMappedWhereAMapIsMeant(t *testing.T) {
	ours := []string{"tok_embed.weight", "layers.0.mlp.fc_in.weight", "head.weight"}
	theirs := []string{"embed.weight", "blocks.0.mlp.in.weight", "unembed.weight"}
	for name, one := range map[string]struct {
		reference, candidate, want []string
		said, warned               int
	}{
		"the bridge's":               {theirs, ours, ours, 1, 0},
		"with its bias":              {append([]string{"unembed.bias"}, theirs...), ours, ours, 1, 0},
		"with a bias that is not 0":  {append([]string{"unembed.bias!"}, theirs...), ours, append([]string{"unembed.bias"}, ours...), 1, 1},
		"a name that the map lacks":  {append([]string{"scale"}, theirs...), ours, append([]string{"scale"}, theirs...), 0, 0},
		"a name in common":           {append([]string{"embed.weight"}, ours...), theirs, append([]string{"embed.weight"}, ours...), 0, 0},
		"none in common afterwards":  {theirs, []string{"a", "b"}, theirs, 0, 0},
		"another depth is a failure": {append([]string{"blocks.1.ln1.weight"}, theirs...), ours, append([]string{"layers.1.ln1.weight"}, ours...), 1, 0},
		"the same on both sides":     {theirs, theirs, theirs, 0, 0},
		"gated":                      {append([]string{"blocks.0.mlp.gate.weight"}, theirs...), ours, append([]string{"layers.0.mlp.gate.weight", "tok_embed.weight", "layers.0.mlp.in.weight"}, "head.weight"), 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := suite.Rename(t.Context(), nil, setOf(t, one.reference...), setOf(t, one.candidate...), nil, nil)
			require.NoError(t, err)
			require.ElementsMatch(t, one.want, suite.NamesOf(r.Reference))
			require.Len(t, r.Said, one.said)
			require.Len(t, r.Warnings, one.warned)
			for _, tensor := range r.Reference.Tensors() {
				found, ok := r.Reference.Lookup(tensor.Name)
				require.True(t, ok)
				require.Equal(t, tensor.Name, found.Name)
			}
			require.ElementsMatch(t, one.candidate, suite.NamesOf(r.Candidate))
		})
	}
}

func TestRulesOfNamesHoldForBothSides(t *testing.T) {
	file, err := rules.Parse([]byte("names:\n  - {from: \"a.*\", to: \"b.$1\"}\n  - {from: \"never\", to: \"x\"}\n  - {from: \"lost\", to: \"b.3\"}\n"), "p")
	require.NoError(t, err)
	r, err := suite.Rename(t.Context(), file.Names, setOf(t, "a.1", "b.2", "lost"), setOf(t, "b.1", "a.2"), nil, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"b.1", "b.2", "b.3"}, suite.NamesOf(r.Reference))
	require.Equal(t, []string{"b.1", "b.2"}, suite.NamesOf(r.Candidate))
	require.Equal(t, []string{`names, line 3: from "never" decides about no tensor`, `names, line 4: leads to "b.3", and nothing else has this name: did you mean "b.1"?`}, r.Warnings)
	_, err = suite.Rename(t.Context(), file.Names, setOf(t, "a.1", "b.1"), setOf(t, "b.1"), nil, nil)
	var twice *rules.TwiceError
	require.ErrorAs(t, err, &twice)
}
