package hf_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/model"
)

// collected takes the bytes of every tensor.
type collected [][]byte

func (c collected) WriteValues(tensor int, first int64, data []byte) error {
	copy(c[tensor][first*4:], data)
	return nil
}

// The digests are those of real models that save_pretrained wrote, seed 42: of
// the tensors sorted by name, each name, a zero byte and the values.
func TestKnownModelsHaveTheBitsOfTransformers(t *testing.T) {
	for _, c := range []struct {
		config                 string
		tensors, values, words int64
		digest                 string
	}{
		{`{"model_type":"llama","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":3,"num_key_value_heads":1,"attention_bias":true,"pad_token_id":0}`, 29, 1852, 3664, "08002128679eac61"},
		{`{"model_type":"gpt2","vocab_size":11,"n_positions":5,"n_embd":6,"n_layer":2,"n_head":2}`, 28, 1128, 2652, "5b9c68d81daec4d9"},
		{`{"model_type":"qwen2","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":3,"num_key_value_heads":3,"tie_word_embeddings":true}`, 26, 2016, 4440, "664a84503cac9770"},
		{`{"model_type":"qwen3","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":6}`, 25, 1908, 3856, "47fec37565c979c0"},
		{`{"model_type":"mistral","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2}`, 21, 1884, 3856, "ad045b9126db7f80"},
		{`{"model_type":"gpt_neox","vocab_size":19,"hidden_size":16,"intermediate_size":21,"num_hidden_layers":2,"num_attention_heads":2}`, 28, 4362, 8202, "02a7f07335debae2"},
		{`{"model_type":"bert","vocab_size":19,"hidden_size":6,"intermediate_size":9,"num_hidden_layers":2,"num_attention_heads":2,"max_position_embeddings":7}`, 42, 883, 2059, "c3c7e851a4fad8e7"},
		{`{"model_type":"gemma","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":4}`, 20, 1368, 3216, "1e632d88246b2bb5"},
		{`{"model_type":"gemma2","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":4}`, 24, 1416, 3216, "e7a0a4839da82246"},
		{`{"model_type":"gemma3_text","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":4}`, 28, 1432, 3216, "0319495d779aa2bb"},
		{`{"model_type":"phi","vocab_size":19,"hidden_size":16,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2,"qk_layernorm":true}`, 41, 3457, 6401, "0a3804f9b900c23a"},
		{`{"model_type":"phi3","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2,"pad_token_id":3}`, 15, 2172, 4336, "4c9eaa447e7670e9"},
		{`{"model_type":"opt","vocab_size":19,"hidden_size":12,"ffn_dim":7,"num_hidden_layers":2,"num_attention_heads":2,"max_position_embeddings":5,"word_embed_proj_dim":3}`, 38, 1955, 3826, "cf6dc3fb3d73ba42"},
		{`{"model_type":"olmo2","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1}`, 25, 1920, 3856, "85cab62b36b19567"},
		{`{"model_type":"falcon","vocab_size":19,"hidden_size":12,"num_hidden_layers":2,"num_attention_heads":3,"bias":true}`, 23, 3556, 10360, "ca963988c70c776a"},
		{`{"model_type":"mixtral","vocab_size":19,"hidden_size":6,"intermediate_size":5,"num_hidden_layers":2,"num_attention_heads":3,"num_key_value_heads":1,"num_local_experts":2,"num_experts_per_tok":1}`, 29, 834, 1472, "a444f79850bedc0d"},
		{`{"model_type":"qwen3_moe","vocab_size":19,"hidden_size":6,"intermediate_size":5,"moe_intermediate_size":3,"num_hidden_layers":2,"num_attention_heads":3,"num_key_value_heads":1,"num_experts":2,"num_experts_per_tok":1,"mlp_only_layers":[0]}`, 29, 668, 1392, "1ebb99905af64281"},
		{`{"model_type":"t5","vocab_size":19,"d_model":6,"d_kv":3,"d_ff":7,"num_layers":2,"num_heads":2,"feed_forward_proj":"gated-gelu","relative_attention_num_buckets":4}`, 51, 1570, 6506, "7b6b4533c69f16e2"},
		{`{"model_type":"deepseek_v3","vocab_size":19,"hidden_size":6,"intermediate_size":5,"moe_intermediate_size":3,"num_hidden_layers":2,"first_k_dense_replace":1,"num_attention_heads":2,"n_routed_experts":4,"n_group":2,"topk_group":1,"num_experts_per_tok":1,"kv_lora_rank":3,"q_lora_rank":5,"qk_rope_head_dim":2,"qk_nope_head_dim":3,"v_head_dim":3}`, 41, 1026, 2048, "b58c370c801eee68"},
		{`{"model_type":"vit","hidden_size":6,"intermediate_size":9,"num_hidden_layers":2,"num_attention_heads":2,"image_size":8,"patch_size":4,"num_labels":3}`, 40, 993, 2031, "73923206c444011d"},
		{`{"model_type":"olmo","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2}`, 16, 2112, 4368, "1fff9b3da9e370bd"},
		{`{"model_type":"olmo3","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2}`, 25, 2220, 4368, "bc1b451457f5e343"},
		{`{"model_type":"granite","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2,"mlp_bias":true}`, 27, 2224, 4420, "bcf122a68a61b90d"},
		{`{"model_type":"smollm3","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"pad_token_id":4}`, 20, 1656, 3856, "b790d57a5bbd25c9"},
		{`{"model_type":"cohere","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2,"use_qk_norm":true}`, 22, 1968, 4368, "7400f84d64357e37"},
		{`{"model_type":"stablelm","vocab_size":19,"hidden_size":16,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,"use_qkv_bias":true,"qk_layernorm":true}`, 38, 3088, 5696, "42bdfde7b9d679f2"},
		{`{"model_type":"starcoder2","vocab_size":19,"hidden_size":12,"intermediate_size":7,"num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1}`, 35, 1658, 3598, "978f3a24761c4b30"},
		{`{"model_type":"gpt_oss","vocab_size":19,"hidden_size":6,"intermediate_size":5,"num_hidden_layers":2,"num_attention_heads":3,"num_key_value_heads":1,"head_dim":4,"num_local_experts":2,"num_experts_per_tok":1}`, 37, 1152, 1944, "0779886858649fce"},
		{`{"model_type":"qwen2_moe","vocab_size":19,"hidden_size":6,"intermediate_size":5,"moe_intermediate_size":3,"shared_expert_intermediate_size":4,"num_hidden_layers":2,"num_attention_heads":3,"num_key_value_heads":1,"num_experts":2,"num_experts_per_tok":1}`, 43, 866, 1768, "4dad231c656aa875"},
		{`{"model_type":"olmoe","vocab_size":19,"hidden_size":6,"intermediate_size":5,"num_hidden_layers":2,"num_attention_heads":3,"num_key_value_heads":1,"num_experts":2,"num_experts_per_tok":1}`, 33, 850, 1472, "f2ad956f35e330e3"},
		{`{"model_type":"gptj","vocab_size":19,"n_positions":5,"n_embd":12,"n_layer":2,"n_head":2,"rotary_dim":2}`, 25, 4123, 8011, "cec2627321824189"},
		{`{"model_type":"gpt_neo","vocab_size":19,"max_position_embeddings":5,"hidden_size":12,"num_layers":2,"num_heads":2,"attention_types":[[["global"],2]]}`, 30, 4008, 8168, "afb83f378a8cd0fe"},
		{`{"model_type":"gpt_bigcode","vocab_size":19,"n_positions":5,"n_embd":12,"n_layer":2,"n_head":2}`, 28, 3768, 9080, "805f930676b2b62b"},
		{`{"model_type":"bloom","vocab_size":19,"hidden_size":12,"n_layer":2,"n_head":2}`, 29, 4044, 8088, "b1e3d08a06f17415"},
		{`{"model_type":"roberta","vocab_size":19,"hidden_size":6,"intermediate_size":9,"num_hidden_layers":2,"num_attention_heads":2,"max_position_embeddings":7}`, 42, 883, 2059, "9ece9d13e39e5a05"},
		{`{"model_type":"distilbert","vocab_size":19,"dim":6,"hidden_dim":9,"n_layers":2,"n_heads":2,"max_position_embeddings":7}`, 41, 871, 2011, "78c783533c6215d2"},
	} {
		config, _, err := model.Parse("config.json", []byte(c.config), model.JSON)
		require.NoError(t, err, c.config)
		p, err := weightinit.Prepare(t.Context(), config, weightinit.Seed(42))
		require.NoError(t, err, c.config)
		require.EqualValues(t, c.tensors, p.Tensors().Len(), c.config)
		require.Equal(t, c.values, p.Elements(), c.config)
		words, known := p.Words()
		if known { // of a truncated normal only a run can tell
			require.Equal(t, c.words, words, c.config)
		}
		require.Equal(t, c.digest, digestOf(t, p), c.config)
	}
}

func digestOf(t *testing.T, p *weightinit.Plan) string {
	t.Helper()
	values := make(collected, p.Tensors().Len())
	order := make([]int, len(values))
	for i, tensor := range p.Tensors().All() {
		values[i], order[i] = make([]byte, tensor.Bytes()), i
	}
	require.NoError(t, fill.Run(t.Context(), p.Plan, values, fill.Options{}))
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p.Tensors().At(a).Name, p.Tensors().At(b).Name) })
	h := sha256.New()
	for _, i := range order {
		h.Write([]byte(p.Tensors().At(i).Name + "\x00"))
		h.Write(values[i])
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
