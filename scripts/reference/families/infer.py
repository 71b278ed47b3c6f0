"""Recorded constructions of many configs: loops, order, sizes and conditions as texts."""

import collections

import tiny
from configs import is_int, text
from language import INDICES, compiled
from names import Fail, Patterns, name_lost
from order import merge
from search import Env, fit_bool, fit_float, fit_int, terms, vector

COPIES = ("copy", "_to_copy", "clone", "detach", "lift_fresh")
NOT_COVERED = ("seed", "save_state", "load_state", "orthogonal", "sparse")


def chain(expression):
    """The steps of a value: the draw first, then (op, arguments, dtype)."""
    if expression is None:
        return None
    kind = expression[0]
    if kind in ("draw", "lit"):
        return [expression]
    if kind == "fill":
        return (chain(expression[1]) or [("lit", None)]) + [("fill", *expression[2:])]
    if kind != "aten":
        return [("unknown", str(kind))]
    _, name, inputs, args, dtype = expression
    op = name.split(".")[0].rstrip("_")
    if op in COPIES:
        return chain(inputs[-1]) + [("cast", dtype)]
    if all(other == inputs[0] for other in inputs):
        return chain(inputs[0]) + [(op, tuple(a for a in args if a not in (("in", 0), ("self",))), dtype)]
    if op == "add" and len(inputs) == 2:
        found = inverse_softplus([chain(x) for x in inputs])
        if found:
            return found + [("isp", (), dtype)]
    return [("unknown", name)]


def inverse_softplus(chains):
    """x, if the two chains are x and log(-expm1(-x))."""
    for x, other in (chains, chains[::-1]):
        plain = [[step for step in steps if step[0] != "cast"] for steps in (x, other)]
        rest = plain[1][len(plain[0]) :]
        if plain[1][: len(plain[0])] == plain[0] and [step[0] for step in rest] == [
            "neg",
            "expm1",
            "neg",
            "log",
        ]:
            return x
    return None


class Infer:
    """The samples S and pairs of a family, digested; and texts for what they show."""

    def __init__(self, space, samples, pairs):
        self.space, self.S, self.pairs = space, samples, pairs
        every = samples + [sample for pair in pairs for sample in pair[:2]]
        for sample in every:
            if not getattr(sample, "named", False):
                name_lost(sample)
                sample.named = True
        self.canon = Patterns(every)
        for sample in every:
            self.digest(sample)
        self.varying = [n for n in space.fields if len({text(s.fields[n]) for s in samples}) > 1]
        # Fields whose change changes something, and those that never changed alone.
        changing = {field for a, b, field in pairs if field and a.digest != b.digest}
        alone = {field for _, _, field in pairs if field}
        self.relevant = [n for n in space.fields if n in changing or (n not in alone and n in self.varying)]
        self.cache = {}
        self.texts, self.conditions = [], []

    def digest(self, sample):
        """Draws and tensors of a sample by pattern and indices."""
        sample.ev, sample.seqs = {}, {}
        count = collections.Counter()
        for draw in sample.recorded["draws"]:
            if draw["op"] in NOT_COVERED:
                raise Fail(f"draw op {draw['op']}")
            if draw.get("stream"):
                raise Fail("a generator of its own")
            if not draw["contiguous"]:
                raise Fail(f"a draw into a strided view: {draw['name']}")
            pattern, indices = self.canon(draw["name"])
            number = count[draw["phase"], pattern, indices]
            count[draw["phase"], pattern, indices] += 1
            draw["key"] = (draw["phase"], draw["part"], pattern, number)
            sample.ev.setdefault(draw["key"], {})[indices] = draw
            sample.seqs.setdefault((draw["part"], draw["phase"]), []).append((pattern, indices, number))
        sample.fin, sample.order = {}, []
        for name, final in sample.recorded["finals"].items():
            pattern, indices = self.canon(name)
            sample.fin.setdefault(pattern, {})[indices] = self.value(sample, name, final)
            sample.order.append((pattern, indices))
        sample.digest = sample.signature()

    def value(self, sample, name, final):
        """What a tensor holds: its category, and the value, table, tie or draw."""

        def relative(dtype):
            return "D" if dtype == sample.dtype else dtype

        dtype = relative(final["dtype"]) if final["dtype"] in ("float32", "bfloat16") else final["dtype"]
        out = {"shape": final["shape"], "dtype": dtype, "param": final["param"]}
        if "same_as" in final:
            return {**out, "cat": "same", "same": self.canon(final["same_as"])}
        if "value" in final:
            value = final["value"]
            if isinstance(value, dict):
                value = value.get("float", str(value))
            return {**out, "cat": "value", "value": value}
        if "lit" in final:
            return {**out, "cat": "lit", "lit": final["lit"]}
        if final.get("uninit"):
            return {**out, "cat": "uninit"}
        if not final["whole"]:
            raise Fail(f"{name} is a view of a bigger draw")
        steps = chain(final["expr"])
        unknown = [step for step in steps or [("unknown", None)] if step[0] == "unknown"]
        if unknown:
            raise Fail(f"{name}: {unknown[:1]}")
        drawn = [step for step in steps if step[0] == "draw"]
        if len(drawn) != 1:
            raise Fail(f"{name}: {len(drawn)} draws in one tensor")
        draw = sample.recorded["draws"][drawn[0][1]]
        if draw["shape"] != final["shape"] and size(draw["shape"]) != size(final["shape"]):
            raise Fail(f"{name}: drawn as {draw['shape']}, but of {final['shape']}")
        out.update(cat="draw", src=draw["key"], srcidx=self.canon(draw["name"])[1])
        out["steps"] = relative_steps(steps, draw["dtype"], final["dtype"], relative)
        return out

    # Texts for what the samples show. get(sample) gives indices to a number.

    def env_of(self, sample, indices):
        return {**sample.fields, **dict(zip(INDICES, indices))}

    def observed(self, get):
        points, values = [], []
        for sample in self.S:
            for indices, value in get(sample).items():
                points.append(self.env_of(sample, indices))
                values.append(value)
        return points, values

    def names_for(self, get):
        """Fields whose change alone changed a number."""
        out = set()
        for a, b, field in self.pairs:
            if field and field not in out:
                x, y = get(a), get(b)
                if any(x[k] != y[k] for k in x.keys() & y.keys()):
                    out.add(field)
        return out

    def presence_names(self, get):
        """Fields whose change alone changed where something is."""
        return {field for a, b, field in self.pairs if field and set(get(a)) != set(get(b))}

    def ordered(self, names, indices):
        return [name for name in [*self.space.fields, *indices] if name in names]

    def fit_dim(self, get, what, depth=0):
        points, values = self.observed(get)
        key = ("dim", tuple(values), len(points), depth)
        if key not in self.cache:
            self.cache[key] = self.find_dim(points, values, get, what, INDICES[:depth])
        return self.cache[key]

    def find_dim(self, points, values, get, what, indices):
        names, env, target = self.names_for(get), Env(points), vector(values)
        if len(set(values)) > 1:
            first = self.ordered(names, indices)
            plain = terms(env, first + [name for name in self.varying if name not in names])
            for word, column in plain.items():
                if not word.startswith("int(") and (column == target).all():
                    return self.keep(word)
            known = self.known(self.texts, points, values)
            if known:
                return known
        switches = {n for n in self.relevant if any(is_switch(s.fields[n]) for s in self.S)}
        relevant, varying, indices = set(self.relevant), set(self.varying), set(indices)
        for chosen, deep, depth in (
            (names, True, 0),
            (names | indices, True, 0),
            (names | switches, True, 2),
            (relevant | indices, False, 1),
            (relevant | indices, True, 1),
            (varying | indices, True, 0),
        ):
            found = fit_int(env, values, self.ordered(chosen, sorted(indices)), depth=depth, deep=deep)
            if found is not None:
                return self.keep(found)
        raise Fail(f"no expression for {what}: {sorted(set(values))[:8]}; fields {sorted(names)}")

    def keep(self, found):
        """Remembers a text, to be tried first the next time."""
        if not found.isdigit() and found not in self.texts:
            self.texts.append(found)
        return found

    def known(self, texts, points, values, kind=lambda x: x):
        for known in texts:
            function = compiled(known)
            try:
                if all(kind(function(point)) == value for point, value in zip(points, values)):
                    return known
            except (TypeError, LookupError, ArithmeticError, NameError):
                continue
        return None

    def fit_cond(self, points, holds, what, names=(), depth=0):
        if all(holds):
            return "True"
        if not any(holds):
            return "False"
        key = ("condition", tuple(holds), depth, tuple(sorted(names)))
        if key in self.cache:
            return self.cache[key]
        found, names = self.known(self.conditions, points, holds, bool), set(names)
        for chosen in (names, names | set(self.relevant), names | set(self.varying)):
            if found is None:
                indices = INDICES[:depth]
                found = fit_bool(Env(points), holds, self.ordered(chosen | set(indices), indices))
        if found is None:
            raise Fail(f"no condition for {what} ({sum(holds)} of {len(holds)}); fields {sorted(names)}")
        if found not in self.conditions:
            self.conditions.append(found)
        self.cache[key] = found
        return found

    def fit_num(self, get, what, depth):
        points, values = self.observed(get)
        if all(isinstance(value, (int, float)) for value in values) and len({repr(v) for v in values}) == 1:
            return repr(values[0])
        key = ("number", tuple(map(repr, values)), depth)
        if key not in self.cache:
            names, indices = self.names_for(get), set(INDICES[:depth])
            found = None
            for chosen in (names, names | indices, set(self.relevant) | indices, set(self.varying) | indices):
                if found is None:
                    found = fit_float(Env(points), values, self.ordered(chosen, sorted(indices)))
            if found is None:
                raise Fail(f"no number for {what}: {sorted(set(values))[:6]}; fields {sorted(names)}")
            self.cache[key] = found
        return self.cache[key]

    # Loops.

    def loop_info(self):
        """The count and the condition of every loop."""
        self.count, self.lcond = {}, {}
        for prefix in sorted(self.canon.loops, key=lambda p: (p.count("*"), p)):
            depth, what = prefix.count("*"), ".".join(prefix)

            def rounds(sample, prefix=prefix, depth=depth):
                out = {}
                found = [*sample.fin.items(), *((key[2], at) for key, at in sample.ev.items())]
                for pattern, at in found:
                    if pattern[: len(prefix) + 1] == (*prefix, "*"):
                        for indices in at:
                            outer = indices[:depth]
                            out[outer] = max(out.get(outer, 0), indices[depth] + 1)
                return out

            try:
                self.count[prefix] = self.fit_dim(rounds, "count of " + what, depth)
            except Fail:
                self.count[prefix] = self.bound(rounds)
                if self.count[prefix] is None:
                    raise
            points, holds = [], []
            for sample in self.S:
                for indices in self.grid(sample, prefix):
                    point = self.env_of(sample, indices)
                    if self.rounds_at(prefix, point) != 0:
                        points.append(point)
                        holds.append(indices in rounds(sample))
            names = self.presence_names(rounds)
            self.lcond[prefix] = self.fit_cond(points, holds, "loop " + what, names, depth)

    def rounds_at(self, prefix, point):
        try:
            return compiled(self.count[prefix])(point)
        except (TypeError, LookupError, ArithmeticError, NameError):
            return None

    def bound(self, rounds):
        """A field that is never smaller than the rounds, and sometimes equal: the last rounds may be empty."""
        for name in sorted(self.relevant, key=lambda name: not tiny.LAYERS.search(name)):
            pairs = [(size_of(s.fields[name]), count) for s in self.S for count in rounds(s).values()]
            if all(most is not None and most >= count for most, count in pairs):
                if any(most == count for most, count in pairs):
                    return name if is_int(self.S[0].fields[name]) else f"len({name})"
        return None

    def grid(self, sample, pattern):
        """All indices at which the loops around a pattern run."""
        out = [()]
        for k, part in enumerate(pattern):
            if part == "*":
                count, condition = compiled(self.count[pattern[:k]]), compiled(self.lcond[pattern[:k]])
                points = [(indices, self.env_of(sample, indices)) for indices in out]
                out = [
                    (*indices, n)
                    for indices, point in points
                    if condition(point)
                    for n in range(count(point))
                ]
        return out

    # Order. An item is ("leaf", pattern, occurrence, phases) or ("loop", prefix, items, phases).

    def levels(self):
        """(part, items) of every part."""
        parts = sorted({part for sample in self.S for part, _ in sample.seqs})
        return [(part, self.level(part, (), None)) for part in parts]

    def level(self, part, prefix, only):
        sequences = dict.fromkeys(
            (phase, sequence)
            for phase in "MI"
            if only in (None, phase)
            for sample in self.S
            for sequence in self.sequences(sample, part, phase, prefix)
        )
        out = []
        for node, phases in merge(list(sequences), prefix):
            if node[0] == "P":
                inner = self.level(part, (*node[1], "*"), only if phases == "MI" else phases)
                out.append(("loop", node[1], inner, phases))
            else:
                out.append(("leaf", node[1], node[2], phases))
        return out

    def sequences(self, sample, part, phase, prefix):
        """The orders of leaves L and loops P behind a prefix, one for each round of the loops around."""
        depth, rounds = prefix.count("*"), {}
        for pattern, indices, number in sample.seqs.get((part, phase), []):
            if pattern[: len(prefix)] != prefix or len(pattern) <= len(prefix):
                continue
            items, at = rounds.setdefault(indices[:depth], []), None
            if "*" in pattern[len(prefix) :]:
                node = ("P", pattern[: pattern.index("*", len(prefix))])
                at = indices[depth]
                if items and items[-1][0] == node:
                    if at < items[-1][1]:
                        raise Fail(f"loop {'.'.join(node[1])} runs twice")
                    items.pop()
            else:
                node = ("L", pattern, number if phase == "I" else -number)
            items.append((node, at))
        for items in rounds.values():
            nodes = [node for node, _ in items]
            twice = [node for node in nodes if nodes.count(node) > 1]
            if twice:
                raise Fail(f"interleaved at {'.'.join(prefix)}: {'.'.join(twice[0][1])}")
            yield tuple(nodes)


def size(shape):
    total = 1
    for n in shape:
        total *= n
    return total


def size_of(value):
    if isinstance(value, list):
        return len(value)
    return value if is_int(value) else None


def is_switch(value):
    return value is None or isinstance(value, (bool, str))


def relative_steps(steps, start, end, relative):
    """The steps behind the draw, without casts that change nothing."""
    out, dtype = [], start
    for step in steps:
        if step[0] == "fill":
            out.append(step)
        elif step[0] == "cast":
            if step[1] != dtype:
                out.append(("cast", relative(step[1])))
                dtype = step[1]
        elif step[0] != "draw":
            out.append((step[0], step[1], relative(step[2])))
            dtype = step[2]
    if end != dtype:
        out.append(("cast", relative(end)))
    return out
