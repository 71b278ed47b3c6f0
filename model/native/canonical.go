package native

import (
	"bytes"
	"encoding/json"
)

// Canonical returns the config as one line of JSON: every field that
// decides about the parameters or about what is accepted, defaults resolved,
// names sorted, nothing else. Two configs have the same text exactly when their
// [Config.Normalized] forms are equal, and [Parse] of the text gives that form
// again, without a warning unless the config itself deserves one. A config that
// is not sound gives null.
func (c *Config) Canonical() []byte {
	n, err := c.Normalized()
	if err != nil {
		return []byte("null")
	}
	rotaryDim, seed := "null", "null"
	if n.PositionalEmbeddingType == PosRotary {
		rotaryDim = integer(n.RotaryDim)
	}
	if n.Seed != nil {
		seed = n.Seed.String()
	}
	var b bytes.Buffer
	for i, m := range []struct{ name, value string }{
		{"act_fn", text(n.ActFn)},
		{"architecture", text(NativeArchitecture)},
		{"attn_only", flag(n.AttnOnly)},
		{"d_head", integer(n.DHead)},
		{"d_mlp", integer(n.DMLP)},
		{"d_model", integer(n.DModel)},
		{"d_vocab", integer(n.DVocab)},
		{"d_vocab_out", integer(n.DVocabOut)},
		{"final_rms", flag(n.FinalRMS)},
		{"gated_mlp", flag(n.GatedMLP)},
		{"init_mode", text(n.InitMode)},
		{"initializer_range", float(n.InitializerRange)},
		{"n_ctx", integer(n.NCtx)},
		{"n_heads", integer(n.NHeads)},
		{"n_key_value_heads", integer(n.NKeyValueHeads)},
		{"n_layers", integer(n.NLayers)},
		{"normalization_type", textOrNull(n.NormalizationType)},
		{"positional_embedding_type", text(n.PositionalEmbeddingType)},
		{"rotary_dim", rotaryDim},
		{"seed", seed},
	} {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(text(m.name) + ":" + m.value)
	}
	return []byte("{" + b.String() + "}")
}

// text returns s as a JSON string. Invalid UTF-8, which no file gives, becomes
// the replacement character.
func text(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes, and a buffer takes it
	return string(bytes.TrimSuffix(b.Bytes(), []byte{'\n'}))
}

func textOrNull(s string) string {
	if s == "" {
		return "null"
	}
	return text(s)
}

func flag(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
