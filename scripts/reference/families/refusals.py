"""Conditions under which from_config refuses a config, found from refused random ones."""

import collections
import itertools
import re

import numpy as np

from configs import is_int
from language import Fields, Model, Refuse

FAILURES = (Refuse, ArithmeticError, LookupError, TypeError, ValueError, AttributeError)


def values(family, kw):
    """Every field of the table for a config; None if the table refuses it."""
    fields = Fields(dict(family, fixed={}), kw)
    try:
        return {name: fields[name] for name in family["fields"]}
    except FAILURES:
        return None


def refusals(family, rejected, accepted):
    """Rules [condition, message], and counts of what they explain."""
    known = [atoms(v) for kw in accepted if (v := values(family, kw)) is not None]
    groups, own = collections.OrderedDict(), 0
    for kw, message in rejected[:400]:
        found = None
        try:
            Model(family, kw)
            found = values(family, kw)
        except FAILURES:
            pass
        if found is None:
            own += 1
            continue
        key = re.sub(r"\[[^\]]*\]|\d+(\.\d+)?", "#", message)[:90]
        groups.setdefault(key, []).append((atoms(found), message))
    rules, left = [], 0
    for key, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        condition = explain(key, [a for a, _ in group], known)
        if condition is None:
            left += len(group)
        elif condition not in [rule[0] for rule in rules]:
            rules.append([condition, re.sub(r"\s+", " ", group[0][1])[:160]])
    total = min(len(rejected), 400)
    return rules, {"rejected": total, "refused_by_rule": total - left, "not_explained": left}


def explain(key, group, known):
    """A condition that holds for the group and for no accepted config."""
    always = [atom for atom in group[0] if all(other.get(atom) for other in group)]
    if len(group) >= 3:
        single = [atom for atom in always if not any(other.get(atom) for other in known)]
        if single:
            words = {atom: sum(w in key for w in re.findall(r"[a-z_]{4,}", atom)) for atom in single}
            return min(single, key=lambda atom: (-words[atom], "%" not in atom, len(atom)))
    if len(group) < 6:
        return None
    columns = [(atom, np.array([bool(other.get(atom)) for other in known])) for atom in always[:400]]
    columns = [(atom, column) for atom, column in columns if column.sum() > 5]
    for (a, left), (b, right) in itertools.combinations(columns, 2):
        if not (left & right).any():
            return f"{a} and {b}"
    return None


def atoms(fields):
    """Every simple condition, and whether it holds."""
    out = {}
    ints = {name: value for name, value in fields.items() if is_int(value)}
    for a, x in ints.items():
        out[f"{a} % 2 != 0"], out[f"{a} == 0"], out[f"{a} < 0"] = x % 2 != 0, x == 0, x < 0
        for b, y in ints.items():
            if a != b:
                pair(out, ints, a, x, b, y)
    for name, value in fields.items():
        if value is None:
            out[f"{name} is None"] = True
        elif isinstance(value, list):
            out[f"len({name}) == 0"] = not value
            for other, number in ints.items():
                out[f"len({name}) != {other}"] = len(value) != number
        elif isinstance(value, bool):
            out[name], out[f"not {name}"] = value, not value
        elif isinstance(value, float):
            out[f"{name} == 0"], out[f"{name} > 1"], out[f"{name} < 0"] = value == 0, value > 1, value < 0
    return out


def pair(out, ints, a, x, b, y):
    out[f"{a} % {b} != 0"] = x % y != 0 if y > 0 else True
    out[f"{a} > {b}"], out[f"{a} >= {b}"], out[f"{a} != {b}"] = x > y, x >= y, x != y
    if y > 0:
        out[f"({a}//{b}) % 2 != 0"] = (x // y) % 2 != 0
    for c, z in ints.items():
        if c in (a, b):
            continue
        out[f"{a} != {b}*{c}"] = x != y * z
        if y * z > 0 and "head" in b + c:
            out[f"{a} % ({b}*{c}) != 0"] = x % (y * z) != 0
