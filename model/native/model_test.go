package native

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/hostile/configs"
	"github.com/weightinit/weightinit/layout"
)

// jsonConfig is the base config with members added in front; of a name that
// occurs twice the base's is dropped.
func jsonConfig(members string) []byte {
	base := strings.Trim(string(configs.BaseJSON()), "{}")
	var kept []string
	for _, m := range strings.Split(base, ",") {
		if name, _, _ := strings.Cut(m, ":"); !strings.Contains(members, name+":") {
			kept = append(kept, m)
		}
	}
	if members != "" {
		kept = append([]string{members}, kept...)
	}
	return []byte("{" + strings.Join(kept, ",") + "}")
}

func parseJSON(t *testing.T, members string) *Config {
	t.Helper()
	c, warnings, err := Parse("c.json", jsonConfig(members), AnySyntax)
	require.NoError(t, err)
	require.Empty(t, warnings)
	return c
}

func requireFieldFault(t *testing.T, members, field string, words ...string) {
	t.Helper()
	_, _, err := Parse("c.json", jsonConfig(members), AnySyntax)
	var fault *Error
	require.ErrorAs(t, err, &fault, members)
	require.Equal(t, field, fault.Field, "%v", err)
	requireRefusal(t, "c.json", err)
	requireNames(t, err.Error(), words)
}

func TestDefaultsOfTheReference(t *testing.T) {
	c, _, err := Parse("c.json", []byte(`{"d_model":64,"d_head":16,"n_layers":2,"n_ctx":32,"n_heads":-1,"d_vocab":100}`), AnySyntax)
	require.NoError(t, err)
	require.Equal(t, &Config{
		DModel: 64, DHead: 16, NLayers: 2, NCtx: 32, NHeads: 4, DVocab: 100, DMLP: 256, NKeyValueHeads: 4, DVocabOut: 100,
		ActFn: "relu", NormalizationType: NormLN, PositionalEmbeddingType: PosStandard, InitMode: "gpt2", InitializerRange: -1,
		source: "c.json",
	}, c)
}

func TestValuesThatStandForDefaults(t *testing.T) {
	require.EqualValues(t, 256, parseJSON(t, `"d_mlp":0`).DMLP)
	require.EqualValues(t, 256, parseJSON(t, `"d_mlp":null`).DMLP)
	require.EqualValues(t, 4, parseJSON(t, `"n_key_value_heads":0`).NKeyValueHeads)
	require.EqualValues(t, 100, parseJSON(t, `"d_vocab_out":0`).DVocabOut)
	require.EqualValues(t, 100, parseJSON(t, `"d_vocab_out":-7`).DVocabOut)
	require.Equal(t, "gelu", parseJSON(t, `"act_fn":null`).ActFn)
	require.Equal(t, "gelu", parseJSON(t, `"act_fn":""`).ActFn)
	require.Equal(t, "silu", parseJSON(t, `"act_fn":null,"gated_mlp":true`).ActFn)
	require.Equal(t, "gelu_new", parseJSON(t, `"act_fn":"GELU_New"`).ActFn)
	require.Equal(t, "gpt2", parseJSON(t, `"init_mode":""`).InitMode)
	require.Equal(t, "xavier_normal", parseJSON(t, `"init_mode":"Xavier_Normal"`).InitMode)
	require.Equal(t, NormNone, parseJSON(t, `"normalization_type":null`).NormalizationType)
	require.Equal(t, NormRMSPre, parseJSON(t, `"normalization_type":"RmsPre"`).NormalizationType)
	require.Equal(t, PosStandard, parseJSON(t, `"positional_embedding_type":null`).PositionalEmbeddingType)
	require.Equal(t, PosRotary, parseJSON(t, `"positional_embedding_type":"Rotary"`).PositionalEmbeddingType)
	require.EqualValues(t, 16, parseJSON(t, `"positional_embedding_type":"rotary","rotary_dim":null`).RotaryDim)
	require.EqualValues(t, 0, parseJSON(t, `"rotary_dim":-3`).RotaryDim, "unused")
	for _, unset := range []string{"-0.5", "0", "-1", "-0.0", "1e-999"} {
		require.EqualValues(t, -1, parseJSON(t, `"initializer_range":`+unset).InitializerRange)
	}
	require.Equal(t, "anything", parseJSON(t, `"act_fn":"anything","attn_only":true`).ActFn)
}

// What the reference refuses, or cannot mean.
func TestFieldsAreCheckedWhereTheReferenceChecksThem(t *testing.T) {
	const rotary = `"positional_embedding_type":"rotary",`
	requireFieldFault(t, `"attn_scale":1.0000000001`, "attn_scale", "1.0000000001")
	requireFieldFault(t, `"attn_scale":1`, "attn_scale")
	parseJSON(t, `"attn_scale":1.0,"use_attn_scale":false`)
	parseJSON(t, `"attn_scale":1.0,"d_head":1`)
	parseJSON(t, `"attn_scale":1.00001`)
	parseJSON(t, `"attn_scale":1.0,"n_layers":0,"init_mode":"xavier_normal"`)
	parseJSON(t, `"n_key_value_heads":3,"n_layers":0`)
	parseJSON(t, `"act_fn":"foo","n_layers":0`)

	requireFieldFault(t, `"architecture":"gpt2"`, "architecture", "TransformerLensNative")
	parseJSON(t, `"architecture":"TransformerLensNative"`)
	parseJSON(t, `"architecture":null`)

	requireFieldFault(t, rotary+`"rotary_dim":-2`, "rotary_dim", "-2")
	requireFieldFault(t, `"positional_embedding_type":"alibi"`, "positional_embedding_type", "alibi", "rotary", "standard")
	requireFieldFault(t, `"d_vocab_out":null`, "d_vocab_out")
	requireFieldFault(t, `"initializer_range":null`, "initializer_range")
	requireFieldFault(t, `"initializer_range":3.5e38`, "initializer_range", "float32")
	requireFieldFault(t, `"n_heads":-2`, "n_heads", "-2")

	// The reference looks at these although they decide nothing about weights.
	for _, name := range []string{"attn_scores_soft_cap", "output_logits_soft_cap", "rotary_base"} {
		requireFieldFault(t, `"`+name+`":null`, name)
		requireFieldFault(t, `"`+name+`":"x"`, name)
	}
	parseJSON(t, `"window_size":null,"attn_types":["global",{"a":[1]}],"eps":1,"checkpoint_value":-1`)

	requireFieldFault(t, `"act_fn":"geluu"`, "act_fn", "gelu", "did you mean")
	for _, name := range []string{"solu", "solu_ln"} {
		c := parseJSON(t, `"act_fn":"`+name+`"`)
		_, err := c.Layout(V1)
		var fault *Error
		require.ErrorAs(t, err, &fault)
		require.Equal(t, "act_fn", fault.Field)
		requireLine(t, "c.json", err.Error())
		_, err = c.Layout(V2)
		require.NoError(t, err)
	}
}

func TestRopeScalingIsCheckedWithRotaryOnly(t *testing.T) {
	const rotary = `"positional_embedding_type":"rotary",`
	for _, ok := range []string{
		`null`, `{}`, `{"type":"linear","factor":2}`, `{"rope_type":null,"type":"ntk","factor":2.0}`, `{"type":"yarn"}`,
		`{"type":"yarn","factor":1.0}`, `{"rope_type":"default","factor":8}`, `{"rope_type":"LLAMA3","factor":8,"x":[1,{"y":2}]}`,
		`{"rope_type":"","type":"Dynamic","factor":4.0,"original_max_position_embeddings":null}`, `{"type":"dynamic","factor":3e38}`,
	} {
		parseJSON(t, rotary+`"rope_scaling":`+ok)
	}
	for bad, field := range map[string]string{
		`{"type":"yarn","factor":4.0}`:                        "rope_scaling.type",
		`{"rope_type":"llama4","factor":4.0}`:                 "rope_scaling.rope_type",
		`{"type":"linear","factor":"2"}`:                      "rope_scaling.factor",
		`{"type":"linear","factor":null}`:                     "rope_scaling.factor",
		`{"type":5,"factor":2}`:                               "rope_scaling.type",
		`{"type":"llama3","factor":2,"low_freq_factor":0}`:    "rope_scaling.low_freq_factor",
		`{"type":"llama3","factor":2,"high_freq_factor":0.0}`: "rope_scaling.high_freq_factor",
		`[]`:       "rope_scaling",
		`"linear"`: "rope_scaling",
		`{"type":"llama3","factor":2,"original_context_length":""}`: "rope_scaling.original_context_length",
	} {
		requireFieldFault(t, rotary+`"rope_scaling":`+bad, field)
		if strings.HasPrefix(bad, "{") {
			parseJSON(t, `"rope_scaling":`+bad) // nobody reads it with standard positions
		}
	}
	requireFieldFault(t, rotary+`"rotary_dim":2,"rope_scaling":{"type":"ntk","factor":2}`, "rope_scaling.type", "rotary_dim")
	requireFieldFault(t, rotary+`"rotary_dim":4,"rope_scaling":{"type":"ntk","factor":4e38}`, "rope_scaling.factor")
	requireFieldFault(t, `"rope_scaling":{"a":1,"a":2}`, "a", "duplicate")
}

func TestUnknownFieldsAreRefusedWithTheNearestName(t *testing.T) {
	for name, want := range map[string]string{
		"d_modle": "d_model", "N_HEADS": "n_heads", "nlayers": "n_layers", "n_key_value_head": "n_key_value_heads",
		"initialiser_range": "initializer_range", "use_atn_scale": "use_attn_scale",
	} {
		requireFieldFault(t, `"`+name+`":1`, name, `did you mean "`+want+`"`)
	}
	requireFieldFault(t, `"quantum":1`, "quantum", "unknown field")
	requireFieldFault(t, `"`+strings.Repeat("x", 1<<20)+`":1`, strings.Repeat("x", 1<<20), "unknown field")
	requireFieldFault(t, `"":1`, "", "field without a name")
}

func TestAllFaultsOfAConfigAreToldAtOnce(t *testing.T) {
	_, _, err := Parse("c.json", jsonConfig(`"d_modle":1,"quantum":2,"d_model":"64","attn_only":"no"`), AnySyntax)
	requireRefusal(t, "c.json", err)
	requireNames(t, err.Error(), []string{`"d_modle"`, `did you mean "d_model"`, `"quantum"`, `"d_model" is "64"`, `"attn_only" is "no"`})
	var fault *Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, "d_modle", fault.Field)
	require.Len(t, fault.Others, 3)

	_, _, err = Parse("c.json", []byte(`{"d_model":8}`), AnySyntax)
	requireNames(t, err.Error(), []string{"d_head", "d_vocab", "n_ctx", "n_heads", "n_layers"})
	_, _, err = Parse("c.json", jsonConfig(`"d_vocab":-1,"n_ctx":0,"act_fn":"foo","architecture":"x","attn_scale":1,"normalization_type":"LN"`), AnySyntax)
	requireRefusal(t, "c.json", err)
	requireNames(t, err.Error(), []string{`"d_vocab" is -1`, `"n_ctx" is 0`, `"act_fn" is "foo"`, `"architecture" is "x"`, `"attn_scale" is 1`})

	var many strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&many, `"a%d":1,`, i)
	}
	_, _, err = Parse("c.json", jsonConfig(many.String()+`"d_vocab":100`), AnySyntax)
	requireRefusal(t, "c.json", err)
	require.ErrorContains(t, err, `"a0"`)
	require.Regexp(t, `; and 9\d{4} more$`, err.Error())
}

func TestWarnings(t *testing.T) {
	for members, words := range map[string][]string{
		`"normalization_type":"FOO"`:                              {"normalization_type", "FOO", "LN"},
		`"normalization_type":""`:                                 {"normalization_type"},
		`"positional_embedding_type":"rotary","rotary_dim":18`:    {"rotary_dim", "18", "d_head"},
		`"init_weights":false,"normalization_type":"Layer\u001b"`: {"normalization_type"},
		// A field that decides nothing: the reference builds the same model.
		`"eps":"small"`:         {"eps", "small", "want a finite number, or null", "decides nothing"},
		`"use_attn_result":0`:   {"use_attn_result", "true or false"},
		`"attn_types":"global"`: {"attn_types", "list"},
		`"window_size":2.5`:     {"window_size", "2.5"},
		`"device":{"a":1}`:      {"device"},
	} {
		c, warnings, err := Parse("c.json", jsonConfig(members), AnySyntax)
		require.NoError(t, err)
		require.Len(t, warnings, 1, members)
		requireLine(t, "c.json", warnings[0])
		requireNames(t, warnings[0], words)
		require.Equal(t, NormLN, c.NormalizationType)
		require.Empty(t, c.Warnings(V1))
	}
}

// Version 1 of the reference has no branch for init_weights.
func TestInitWeightsIsAMatterOfVersionTwo(t *testing.T) {
	for value, told := range map[string]bool{"false": true, "null": true, "true": false} {
		c := parseJSON(t, `"init_weights":`+value)
		require.Empty(t, c.Warnings(V1))
		list := c.Warnings(V2)
		require.Equal(t, told, len(list) == 1)
		if told {
			requireLine(t, "c.json", list[0])
			requireNames(t, list[0], []string{"init_weights"})
		}
	}
}

func TestJSONOffsetsCountTheByteOrderMark(t *testing.T) {
	_, _, err := Parse("c.json", []byte("\xef\xbb\xbf{\"d_model\":\"x\"}"), AnySyntax)
	var fault *Error
	require.ErrorAs(t, err, &fault)
	require.EqualValues(t, 14, fault.Offset)
	require.Equal(t, 14, strings.Index("\xef\xbb\xbf{\"d_model\":\"x\"}", `"x"`))
}

func TestAFileMayNotHideItsPathOrValue(t *testing.T) {
	path := "a\nb\x1b[2J\u202e.json"
	_, _, err := Parse(path, jsonConfig(`"d_model":"`+strings.Repeat("\\u0007\\u202e", 5000)+`"`), AnySyntax)
	requireRefusal(t, path, err)
	_, _, err = Parse("c.json", jsonConfig(`"d_model":1`+strings.Repeat("0", 100_000)), AnySyntax)
	requireRefusal(t, "c.json", err)
	_, _, err = Parse("c.yaml", yamlConfig("d_model: "+strings.Repeat("é", 20_000)+"\n", "d_model"), AnySyntax)
	requireRefusal(t, "c.yaml", err)
}

func TestLayoutRefusesWhatCannotBeBuilt(t *testing.T) {
	c := parseJSON(t, "")
	for _, version := range []int{-1, 3} {
		_, err := c.Layout(version)
		require.ErrorContains(t, err, "version")
	}
	for name, c := range map[string]*Config{
		"d_model":            {},
		"n_heads":            {DModel: 4, DHead: 2, NCtx: 1, DVocab: 1},
		"d_mlp":              {DModel: 4, DHead: 2, NCtx: 1, DVocab: 1, NHeads: 1, DMLP: -1},
		"normalization_type": {DModel: 4, DHead: 2, NCtx: 1, DVocab: 1, NHeads: 1, NormalizationType: "BatchNorm"},
		"initializer_range":  {DModel: 4, DHead: 2, NCtx: 1, DVocab: 1, NHeads: 1, InitializerRange: math.NaN()},
	} {
		_, err := c.Layout(V1)
		var fault *Error
		require.ErrorAs(t, err, &fault, name)
		require.Equal(t, name, fault.Field)
		require.Equal(t, "null", string(c.Canonical()))
	}
}

func TestSizesAreCheckedBeforeTheyAreMultiplied(t *testing.T) {
	for members, field := range map[string]string{
		`"n_heads":4611686018427387904,"d_head":4`:                                         "n_heads",
		`"d_model":4611686018427387904,"n_heads":1,"d_head":2,"d_vocab":1,"n_ctx":1`:       "d_model",
		`"n_ctx":9223372036854775807`:                                                      "n_ctx",
		`"d_vocab_out":9223372036854775807`:                                                "d_vocab_out",
		`"d_mlp":9223372036854775807`:                                                      "d_mlp",
		`"n_layers":65537`:                                                                 "n_layers",
		`"n_layers":9223372036854775807`:                                                   "n_layers",
		`"d_model":3037000500,"d_vocab":3037000500,"d_mlp":1,"n_heads":1,"d_head":1`:       "d_vocab",
		`"d_model":1073741824,"d_vocab":1073741824,"d_mlp":1,"n_heads":1,"d_head":1`:       "",
		`"d_model":1099511627776,"d_vocab":1048575,"d_mlp":1,"n_heads":1,"d_head":1`:       "",
		`"n_layers":9223372036854775807,"attn_only":true,"normalization_type":null`:        "n_layers",
		`"d_model":268435456,"d_mlp":1073741824,"n_layers":3,"n_heads":1,"d_head":1`:       "",
		`"d_model":4611686018427387904,"d_mlp":1,"n_heads":1,"d_head":2,"n_layers":0`:      "d_vocab",
		`"n_heads":3037000500,"d_head":3037000500,"n_layers":0,"d_model":1,"d_mlp":1`:      "n_heads",
		`"n_key_value_heads":4611686018427387904,"n_layers":0,"init_mode":"xavier_normal"`: "n_key_value_heads",
	} {
		requireFieldFault(t, members, field)
	}
	// The largest number of layers.
	c := parseJSON(t, `"n_layers":65535,"d_model":1,"d_head":1,"n_heads":1,"d_vocab":1,"n_ctx":1`)
	require.EqualValues(t, 65535*16+5, c.blocks(V1).count(c.NLayers))
}

func TestLargeModelsArePlannedAtOnce(t *testing.T) {
	for _, c := range configs.Cases() {
		if !c.PlanOnly {
			continue
		}
		config, _, err := Parse(c.File, c.Bytes(), AnySyntax)
		require.NoError(t, err)
		l, err := config.Layout(V1)
		require.NoError(t, err)
		total := int64(0)
		for _, p := range l.Params {
			total += p.Elements()
		}
		switch c.ID {
		case "VC22":
			require.Greater(t, total, int64(1e12))
		case "VC26":
			require.Len(t, l.Params, 32_003)
		default:
			t.Fatalf("new large model %s", c.ID)
		}
	}
}

func TestFactsOfALayout(t *testing.T) {
	c := parseJSON(t, `"initializer_range":0.5,"n_key_value_heads":2`)
	l, err := c.Layout(V2)
	require.NoError(t, err)
	require.Equal(t, layout.Facts{
		Architecture: NativeArchitecture, Layers: 2, DModel: 64, DHead: 16, Heads: 4, KVHeads: 2, DMLP: 256, DVocab: 100, Ctx: 32,
		InitializerRange: new(0.5), Config: c.Canonical(),
	}, l.Model)
	l, err = parseJSON(t, `"attn_only":true`).Layout(V2)
	require.NoError(t, err)
	require.Zero(t, l.Model.DMLP)
}

// Matrices stand in draw order: embedding, positions, q, k, v, o and the MLP
// in each layer, head.
func TestMatricesStandInDrawOrder(t *testing.T) {
	for members, mlp := range map[string]string{"": "mlp.fc_in mlp.fc_out", `"gated_mlp":true,"act_fn":"silu"`: "mlp.gate mlp.in mlp.out", `"attn_only":true`: ""} {
		l, err := parseJSON(t, members).Layout(V1)
		require.NoError(t, err)
		var got []string
		for _, p := range l.Params {
			if len(p.Shape) == 2 {
				got = append(got, strings.TrimSuffix(p.Name, ".weight"))
			}
		}
		want := []string{"tok_embed", "pos"}
		for _, layer := range []string{"layers.0.", "layers.1."} {
			for _, name := range strings.Fields("attn.q attn.k attn.v attn.o " + mlp) {
				want = append(want, layer+name)
			}
		}
		require.Equal(t, append(want, "head"), got)
	}
}

func TestLayoutIsTheCallersOwn(t *testing.T) {
	c := parseJSON(t, "")
	a, err := c.Layout(V1)
	require.NoError(t, err)
	for i := range a.Params {
		a.Params[i].Shape[0] = -1
	}
	b, err := c.Layout(V1)
	require.NoError(t, err)
	require.NoError(t, b.Check())
}

func TestCanonicalTextGivesTheConfigBack(t *testing.T) {
	for _, c := range configs.Cases() {
		if c.Bytes == nil || c.HuggingFace || c.Verdict == configs.Refuse && !c.ByMode {
			continue
		}
		config, _, err := Parse(c.File, c.Bytes(), AnySyntax)
		require.NoError(t, err)
		requireCanonical(t, config)
	}
}

func requireCanonical(t *testing.T, c *Config) {
	t.Helper()
	text := c.Canonical()
	again, _, err := Parse("record", text, JSON)
	require.NoError(t, err, "%s", text)
	want := *c
	again.source, want.source = "", ""
	require.Equal(t, &want, again)
	require.Equal(t, string(text), string(again.Canonical()))
}

func TestCanonicalText(t *testing.T) {
	require.Equal(t, `{"act_fn":"gelu","architecture":"TransformerLensNative","attn_only":false,"d_head":16,"d_mlp":256,"d_model":64,`+
		`"d_vocab":100,"d_vocab_out":100,"final_rms":false,"gated_mlp":false,"init_mode":"gpt2","initializer_range":1e-05,"n_ctx":32,`+
		`"n_heads":4,"n_key_value_heads":4,"n_layers":2,"normalization_type":"LN","positional_embedding_type":"standard",`+
		`"rotary_dim":null,"seed":18446744073709551615}`,
		string(parseJSON(t, `"seed":18446744073709551615,"initializer_range":0.00001`).Canonical()))
	require.Contains(t, string(parseJSON(t, `"attn_only":true,"act_fn":"<&\u2028\u0000\"é>"`).Canonical()), `"act_fn":"<&\u2028\u0000\"é>"`)
}

func TestSeeds(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "-0": 0, "7": 7, "-1": math.MaxUint64, "18446744073709551615": math.MaxUint64,
		"-9223372036854775808": 1 << 63, "9007199254740993": 1<<53 + 1, "9223372036854775808": 1 << 63,
	} {
		got, err := ParseSeed(text)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
		seed := parseJSON(t, `"seed":`+text).Seed
		require.Equal(t, want, seed.Bits)
		require.Equal(t, strings.Replace(text, "-0", "0", 1), seed.String())
	}
	for _, text := range []string{
		"", "-", "+1", "1.0", "1e3", "0x10", "007", "-007", " 7", "7 ", "1_000", "٣", "18446744073709551616", "-9223372036854775809",
		strings.Repeat("9", 1000), "seven", "true",
	} {
		_, err := ParseSeed(text)
		require.Error(t, err, text)
		require.ErrorContains(t, err, "18446744073709551615")
		if len(text) < 30 {
			require.ErrorContains(t, err, text)
		}
		require.Less(t, len(err.Error()), 400)
	}
}
