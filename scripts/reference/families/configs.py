"""Random valid configs of a family, and what transformers builds from them."""

import copy
import dataclasses
import hashlib
import inspect
import json
import math
import re
import sys
import time
import typing

import transformers
from transformers import CONFIG_MAPPING, PreTrainedConfig
from transformers.models.auto import modeling_auto

import tiny
from tracing import Refused, trace

MAPS = {
    "causal": ("AutoModelForCausalLM", "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"),
    "masked": ("AutoModelForMaskedLM", "MODEL_FOR_MASKED_LM_MAPPING_NAMES"),
    "seq2seq": ("AutoModelForSeq2SeqLM", "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES"),
    "image": ("AutoModelForImageClassification", "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES"),
    "speech": ("AutoModelForSpeechSeq2Seq", "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES"),
    "ctc": ("AutoModelForCTC", "MODEL_FOR_CTC_MAPPING_NAMES"),
    "pretrain": ("AutoModelForPreTraining", "MODEL_FOR_PRETRAINING_MAPPING_NAMES"),
    "base": ("AutoModel", "MODEL_MAPPING_NAMES"),
}
MAP_OF = {auto: name for name, (auto, _) in MAPS.items()}

HEADS = re.compile(r"(num_.*heads|^n_heads?$|attention_heads|num_heads|n_head_kv)")
KEY_VALUE = re.compile(r"(key_value_heads|kv_heads|n_head_kv)")
HIDDEN = re.compile(
    r"^(hidden_size|d_model|n_embd|dim|embed_dim|emb_dim|embedding_size|hidden_dim|decoder_hidden_size"
    r"|word_embed_proj_dim|encoder_hidden_size)$"
)
INDEX_LIST = re.compile(r"layers|pattern|idx|indices|index")
TOKEN = re.compile(r"(token_id|_token_index)$")
ACTIVATION = re.compile(
    r"(hidden_act|_act$|activation_function|hidden_activation|^act|activation$|projection_hidden_act|act_fn|^afn$)"
)
SKIPPED = re.compile(
    r"^(id2label|label2id|architectures|dtype|torch_dtype|transformers_version|task_specific_params|problem_type"
    r"|output_hidden_states|output_attentions|return_dict|name_or_path|_.*|quantization_config|tokenizer_class"
    r"|per_layer_config|is_heterogeneous|chunk_size_feed_forward|num_labels|out_features|out_indices)$"
)
# Fields of the base class that a model may read.
SHARED = (
    "tie_word_embeddings",
    "pad_token_id",
    "is_decoder",
    "is_encoder_decoder",
    "add_cross_attention",
    "bos_token_id",
    "eos_token_id",
)
# Read in a config's constructor, but of no effect on a weight.
UNREAD = ("partial_rotary_factor", "type")
WIDTHS = [6, 8, 10, 12, 16, 18, 20, 24, 30, 36, 40, 42, 48]
INNER = [3, 5, 7, 8, 9, 11, 12, 13, 16, 17, 19, 20, 22, 24]
BIG = 400_000  # Values of a sample; bigger ones are left out.
SKIP, DROP = "__skip__", "__drop__"


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def text(value):
    return json.dumps(value, sort_keys=True, default=str)


def type_text(annotation):
    if isinstance(annotation, str):
        return annotation
    if typing.get_args(annotation):
        return str(annotation).replace("typing.", "")
    return getattr(annotation, "__name__", str(annotation)).replace("NoneType", "None")


def model_name(map_name, model_type):
    names = getattr(modeling_auto, MAPS[map_name][1])
    if model_type not in names:
        raise KeyError(f'"{model_type}" is not in {MAPS[map_name][0]}')
    name = names[model_type]
    return name if isinstance(name, str) else name[0]


class Space:
    """The configs of one family: its fields, and walks through valid values."""

    def __init__(self, map_name, model_type):
        self.map, self.type = map_name, model_type
        self.auto = getattr(transformers, MAPS[map_name][0])
        self.name = model_name(map_name, model_type)
        self.model = getattr(transformers, self.name)
        self.config_class = CONFIG_MAPPING[model_type]
        self.aliases = dict(getattr(self.config_class, "attribute_map", {}) or {})
        self.default = self.config_class()
        self.fields = {}
        self.declared_fields()
        self.hidden_fields()
        if map_name == "image":
            self.fields["num_labels"] = {"ann": "int", "default": 2, "declared": False}
        self.words = {}
        for name in self.fields:
            value = self.default.__dict__.get(name)
            if isinstance(value, (list, tuple)) and value and all(isinstance(x, str) for x in value):
                self.words[name] = sorted(set(value))
        self.seen = {name: set() for name in self.fields}
        self.error = None
        self.rejected = []

    def declared_fields(self):
        base = {field.name for field in dataclasses.fields(PreTrainedConfig)}
        own = self.config_class.__dict__.get("__annotations__", {})
        for field in dataclasses.fields(self.config_class):
            name = field.name
            if SKIPPED.search(name) or (name in base and name not in SHARED and name not in own):
                continue
            value = field.default
            if value is dataclasses.MISSING:
                made = field.default_factory is not dataclasses.MISSING
                value = field.default_factory() if made else None
            self.fields[name] = {"ann": type_text(field.type), "default": value, "declared": True}

    def hidden_fields(self):
        """Keys that the config's constructor takes without declaring them."""
        try:
            source = inspect.getsource(self.config_class)
        except OSError:
            return
        for name in re.findall(r'kwargs\.(?:pop|get|setdefault)\(\s*"(\w+)"', source):
            if name in self.fields or name in self.aliases or name in UNREAD or "rope" in name:
                continue
            if SKIPPED.search(name):
                continue
            found = re.search(r'kwargs\.(?:pop|get|setdefault)\(\s*"%s",\s*([^)]+?)\)' % name, source)
            try:
                value = eval(found.group(1)) if found else None
            except (NameError, SyntaxError, AttributeError):
                value = None
            self.fields[name] = {"ann": f"hidden {type(value).__name__}", "default": value, "declared": False}

    def add_hidden(self, name):
        """A key that model code asks for without the config class declaring it."""
        self.fields[name] = {"ann": "hidden", "default": None, "declared": False}
        self.seen[name] = set()

    def config(self, kw):
        """The config object; None if its class refuses it."""
        try:
            return self.config_class.from_dict(dict(copy.deepcopy(kw), model_type=self.type))
        except Exception as err:
            self.error = err
            return None

    def build(self, kw, dtype=None, file=True):
        """The recorded construction; None if from_config refuses the config."""
        config = self.config(kw)
        if config is None:
            self.reject(kw)
            return None
        try:
            recorded = trace(self.model, config, dtype, file)
        except Refused as err:
            self.error = err
            return None
        except Exception as err:
            self.error = err
            self.reject(kw)
            return None
        if any(0 in final["shape"] for final in recorded["finals"].values()):
            self.error = ValueError("an empty tensor")
            return None
        return Sample(self, kw, config, recorded, dtype)

    def reject(self, kw):
        message = f"{type(self.error).__name__}: {str(self.error)[:300]}"
        self.rejected.append((copy.deepcopy(kw), message))

    # The first config.

    def start(self):
        """A small valid config, to walk from."""
        for guess in tiny.GUESSES:
            try:
                config = tiny.make(self.type, guess)
            except Exception as err:
                self.error = err
                continue
            kw = self.changed(config)
            small = {
                name: value for name, value in kw.items() if name != "vocab_size" and not TOKEN.search(name)
            }
            for attempt in (kw, small):
                sample = self.build(attempt)
                if sample:
                    self.first = self.shrink(sample)
                    return self.first
        return None

    def changed(self, config):
        """The fields in which a config is not the default."""
        kw = {}
        for name in self.fields:
            if name not in config.__dict__:
                continue
            value, default = config.__dict__[name], self.default.__dict__.get(name)
            if isinstance(value, (PreTrainedConfig, dict)):
                continue
            if isinstance(value, (list, tuple)):
                if value != default or name in self.words:
                    kw[name] = list(value)
            elif value != default or (is_int(value) and tiny.LAYERS.search(name)):
                kw[name] = value
        vocabulary = self.fields.get("vocab_size")
        if vocabulary:
            kw["vocab_size"] = 41 if is_int(vocabulary["default"]) else vocabulary["default"]
        for name in self.fields:
            if TOKEN.search(name) and isinstance(config.__dict__.get(name), int):
                kw[name] = min(config.__dict__[name], 7)
        kw.update(tiny.STARTS.get(self.type, {}))
        return kw

    def shrink(self, sample, seconds=12):
        """A smaller neighbour, one field after another."""
        until = time.time() + seconds
        for _ in range(2):
            if sample.cost() < 60_000:
                break
            for name in self.fields:
                if time.time() > until:
                    return sample
                for value in self.smaller(name, sample.fields.get(name)):
                    other = self.build(dict(sample.kw, **{name: value}))
                    if other is not None:
                        if other.cost() < sample.cost():
                            sample = other
                        break
        return sample

    def smaller(self, name, value):
        if isinstance(value, list) and value and all(is_int(x) for x in value) and max(value) > 24:
            return [[max(4, x // 8) for x in value], [max(8, x // 4) for x in value]]
        if not is_int(value) or value <= 24 or TOKEN.search(name):
            return []
        return [8, 12, 16, 24, max(8, value // 4)]

    # One field's values.

    def value(self, name, kw, rng):
        """A new value for a field, SKIP, or DROP for none."""
        field = self.fields[name]
        ann, default = field["ann"], field["default"]
        current = kw.get(name, self.default.__dict__.get(name, default))
        usual = default if default is not None else current
        if TOKEN.search(name) and name != "pad_token_id" and not isinstance(usual, (list, tuple)):
            return rng.choice([None, 0, 1, 2, 5] if "None" in ann or default is None else [0, 1, 2, 5])
        if ("None" in ann or (not field["declared"] and default is None)) and rng.random() < 0.25:
            return None
        if name in tiny.CHOICES:
            return rng.choice(tiny.CHOICES[name])
        if self.is_words(name, usual):
            return self.words_value(name, current, usual, kw, rng)
        if self.is_list(ann, default, current):
            return self.list_value(name, current, kw, rng)
        if isinstance(usual, bool) or ann.startswith("bool") or "hidden bool" in ann:
            return rng.random() < 0.5
        if "dict" in ann.lower() or isinstance(usual, dict) or "RopeParameters" in ann:
            return self.rope_value(name, ann, rng)
        if isinstance(usual, str) or ann.startswith("str") or "Literal" in ann:
            return self.word_value(name, ann, usual, rng)
        if (
            isinstance(usual, float)
            or (ann.startswith("float") and not is_int(usual))
            or "hidden float" in ann
        ):
            return self.float_value(name, usual, rng)
        sized = re.search(r"dim|size|num|head|layer|rank", name)
        if ann == "hidden NoneType" and not sized:
            return rng.choice([None, 1, 2, 0.5, 10000])
        if is_int(usual) or "int" in ann or (usual is None and sized):
            return self.int_value(name, kw, rng, usual)
        return SKIP

    def is_words(self, name, usual):
        plain = isinstance(usual, (list, tuple)) and usual and all(isinstance(x, str) for x in usual)
        return name in self.words or plain

    def words_value(self, name, current, usual, kw, rng):
        size = len(current) if isinstance(current, (list, tuple)) else self.layers(kw) or 2
        if self.fields[name]["default"] is None and rng.random() < 0.3:
            return DROP
        pool = self.words.get(name) or sorted(set(usual))
        return [rng.choice(pool) for _ in range(size)]

    def is_list(self, ann, default, current):
        if (
            "list" not in ann
            or is_int(current)
            or not (default is None or isinstance(default, (list, tuple)))
        ):
            return False
        return "int" in ann or "Any" in ann or ann.strip() in ("list", "list | None") or "bool" in ann

    def list_value(self, name, current, kw, rng):
        listed = isinstance(current, (list, tuple)) and len(current) > 0
        if INDEX_LIST.search(name) and not (listed and name.startswith(("num_", "depth"))):
            layers = self.layers(kw) or 3
            return sorted(x for x in range(layers) if rng.random() < 0.4)
        if listed and all(isinstance(x, bool) for x in current):
            return [rng.random() < 0.5 for _ in current]
        if not listed or not all(is_int(x) for x in current):
            return SKIP
        small = max(current) <= 8
        if rng.random() < 0.3:
            return [rng.randint(1, 3) if small else rng.choice([4, 8, 12, 16, 24]) for _ in current]
        value = list(current)
        value[rng.randrange(len(value))] = (
            rng.randint(1, 4) if small else rng.choice([4, 6, 8, 10, 12, 16, 20, 24])
        )
        return value

    def rope_value(self, name, ann, rng):
        if "rope" not in name or "RopeParameters" not in ann:
            return SKIP
        plain = {"rope_type": "default", "rope_theta": rng.choice([10000.0, 5e5])}
        return rng.choice([DROP, plain, {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}])

    def word_value(self, name, ann, usual, rng):
        if ACTIVATION.search(name) and "Literal" not in ann:
            return rng.choice(["gelu", "relu", "silu", "gelu_new"])
        literals = re.findall(r"'([\w-]+)'|\"([\w-]+)\"", ann)
        if literals:
            return rng.choice([a or b for a, b in literals])
        options = self.options(name)
        if not options:
            return SKIP
        return rng.choice(sorted(options | ({usual} if isinstance(usual, str) else set())))

    def options(self, name):
        """The words that the code compares the field with."""
        source = self.source()
        found = set(re.findall(r'%s\s*(?:==|!=)\s*"([^"]+)"' % name, source))
        for group in re.findall(r"%s\s*(?:not )?in\s*[\[(]([^\])]+)[\])]" % name, source):
            found |= set(re.findall(r'"([^"]+)"', group))
        return found

    def source(self):
        if not hasattr(self, "_source"):
            try:
                modules = (self.model.__module__, self.config_class.__module__)
                self._source = "".join(inspect.getsource(sys.modules[m]) for m in modules)
            except OSError:
                self._source = ""
        return self._source

    def float_value(self, name, usual, rng):
        if re.search(r"(init|std|range)", name):
            zero = name == "initializer_range" and rng.random() >= 0.92
            return 0.0 if zero else rng.choice([0.02, 0.01, 0.05, 0.013, 0.3, 0.125])
        if re.search(r"drop|prob", name):
            return rng.choice([0.0, 0.1, 0.25])
        if "eps" in name:
            return rng.choice([1e-5, 1e-6, 1e-12])
        if re.search(r"ratio|factor|mult|expan", name):
            return rng.choice([0.5, 1.0, 1.5, 2.0, 4.0, float(usual or 1)])
        return rng.choice([0.1, 0.5, 1.0, 2.0, float(usual or 1)])

    def heads(self, kw):
        found = [kw.get(name, self.default.__dict__.get(name)) for name in self.fields if HEADS.search(name)]
        return [x for x in found if is_int(x) and 0 < x < 40] or [1]

    def layers(self, kw):
        for name in self.fields:
            if tiny.LAYERS.search(name) and is_int(kw.get(name)):
                return kw[name]
        return None

    def int_value(self, name, kw, rng, usual):
        """An integer, by what the name says it is."""
        vocabulary = kw.get("vocab_size", getattr(self.default, "vocab_size", 30))
        vocabulary = vocabulary if is_int(vocabulary) else 30
        if TOKEN.search(name) or name in ("pad_index", "padding_idx"):
            negative = name == "pad_token_id" and rng.random() >= 0.9
            return -rng.randint(1, 3) if negative else rng.randrange(0, min(vocabulary, 9))
        if re.search(r"type_vocab", name):
            return rng.randint(1, 4)
        if re.search(r"vocab", name):
            return rng.randint(17, 60)
        if tiny.LAYERS.search(name):
            return rng.randint(1, 3) if rng.random() < 0.9 else rng.randint(4, 6)
        if "expert" in name:
            return rng.randint(1, 5)
        if KEY_VALUE.search(name):
            return rng.choice([1, 1, 2, 3, 2])
        if HEADS.search(name):
            return rng.choice([1, 2, 3, 4, 6])
        if re.search(r"(head_dim|d_kv|rotary_dim|kv_channels|head_size)", name):
            return rng.choice([2, 4, 6, 8, 10, 14])
        if HIDDEN.search(name):
            return self.width(kw, rng)
        if "image_size" in name:
            patch = kw.get("patch_size", getattr(self.default, "patch_size", 4))
            return (patch if is_int(patch) else 4) * rng.randint(1, 4)
        for pattern, choices in (
            (r"patch", [2, 4, 8]),
            (r"(num_channels|in_chans|in_channels)", [1, 3, 4]),
            (r"kernel|d_conv|conv_width", [1, 2, 3, 4, 5, 7]),
            (r"(max_.*position|n_positions|n_ctx|max_seq)", range(5, 41)),
            (r"(intermediate|ffn|d_ff|inner|mlp_dim|mlp_hidden)", INNER),
            (r"rank", range(2, 9)),
            (r"num_labels", range(1, 7)),
            (r"freq|interval|every|period", range(1, 5)),
        ):
            if re.search(pattern, name):
                return rng.choice(choices)
        start = usual if is_int(usual) else 8
        if start > 16:
            return rng.choice([4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32])
        if is_int(usual) and rng.random() < 0.25:
            return start
        return rng.randint(1, max(4, start + 2)) if rng.random() < 0.9 else 0

    def width(self, kw, rng):
        """A hidden size, mostly one that the heads divide."""
        heads = self.heads(kw)
        unit = math.lcm(*heads) if len(heads) < 5 else max(heads)
        if rng.random() < 0.75 and unit <= 24:
            return unit * rng.choice([x for x in (2, 4, 6, 8, 10, 12) if unit * x <= 72] or [2])
        return rng.choice(WIDTHS)

    # Walks.

    def pairs(self, samples, rng, bases, tries=4):
        """Samples that differ in one field, with the field (None if others followed it)."""
        out, deciding = [], set()
        chosen = rng.sample(samples[-len(samples) // 2 :], min(bases, len(samples)))
        for k, base in enumerate(chosen):
            for name in self.fields:
                done = 0
                for _ in range(tries if k == 0 or name in deciding else 2):
                    kw = self.mutate(base.kw, [name], rng)
                    changed = [m for m in self.fields if text(kw.get(m, "-")) != text(base.kw.get(m, "-"))]
                    if not changed:
                        continue
                    other = self.build(kw, None if base.dtype == "float32" else base.dtype, file=False)
                    if other is None or other.cost() > BIG:
                        continue
                    alone = changed == [name]
                    out.append((base, other, name if alone else None))
                    done += 1
                    if alone and other.signature() != base.signature():
                        deciding.add(name)
                    if done >= (2 if name in deciding or k == 0 else 1):
                        break
        return out

    def mutate(self, kw, names, rng):
        """The config with new values in some fields, and what must follow them."""
        kw = copy.deepcopy(kw)
        for name in names:
            value = self.value(name, kw, rng)
            if value == SKIP:
                continue
            undeclared = value is None and not self.fields[name]["declared"] and rng.random() < 0.8
            if value == DROP or undeclared:
                kw.pop(name, None)
                continue
            old = kw.get(name)
            kw[name] = value
            if tiny.LAYERS.search(name) and is_int(value) and is_int(old) and value != old:
                self.resize_lists(kw, name, old, value, rng)
            if HEADS.search(name) and is_int(value) and value and rng.random() < 0.8:
                self.fit_heads(kw, name, value, rng)
            if HIDDEN.search(name) and is_int(value) and rng.random() < 0.5:
                self.follow(kw, name, old, value)
        return kw

    def resize_lists(self, kw, name, old, value, rng):
        """Lists with an entry a layer follow the number of layers."""
        for other in list(kw):
            entries = kw[other]
            if not isinstance(entries, list) or other == name:
                continue
            if len(entries) == old and other in self.words:
                kw[other] = [rng.choice(self.words[other]) for _ in range(value)]
                if self.fields[other]["default"] is None and rng.random() < 0.5:
                    del kw[other]
            elif INDEX_LIST.search(other) and all(is_int(x) for x in entries):
                kw[other] = [x for x in entries if x < value]

    def follow(self, kw, name, old, value):
        """Widths that were equal stay equal."""
        for other in self.fields:
            if other != name and HIDDEN.search(other) and is_int(old) and kw.get(other) == old:
                kw[other] = value

    def fit_heads(self, kw, name, heads, rng):
        for other in self.fields:
            if HIDDEN.search(other) and is_int(kw.get(other)) and kw[other] % heads:
                kw[other] = heads * rng.choice([2, 4, 6, 8])
            if KEY_VALUE.search(other) and not KEY_VALUE.search(name):
                groups = kw.get(other, self.default.__dict__.get(other))
                if is_int(groups) and heads % (groups or 1):
                    kw[other] = rng.choice([d for d in (1, 2, 3) if heads % d == 0])

    def neighbour(self, sample, rng, must=()):
        """A valid config near a sample, in which the fields of must changed."""
        names = list(self.fields)
        for count in (int(0.7 * len(names)), rng.choice([8, 12]), 5, 2, 0):
            pick = list(must) + rng.sample(names, min(count, len(names)))
            rng.shuffle(pick)
            kw = self.mutate(sample.kw, pick, rng)
            if kw == sample.kw or all(kw.get(m, "-") == sample.kw.get(m, "-") for m in must):
                continue
            other = self.build(kw, rng.choice([None, None, "bfloat16"]))
            if other and other.cost() < BIG:
                return other
        return None

    def walk(self, count, rng, start=None, seconds=None):
        """count valid configs; every field gets its turn."""
        out, begun = [], time.time()
        first = sample = start or self.first
        order, fails = [], {}
        while len(out) < count and not (seconds and time.time() - begun > seconds):
            if not order:
                order = list(self.fields)
                rng.shuffle(order)
            name = order.pop()
            if fails.get(name, 0) > 4 and len(self.seen[name]) < 2:
                continue
            base = sample
            if out and rng.random() >= 0.7:
                base = rng.choice(out) if rng.random() < 0.8 else first
            found = self.neighbour(base, rng, (name,))
            if found is None:
                fails[name] = fails.get(name, 0) + 1
                continue
            for other in self.fields:
                self.seen[other].add(text(found.kw.get(other, "__absent__")))
            out.append(found)
            sample = found
        return out

    def balance(self, samples, rng, want=10, most=60):
        """Adds samples in which a rare value of a switch (bool, null, word) occurs."""
        added = 0
        for name in self.fields:
            kinds = {switch(s.fields[name]) for s in samples} - {None}
            if len(kinds) < 2:
                continue
            for kind in sorted(kinds):
                have = sum(switch(s.fields[name]) == kind for s in samples)
                for attempt in range(1, 2 * want + 1):
                    if have >= want or added >= most:
                        break
                    other = self.switched(rng.choice(samples), name, kind, attempt, rng)
                    if other is None or other.cost() > BIG:
                        continue
                    samples.append(other)
                    added += 1
                    have += switch(other.fields[name]) == kind

    def switched(self, sample, name, kind, attempt, rng):
        """A neighbour of a sample in which a switch has a value of this kind."""
        others = rng.sample(list(self.fields), min(len(self.fields), rng.choice([2, 4, 8])))
        kw = self.mutate(sample.kw, others, rng)
        field = self.fields[name]
        if kind == "int":
            value = None
            for _ in range(20):
                value = self.value(name, kw, rng)
                if value is not None and not isinstance(value, str):
                    break
            kw[name] = value
        elif kind == "null" and (not field["declared"] or (attempt % 2 and field["default"] is None)):
            kw.pop(name, None)
        else:
            kw[name] = json.loads(kind)
        return self.build(kw, rng.choice([None, None, "bfloat16"]))


def switch(value):
    """The kind of value that balance counts; None for a value that is no switch."""
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value)
    return "int" if is_int(value) else None


class Sample:
    """One config and its recorded construction."""

    def __init__(self, space, kw, config, recorded, dtype):
        self.kw, self.recorded, self.dtype = kw, recorded, dtype or "float32"
        self.config_keys = set(config.__dict__)
        self.fields = {name: resolved(space, config, kw, name) for name in space.fields}

    def cost(self):
        return sum(math.prod(draw["shape"]) for draw in self.recorded["draws"])

    def signature(self):
        """A digest of all that a table says, the file apart."""
        draws = [
            (d["phase"], d["part"], d["op"], d["name"], d["shape"], d["dtype"])
            + (None if d["discard"] else sorted(d["nums"].items()),)
            for d in self.recorded["draws"]
        ]
        finals = [
            (name, f["shape"], f["dtype"], f.get("same_as"), f.get("value"))
            + (None if f.get("lit") is None else f["lit"].tolist(),)
            for name, f in self.recorded["finals"].items()
        ]
        return hashlib.sha1(repr((draws, finals)).encode()).hexdigest()


def resolved(space, config, kw, name):
    """A field's value as the model code sees it."""
    if name == "num_labels":
        return config.num_labels
    if not space.fields[name]["declared"] and name not in config.__dict__:
        return kw.get(name, space.fields[name]["default"])
    try:
        value = getattr(config, name, kw.get(name))
    except Exception:
        value = config.__dict__.get(name)
    return list(value) if isinstance(value, tuple) else value
