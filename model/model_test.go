package model_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/model/native"
)

func TestPresets(t *testing.T) {
	var names []string
	for _, p := range model.Presets() {
		names = append(names, p.Name)
		require.NotEmpty(t, p.Summary)
		for _, version := range []int{native.V1, native.V2} {
			l, err := p.Config.Layout(version)
			require.NoError(t, err, p.Name)
			require.NotEmpty(t, l.Params)
		}
		again, warnings, err := model.Parse("config", p.Config.Canonical(), model.JSON)
		require.NoError(t, err)
		require.Empty(t, warnings)
		require.Equal(t, string(p.Config.Canonical()), string(again.Canonical()))
		require.Equal(t, "native", p.Config.Kind())
		require.Equal(t, "gpt2", p.Config.Mode())
		require.Empty(t, p.Config.SeedText())
		found, err := model.LookupPreset(strings.ToUpper(p.Name))
		require.NoError(t, err)
		require.Equal(t, p, found)
	}
	require.Equal(t, []string{"gpt2-large", "gpt2-medium", "gpt2-small", "gpt2-xl", "toy-1l", "toy-2l"}, names)

	small, err := model.LookupPreset("gpt2-small")
	require.NoError(t, err)
	l, err := small.Config.Layout(native.V1)
	require.NoError(t, err)
	total := int64(0)
	for _, p := range l.Params {
		total += p.Elements()
	}
	// GPT-2 small's 124,439,808 and the head of 50257·768, which it ties.
	require.EqualValues(t, 124_439_808+50257*768, total)

	_, err = model.LookupPreset("gpt2-smal")
	require.ErrorContains(t, err, `did you mean "gpt2-small"`)
	_, err = model.LookupPreset("nothing like it")
	require.ErrorContains(t, err, "gpt2-large, gpt2-medium")
}

func TestAFaultyConfigIsNoConfig(t *testing.T) {
	c, _, err := model.Parse("c.json", []byte("{}"), model.AnySyntax)
	require.Nil(t, c)
	var fault *model.Error
	require.ErrorAs(t, err, &fault)
	_, err = model.ParseSeed("x")
	require.ErrorContains(t, err, "x")
}
