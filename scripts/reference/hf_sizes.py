"""Configs of real size for transformers: what scripts/bench-torch times and
hf_real compares. Named after what they are, or are like."""

# TinyLlama/TinyLlama-1.1B-Chat-v1.0
TINYLLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 32000, "hidden_size": 2048, "intermediate_size": 5632,
    "num_hidden_layers": 22, "num_attention_heads": 32, "num_key_value_heads": 4, "max_position_embeddings": 2048, "rms_norm_eps": 1e-05,
    "tie_word_embeddings": False, "dtype": "bfloat16",
}

# Mixtral's shape, 8 experts with matrices of 1 to 3.5, made small: 1.0 G values.
MIXTRAL = {
    "model_type": "mixtral", "architectures": ["MixtralForCausalLM"], "vocab_size": 32000, "hidden_size": 1024, "intermediate_size": 3584,
    "num_hidden_layers": 11, "num_attention_heads": 16, "num_key_value_heads": 4, "num_local_experts": 8, "num_experts_per_tok": 2,
    "max_position_embeddings": 32768, "dtype": "float32",
}

# google-bert/bert-base-uncased
BERT = {
    "model_type": "bert", "architectures": ["BertForMaskedLM"], "vocab_size": 30522, "hidden_size": 768, "intermediate_size": 3072,
    "num_hidden_layers": 12, "num_attention_heads": 12, "max_position_embeddings": 512, "type_vocab_size": 2, "pad_token_id": 0,
}

# google/vit-base-patch16-224
VIT = {
    "model_type": "vit", "architectures": ["ViTForImageClassification"], "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
    "num_attention_heads": 12, "image_size": 224, "patch_size": 16, "num_channels": 3, "num_labels": 1000, "qkv_bias": True,
}

# meta-llama/Meta-Llama-3-70B
LLAMA_70B = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 128256, "hidden_size": 8192, "intermediate_size": 28672,
    "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8, "max_position_embeddings": 8192, "rms_norm_eps": 1e-05,
    "rope_theta": 500000.0, "tie_word_embeddings": False, "dtype": "bfloat16",
}

# deepseek-ai/DeepSeek-V3
DEEPSEEK_V3 = {
    "model_type": "deepseek_v3", "architectures": ["DeepseekV3ForCausalLM"], "vocab_size": 129280, "hidden_size": 7168, "intermediate_size": 18432,
    "moe_intermediate_size": 2048, "num_hidden_layers": 61, "first_k_dense_replace": 3, "num_attention_heads": 128, "num_key_value_heads": 128,
    "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8, "n_group": 8, "topk_group": 4, "q_lora_rank": 1536,
    "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "max_position_embeddings": 163840,
    "tie_word_embeddings": False, "dtype": "bfloat16",
}

# What hf_real runs: one a mechanism, none below 10^9 values.
REAL = {
    "dense": TINYLLAMA,
    "moe": MIXTRAL,
    # BERT as wide as it takes in few layers.
    "bert": {**BERT, "hidden_size": 4096, "intermediate_size": 16384, "num_hidden_layers": 5, "num_attention_heads": 64, "dtype": "float32"},
    # google-t5/t5-3b
    "t5": {
        "model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "vocab_size": 32128, "d_model": 1024, "d_kv": 128, "d_ff": 16384,
        "num_layers": 24, "num_decoder_layers": 24, "num_heads": 32, "relative_attention_num_buckets": 32, "dtype": "bfloat16",
    },
    # The ViT-giant of "Scaling Vision Transformers", without its heads' dropout.
    "vit": {**VIT, "hidden_size": 1664, "intermediate_size": 8192, "num_hidden_layers": 48, "num_attention_heads": 16, "patch_size": 14, "dtype": "float32"},
}
