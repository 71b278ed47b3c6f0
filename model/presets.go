package model

import (
	"fmt"
	"strings"

	"github.com/weightinit/weightinit/internal/nearest"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/model/native"
)

// Preset is a config with a name. It promises its config and nothing more: in
// particular not that a published model of that name has the same parameters.
type Preset struct {
	Name    string
	Summary string
	Config  Config
}

// gpt2 returns a preset with the sizes of a GPT-2 model.
func gpt2(name, size string, layers, width, heads int64) Preset {
	c := native.Defaults()
	c.NLayers, c.DModel, c.NHeads, c.DHead = layers, width, heads, width/heads
	c.NCtx, c.DVocab, c.ActFn = 1024, 50257, "gelu_new"
	return Preset{
		Name:    name,
		Summary: fmt.Sprintf("TransformerLens-native model with the sizes of GPT-2 %s: %d layers, d_model %d, %d heads, own output head", size, layers, width, heads),
		Config:  normalized(c),
	}
}

// toy returns a preset that a test or a first try can make in a moment.
func toy(layers int64, attnOnly bool, summary string) Preset {
	c := native.Defaults()
	c.NLayers, c.DModel, c.NHeads, c.DHead = layers, 64, 4, 16
	c.NCtx, c.DVocab, c.ActFn, c.AttnOnly = 32, 100, "gelu", attnOnly
	return Preset{Name: fmt.Sprintf("toy-%dl", layers), Summary: summary, Config: normalized(c)}
}

// Presets returns the known models, sorted by name.
func Presets() []Preset {
	return []Preset{
		gpt2("gpt2-large", "large", 36, 1280, 20),
		gpt2("gpt2-medium", "medium", 24, 1024, 16),
		gpt2("gpt2-small", "small", 12, 768, 12),
		gpt2("gpt2-xl", "XL", 48, 1600, 25),
		toy(1, true, "Toy: 1 layer of attention only, d_model 64, 4 heads, vocabulary of 100"),
		toy(2, false, "Toy: 2 layers, d_model 64, 4 heads, vocabulary of 100"),
	}
}

// normalized is c with every default resolved. A preset that is not sound shows
// when it is used, and in the tests.
func normalized(c *native.Config) Config {
	if n, err := c.Normalized(); err == nil {
		return n
	}
	return c
}

// LookupPreset returns the preset of that name, in any letter case. The error
// lists the names and the nearest one.
func LookupPreset(name string) (Preset, error) {
	var names []string
	for _, p := range Presets() {
		if strings.EqualFold(p.Name, name) {
			return p, nil
		}
		names = append(names, p.Name)
	}
	near := ""
	if best := nearest.Name(name, names); best != "" {
		near = ": did you mean " + shown.Quote(best) + "?"
	}
	return Preset{}, fmt.Errorf("model: unknown preset %s: use one of %s%s", shown.Quote(name), strings.Join(names, ", "), near)
}
