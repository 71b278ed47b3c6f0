"""What an absent, a null and a given field mean: the rules of a table's fields."""

import re

import numpy as np

from configs import is_int, text
from configs import resolved as seen_by_model
from names import Fail
from search import Env, fit_bool, fit_float, fit_int, neg
from tiny import LAYERS

TYPES = [
    (r"^int \| float|^float \| int", "number"),
    (r"^bool", "bool"),
    (r"^int \| list|^list\[int\] \| int|int \| (list|tuple)", "int or list"),
    (r"^int", "int"),
    (r"^float( \| None)?$", "float"),
    (r"^str", "str"),
    (r"^list", "list"),
]
ABSENT = object()


def used_names(texts, space):
    """The fields that expressions read, in the config's order."""
    words = set()
    for line in texts:
        words |= set(re.findall(r"[A-Za-z_]\w*", re.sub(r'"[^"]*"', "", line)))
    return [name for name in space.fields if name in words]


def type_of(annotation):
    plain = annotation.replace("hidden ", "")
    if "Optional" in plain:
        plain = plain.replace("Optional[", "").replace("]", "")
    return next((kind for pattern, kind in TYPES if re.search(pattern, plain)), None)


def fit_value(points, values, names, what):
    """The values as a rule: a constant, an expression or a list of them."""
    if all(text(value) == text(values[0]) for value in values):
        return values[0]
    names = names() if callable(names) else names
    rule = other_field(points, values, names) or scalar(Env(points), values, names)
    if rule is not None:
        return rule
    if all(isinstance(value, list) for value in values):
        return fit_list(points, values, names, what)
    raise Fail("default of %s: %s" % (what, [text(value)[:40] for value in values[:4]]))


def other_field(points, values, names):
    """Another field's value, or something else where that is null."""
    for name in names:
        absent = [value for point, value in zip(points, values) if point.get(name) is None]
        if not absent or len(absent) == len(values):
            continue
        if any(value != point[name] for point, value in zip(points, values) if point.get(name) is not None):
            continue
        if all(value == absent[0] for value in absent) and not isinstance(absent[0], list):
            return {"expr": "%r if %s is None else %s" % (absent[0], name, name)}
        if all(
            value == point.get("given") for point, value in zip(points, values) if point.get(name) is None
        ):
            return {"expr": "given if %s is None else %s" % (name, name)}
    return None


def scalar(env, values, names):
    found = None
    if all(is_int(value) for value in values):
        found = fit_int(env, values, names)
    elif all(isinstance(value, bool) for value in values):
        found = fit_bool(env, values, names)
    elif all(isinstance(value, float) for value in values):
        found = fit_float(env, values, names)
    elif all(value is None or is_int(value) for value in values):
        null = np.array([value is None for value in values])
        condition = fit_bool(env, null, names)
        number = fit_int(env.sub(~null), [value for value in values if value is not None], names)
        if condition and number:
            found = "(%s) if %s else None" % (number, neg(condition))
    return {"expr": found} if found is not None else None


def fit_list(points, values, names, what):
    """A list as an expression of its index, and its length."""
    count = fit_int(Env(points), [len(value) for value in values], names)
    if count is None:
        raise Fail("length of the default of " + what)
    inner = [dict(point, i=i) for point, value in zip(points, values) for i in range(len(value))]
    entries = [entry for value in values for entry in value]
    if not entries:
        return []
    names = [*names, "i"]
    if all(is_int(entry) for entry in entries):
        each = fit_int(Env(inner), entries, names)
        if each is not None:
            return {"each": each, "count": count}
    kinds = sorted(set(map(str, entries)), key=lambda kind: -sum(str(entry) == kind for entry in entries))
    if len(kinds) == 1:
        return {"each": repr(entries[0]), "count": count}
    if not all(isinstance(entry, str) for entry in entries):
        raise Fail("default of %s: %s" % (what, [text(value)[:40] for value in values[:4]]))
    each = repr(kinds[0])
    for kind in kinds[1:]:
        condition = fit_bool(Env(inner), [entry == kind for entry in entries], names)
        if condition is None:
            raise Fail("default of " + what)
        each = "%r if %s else (%s)" % (kind, condition, each)
    return {"each": each, "count": count}


def resolve(space, samples, names, rng):
    """The rules of the named fields, and of the fields that these read."""
    out, todo = {}, list(names)
    while todo:
        name = todo.pop(0)
        if name in out:
            continue
        rule = out[name] = Field(space, samples, name, rng).rule()
        for key in ("default", "null", "given"):
            if isinstance(rule.get(key), dict):
                todo += used_names([str(part) for part in rule[key].values()], space)
    return out


class Field:
    """Finds one field's rules by asking the config class."""

    def __init__(self, space, samples, name, rng):
        self.space, self.samples, self.name, self.rng = space, samples, name, rng
        self.field = space.fields[name]
        self.some = rng.sample(samples, min(60, len(samples)))
        numbers = [m for m in space.fields if m != name and any(numeric(s.fields[m]) for s in samples)]
        self.varying = [m for m in numbers if len({text(s.fields[m]) for s in samples}) > 1]

    def rule(self):
        name, default = self.name, self.field["default"]
        if name == "num_labels":
            return {"type": "int", "default": 2, "null": "refused"}
        kind = type_of(self.field["ann"])
        given = [s for s in self.samples if s.kw.get(name) is not None]
        if not self.field["declared"] and not any(name in s.config_keys for s in given):
            # The config class reads it only while it is made.
            return {"type": kind, "default": default, "null": "null" if default is None else "refused"}
        rule = {"type": kind, **self.absent(), "null": self.null()}
        if any(text(s.kw[name]) != text(s.fields[name]) for s in given):
            points = [dict(s.fields, given=s.kw[name]) for s in given]
            values = [s.fields[name] for s in given]
            rule["given"] = fit_value(points, values, ["given", *self.varying], name + " given")
        if kind == "int or list" and not any(isinstance(s.fields[name], list) for s in self.samples):
            rule["type"] = "int"
        words = self.words()
        if words:
            rule["values"] = words
        return rule

    def words(self):
        entries = []
        for sample in self.samples:
            value = sample.fields[self.name]
            entries += value if isinstance(value, list) else [value]
        return sorted({entry for entry in entries if isinstance(entry, str)})

    def changed(self, kw, value):
        """The config with the field at value, or without it."""
        out = {key: entry for key, entry in kw.items() if key != self.name}
        return out if value is ABSENT else {**out, self.name: value}

    def configs(self):
        """The samples' configs; for a list also with more layers, which cost nothing here."""
        out = [sample.kw for sample in self.some]
        if isinstance(self.space.default.__dict__.get(self.name), (list, tuple)):
            for kw in list(out):
                more = {n: self.rng.randint(4, 9) for n in kw if LAYERS.search(n) and is_int(kw[n])}
                out.append({**kw, **more})
        return out

    def ask(self, value):
        """What the config class makes of the value, over samples."""
        points, values = [], []
        for kw in [self.changed(kw, value) for kw in self.configs()]:
            config = self.space.config(kw)
            if config is None:
                continue
            points.append({m: seen_by_model(self.space, config, kw, m) for m in self.space.fields})
            values.append(points[-1][self.name])
        return points, values

    def absent(self):
        points, values = self.ask(ABSENT)
        if not values:
            return {"required": True, "default": None}
        return {"default": fit_value(points, values, lambda: self.deciding(ABSENT), self.name)}

    def null(self):
        name = self.name
        points, values = self.ask(None)
        if not values:
            return "refused"
        if all(value is None for value in values):
            rule = "null"
        else:
            rule = fit_value(points, values, lambda: self.deciding(None), name)
        if not any(name in s.kw and s.kw[name] is None for s in self.samples):
            tried = self.rng.sample(self.some, min(4, len(self.some)))
            if all(self.space.build(dict(s.kw, **{name: None}), file=False) is None for s in tried):
                return "refused"
        return rule

    def deciding(self, value):
        """The other fields whose change changes this one, when it is given as value."""
        return [other for other in self.varying if self.decides(other, value)]

    def decides(self, other, value):
        for sample in self.rng.sample(self.some, min(8, len(self.some))):
            before = self.changed(sample.kw, value)
            after = self.changed(self.space.mutate(before, [other], self.rng), value)
            configs = self.space.config(before), self.space.config(after)
            if None in configs:
                continue
            a, b = (as_list(getattr(config, self.name, None)) for config in configs)
            if isinstance(a, list) and isinstance(b, list):
                if len(a) != len(b) or a != b:
                    return True
            elif a != b:
                return True
        return False


def numeric(value):
    return is_int(value) or isinstance(value, (bool, float))


def as_list(value):
    return list(value) if isinstance(value, tuple) else value
