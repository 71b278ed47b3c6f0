package native

import (
	"slices"
	"sync"
)

// kind is the type that a field of a config takes. The types are exact: a
// number is no text, and an integer is written as digits.
type kind uint8

const (
	intKind   kind = iota + 1 // int64
	seedKind                  // -2^63 to 2^64-1
	floatKind                 // an integer or a float, finite in float32
	boolKind
	textKind
	listKind // any list; its items are not looked at
	mapKind  // rope_scaling
)

var kindNames = [...]string{
	intKind:   "a whole number written as digits",
	seedKind:  "a whole number written as digits",
	floatKind: "a finite number",
	boolKind:  "true or false",
	textKind:  "a text",
	listKind:  "a list",
	mapKind:   "an object",
}

// field is what a config file may say under one name.
type field struct {
	kind     kind
	nullable bool
	required bool
	// set stores a checked value that is not null; nil for fields that decide
	// nothing.
	set func(r *reading, v value)
	// clear stores null; nil where null is the same as leaving the field out.
	clear func(r *reading)
	// strict marks a field that decides nothing and of which the reference
	// refuses another type all the same.
	strict bool
}

// inert reports whether the reference takes any value of the field, and builds
// the same model: another type than the field's is a warning then.
func (f field) inert() bool { return f.set == nil && !f.strict }

// reading is a config while it is read: also what only the checks need.
type reading struct {
	Config
	architecture    string
	initWeights     bool
	useAttnScale    bool
	attnScale       float64
	attnScaleIsNull bool
	ropeScaling     *value
	rotaryDimIsZero bool
	warnings        []string
}

// The fields of TransformerBridgeConfig and TransformerLensConfig in releases
// 3.7.3 and 4.3.0, and of HookedTransformerConfig in 3.7.3, with their types
// there: boot_native takes the dicts of all three. scripts/reference/config_dump
// lists them; a test compares. To these come two attributes that to_dict writes
// and no constructor takes: split_attention_weights and rope_scaling. Null is
// refused where boot_native of both releases refuses it, and only there; where
// it takes null for a boolean, that is false.
var fields = map[string]field{
	"d_model":    {kind: intKind, required: true, set: func(r *reading, v value) { r.DModel = v.n }},
	"d_head":     {kind: intKind, required: true, set: func(r *reading, v value) { r.DHead = v.n }},
	"n_layers":   {kind: intKind, required: true, set: func(r *reading, v value) { r.NLayers = v.n }},
	"n_ctx":      {kind: intKind, required: true, set: func(r *reading, v value) { r.NCtx = v.n }},
	"n_heads":    {kind: intKind, required: true, set: func(r *reading, v value) { r.NHeads = v.n }},
	"d_vocab":    {kind: intKind, required: true, set: func(r *reading, v value) { r.DVocab = v.n }},
	"d_mlp":      {kind: intKind, nullable: true, set: func(r *reading, v value) { r.DMLP = v.n }},
	"act_fn":     {kind: textKind, nullable: true, set: func(r *reading, v value) { r.ActFn = v.text }, clear: func(r *reading) { r.ActFn = "" }},
	"attn_only":  {kind: boolKind, nullable: true, set: func(r *reading, v value) { r.AttnOnly = v.flag }, clear: func(r *reading) { r.AttnOnly = false }},
	"gated_mlp":  {kind: boolKind, nullable: true, set: func(r *reading, v value) { r.GatedMLP = v.flag }, clear: func(r *reading) { r.GatedMLP = false }},
	"final_rms":  {kind: boolKind, nullable: true, set: func(r *reading, v value) { r.FinalRMS = v.flag }, clear: func(r *reading) { r.FinalRMS = false }},
	"seed":       {kind: seedKind, nullable: true, set: func(r *reading, v value) { r.Seed = &v.seed }},
	"init_mode":  {kind: textKind, nullable: true, set: func(r *reading, v value) { r.InitMode = v.text }},
	"rotary_dim": {kind: intKind, nullable: true, set: func(r *reading, v value) { r.RotaryDim, r.rotaryDimIsZero = v.n, v.n == 0 }},

	"n_key_value_heads":         {kind: intKind, nullable: true, set: func(r *reading, v value) { r.NKeyValueHeads = v.n }},
	"d_vocab_out":               {kind: intKind, set: func(r *reading, v value) { r.DVocabOut = v.n }},
	"initializer_range":         {kind: floatKind, set: func(r *reading, v value) { r.InitializerRange = v.float }},
	"positional_embedding_type": {kind: textKind, nullable: true, set: func(r *reading, v value) { r.PositionalEmbeddingType = v.text }},
	"normalization_type": {kind: textKind, nullable: true, set: func(r *reading, v value) { r.setNormalization(v.text) },
		clear: func(r *reading) { r.NormalizationType = NormNone }},

	// Checked where the reference checks them, then dropped.
	"architecture":   {kind: textKind, nullable: true, set: func(r *reading, v value) { r.architecture = v.text }},
	"init_weights":   {kind: boolKind, nullable: true, set: func(r *reading, v value) { r.initWeights = v.flag }, clear: func(r *reading) { r.initWeights = false }},
	"use_attn_scale": {kind: boolKind, nullable: true, set: func(r *reading, v value) { r.useAttnScale = v.flag }, clear: func(r *reading) { r.useAttnScale = false }},
	"attn_scale": {kind: floatKind, nullable: true, set: func(r *reading, v value) { r.attnScale = v.float },
		clear: func(r *reading) { r.attnScaleIsNull = true }},
	"rotary_base":  {kind: floatKind, strict: true},
	"rope_scaling": {kind: mapKind, nullable: true, set: func(r *reading, v value) { r.ropeScaling = &v }},
	"dtype":        {kind: textKind, nullable: true},
	"device":       {kind: textKind, nullable: true},

	"NTK_by_parts_factor":                {kind: floatKind, nullable: true},
	"NTK_by_parts_high_freq_factor":      {kind: floatKind, nullable: true},
	"NTK_by_parts_low_freq_factor":       {kind: floatKind, nullable: true},
	"attention_dir":                      {kind: textKind, nullable: true},
	"attn_implementation":                {kind: textKind, nullable: true},
	"attn_scores_soft_cap":               {kind: floatKind, strict: true},
	"attn_types":                         {kind: listKind, nullable: true},
	"checkpoint_index":                   {kind: intKind, nullable: true},
	"checkpoint_label_type":              {kind: textKind, nullable: true},
	"checkpoint_value":                   {kind: intKind, nullable: true},
	"decoder_start_token_id":             {kind: intKind, nullable: true},
	"default_padding_side":               {kind: textKind, nullable: true},
	"default_prepend_bos":                {kind: boolKind, nullable: true},
	"eps":                                {kind: floatKind, nullable: true},
	"experts_per_token":                  {kind: intKind, nullable: true},
	"from_checkpoint":                    {kind: boolKind, nullable: true},
	"is_audio_model":                     {kind: boolKind, nullable: true},
	"is_multimodal":                      {kind: boolKind, nullable: true},
	"is_stateful":                        {kind: boolKind, nullable: true},
	"is_visual_model":                    {kind: boolKind, nullable: true},
	"layer_norm_folding":                 {kind: boolKind, nullable: true},
	"load_in_4bit":                       {kind: boolKind, nullable: true},
	"mm_tokens_per_image":                {kind: intKind, nullable: true},
	"model_name":                         {kind: textKind, nullable: true},
	"n_devices":                          {kind: intKind, nullable: true},
	"n_params":                           {kind: intKind, nullable: true},
	"num_experts":                        {kind: intKind, nullable: true},
	"original_architecture":              {kind: textKind, nullable: true},
	"output_logits_soft_cap":             {kind: floatKind, strict: true},
	"parallel_attn_mlp":                  {kind: boolKind, nullable: true},
	"per_layer_head_dim":                 {kind: listKind, nullable: true},
	"per_layer_num_key_value_heads":      {kind: listKind, nullable: true},
	"post_embedding_ln":                  {kind: boolKind, nullable: true},
	"qk_norm_after_rope":                 {kind: boolKind, nullable: true},
	"relative_attention_max_distance":    {kind: intKind, nullable: true},
	"relative_attention_num_buckets":     {kind: intKind, nullable: true},
	"rmsnorm_uses_offset":                {kind: boolKind, nullable: true},
	"rotary_adjacent_pairs":              {kind: boolKind, nullable: true},
	"rotary_interleaved_cos_sin":         {kind: boolKind, nullable: true},
	"scale_attn_by_inverse_layer_idx":    {kind: boolKind, nullable: true},
	"scale_embedding":                    {kind: boolKind, nullable: true},
	"split_attention_weights":            {kind: boolKind, nullable: true},
	"tie_word_embeddings":                {kind: boolKind, nullable: true},
	"tokenizer_appends_eos":              {kind: boolKind, nullable: true},
	"tokenizer_name":                     {kind: textKind, nullable: true},
	"tokenizer_prepends_bos":             {kind: boolKind, nullable: true},
	"trust_remote_code":                  {kind: boolKind, nullable: true},
	"ungroup_grouped_query_attention":    {kind: boolKind, nullable: true},
	"use_NTK_by_parts_rope":              {kind: boolKind, nullable: true},
	"use_attn_in":                        {kind: boolKind, nullable: true},
	"use_attn_result":                    {kind: boolKind, nullable: true},
	"use_hook_mlp_in":                    {kind: boolKind, nullable: true},
	"use_hook_tokens":                    {kind: boolKind, nullable: true},
	"use_local_attn":                     {kind: boolKind, nullable: true},
	"use_normalization_before_and_after": {kind: boolKind, nullable: true},
	"use_qk_norm":                        {kind: boolKind, nullable: true},
	"use_split_qkv_input":                {kind: boolKind, nullable: true},
	"uses_rms_norm":                      {kind: boolKind, nullable: true},
	"vision_hidden_size":                 {kind: intKind, nullable: true},
	"vision_num_heads":                   {kind: intKind, nullable: true},
	"vision_num_layers":                  {kind: intKind, nullable: true},
	"window_size":                        {kind: intKind, nullable: true},

	// Of HookedTransformerConfig only.
	"clip_qkv":                              {kind: floatKind, nullable: true},
	"norm_topk_prob":                        {kind: boolKind, nullable: true},
	"NTK_original_ctx_len":                  {kind: intKind, nullable: true},
	"quantization_method":                   {kind: textKind, nullable: true},
	"rotary_base_local":                     {kind: floatKind, nullable: true},
	"rotary_scaling_factor":                 {kind: floatKind, nullable: true},
	"train_seq_length":                      {kind: intKind, nullable: true},
	"use_attention_sinks":                   {kind: boolKind, nullable: true},
	"use_dynamic_ntk_rope":                  {kind: boolKind, nullable: true},
	"use_logn_attn":                         {kind: boolKind, nullable: true},
	"use_yarn_rope":                         {kind: boolKind, nullable: true},
	"yarn_attention_factor":                 {kind: floatKind, nullable: true},
	"yarn_beta_fast":                        {kind: floatKind, nullable: true},
	"yarn_beta_slow":                        {kind: floatKind, nullable: true},
	"yarn_factor":                           {kind: floatKind, nullable: true},
	"yarn_global_attn_only":                 {kind: boolKind, nullable: true},
	"yarn_original_max_position_embeddings": {kind: intKind, nullable: true},
	"yarn_truncate":                         {kind: boolKind, nullable: true},
}

// ropeFields are the keys of rope_scaling that the reference reads; it ignores
// all others.
var ropeFields = map[string]field{
	"type":                             {kind: textKind, nullable: true},
	"rope_type":                        {kind: textKind, nullable: true},
	"factor":                           {kind: floatKind},
	"low_freq_factor":                  {kind: floatKind},
	"high_freq_factor":                 {kind: floatKind},
	"original_max_position_embeddings": {kind: floatKind, nullable: true},
	"original_context_length":          {kind: floatKind, nullable: true},
}

// fieldNames lists the names of fields, sorted.
var fieldNames = sync.OnceValue(func() []string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
})
