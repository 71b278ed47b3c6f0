package model

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/weightinit/weightinit/internal/nearest"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/model/hf"
	"github.com/weightinit/weightinit/model/native"
)

// Preset is a config with a name. It promises its config and nothing more: in
// particular no weights that somebody has published.
type Preset struct {
	Name    string
	Summary string
	// Source is the published model on the Hugging Face hub whose config this
	// is; "" for TransformerLens' native models.
	Source string
	Config Config
}

// Twin is what is added to the name of a published model that a native preset
// has already.
const Twin = "-hf"

// published holds the configs of published models: those of their keys that say
// something about the model. Names of labels, code to be fetched, formats of the
// published weights and versions of transformers are left out.
//
//go:embed presets.json
var published []byte

// entry is a preset of a published model, its config not yet read.
type entry struct {
	Name, Source, Summary string
	Config                json.RawMessage
}

var entries = sync.OnceValue(func() []entry {
	var out []entry
	if err := json.Unmarshal(published, &out); err != nil {
		panic(err) // the presets are part of the program
	}
	return out
})

// preset reads the config.
func (e entry) preset() Preset {
	c, err := hf.Parse("preset "+e.Name, e.Config)
	if err != nil {
		panic(err) // the presets are part of the program
	}
	return Preset{
		Name:    e.Name,
		Summary: "Hugging Face model with the sizes of " + e.Source + ": " + e.Summary,
		Source:  e.Source,
		Config:  c,
	}
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

// natives returns TransformerLens' native models.
func natives() []Preset {
	return []Preset{
		gpt2("gpt2-large", "large", 36, 1280, 20),
		gpt2("gpt2-medium", "medium", 24, 1024, 16),
		gpt2("gpt2-small", "small", 12, 768, 12),
		gpt2("gpt2-xl", "XL", 48, 1600, 25),
		toy(1, true, "Toy: 1 layer of attention only, d_model 64, 4 heads, vocabulary of 100"),
		toy(2, false, "Toy: 2 layers, d_model 64, 4 heads, vocabulary of 100"),
	}
}

// Presets returns the known models, sorted by name.
func Presets() []Preset {
	out := natives()
	for _, e := range entries() {
		out = append(out, e.preset())
	}
	slices.SortFunc(out, func(a, b Preset) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// PresetNames returns the names of the presets, sorted, and reads no config.
func PresetNames() []string {
	var out []string
	for _, p := range natives() {
		out = append(out, p.Name)
	}
	for _, e := range entries() {
		out = append(out, e.Name)
	}
	slices.Sort(out)
	return out
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
	for _, p := range natives() {
		if strings.EqualFold(p.Name, name) {
			return p, nil
		}
	}
	for _, e := range entries() {
		if strings.EqualFold(e.Name, name) {
			return e.preset(), nil
		}
	}
	names, near := PresetNames(), ""
	if best := nearest.Name(name, names); best != "" {
		near = ": did you mean " + shown.Quote(best) + "?"
	}
	return Preset{}, fmt.Errorf("model: unknown preset %s: use one of %s%s", shown.Quote(name), strings.Join(names, ", "), near)
}
