package parity_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/parity"
)

// made writes a toy model and returns its path.
func made(t *testing.T, name string, opts ...weightinit.Option) string {
	t.Helper()
	preset, err := model.LookupPreset("toy-2l")
	require.NoError(t, err)
	p, err := weightinit.Prepare(t.Context(), preset.Config, opts...)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, p.WriteSafetensors(t.Context(), path))
	return path
}

func TestCompareSaysWhetherFilesAreTheSame(t *testing.T) {
	one, again := made(t, "a.safetensors", weightinit.Seed(1)), made(t, "b.safetensors", weightinit.Seed(1))
	other, wrong := made(t, "c.safetensors", weightinit.Seed(2)), made(t, "d.safetensors", weightinit.Seed(2), weightinit.Mode("xavier_uniform"))
	rules := filepath.Join(t.TempDir(), "parity.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("rules:\n  - tensors: \"*\"\n    ignore: true\n"), 0o600))
	for _, c := range []struct {
		what, candidate string
		opts            parity.Options
		passes          bool
	}{
		{"the same bits", again, parity.Options{}, true},
		{"another seed, by bits", other, parity.Options{}, false},
		{"another seed, by values", other, parity.Options{Check: parity.Close}, false},
		{"another seed, by law", other, parity.Options{Check: parity.Stats}, true},
		{"another scheme, by law", wrong, parity.Options{Check: parity.Stats}, false},
		{"norms only", wrong, parity.Options{Run: `ln.*\.weight$`}, true},
		{"by all", again, parity.Options{Check: parity.All}, true},
	} {
		result, err := parity.Compare(t.Context(), one, c.candidate, c.opts)
		require.NoError(t, err, c.what)
		require.Equal(t, c.passes, result.Passed(), c.what)
		require.Equal(t, one, result.Summary.Reference)
	}
	for want, opts := range map[string]parity.Options{
		"use one of bits":         {Check: "bit"},
		"missing closing":         {Run: "("},
		"no tensor is left":       {Run: "^nothing$"},
		"no tensor is left to":    {Rules: rules},
		"no-such-rules.yaml":      {Rules: "no-such-rules.yaml"},
		"variants are files of a": {ReferenceVariant: "fp16"},
	} {
		_, err := parity.Compare(t.Context(), one, again, opts)
		require.ErrorContains(t, err, want)
	}
	_, err := parity.Compare(t.Context(), one, "no-such-file", parity.Options{})
	require.ErrorContains(t, err, "candidate")
}

func ExampleCompare() {
	reference := filepath.Join("..", "testdata", "torch", "2.15.0", "tiny-gpt2-v1")
	result, err := parity.Compare(context.Background(), reference, reference, parity.Options{Check: parity.Close})
	if err != nil {
		panic(err)
	}
	fmt.Println(result.Passed(), result.Summary.Tensors)
	// Output: true 37
}
