package hf

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
)

// needed are fields without which the default config of a family makes no
// model, as transformers refuses it too.
var needed = map[string]string{
	"deit":  `,"architectures":["DeiTForImageClassification"]`,
	"dots1": `,"n_routed_experts":8,"n_shared_experts":1`, "esm": `,"vocab_size":33`,
	"hunyuan_v1_dense": `,"head_dim":128`, "hunyuan_v1_moe": `,"head_dim":128`, "ministral": `,"head_dim":128`, "nemotron": `,"head_dim":128,"num_key_value_heads":48`,
}

// Every tensor of every family has a known role.
func TestEveryFamilyHasALayoutOfKnownRoles(t *testing.T) {
	for _, name := range Families() {
		t.Run(name, func(t *testing.T) {
			c, err := Parse("config.json", []byte(fmt.Sprintf(`{"model_type":%q%s}`, name, needed[name])))
			require.NoError(t, err)
			l, err := c.Layout(0)
			require.NoError(t, err)
			seen := map[string]bool{}
			for _, p := range l.Params {
				key := numbers.ReplaceAllString(p.Name, ".0$1")
				if seen[key] || p.Unnamed {
					continue
				}
				seen[key] = true
				if p.Role.Kind() == layout.UnknownKind || p.Role.Kind() == layout.Matrix && len(p.Shape) < 2 {
					t.Errorf("%s %v: role %q", p.Name, p.Shape, p.Role)
				}
			}
		})
	}
}

// transformers' own reading of a config, measured: what it refuses is refused by
// name, what it takes is taken.
func TestOddConfigs(t *testing.T) {
	const llama = `"model_type":"llama","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":1,"num_attention_heads":3`
	for config, want := range map[string]string{
		`{}`:                    "model_type",
		`{"model_type":null}`:   "model_type",
		`{"model_type":"lama"}`: `did you mean "llama"`,
		`{"model_type":"llama","hidden_size":"32"}`:                               "remove the quotes",
		`{"model_type":"llama","hidden_size":32.0}`:                               "no decimal point",
		`{"model_type":"llama","hidden_size":null}`:                               "null is not allowed",
		`{"model_type":"llama","initializer_range":1}`:                            "1.0",
		`{"model_type":"llama","attention_bias":1}`:                               "true or false",
		`{"model_type":"llama","vocab_size":99999999999999999999}`:                "2^63-1",
		`{"model_type":"llama","vocab_size":{}}`:                                  "not an object",
		`{"model_type":"llama","hidden_size":NaN}`:                                "NaN",
		`{"model_type":"llama","dtype":"int8"}`:                                   "dtype",
		`{"model_type":"llama","torch_dtype":7}`:                                  "torch_dtype",
		`{"model_type":"llama","num_attention_heads":0}`:                          "division by 0",
		`{"model_type":"llama","num_hidden_layers":999999999999}`:                 "too many layers",
		`{"model_type":"llama","vocab_size":4294967296,"hidden_size":4294967296}`: "2^63-1",
		`{` + llama + `,"initializer_range":-0.1}`:                                "std",
		`{` + llama + `,"pad_token_id":19}`:                                       "pad_token_id",
		`{` + llama + `,"pad_token_id":-20}`:                                      "pad_token_id",
		`{` + llama + `,"head_dim":7}`:                                            "head_dim",
		`{` + llama + `,"vocab_size":19}`:                                         "duplicate",
		`{"model_type":"gpt2","n_embd":10,"n_head":3}`:                            "n_embd % n_head",
		`{"model_type":"distilbert","sinusoidal_pos_embds":true}`:                 "sinusoidal_pos_embds",
		`{"model_type":"falcon","head_dim":8}`:                                    "head_dim",
		`{"model_type":"gpt_neo","num_layers":3}`:                                 "repeated(attention_types)",
		`{"model_type":"llama4","text_config":7}`:                                 "text_config",
		`{"model_type":"llama4","text_config":{"model_type":"llama"}}`:            "llama4_text",

		`{` + llama + `,"pad_token_id":-1}`:                                                        "",
		`{` + llama + `,"pad_token_id":null,"num_key_value_heads":null}`:                           "",
		`{` + llama + `,"dtype":null,"torch_dtype":"half"}`:                                        "",
		`{` + llama + `,"unknown":{"a":[1,{}]},"quantization_config":{}}`:                          "",
		`{"model_type":"llama","num_hidden_layers":0}`:                                             "",
		`{"model_type":"gpt2","hidden_size":24,"n_embd":7,"n_head":2}`:                             "",
		`{"model_type":"mistral","num_key_value_heads":3}`:                                         "",
		`{"model_type":"olmo","hidden_size":100,"num_attention_heads":3}`:                          "",
		`{"model_type":"llama4","text_config":{"num_hidden_layers":1},"tie_word_embeddings":true}`: "",
	} {
		c, err := Parse("config.json", []byte(config))
		if want != "" {
			require.ErrorContains(t, err, want, config)
			require.ErrorContains(t, err, `"config.json"`, config)
			continue
		}
		require.NoError(t, err, config)
		_, err = c.Layout(0)
		require.NoError(t, err, config)
	}
}

// A config in a folder is the one that was read, with what was made.
func TestFileSaysWhatWasMade(t *testing.T) {
	c, err := Parse("c", []byte(`{"architectures":["X"], "torch_dtype":"float16","model_type":"llama", "num_hidden_layers":1,"x":[1, 2.50]}`))
	require.NoError(t, err)
	require.Equal(t, `{"architectures":["LlamaForCausalLM"],"dtype":"float16","model_type":"llama","num_hidden_layers":1,"x":[1,2.50]}`, string(c.File()))
	require.Equal(t, `{"architectures":["LlamaForCausalLM"],"dtype":"float32","model_type":"llama","num_hidden_layers":1,"x":[1,2.50]}`, string(c.FileIn(dtype.F32)))
	require.Len(t, c.Warnings(0), 1)
	again, err := Parse("c", c.In(dtype.BF16).Canonical())
	require.NoError(t, err)
	require.Equal(t, dtype.BF16, again.DType())
}

// Any text is read or refused in one line, and what is read has a sound layout
// and comes back from its canonical form.
func FuzzConfig(f *testing.F) {
	for _, name := range Families() {
		f.Add([]byte(fmt.Sprintf(`{"model_type":%q,"num_hidden_layers":1%s}`, name, needed[name])))
	}
	f.Add([]byte(`{"model_type":"llama","hidden_size":-4,"layer_types":[[]],"id2label":{"0":1},"pad_token_id":-1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("c", text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q", err)
			}
			return
		}
		if c.facts(nil).Layers > 64 {
			return // sound, and slow
		}
		l, err := c.Layout(0)
		if err != nil {
			return
		}
		again, err := Parse("c", c.Canonical())
		require.NoError(t, err)
		other, err := again.Layout(0)
		require.NoError(t, err)
		require.Equal(t, len(l.Params), len(other.Params))
	})
}

// A search for formulas may find one that fits by chance. No width of a model
// depends on how a layer's number compares with it.
func TestWidthsDoNotDependOnComparingALayer(t *testing.T) {
	chance := regexp.MustCompile(`\bif [ijk] [<>=]`)
	for _, name := range Families() {
		f, err := find(name)
		require.NoError(t, err)
		for _, line := range f.Lines {
			head, _, _ := strings.Cut(line, " ; ")
			require.False(t, chance.MatchString(head), "%s: %s", name, line)
		}
	}
}
