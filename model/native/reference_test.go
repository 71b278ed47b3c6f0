package native

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/layout"
)

// releases are the folders of testdata/transformerlens, which
// scripts/reference/config_dump makes.
var releases = map[int]string{V1: "3.7.3", V2: "4.3.0"}

func readJSONFile(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

func TestFieldsAreThoseOfTheReference(t *testing.T) {
	kinds := map[string]kind{
		"int": intKind, "float": floatKind, "int | float": floatKind, "Union[float, int]": floatKind, "bool": boolKind,
		"str": textKind, "list": listKind, "List": listKind, "dtype": textKind, "torch.dtype": textKind, // what str() makes of it
	}
	attributes := map[string]bool{"rope_scaling": true, "split_attention_weights": true}
	unseen := map[string]bool{}
	for name := range fields {
		unseen[name] = !attributes[name]
	}
	for _, folder := range []string{releases[V1], releases[V2], "hooked"} {
		var annotations map[string]string
		readJSONFile(t, filepath.Join("testdata", "transformerlens", folder, "fields.json"), &annotations)
		require.Greater(t, len(annotations), 80)
		for name, annotation := range annotations {
			inner := strings.TrimSuffix(strings.TrimPrefix(annotation, "Optional["), "]")
			if !strings.HasPrefix(annotation, "Optional[") {
				inner = annotation
			}
			want, ok := kinds[inner]
			require.True(t, ok, "%s of %s has the type %q", name, folder, annotation)
			got, ok := fields[name]
			require.True(t, ok, "%s of %s is missing", name, folder)
			if got.kind == seedKind {
				got.kind = intKind
			}
			require.Equal(t, want, got.kind, name)
			unseen[name] = false
		}
	}
	for name, missing := range unseen {
		require.False(t, missing, "%s is no field of the reference", name)
	}
}

// Null is taken exactly where boot_native takes it.
func TestNullIsTakenWhereTheReferenceTakesIt(t *testing.T) {
	for _, release := range releases {
		var nulls map[string]bool
		readJSONFile(t, filepath.Join("testdata", "transformerlens", release, "nulls.json"), &nulls)
		require.Greater(t, len(nulls), 100)
		for name, taken := range nulls {
			c, warnings, err := Parse("c.json", jsonConfig(`"`+name+`":null`), AnySyntax)
			require.Empty(t, warnings)
			if !taken {
				var fault *Error
				require.ErrorAs(t, err, &fault, name)
				require.Equal(t, name, fault.Field)
				continue
			}
			require.NoError(t, err, name)
			if name == "init_weights" {
				require.NotEmpty(t, c.Warnings(V2))
			}
		}
	}
	parseJSON(t, `"attn_scale":null,"use_attn_scale":false`)
	parseJSON(t, `"attn_scale":null,"use_attn_scale":null`)
	require.False(t, parseJSON(t, `"gated_mlp":null`).GatedMLP)
}

// HookedTransformerConfig.to_dict of 3.7.3 gives dicts that boot_native of both
// releases takes or refuses; so does a config file of the same text.
func TestDictsOfHookedTransformerConfig(t *testing.T) {
	for version, release := range releases {
		var booted map[string][][2]any
		readJSONFile(t, filepath.Join("testdata", "transformerlens", release, "hooked.json"), &booted)
		require.GreaterOrEqual(t, len(booted), 25)
		for name, want := range booted {
			t.Run(release+"/"+name, func(t *testing.T) {
				path := filepath.Join("testdata", "transformerlens", "hooked", name+".json")
				c, warnings, err := Load(path)
				var l *layout.Layout
				if err == nil {
					l, err = c.Layout(version)
				}
				if want == nil {
					requireRefusal(t, path, err)
					return
				}
				require.NoError(t, err)
				require.Empty(t, warnings)
				require.Equal(t, want, shapesOf(l))
				require.Equal(t, name == "unscaled" && version == V2, len(c.Warnings(version)) > 0)
			})
		}
	}
}

// shapesOf lists names and shapes as JSON holds them.
func shapesOf(l *layout.Layout) (got [][2]any) {
	for _, p := range l.Params {
		shape := make([]any, len(p.Shape))
		for i, d := range p.Shape {
			shape[i] = float64(d)
		}
		got = append(got, [2]any{p.Name, shape})
	}
	return got
}

// The files that TransformerBridgeConfig.to_dict gives load, and their layout
// is that of the model that the reference builds from the same config.
func TestReferenceDumpsLoad(t *testing.T) {
	for version, release := range releases {
		dumps, err := filepath.Glob(filepath.Join("testdata", "transformerlens", release, "*.shapes.json"))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(dumps), 6)
		for _, shapes := range dumps {
			var want [][2]any
			readJSONFile(t, shapes, &want)
			for _, extension := range []string{".json", ".yaml"} {
				path := strings.TrimSuffix(shapes, ".shapes.json") + extension
				t.Run(path, func(t *testing.T) {
					c, warnings, err := Load(path)
					require.NoError(t, err)
					require.Empty(t, warnings)
					l, err := c.Layout(version)
					require.NoError(t, err)
					require.Equal(t, want, shapesOf(l))
				})
			}
		}
	}
}

func TestReferenceDumpsKeepTheirValues(t *testing.T) {
	load := func(name string) *Config {
		c, _, err := Load(filepath.Join("testdata", "transformerlens", name))
		require.NoError(t, err)
		c.source = ""
		return c
	}
	base := Config{
		DModel: 12, DHead: 4, NLayers: 2, NCtx: 6, NHeads: 3, DVocab: 11, DMLP: 48, NKeyValueHeads: 3, DVocabOut: 11,
		ActFn: "relu", NormalizationType: NormLN, PositionalEmbeddingType: PosStandard, InitMode: "gpt2", InitializerRange: -1,
	}
	require.Equal(t, &base, load("3.7.3/default.json"))
	// Release 4.3.0 writes down what -1 stands for.
	changed := base
	changed.InitializerRange = 0.23094010767585033
	require.Equal(t, &changed, load("4.3.0/default.json"))

	rotary := base
	rotary.PositionalEmbeddingType, rotary.RotaryDim, rotary.NKeyValueHeads = PosRotary, 2, 1
	rotary.GatedMLP, rotary.ActFn, rotary.NormalizationType, rotary.FinalRMS = true, "silu", NormRMS, true
	rotary.InitMode, rotary.InitializerRange, rotary.Seed = "kaiming_normal", 0.5, &Seed{Bits: 1<<64 - 1}
	for _, release := range releases {
		require.Equal(t, &rotary, load(release+"/rotary.json"))
		require.Equal(t, load(release+"/rotary.json"), load(release+"/rotary.yaml"))
		require.Equal(t, &Seed{Bits: 1<<64 - 1, Negative: true}, load(release+"/derived-heads.yaml").Seed)
		require.Equal(t, &Seed{Bits: 1 << 63, Negative: true}, load(release+"/bare.yaml").Seed)
		require.Equal(t, &Seed{Bits: 1<<53 + 1}, load(release+"/pre.json").Seed)
	}
}

// referenceManifest is a part of the manifest of a committed reference model.
type referenceManifest struct {
	Mode    string
	Config  json.RawMessage
	Tensors []struct {
		Name  string
		Shape []int64
	}
}

func TestLayoutsOfTheReferenceModels(t *testing.T) {
	manifests, err := filepath.Glob(filepath.Join("..", "..", "testdata", "torch", "2.15.0", "*", "manifest.json"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(manifests), 18)
	for _, path := range manifests {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			var m referenceManifest
			readJSONFile(t, path, &m)
			var version int
			_, err := fmt.Sscanf(m.Mode[strings.IndexByte(m.Mode, '@'):], "@%d", &version)
			require.NoError(t, err)
			c, warnings, err := Parse("manifest.json", m.Config, JSON)
			require.NoError(t, err)
			require.Empty(t, warnings)
			l, err := c.Layout(version)
			require.NoError(t, err)
			require.Len(t, l.Params, len(m.Tensors))
			for i, p := range l.Params {
				require.Equal(t, m.Tensors[i].Name, p.Name)
				require.Equal(t, m.Tensors[i].Shape, p.Shape, p.Name)
				checkParam(t, p)
			}
		})
	}
}

// checkParam checks role, layer and fans against the name and shape.
func checkParam(t *testing.T, p layout.Param) {
	t.Helper()
	if rest, ok := strings.CutPrefix(p.Name, "layers."); ok {
		var n int
		_, err := fmt.Sscanf(rest, "%d.", &n)
		require.NoError(t, err)
		require.Equal(t, n, p.Layer, p.Name)
	} else {
		require.Equal(t, layout.NoLayer, p.Layer, p.Name)
	}
	parts := strings.Split(p.Name, ".")
	role := map[string]layout.Role{
		"tok_embed": layout.Embedding, "pos": layout.Position, "q": layout.Query, "k": layout.Key, "v": layout.Value,
		"o": layout.AttnOut, "fc_in": layout.MLPIn, "in": layout.MLPIn, "gate": layout.Gate, "fc_out": layout.MLPOut,
		"out": layout.MLPOut, "head": layout.LMHead, "ln1": "norm", "ln2": "norm", "ln_out": "norm", "ln": "norm",
	}[parts[len(parts)-2]]
	require.NotEmpty(t, role, p.Name)
	bias := parts[len(parts)-1] == "bias"
	switch {
	case role == "norm":
		require.Zero(t, p.FanIn, p.Name)
		require.Zero(t, p.FanOut, p.Name)
		require.Equal(t, map[bool]layout.Role{true: layout.NormBias, false: layout.NormWeight}[bias], p.Role)
	case bias:
		require.Equal(t, role+"_bias", p.Role)
		require.Equal(t, p.Shape[0], p.FanOut, p.Name)
		require.Positive(t, p.FanIn, p.Name)
	default:
		require.Equal(t, role, p.Role)
		in, out, err := layout.TorchFans(p.Shape)
		require.NoError(t, err)
		require.Equal(t, []int64{in, out}, []int64{p.FanIn, p.FanOut}, p.Name)
	}
}
