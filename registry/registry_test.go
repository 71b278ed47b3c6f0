package registry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// knob is a mode with one option of each type.
type knob struct {
	Gain   float64  `json:"gain" default:"1" min:"0" doc:"factor"`
	Count  int      `json:"count" default:"2" max:"9"`
	Wide   bool     `json:"wide" default:"false"`
	Fan    string   `json:"fan" also:"mode" default:"in" enum:"in,out" fold:"true"`
	Strict string   `json:"strict" default:"relu" enum:"relu,tanh"`
	Std    *float64 `json:"std" above:"0" below:"5"`
	Sizes  []int64  `json:"sizes"`
}

func (k *knob) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return make([]dist.Dist, len(l.Params)), nil
}

func info(name string, version int, aliases ...string) registry.Info {
	return registry.Info{
		ID: registry.ID{Name: name, Version: version}, Aliases: aliases,
		New: func() registry.Mode { return &knob{} },
	}
}

func TestLookupFindsNamesAliasesAndVersionsInAnyLetterCase(t *testing.T) {
	r := registry.New()
	one, two, three := info("gpt2", 1, "shared", "old"), info("gpt2", 2, "shared"), info("gpt2", 3, "new")
	two.Default = true
	for _, i := range []registry.Info{three, one, two, info("zeros", 1)} {
		require.NoError(t, r.Add(i))
	}
	for name, want := range map[string]string{
		"gpt2": "gpt2@2", "GPT2": "gpt2@2", "gpt2@1": "gpt2@1", "Gpt2@3": "gpt2@3",
		"shared": "gpt2@2", "shared@1": "gpt2@1", "old": "gpt2@1", "new": "gpt2@3", "zeros": "zeros@1",
	} {
		got, err := r.Lookup(name)
		require.NoError(t, err, name)
		require.Equal(t, want, got.ID.String(), name)
	}
	for name, words := range map[string][]string{
		"gpt3":   {`unknown mode "gpt3"`, `did you mean "gpt2"?`, "supported: gpt2, zeros"},
		"gpt2@4": {"gpt2@1, gpt2@2, gpt2@3"},
		"old@2":  {"old@1"},
		"gpt2@":  {"gpt2@1"},
		"":       {"supported"},
	} {
		_, err := r.Lookup(name)
		var unknown *registry.UnknownError
		require.ErrorAs(t, err, &unknown, name)
		for _, w := range words {
			require.ErrorContains(t, err, w)
		}
	}
	require.Equal(t, []string{"gpt2", "zeros"}, r.Names())
}

func TestWithoutAMarkTheLowestVersionIsTheDefault(t *testing.T) {
	r := registry.New()
	require.NoError(t, r.Add(info("m", 7)))
	require.NoError(t, r.Add(info("m", 3)))
	got, err := r.Lookup("m")
	require.NoError(t, err)
	require.Equal(t, 3, got.ID.Version)
}

func TestPluginModesHaveTheirPrefix(t *testing.T) {
	r := registry.New()
	external := info("wide", 1, "broad")
	external.ID.Plugin = "corp"
	require.NoError(t, r.Add(external))
	require.NoError(t, r.Add(info("wide", 1)))
	for name, want := range map[string]string{"corp.wide": "corp.wide@1", "corp.broad@1": "corp.wide@1", "wide": "wide@1"} {
		got, err := r.Lookup(name)
		require.NoError(t, err)
		require.Equal(t, want, got.ID.String())
	}
}

func TestAddRefusesWhatWouldBeAmbiguousAndChangesNothing(t *testing.T) {
	r := registry.New()
	first := info("gpt2", 1, "native")
	first.Default = true
	require.NoError(t, r.Add(first))
	var duplicate *registry.DuplicateError
	require.ErrorAs(t, r.Add(info("gpt2", 1)), &duplicate)
	require.ErrorAs(t, r.Add(info("native", 1)), &duplicate)
	require.Equal(t, "gpt2@1", duplicate.Have.String())
	require.ErrorAs(t, r.Add(info("fresh", 1, "free", "gpt2")), &duplicate)
	other := info("gpt2", 2)
	other.Default = true
	require.ErrorContains(t, r.Add(other), "both marked as default")
	for _, bad := range []registry.Info{
		info("", 1), info("Upper", 1), info("a b", 1), info("torch", 1), info("m", 0), info("m", 1, "Bad"),
		{ID: registry.ID{Name: "m", Version: 1}},
		{ID: registry.ID{Name: "m", Version: 1}, New: func() registry.Mode { return nil }},
	} {
		require.Error(t, r.Add(bad), "%+v", bad.ID)
	}
	require.Equal(t, []string{"gpt2"}, r.Names())
	_, err := r.Lookup("free")
	require.Error(t, err, "an alias of a refused mode must not stay")
	require.Panics(t, func() { registry.Register(info("", 1)) })
}

func TestConfigureSetsAndRecordsOptions(t *testing.T) {
	m, err := registry.Configure(info("m", 1), []string{"gain=2.5", "mode=OUT", "std=0.02", "sizes=3, 4", "wide=true"})
	require.NoError(t, err)
	std := 0.02
	require.Equal(t, &knob{Gain: 2.5, Count: 2, Wide: true, Fan: "out", Strict: "relu", Std: &std, Sizes: []int64{3, 4}}, m)
	settings, err := registry.Settings(m)
	require.NoError(t, err)
	require.Equal(t, []string{"count=2", "fan=out", "gain=2.5", "sizes=3,4", "std=0.02", "strict=relu", "wide=true"}, settings)
	text, err := registry.OptionsJSON(m)
	require.NoError(t, err)
	require.JSONEq(t, `{"count":2,"fan":"out","gain":2.5,"sizes":[3,4],"std":0.02,"strict":"relu","wide":true}`, string(text))
	again, err := registry.Configure(info("m", 1), settings)
	require.NoError(t, err)
	require.Equal(t, m, again)
}

func TestConfigureRefusesWithOneLineThatNamesTheOption(t *testing.T) {
	for setting, words := range map[string][]string{
		"gian=1":       {"gian", "gain"},
		"gain":         {"key=value"},
		"gain=":        {"gain", "finite number"},
		"gain=nan":     {"gain", "nan"},
		"gain=0x1p4":   {"gain"},
		"gain=-1":      {"gain", "at least 0"},
		"gain=1e999":   {"gain", "1e999"},
		"count=10":     {"count", "at most 9"},
		"count=1.0":    {"count", "integer"},
		"wide=yes":     {"wide", "true or false"},
		"fan=up":       {"fan", "in, out"},
		"strict=ReLU":  {"strict", "relu, tanh"},
		"std=0":        {"std", "above 0"},
		"std=5":        {"std", "below 5"},
		"sizes=1,x":    {"sizes", "x"},
		"gain\x1b[2J=": {`\x1b`},
	} {
		_, err := registry.Configure(info("m", 1), []string{setting})
		var option *registry.OptionError
		require.ErrorAs(t, err, &option, setting)
		require.NotContains(t, err.Error(), "\n")
		require.NotContains(t, err.Error(), "\x1b")
		for _, w := range words {
			require.ErrorContains(t, err, w, setting)
		}
	}
	for _, twice := range [][]string{{"gain=1", "gain=2"}, {"fan=in", "mode=out"}} {
		_, err := registry.Configure(info("m", 1), twice)
		require.ErrorContains(t, err, "given twice")
	}
}
