"""Small configs of any transformers type: first guesses, to be shrunk and varied."""

import copy
import re

from transformers import CONFIG_MAPPING, PreTrainedConfig

SIZES = re.compile(
    r"(hidden|d_model|n_embd|embed|intermediate|ffn|d_ff|inner|mlp_dim|head_dim|d_kv|kv_channels|lora_rank|_rank$"
    r"|projection|_dim$|_dims$|^dim$|_sizes?$|width|n_inner|d_state|channels|units|d_|rotary_dim|_features"
    r"|expand_dim|neck|stem)"
)
NO_SIZES = re.compile(
    r"(vocab|patch|image|kernel|window|chunk|num_|^n_head|n_layer|max_|position|token|group_size|block_size|pool"
    r"|stride|sample|frame|ratio|mel|crop|context|length|size_per|num|grid|_act$|activation|dropout|prob|std|eps"
    r"|num_channels|in_channels|in_chans|dt_|hop|input_size|cond|duration|depth|codebook|bins|memory|bucket|pixel"
    r"|downs|ups|factor|resolution|size_divis|_idx|_index|layers?$)"
)
LAYERS = re.compile(
    r"(num_hidden_layers|num_layers|^n_layers?$|encoder_layers|decoder_layers|num_encoder_layers"
    r"|num_decoder_layers|_num_layers|num_blocks|num_hidden_groups$|_layers$|^depth$|_depth$|_n_layers?$)"
)
EXPERTS = re.compile(
    r"(num_experts$|num_local_experts|n_routed_experts|moe_num_experts|num_routed_experts|^num_experts)"
)
CHOSEN = re.compile(r"(experts_per_tok|moe_top_?k|moe_topk|num_selected)")
TOKENS = re.compile(r"(token_id|_token_index|_id$)")
HIDDEN = ("hidden_size", "d_model", "n_embd", "dim", "embed_dim", "word_embed_proj_dim", "embedding_size")
HEADS = re.compile(r"(num_attention_heads|n_head|n_heads|num_heads|(encoder|decoder)_attention_heads)")
INNER = re.compile(
    r"(intermediate_size|ffn_dim|d_ff|hidden_dim|(encoder|decoder)_ffn_dim|moe_intermediate_size"
    r"|shared_expert_intermediate_size|n_inner)"
)
VOCABULARY = 1003

# (odd sizes or a divisor of the default's sizes, number of layers)
GUESSES = [("odd", 2), ("odd", 3), (8, 2), (4, 2), (16, 2), (2, 2), (1, 2)]

# What a type needs beyond the guesses.
STARTS = {
    "esm": {"vocab_size": 33, "pad_token_id": 1, "mask_token_id": 32},
    "dots1": {"n_routed_experts": 4, "num_experts_per_tok": 2, "n_shared_experts": 1},
}

# Types whose default of the key and value heads, null, does not build.
NULL_GROUPS = ("hunyuan_v1_dense", "hunyuan_v1_moe", "nemotron", "ministral")

# Fields whose values cannot be guessed from name and type.
CHOICES = {"feed_forward_proj": ["relu", "gated-gelu", "gated-silu"]}


def make(model_type, guess):
    """A config of the type by one guess; raises where its class refuses it."""
    scale, layers = guess
    cls = CONFIG_MAPPING[model_type]
    default = cls()
    if scale == "odd":
        return cls(**odd(default, layers))
    changes = smaller(default, scale, layers)
    if getattr(default, "head_dim", 1) is None and hasattr(default, "hidden_size"):
        changes["head_dim"] = changes.get("hidden_size", default.hidden_size) // default.num_attention_heads
    if model_type in NULL_GROUPS and getattr(default, "num_key_value_heads", 1) is None:
        changes["num_key_value_heads"] = default.num_attention_heads
    if model_type == "nemotron":
        changes["head_dim"] = changes.get("hidden_size", default.hidden_size) // default.num_attention_heads
    if model_type.startswith("lfm2"):
        changes["layer_types"] = ["conv", "full_attention"] + ["conv"] * max(0, layers - 2)
    return cls(**changes)


def smaller(config, scale, layers):
    """The fields to change for a config that is scale times smaller."""
    changes = {}
    before = [v for k, v in config.__dict__.items() if LAYERS.search(k) and plain_int(v)]
    before = next((v for v in before if v), None)
    for key, value in config.__dict__.items():
        if key.startswith("_") or key == "transformers_version" or isinstance(value, bool) or value is None:
            continue
        if isinstance(value, PreTrainedConfig):
            inner = smaller(value, scale, layers)
            if inner:
                changes[key] = dict(inner, **nested_type(value))
        elif isinstance(value, int):
            new = smaller_int(key, value, scale, layers)
            if new != value:
                changes[key] = new
        elif isinstance(value, (list, tuple)) and value:
            new = smaller_list(key, list(value), scale, layers, before)
            if new != list(value):
                changes[key] = type(value)(new)
        elif isinstance(value, dict) and scale > 1:
            new = smaller_sections(value, scale)
            if new != value:
                changes[key] = new
    return changes


def plain_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def nested_type(config):
    return {"model_type": config.model_type} if getattr(config, "model_type", "") else {}


def sized(key):
    return SIZES.search(key) and not NO_SIZES.search(key)


def smaller_int(key, value, scale, layers):
    if EXPERTS.search(key) and "per_tok" not in key and value > 4:
        return 4
    if CHOSEN.search(key) and value > 2:
        return 2
    if key in ("n_group", "topk_group"):
        return min(value, 1)
    if "vocab_size" in key and value > VOCABULARY and "type" not in key:
        return VOCABULARY
    if TOKENS.search(key) and value >= VOCABULARY:
        return VOCABULARY - 1
    if LAYERS.search(key) and layers < value < 300 and "mlp" not in key:
        return layers
    if scale > 1 and sized(key) and value >= 32 and value % scale == 0:
        return value // scale
    return value


def smaller_list(key, value, scale, layers, before):
    if all(plain_int(x) for x in value):
        if re.search(r"(depths|layers_per_stage|num_layers)$", key):
            return [min(x, 2) for x in value]
        if scale > 1 and sized(key) and all(x % scale == 0 and x >= 16 for x in value):
            return [x // scale for x in value]
        if "token_id" in key:
            return [min(x, VOCABULARY - 1) for x in value]
    elif before and len(value) == before > layers:
        return value[:layers]
    return value


def smaller_sections(value, scale):
    new = copy.deepcopy(value)
    for key, entries in new.items():
        if isinstance(entries, (list, tuple)) and "section" in key:
            if all(plain_int(x) and x % scale == 0 for x in entries):
                new[key] = [x // scale for x in entries]
    return new


def odd(config, layers):
    """Sizes that are no multiples of 16."""
    changes = smaller(config, 1, layers)
    for key, value in config.__dict__.items():
        if isinstance(value, PreTrainedConfig):
            changes[key] = dict(odd(value, layers), **nested_type(value))
            continue
        if isinstance(value, bool) or not (isinstance(value, int) or value is None):
            continue
        if key in HIDDEN:
            changes[key] = 42
        elif HEADS.fullmatch(key):
            changes[key] = 3
        elif key in ("num_key_value_heads", "n_head_kv", "num_kv_heads") and value is not None:
            changes[key] = 1
        elif key in ("head_dim", "d_kv", "rotary_dim"):
            changes[key] = 14
        elif INNER.fullmatch(key) and value is not None:
            changes[key] = 53
        elif key in ("max_position_embeddings", "n_positions", "n_ctx"):
            changes[key] = 37
    return changes
