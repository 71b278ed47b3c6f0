package model_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/model/native"
)

func TestPresets(t *testing.T) {
	var names []string
	for _, p := range model.Presets() {
		names = append(names, p.Name)
		require.NotEmpty(t, p.Summary)
		again, warnings, err := model.Parse("config", p.Config.Canonical(), model.JSON)
		require.NoError(t, err)
		require.Empty(t, warnings)
		require.Equal(t, string(p.Config.Canonical()), string(again.Canonical()))
		require.Empty(t, p.Config.SeedText())
		require.Empty(t, p.Config.Warnings(1))
		found, err := model.LookupPreset(strings.ToUpper(p.Name))
		require.NoError(t, err)
		require.Equal(t, p.Name, found.Name)
		require.Equal(t, string(p.Config.Canonical()), string(found.Config.Canonical()))
		if p.Source != "" {
			require.Equal(t, "hf", p.Config.Kind())
			require.Equal(t, "hf_from_config", p.Config.Mode())
			continue
		}
		require.Equal(t, "native", p.Config.Kind())
		require.Equal(t, "gpt2", p.Config.Mode())
		for _, version := range []int{native.V1, native.V2} {
			l, err := p.Config.Layout(version)
			require.NoError(t, err, p.Name)
			require.NotEmpty(t, l.Params)
		}
	}
	require.Equal(t, names, model.PresetNames())
	require.True(t, slices.IsSorted(names))
	require.Len(t, slices.Compact(slices.Clone(names)), 6+24)

	small, err := model.LookupPreset("gpt2-small")
	require.NoError(t, err)
	// GPT-2 small's 124,439,808 and the head of 50257·768, which it ties.
	require.EqualValues(t, 124_439_808+50257*768, valuesOf(t, small))

	_, err = model.LookupPreset("gpt2-smal")
	require.ErrorContains(t, err, `did you mean "gpt2-small"`)
	_, err = model.LookupPreset("nothing like it")
	require.ErrorContains(t, err, "gpt2-large, gpt2-medium")
}

// valuesOf counts the values of a preset's model, tied ones once.
func valuesOf(t *testing.T, p model.Preset) (total int64) {
	t.Helper()
	l, err := p.Config.Layout(native.V1)
	require.NoError(t, err)
	for _, p := range l.Params {
		if p.Tied == "" {
			total += p.Elements()
		}
	}
	return total
}

// The counts are those of the published models: what torch counts in
// parameters, and in DeepSeek-V3's file also a bias of 256 in each of 58 layers
// that is a buffer.
func TestPresetsHaveTheSizesOfTheirModels(t *testing.T) {
	for _, want := range []struct {
		name   string
		values int64
		dtype  dtype.Type
		layers int64
	}{
		{"bert-base", 109_514_298, dtype.F32, 12},
		{"deepseek-v3", 671_026_404_352 + 58*256, dtype.BF16, 61},
		{"gemma-2-2b", 2_614_341_888, dtype.F32, 26},
		{"gpt-oss-20b", 20_914_757_184, dtype.F32, 24},
		{"gpt2", 124_439_808, dtype.F32, 12},
		{"gpt2-xl-hf", 1_557_611_200, dtype.F32, 48},
		{"llama-2-7b", 6_738_415_616, dtype.F16, 32},
		{"llama-3-70b", 70_553_706_496, dtype.BF16, 80},
		{"llama-3-8b", 8_030_261_248, dtype.BF16, 32},
		{"mistral-7b", 7_241_732_096, dtype.BF16, 32},
		{"mixtral-8x7b", 46_702_792_704, dtype.BF16, 32},
		{"olmo-2-1b", 1_484_916_736, dtype.F32, 16},
		{"phi-3-mini", 3_821_079_552, dtype.BF16, 32},
		{"pythia-1.4b", 1_414_647_808, dtype.F16, 24},
		{"pythia-160m", 162_322_944, dtype.F16, 12},
		{"qwen2.5-0.5b", 494_032_768, dtype.BF16, 24},
		{"qwen2.5-7b", 7_615_616_512, dtype.BF16, 28},
		{"qwen3-0.6b", 596_049_920, dtype.BF16, 28},
		{"qwen3-30b-a3b", 30_532_122_624, dtype.BF16, 48},
		{"roberta-base", 124_697_433, dtype.F32, 12},
		{"smollm2-135m", 134_515_008, dtype.BF16, 30},
		{"t5-small", 60_506_624, dtype.F32, 6},
		{"tinyllama-1.1b", 1_100_048_384, dtype.BF16, 22},
		{"vit-base", 86_567_656, dtype.F32, 12},
	} {
		t.Run(want.name, func(t *testing.T) {
			p, err := model.LookupPreset(want.name)
			require.NoError(t, err)
			require.NotEmpty(t, p.Source)
			require.Equal(t, want.values, valuesOf(t, p))
			l, err := p.Config.Layout(0)
			require.NoError(t, err)
			require.Equal(t, want.dtype, l.DType)
			require.Equal(t, want.layers, l.Model.Layers)
			require.Contains(t, p.Summary, fmt.Sprintf(" %d layers, width %d, %d heads", want.layers, l.Model.DModel, l.Model.Heads))
			if l.Model.KVHeads != l.Model.Heads && want.name != "t5-small" {
				require.Contains(t, p.Summary, fmt.Sprintf("heads (%d key/value)", l.Model.KVHeads))
			}
		})
	}
}

// A published model goes by its plain name unless a native preset has it.
func TestAPublishedModelWithANativeTwin(t *testing.T) {
	for _, p := range model.Presets() {
		base, twin := strings.CutSuffix(p.Name, model.Twin)
		if !twin {
			continue
		}
		require.NotEmpty(t, p.Source)
		native, err := model.LookupPreset(base)
		require.NoError(t, err)
		require.Empty(t, native.Source, base)
	}
}

func TestAFaultyConfigIsNoConfig(t *testing.T) {
	c, _, err := model.Parse("c.json", []byte("{}"), model.AnySyntax)
	require.Nil(t, c)
	var fault *model.Error
	require.ErrorAs(t, err, &fault)
	_, err = model.ParseSeed("x")
	require.ErrorContains(t, err, "x")
}
