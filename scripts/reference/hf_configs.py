"""Random small configs of a Hugging Face family, from the fields of its leaf table."""

import re

WIDE = re.compile(r"(hidden_size|d_model|n_embd|^dim$|embedding_size|embed_dim|word_embed_proj_dim)$")
HEADS = re.compile(r"(attention_heads|^n_heads?$|num_heads|_heads$|head_num)")
KV = re.compile(r"(key_value_heads|kv_heads)")
LAYERS = re.compile(r"(num_hidden_layers|num_layers|^n_layers?$|encoder_layers|decoder_layers|num_decoder_layers)$")


def integer(name, field, rng, made):
    """A small value of an integer field."""
    if KV.search(name):
        heads = next((v for k, v in made.items() if HEADS.search(k) and not KV.search(k) and isinstance(v, int)), 2)
        return rng.choice([n for n in (1, 2, 3, 4, 6, heads) if heads % n == 0] + [1])
    if HEADS.search(name):
        return rng.choice([1, 2, 3, 4])
    if LAYERS.search(name):
        return rng.choice([1, 2, 2, 3])
    if WIDE.search(name):
        heads = next((v for k, v in made.items() if HEADS.search(k) and isinstance(v, int)), 1)
        return rng.choice([12, 24, 36, 48, rng.randrange(2, 9) * heads, rng.randrange(2, 9) * 2 * heads])
    if name.endswith("token_id"):
        return rng.choice([0, 1, 3, 7, -1])
    if name == "vocab_size":
        return rng.choice([19, 32, 41, 64])
    if re.search(r"head_dim|d_kv|rotary_dim|_head_dim|kv_channels", name):
        return rng.choice([2, 4, 6, 8, 14])
    if re.search(r"experts_per_tok|topk|top_k|n_group|num_selected", name):
        return 1
    if re.search(r"experts", name):
        return rng.choice([2, 4])
    if re.search(r"first_k|interval|step|every|period|offset|frequency", name):
        return rng.choice([1, 2])
    if re.search(r"image_size", name):
        return rng.choice([8, 12, 16])
    if re.search(r"patch|kernel|stride|conv", name):
        return rng.choice([2, 4])
    if re.search(r"channels|labels", name):
        return rng.choice([1, 3, 4])
    if re.search(r"group", name):
        return rng.choice([1, 2])
    if re.search(r"type_vocab|buckets", name):
        return rng.choice([1, 2, 3, 8])
    return rng.choice([3, 5, 7, 8, 12, 16, 21, 32])


def listed(name, field, rng, made, layers):
    if "values" in field:
        return [rng.choice(field["values"]) for _ in range(layers)]
    default = field.get("default")
    count = layers if rng.random() < 0.9 else layers + 1
    if re.search(r"only_layers|moe_layers|_layers$", name):
        return sorted(rng.sample(range(layers), rng.randrange(layers + 1)))
    if isinstance(default, list) and all(isinstance(v, int) for v in default):
        return [rng.choice([4, 8, 12]) for _ in (default if len(default) < 8 else range(count))]
    return [rng.randrange(2) for _ in range(count)]


def value(name, field, rng, made):
    kind, default = field.get("type"), field.get("default")
    layers = next((v for k, v in made.items() if LAYERS.search(k) and isinstance(v, int)), 2)
    if kind == "bool":
        return rng.random() < 0.5
    if kind in ("float", "number"):
        return rng.choice([0.02, 0.1, 0.0, 0.5, 1.0, 0.013])
    if name == "architectures":
        return ["DeiTForImageClassification"]
    if name == "attention_types":
        return [[["global"], layers]] if layers % 2 or rng.random() < 0.5 else [[["global", "local"], layers // 2]]
    if name == "feed_forward_proj":
        return rng.choice(["relu", "gated-gelu", "gated-silu"])
    if kind == "str":
        return rng.choice(field.get("values") or [default])
    if kind == "list":
        return listed(name, field, rng, made, layers)
    if kind == "int or list" and rng.random() < 0.5:
        v = integer(name, field, rng, made)
        return [v, rng.choice([v, 2 * v])]
    if kind in ("int", "int or list", None):
        return integer(name, field, rng, made)
    return default


ORDER = [HEADS, LAYERS, WIDE]


def rank(name):
    if HEADS.search(name) and not KV.search(name):
        return 0
    if LAYERS.search(name):
        return 1
    return 2 if WIDE.search(name) else 3


def small(spec, rng):
    """A config with every size small, other fields at times absent or null."""
    made = {}
    for name in sorted(spec["fields"], key=lambda n: (rank(n), n == "num_hidden_layers" and "num_layers" in spec["fields"], n)):
        field = spec["fields"][name]
        size = field.get("type") in ("int", "int or list", "list", None) and not name.endswith("token_id")
        roll = rng.random()
        if name == "num_hidden_layers" and "num_layers" in spec["fields"]:
            if roll < 0.7 or "num_layers" not in made:
                continue
            made["num_hidden_layers"] = made.pop("num_layers")
            continue
        if "expr" in str(field.get("given")) or name == "n_embed" and roll < 0.8 or name == "is_gated_act":
            continue
        if field.get("null") != "refused" and roll < (0.1 if size else 0.15):
            if name not in ("head_dim",) or roll < 0.05:
                made[name] = None
            continue
        if roll > (0.97 if size else 0.75) and not isinstance(field.get("default"), int):
            continue
        made[name] = value(name, field, rng, made)
        if name == "hidden_sizes" and isinstance(made.get("depths"), list):  # of the same stages
            made["num_stages"] = len(made["depths"])
    if spec["model_type"] == "squeezebert" and "hidden_size" in made:
        made["embedding_size"] = made["hidden_size"]
    if rng.random() < 0.3:
        for other, name in spec.get("aliases", {}).items():
            if name in made and rng.random() < 0.5:
                made[other] = made.pop(name)
    if rng.random() < 0.5:
        made["dtype" if rng.random() < 0.7 else "torch_dtype"] = rng.choice(["float32", "bfloat16", "bfloat16", "float16"])
    return {"model_type": spec["model_type"], **made}
