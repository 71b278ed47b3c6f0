"""A table file against fresh random configs, and against real bits."""

import random

from compare import compare
from configs import MAP_OF, Space
from derive import check_bits
from language import Model, Refuse


class Count(dict):
    def add(self, **numbers):
        for key, number in numbers.items():
            self[key] = self.get(key, 0) + number


def verify(family, configs, models, seed, log):
    """Counts of one table, with `different`: a list of what differs."""
    rng = random.Random(f"{family['model_type']} {seed}")
    space = space_of(family)
    if space.start() is None:
        return {"different": [f"no tiny config could be made: {space.error}"]}
    samples, counts = [], Count(configs=0, refused=0, tensors=0, draws=0, file=0)
    different = []
    while len(samples) < max(configs, models) and counts["refused"] < 4 * configs + 40:
        found = space.walk(
            min(20, max(configs, models) - len(samples)),
            rng,
            start=rng.choice(samples or [space.first]),
            seconds=60,
        )
        if not found:
            break
        for sample in found:
            reason = refusal(family, sample)
            if reason:
                counts.add(refused=1)
                log(f"  refused: {reason}")
                continue
            samples.append(sample)
            different += [f"{sample.kw}: {text}" for text in compare(family, sample)] if configs else []
            recorded = sample.recorded
            counts.add(configs=1, tensors=len(recorded["finals"]), draws=len(recorded["draws"]))
            counts.add(file=len(recorded["file"]))
    if len(samples) < configs:
        different.append(f"only {len(samples)} configs could be made")
    bits = check_bits(space, family, samples, models)
    different += [f"real bits: {names}" for names in bits.pop("different")]
    return {**counts, **{f"real_bits_{key}": number for key, number in bits.items()}, "different": different}


def space_of(family):
    """The space of a table's family, without the fields that it fixes."""
    space = Space(MAP_OF[family["auto"]], family["model_type"])
    for name in family["fields"]:
        if name not in space.fields:
            space.add_hidden(name)
    for name in family.get("fixed", {}):
        space.fields.pop(name, None)
    return space


def refusal(family, sample):
    """Why the table refuses a config that from_config takes; None if it does not."""
    try:
        Model(family, sample.kw, sample.dtype)
    except Refuse as err:
        return str(err)
    except Exception:
        return None
    return None
