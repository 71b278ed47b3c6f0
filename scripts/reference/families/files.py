"""Rules for the tensors that the saved file names or shapes differently."""

import collections
import math

from emit import named
from language import INDICES
from names import Fail
from search import Env, fit_int
from tracing import contiguous

Seen = collections.namedtuple("Seen", "sample indices name final saved")
Saved = collections.namedtuple("Saved", "name take view")


def take(view):
    """How a saved tensor comes from its source: a tuple, the kind of take first."""
    shape, source, offset = view["shape"], view["sshape"], view["off"]
    size = math.prod(shape)
    if not contiguous(shape, view["stride"]):
        if size == math.prod(source) and len(shape) == 2 and shape == source[::-1] and offset == 0:
            return ("T",)
        if len(source) == 3 and shape == [source[2], source[1]] and offset % size == 0:
            return ("each T", offset // size)
        return None
    if shape == source:
        return ("whole", None)
    if shape == source[1:]:
        return ("each", offset // math.prod(source[1:]))
    if (
        len(source) > 1
        and len(shape) == len(source) - 1
        and shape[0] * 2 == source[1]
        and shape[1:] == source[2:]
    ):
        entry, rest = divmod(offset, math.prod(source[1:]))
        if rest in (0, size):
            return ("each rows", entry, "second half" if rest else "first half")
    if size == math.prod(source) and offset == 0:
        return ("whole", tuple(shape))
    if shape[1:] == source[1:]:
        return ("rows", offset // math.prod(source[1:]), shape[0])
    return None


def saved_tensors(sample):
    """Source name to what is saved of it."""
    out = collections.defaultdict(list)
    for name, view in sample.recorded["file"].items():
        if "bad" in view:
            raise Fail("file %s: %s" % (name, view["bad"]))
        if view.get("pieces"):
            raise Fail("file %s: joined from %s" % (name, [piece[0] for piece in view["pieces"]][:3]))
        if "pieces" in view:
            out[name].append(Saved(name, ("whole", None), view))
            continue
        how = take(view)
        if how is None:
            raise Fail("file %s: a view %s of %s %s" % (name, view["shape"], view["from"], view["sshape"]))
        out[view["from"]].append(Saved(name, how, view))
    return out


def template(saved, indices):
    """The file's name with indices instead of numbers; None if the indices are not in it."""
    parts, left = [], list(indices)
    entry = saved.take[1] if saved.take[0].startswith("each") else None
    for part in saved.name.split("."):
        if part.isdigit() and left and int(part) == left[0]:
            parts.append(INDICES[len(indices) - len(left)])
            left.pop(0)
        elif part.isdigit() and entry is not None and int(part) == entry:
            parts.append("e")
            entry = None
        else:
            parts.append(part)
    return None if left else ".".join(parts)


def target(saved, indices):
    """What a rule says about one saved tensor: name, take, and which half."""
    return (template(saved, indices), saved.take[0], saved.take[2] if saved.take[0] == "each rows" else "")


def is_plain(seen):
    """Saved under its own name, or not at all because it is tied."""
    if not seen.saved:
        return "same_as" in seen.final
    return len(seen.saved) == 1 and seen.saved[0].name == seen.name and seen.saved[0].take == ("whole", None)


def file_rules(emit, samples):
    """The rules of all tensors that are not simply saved."""
    patterns = collections.OrderedDict()
    for sample in samples:
        saved = saved_tensors(sample)
        for name, final in sample.recorded["finals"].items():
            pattern, indices = emit.canon(name)
            if 0 not in final["shape"]:
                seen = Seen(sample, indices, name, final, saved.get(name, []))
                patterns.setdefault(pattern, []).append(seen)
    rules = []
    for pattern, all_seen in patterns.items():
        if not all(is_plain(seen) for seen in all_seen):
            rules += pattern_rules(emit, pattern, all_seen)
    return rules


def pattern_rules(emit, pattern, all_seen):
    groups = collections.OrderedDict()
    for seen in all_seen:
        key = tuple(sorted({target(one, seen.indices) for one in seen.saved}, key=str))
        if any(name is None for name, _, _ in key):
            raise Fail("file names of %s" % named(pattern))
        groups.setdefault(key, []).append(seen)
    real = [key for key, group in groups.items() if key or any("same_as" not in seen.final for seen in group)]
    rules = []
    for key in real:
        rule = {"from": named(pattern)}
        if len(real) > 1:
            points = [emit.env_of(seen.sample, seen.indices) for other in real for seen in groups[other]]
            holds = [other == key for other in real for _ in groups[other]]
            depth = pattern.count("*")
            rule["if"] = emit.fit_cond(points, holds, "file of " + named(pattern), (), depth)
        if not key:
            rule["omit"] = True
        else:
            rule["to"] = [entry(emit, pattern, one, groups[key]) for one in key]
            if any("same_as" in seen.final for seen in groups[key]):
                rule["even_tied"] = True
        rules.append(rule)
    return rules


def entry(emit, pattern, wanted, group):
    """One entry of a rule's `to`."""
    name, kind, half = wanted
    out = {"name": name, "take": kind}
    if kind == "each rows":
        out["rows"] = half
    found = [(seen, one) for seen in group for one in seen.saved if target(one, seen.indices) == wanted]
    points = [emit.env_of(seen.sample, seen.indices) for seen, _ in found]
    names = list(emit.relevant) + list(INDICES[: pattern.count("*")])

    def fit(numbers, what):
        text = fit_int(Env(points), numbers, names)
        if text is None:
            raise Fail("file %s of %s" % (what, named(pattern)))
        return text

    if kind == "rows":
        out["start"] = fit([one.take[1] for _, one in found], "rows")
        out["count"] = fit([one.take[2] for _, one in found], "rows")
    if kind == "whole" and any(one.take[1] for _, one in found):
        sizes = len(found[0][1].view["shape"])
        out["shape"] = [fit([one.view["shape"][k] for _, one in found], "shape") for k in range(sizes)]
    return out
