"""Derives a family's table from recorded constructions, and verifies it."""

import random
import re
import time

import tracing
from compare import compare, real_bits
from configs import HEADS, HIDDEN, KEY_VALUE, MAPS, Space, is_int, resolved, text
from emit import Emit
from files import file_rules
from language import Model, Refuse
from lines import compact, main_std
from names import Fail
from refusals import refusals
from rules import resolve, used_names

SEEDS = (0, 42, 1234567, 2**32 - 1, 7, 2**31, 99, 31337)
# What model code asks for in vain, and what decides no weight where it is given.
HARMLESS = set(
    """decoder text_config generator quantization_config gradient_checkpointing partial_rotary_factor rope_theta
    text_encoder rope_scaling rope_parameters torch_dtype sliding_window layer_types audio_config vision_config
    original_max_position_embeddings encoder thinker_config talker_config max_position_embeddings image_token_id
    llm_config attn_implementation use_cache bidirectional use_return_dict pad_token_id use_bidirectional_attention
    rope_type initializer_range backbone_config chunk_size_feed_forward""".split()
)
SIZED = re.compile(r"(head_dim|_size|_dim|_rank|num_|_heads|n_inner|initializer)")
STD = re.compile(r"(initializer_range|init_std|initializer_factor)$")
FEW = 25


class Derivation:
    """One family on its way to a table."""

    def __init__(self, map_name, model_type, log, fit=70, check=40, seconds=110, models=8):
        self.log, self.check, self.seconds, self.models = log, check, seconds, models
        self.begun = time.time()
        self.name = f"{map_name}:{model_type}"
        self.rng = random.Random(f"fit {self.name}")
        self.fresh_rng = random.Random(f"verify {self.name}")
        tracing.missing.clear()
        self.space = Space(map_name, model_type)
        self.begin()
        self.samples = self.sample(fit)
        self.frozen = {}

    def late(self):
        return time.time() - self.begun > self.seconds

    def begin(self):
        """A first config, and the keys that the config class does not declare."""
        space = self.space
        if space.start() is None:
            error = str(space.error)[:160].replace("\n", " ")
            raise Fail(f"no tiny config could be made: {type(space.error).__name__}: {error}")
        if space.first.cost() > 3e7:
            raise Fail(f"the tiny config still has {space.first.cost()} values")
        space.walk(6, self.rng, seconds=10)
        known = set(dir(space.config_class)) | set(space.fields) | set(space.aliases) | HARMLESS
        asked = sorted(name for name in tracing.missing - known if not name.startswith("_"))
        hidden = [name for name in asked if SIZED.search(name)]
        self.absent = [name for name in asked if name not in hidden]
        for name in hidden:
            space.add_hidden(name)
        if hidden:
            space.first = space.build(space.first.kw) or space.first

    def sample(self, count):
        """The configs to fit on."""
        space, rng = self.space, self.rng
        samples = [space.first, *space.walk(count, rng, seconds=self.seconds / 3)]
        stds = [name for name in space.fields if STD.search(name)]
        for sample in samples[-12:]:
            for name in stds:
                if isinstance(sample.fields[name], float) and rng.random() < 0.4:
                    zero = space.build(dict(sample.kw, **{name: 0.0}))
                    if zero:
                        samples.append(zero)
        space.balance(samples, rng)
        if len(samples) < FEW:
            raise Fail(f"only {len(samples)} valid random configs: {str(space.error)[:120]}")
        return samples

    def run(self):
        self.pairs = self.space.pairs(self.samples, self.rng, bases=3)
        self.log(f"  {self.name}: {len(self.samples)} configs, {len(self.pairs)} pairs, {self.age()}")
        family, fresh, rounds = self.verified_rounds()
        self.other_names(family, fresh)
        self.bits(family, fresh)
        checks = finish(self.space, family, [s.kw for s in self.samples + fresh])
        floats = sum(s.dtype == "float32" for s in fresh)
        family["verified"] = {
            "configs": len(fresh),
            "float32": floats,
            "bfloat16": len(fresh) - floats,
            "mismatches": 0,
            "tensors": sum(len(s.recorded["finals"]) for s in fresh),
            "draws": sum(len(s.recorded["draws"]) for s in fresh),
            "real_bits_models": self.real["models"],
            "real_bits_float32": self.real["float32"],
            "real_bits_bfloat16": self.real["bfloat16"],
            "real_bits_tensors": self.real["tensors"],
            "real_bits_mismatches": 0,
            "fitted_on": len(self.samples),
            "rounds": rounds,
            **checks,
            "other_name_checks": self.alias_checks,
        }
        return family

    def age(self):
        return f"{time.time() - self.begun:.0f}s"

    # Rounds of fitting and fresh configs.

    def verified_rounds(self):
        """Fits until fresh configs give no difference; the differing ones join the samples."""
        rounds = 0
        while True:
            rounds += 1
            family = self.fit(rounds)
            fresh = self.fresh()
            bad = [(s, differences) for s in fresh if (differences := compare(family, s))]
            first = f": {bad[0][1][:2]}" if bad else ""
            self.log(f"  round {rounds}: {len(fresh)} fresh, {len(bad)} different{first}")
            if not bad and len(fresh) >= self.check:
                return family, fresh, rounds
            if rounds >= 6 or self.late():
                raise Fail(f"not verified after {rounds} rounds: {len(bad)} of {len(fresh)} differ{first}")
            differing = [s for s, _ in bad]
            self.samples += differing + [s for s in fresh if s not in differing][:10]

    def fresh(self):
        rng, space = self.fresh_rng, self.space
        out = space.walk(self.check, rng, start=rng.choice(self.samples), seconds=self.seconds / 3)
        if len(out) >= 30:
            space.balance(out, rng, want=6, most=24)
        return out

    def fit(self, rounds):
        try:
            return self.table(self.samples, self.pairs, self.frozen)
        except Fail as err:
            if rounds > 2 or (self.frozen and rounds > 1):
                raise
            family = self.freeze(err)
            if family is None:
                raise
            return family

    def freeze(self, why):
        """A switch at its default, if the family cannot be said with it."""
        space = self.space
        changing = {field for a, b, field in self.pairs if field and a.signature() != b.signature()}
        for name in [n for n in space.fields if n in changing and self.is_switch(n)]:
            default = resolved(space, space.default, {}, name)
            default = list(default) if isinstance(default, tuple) else default
            samples = [s for s in self.samples if s.fields[name] == default]
            if len(samples) < FEW or len(samples) == len(self.samples) or self.late():
                continue
            pairs = [p for p in self.pairs if p[0].fields[name] == default == p[1].fields[name]]
            field = space.fields.pop(name)
            frozen = {**self.frozen, name: plain(field["default"])}
            try:
                family = self.table(samples, pairs, frozen)
            except Fail:
                space.fields[name] = field
                continue
            self.frozen, self.samples, self.pairs = frozen, samples, pairs
            space.first = samples[0]
            self.log(f"  fixed {name} because of: {str(why)[:100]}")
            return family
        return None

    def is_switch(self, name):
        """A field of few values: a bool, a word, words, or null in some sample."""
        values = [s.fields[name] for s in self.samples]
        return name in self.space.words or any(
            value is None or isinstance(value, (bool, str)) for value in values
        )

    def table(self, samples, pairs, frozen):
        """The table that says what the samples do."""
        space = self.space
        emit = Emit(space, samples, pairs)
        tree, ties = emit.run()
        sigma = main_std(tree)
        family = {
            "auto": MAPS[space.map][0],
            "class": space.name,
            "model_type": space.type,
            "sigma": sigma,
            "lines": compact(tree, sigma),
            "ties": [list(tie) for tie in ties],
            "file": file_rules(emit, samples),
            "absent": self.absent,
        }
        texts = family["lines"] + [tie[2] for tie in ties] + [sigma or ""] + [text(r) for r in family["file"]]
        family["fields"] = resolve(space, samples, used_names(texts, space), random.Random(5))
        family["aliases"] = {a: f for a, f in space.aliases.items() if f in family["fields"]}
        family["fixed"], family["no_effect"] = self.unused(family["fields"], samples)
        family["fixed"].update(frozen)
        return family

    def unused(self, fields, samples):
        """Fields that never varied with success, and fields that changed nothing."""
        fixed, free = {}, []
        for name, field in self.space.fields.items():
            values = {text(s.fields[name]) for s in samples}
            given = {text(s.kw.get(name, "-")) for s in samples}
            if name in fields:
                if len(values | given) == 1 and "rope" not in name:
                    fixed[name] = field["default"]
            elif (
                "rope" in name
                or len(values) > 1
                or len({text(s.kw[name]) for s in samples if name in s.kw}) > 1
            ):
                free.append(name)
            elif name != "num_labels":
                fixed[name] = field["default"]
        return {name: plain(value) for name, value in fixed.items()}, sorted(free)

    # Checks of the finished table.

    def other_names(self, family, fresh):
        """Configs with the fields' other names; they are refused if they differ."""
        self.alias_checks = 0
        for sample in fresh[:6]:
            kw = dict(sample.kw)
            for other, field in family["aliases"].items():
                if field in kw and other not in kw and self.fresh_rng.random() < 0.7:
                    kw[other] = kw.pop(field)
            again = None if kw == sample.kw else self.space.build(kw, sample.dtype)
            if again is None:
                continue
            if compare(family, again):
                family["absent"] = sorted(set(family["absent"]) | set(family["aliases"]))
                family["aliases"], self.alias_checks = {}, 0
                return
            self.alias_checks += 1

    def bits(self, family, fresh):
        """Real from_config against the table, half of the models in each dtype."""
        self.real = check_bits(self.space, family, fresh, self.models)
        if self.real["different"]:
            raise Fail(f"real bits differ: {self.real['different'][0]}")


def check_bits(space, family, samples, count):
    """Counts of a comparison of real bits, with what differs."""
    out = {"models": 0, "float32": 0, "bfloat16": 0, "tensors": 0, "different": []}
    for dtype in ("float32", "bfloat16"):
        pool = [s for s in samples if s.dtype == dtype]
        for other in samples:
            if len(pool) < count // 2 and other.dtype != dtype:
                again = space.build(other.kw, None if dtype == "float32" else dtype)
                pool += [again] if again else []
        for sample in pool[: count // 2]:
            bad = real_bits(space, family, sample, SEEDS[out["models"] % len(SEEDS)])
            out["models"] += 1
            out[dtype] += 1
            out["tensors"] += len(sample.recorded["finals"])
            if bad:
                out["different"].append(bad[:3])
    return out


def plain(value):
    """A default as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [plain(x) for x in value]
    if value is None or isinstance(value, (bool, int, float, str, dict)):
        return value
    return str(value)


# What follows the fit: the class's own default config, and what is refused.


def finish(space, family, accepted):
    """Adds the rules of refusal; gives the counts for `verified`."""
    settle_required(space, family)
    checks = {"default_config": default_config(space, family)}
    if checks["default_config"].startswith("different"):
        raise Fail(f"the class's own default config is predicted wrong: {checks['default_config'][:200]}")
    own = undivided(space, family, accepted)
    rules, counts = refusals(family, space.rejected, accepted)
    for condition, _ in [*rules, *own]:
        add_fields(space, family, condition)
    family["refuse"] = rules
    if any(refused(family, kw) for kw in accepted):
        family["refuse"] = []
    family["refuse"] += [rule for rule in own if rule[0] not in [r[0] for r in family["refuse"]]]
    return {**checks, **counts}


def settle_required(space, family):
    for name, field in family["fields"].items():
        value = space.default.__dict__.get(name)
        if field.get("required") and isinstance(value, (int, float, str, bool)):
            del field["required"]
            field["default"] = value


def default_config(space, family):
    """The class's own defaults, at full size."""
    sample = space.build({}, file=False)
    if sample is None:
        return f"not built: {str(space.error)[:120]}"
    bad = compare(family, sample)
    return f"different: {bad[:2]}" if bad else "equal"


def undivided(space, family, accepted):
    """Rules that refuse what the expressions get wrong: a width that the heads do not divide."""
    rng, rules = random.Random(1), []
    for width in [n for n in space.fields if HIDDEN.search(n) and n in family["fields"]]:
        for heads in [n for n in space.fields if HEADS.search(n) and not KEY_VALUE.search(n)]:
            if any(
                differs(space, family, odd_width(space, kw, width, heads, rng))
                for kw in rng.sample(accepted, 8)
            ):
                start = "head_dim is None and " if "head_dim" in family["fields"] else ""
                rules.append([f"{start}{width} % {heads} != 0", "not covered"])
    return rules


def odd_width(space, kw, width, heads, rng):
    kw = dict(kw, **{heads: rng.choice([3, 4, 6])})
    kw[width] = kw[heads] * rng.choice([2, 4]) + rng.choice([1, 2])
    for groups in [n for n in kw if KEY_VALUE.search(n) and is_int(kw[n])]:
        kw[groups] = 1
    if kw.get("head_dim") is not None and not space.fields.get("head_dim", {}).get("declared"):
        kw.pop("head_dim")
    return kw


def differs(space, family, kw):
    sample = space.build(kw, file=False)
    return sample is not None and bool(compare(family, sample))


def refused(family, kw):
    try:
        Model(family, kw)
    except (Refuse, ArithmeticError, LookupError, TypeError, ValueError):
        return True
    return False


def add_fields(space, family, condition):
    """Fields that only a rule of refusal reads."""
    for name in re.findall(r"[a-z_]{3,}", condition):
        if name not in family["fields"] and name in space.fields and is_int(space.fields[name]["default"]):
            family["fields"][name] = {
                "type": "int",
                "default": space.fields[name]["default"],
                "null": "refused",
            }
