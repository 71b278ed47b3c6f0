"""What another release of transformers draws differently.

dump writes, for every table, a few configs and what is recorded of them;
compare reads two dumps and names the first difference of each family.
"""

import json
import random

import torch
import transformers

from configs import MAP_OF, Space
from verify import space_of


def configs_of(family, count, seed=0):
    """The same configs in every release: made once, and kept in the dump."""
    space = space_of(family)
    if space.start() is None:
        return []
    return [s.kw for s in space.walk(count, random.Random(f"{family['model_type']} {seed}"), seconds=30)]


def recorded(family, kw):
    """One construction in words; a text where it fails."""
    try:
        space = Space(MAP_OF[family["auto"]], family["model_type"])
        sample = space.build(kw)
    except Exception as err:
        return {"error": f"{type(err).__name__}: {str(err)[:160]}"}
    if sample is None:
        return {"error": f"{type(space.error).__name__}: {str(space.error)[:160]}"}
    parts = sample.recorded
    draws = [
        f"{d['name']} {d['op']} {d['shape']} {d['dtype']} {d['phase']}"
        + ("" if d["discard"] else f" {sorted(d['nums'].items())}")
        for d in parts["draws"]
    ]
    return {"draws": draws, "tensors": words(parts["finals"]), "file": words(parts["file"])}


def words(entries):
    return sorted(f"{name} {describe(entry)}" for name, entry in entries.items())


def describe(entry):
    hidden = ("expr", "view", "whole")
    shown = {k: v.tolist() if isinstance(v, torch.Tensor) else v for k, v in entry.items() if k not in hidden}
    return json.dumps(shown, sort_keys=True, default=str)


def dump(families, count, configs=None):
    """Everything recorded in this release; configs: those of an earlier dump."""
    out = {"transformers": transformers.__version__, "families": {}}
    for family in families:
        name = family["model_type"]
        chosen = (
            configs["families"].get(name, {}).get("configs", []) if configs else configs_of(family, count)
        )
        entries = [recorded(family, kw) for kw in chosen]
        out["families"][name] = {"configs": chosen, "recorded": entries}
    return out


def difference(old, new):
    """The first difference of two recordings of one config, or None."""
    if "error" in old or "error" in new:
        a, b = old.get("error", "made"), new.get("error", "made")
        return None if a == b else f"{b}, before: {a}"
    for part in ("draws", "tensors", "file"):
        for k, (a, b) in enumerate(zip(old[part], new[part])):
            if a != b:
                return f"{part} {k}: {b}, before: {a}"
        if len(old[part]) != len(new[part]):
            return f"{len(new[part])} {part}, before: {len(old[part])}"
    return None


def compare(old, new):
    """Lines NAME: the first difference; and the number of families compared."""
    lines = []
    for name, entry in old["families"].items():
        pairs = zip(entry["recorded"], new["families"].get(name, {"recorded": []})["recorded"])
        found = next((d for a, b in pairs if (d := difference(a, b))), None)
        if found:
            lines.append(f"{name}: {found}")
    return lines, len(old["families"])
