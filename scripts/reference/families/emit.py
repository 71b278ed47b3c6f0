"""What every leaf of an inferred tree says: sizes, conditions, numbers, values."""

import math
import re

import torch

import values
from configs import is_int
from infer import Infer
from language import INDICES
from lines import Draw, Leaf, Loop
from names import Fail
from search import Env, fit_int, is_number


def named(pattern):
    """The pattern's name, with i, j, … for its indices."""
    letters = iter(INDICES)
    return ".".join(next(letters) if part == "*" else part for part in pattern)


def depth_of(pattern):
    return pattern.count("*")


def only(found, what, default=None):
    """The one entry of a set."""
    if len(found) > 1:
        raise Fail(f"{what}: {sorted(map(str, found))}")
    return next(iter(found), default)


class Emit(Infer):
    """Gives the tree of Leaf and Loop, and the ties."""

    def run(self):
        self.loop_info()
        self.patterns = list(dict.fromkeys(pattern for s in self.S for pattern in s.fin))
        self.keys = list(dict.fromkeys(key for s in self.S for key in s.ev))
        parts = self.levels()
        # The last line that draws a tensor declares it, else its constructor.
        self.home = {}
        for _, items in parts:
            for item in flat(items):
                if item[1] in self.patterns:
                    self.home[item[1]] = id(item)
        self.place_undrawn(parts)
        tree = []
        for n, (part, items) in enumerate(parts):
            tree += ["part"] if n else []
            tree += self.emit(items, part, 0)
        return tree, self.ties()

    # Tensors without draws go next to their neighbours in the state dict.

    def place_undrawn(self, parts):
        placed = {item[1] for _, items in parts for item in flat(items)}
        self.order = self.state_order()
        for pattern in self.order:
            if pattern in placed:
                continue
            items = self.host(parts, pattern, placed)
            for at in [k for k, part in enumerate(pattern) if part == "*"]:
                prefix = pattern[:at]
                loop = next((item for item in items if item[0] == "loop" and item[1] == prefix), None)
                if loop is None:
                    loop = ("loop", prefix, [], "MI")
                    items.insert(self.place(items, pattern), loop)
                items = loop[2]
            items.insert(self.place(items, pattern), ("leaf", pattern, 0, ""))
            placed.add(pattern)

    def state_order(self):
        order = []
        for sample in self.S:
            before = None
            for pattern, _ in sample.order:
                if pattern not in order:
                    order.insert(0 if before is None else order.index(before) + 1, pattern)
                before = pattern
        return order

    def host(self, parts, pattern, placed):
        """The part of the placed neighbour with the longest common start."""

        def nearness(other):
            common = 0
            while common < min(len(other), len(pattern)) and other[common] == pattern[common]:
                common += 1
            return common, -abs(self.order.index(other) - self.order.index(pattern))

        neighbour = max((other for other in self.order if other in placed), key=nearness, default=None)
        for _, items in parts:
            if any(item[1] == neighbour for item in flat(items)):
                return items
        return parts[0][1] if parts else []

    def place(self, items, pattern):
        """Behind the item that comes last before the pattern in the state dict."""
        rank = self.order.index(pattern)
        best, place = -1, 0
        for n, item in enumerate(items):
            ranks = [self.order.index(leaf[1]) for leaf in flat([item]) if leaf[1] in self.order]
            ranks = [k for k in ranks if k < rank]
            if ranks and max(ranks) > best:
                best, place = max(ranks), n + 1
        return place

    # One leaf.

    def emit(self, items, part, depth):
        out = []
        for item in items:
            if item[0] == "leaf":
                out.append(self.leaf(item, part))
                continue
            prefix, body = item[1], self.emit(item[2], part, depth + 1)
            if body:
                name = named(prefix + ("*",)) + "."
                out.append(Loop(name, INDICES[depth], self.count[prefix], self.lcond[prefix], body))
        return out

    def leaf(self, item, part):
        _, pattern, occurrence, phases = item
        leaf = Leaf(named(pattern), again=occurrence > 0, gone=pattern not in self.patterns)
        for key in self.keys:
            phase, in_part, of, number = key
            if of != pattern or in_part != part or phase not in phases:
                continue
            if phase == "M" and occurrence <= 0 and number == -occurrence:
                leaf.make = self.draw(pattern, key, leaf.name + " make", False)
            elif phase == "I" and number == max(occurrence, 0):
                leaf.init = self.draw(pattern, key, leaf.name + " init", True)
        if not leaf.gone and self.home.get(pattern, id(item)) == id(item):
            leaf.final = self.final(pattern, leaf.name)
        return leaf

    def condition(self, pattern, present, what):
        """present(sample): the set of indices at which it is there."""
        where = [(s, indices) for s in self.S for indices in self.grid(s, pattern)]
        holds = [indices in present(s) for s, indices in where]
        if all(holds):
            return "True"
        points = [self.env_of(s, indices) for s, indices in where]
        return self.fit_cond(points, holds, what, self.presence_names(present), depth_of(pattern))

    def dims(self, pattern, shapes, what):
        """shapes(sample): indices to shape."""
        count = only({len(shape) for s in self.S for shape in shapes(s).values()}, what + " dimensions", 0)
        return [
            self.fit_dim(
                lambda s, k=k: {indices: shape[k] for indices, shape in shapes(s).items()},
                f"{what} dim {k}",
                depth_of(pattern),
            )
            for k in range(count)
        ]

    def draw(self, pattern, key, what, numbers):
        def found(sample):
            return sample.ev.get(key, {})

        every = [(s, draw) for s in self.S for draw in found(s).values()]
        op = only({draw["op"] for _, draw in every}, what)
        discards = {draw["discard"] for _, draw in every}
        types = {
            draw["dtype"] if draw["dtype"] != s.dtype else "D" for s, draw in every if s.dtype != "float32"
        }
        out = Draw(
            op,
            self.condition(pattern, lambda s: set(found(s)), what),
            self.dims(pattern, lambda s: {i: draw["shape"] for i, draw in found(s).items()}, what),
            only(types, what + " dtypes", "D"),
            discards == {True},
            {},
        )
        if numbers or not out.discard or op == "trunc_normal":
            for name in ("mean", "std", "a", "b"):
                if any(name in draw["nums"] for _, draw in every):
                    out.numbers[name] = self.fit_num(
                        lambda s, name=name: {i: draw["nums"][name] for i, draw in found(s).items()},
                        f"{what} {name}",
                        depth_of(pattern),
                    )
        return out

    def final(self, pattern, what):
        """What a tensor of the state dict holds."""

        def found(sample):
            return sample.fin.get(pattern, {})

        def own(sample):
            return {i: v for i, v in found(sample).items() if v["cat"] != "same"}

        every = [(s, v) for s in self.S for v in found(s).values()]
        out = {
            "cond": self.condition(pattern, lambda s: set(found(s)), what),
            "dims": self.dims(pattern, lambda s: {i: v["shape"] for i, v in found(s).items()}, what),
            "dtype": only({v["dtype"] for s, v in every if s.dtype != "float32"}, what + " dtypes", "D"),
            "param": all(v["param"] for _, v in every),
        }
        held = [(s, v) for s in self.S for v in own(s).values()]
        if {v["cat"] for _, v in held} == {"value", "lit"}:
            for sample, v in held:
                if v["cat"] == "value":
                    v["cat"], v["lit"] = "lit", torch.full(v["shape"], v["value"], dtype=dtype_of(sample, v))
        out["cat"] = only({v["cat"] for _, v in held}, what, "tied")
        if out["cat"] == "uninit":
            raise Fail(f"{what} is uninitialised memory")
        if out["cat"] == "value":
            out["value"] = self.rounded_value(held) or self.fit_num(
                lambda s: {i: v["value"] for i, v in own(s).items()}, what + " value", depth_of(pattern)
            )
        elif out["cat"] == "lit":
            out["lit"] = table_word([v for _, v in held], what)
        elif out["cat"] == "draw":
            out["phase"] = only({v["src"][0] for _, v in held}, what + " phases")
            if any(v["src"][2] != pattern or v["srcidx"] != i for s in self.S for i, v in own(s).items()):
                raise Fail(f"{what}: a draw of another tensor")
            out["steps"] = self.steps(pattern, own, what) + self.padding(pattern, own, what)
        return out

    def rounded_value(self, held):
        """A number or a field that the dtypes round; None if there is none such."""
        if len({repr(v["value"]) for _, v in held}) == 1 or not all(
            isinstance(v["value"], float) for _, v in held
        ):
            return None

        def holds(number):
            return all(torch.tensor(number(s), dtype=dtype_of(s, v)).item() == v["value"] for s, v in held)

        exact = {v["value"] for s, v in held if s.dtype == "float32"}
        if len(exact) == 1:
            for digits in range(1, 10):
                number = float("%.*g" % (digits, next(iter(exact))))
                if holds(lambda s, number=number: number):
                    return repr(number)
        for name in self.space.fields:
            if all(is_number(s.fields[name]) for s, _ in held):
                if holds(lambda s, name=name: float(s.fields[name])):
                    return name
                if holds(lambda s, name=name: float(s.fields[name] or 0.02)):
                    return f"or0({name}, 0.02)"
        return None

    def steps(self, pattern, own, what):
        """The steps from the draw to the value, padding apart."""
        held = [(s, v) for s in self.S for v in own(s).values()]
        chains = {tuple(op for op, *_ in changes(v)) for s, v in held if s.dtype != "float32"}
        only(chains, what + " steps")
        maps = {tuple(op for op, *_ in changes(v) if op != "cast") for _, v in held}
        only(maps, what + " steps")
        like = next((v for s, v in held if s.dtype != "float32"), held[0][1])
        out, at = [], 0
        for op, args, *_ in changes(like):
            if op == "cast":
                out.append(f"cast {args}")
                continue
            texts = [self.argument(own, what, op, at, k, depth_of(pattern)) for k in range(len(args))]
            out.append(f"{op} {', '.join(texts)}".strip())
            at += 1
        return out

    def argument(self, own, what, op, at, k, depth):
        """The text of one argument of a step."""

        def number(v):
            value = [step for step in changes(v) if step[0] != "cast"][at][1][k]
            constant = isinstance(value, tuple) and len(value) == 2 and value[0] == "const"
            return value[1] if constant else value

        found = [number(v) for s in self.S for v in own(s).values()]
        if all(is_number(value) for value in found):
            return self.fit_num(lambda s: {i: number(v) for i, v in own(s).items()}, what + " step", depth)
        if all(value is None for value in found):
            return "None"
        raise Fail(f"{what}: step {op} {found[0]}")

    def padding(self, pattern, own, what):
        """The row that is 0, as a list of no or one step."""
        rows = [(s, i, padding_row(v, what), v["shape"][0]) for s in self.S for i, v in own(s).items()]
        if all(row is None for _, _, row, _ in rows):
            return []
        names = [name for name in self.space.fields if re.search(r"token_id$|_idx$|_id$|pad_index", name)]
        names.sort(key=lambda name: name != "pad_token_id")
        for name in names:
            if all(row == row_of(s.fields[name], count) for s, _, row, count in rows):
                return [f"pad {name}"]
        if len({row for _, _, row, _ in rows}) == 1:
            return [f"pad {rows[0][2]}"]
        points, there = [self.env_of(s, i) for s, i, _, _ in rows], [row is not None for _, _, row, _ in rows]
        text = fit_int(Env(points), [row for _, _, row, _ in rows], self.relevant) if all(there) else None
        if text is not None:
            return [f"pad {text}"]
        for name in names:
            if all(row is None or row == row_of(s.fields[name], count) for s, _, row, count in rows):
                return [f"pad ({name} if {self.fit_cond(points, there, what + ' pad')} else None)"]
        raise Fail(f"{what}: padding row {sorted({str(row) for _, _, row, _ in rows})[:5]}")

    def ties(self):
        """[target, source, condition] of every tied tensor."""
        out = []
        for target in self.patterns:
            same = [
                (s, i, v["same"])
                for s in self.S
                for i, v in s.fin.get(target, {}).items()
                if v["cat"] == "same"
            ]
            for source in dict.fromkeys(pattern for _, _, (pattern, _) in same):
                pairs = [(i, j) for _, i, (pattern, j) in same if pattern == source]
                if all(i[: len(j)] == j for i, j in pairs):
                    name = named(source)
                elif all(k == 0 for _, j in pairs for k in j):
                    name = ".".join("0" if part == "*" else part for part in source)
                else:
                    raise Fail(f"tie {named(target)} {named(source)}")
                out.append((named(target), name, self.tie_condition(target, source)))
        return out

    def tie_condition(self, target, source):
        def tied(sample):
            found = sample.fin.get(target, {}).items()
            return {i for i, v in found if v["cat"] == "same" and v["same"][0] == source}

        where = [(s, i) for s in self.S for i in s.fin.get(target, {})]
        points, holds = [self.env_of(s, i) for s, i in where], [i in tied(s) for s, i in where]
        names = self.presence_names(tied)
        return self.fit_cond(points, holds, "tie " + named(target), names, depth_of(target))


def flat(items):
    """The leaves of nested items."""
    for item in items:
        if item[0] == "loop":
            yield from flat(item[2])
        else:
            yield item


def dtype_of(sample, final):
    return getattr(torch, sample.dtype if final["dtype"] == "D" else final["dtype"])


def changes(final):
    """The steps of a value without the fills of padding rows."""
    return [step for step in final["steps"] if step[0] != "fill"]


def padding_row(final, what):
    fills = [step for step in final["steps"] if step[0] == "fill"]
    if not fills:
        return None
    if len(fills) > 1:
        raise Fail(f"{what}: two fills")
    _, offset, size, _, value = fills[0]
    shape = final["shape"]
    if value != 0 or len(shape) != 2 or math.prod(size) != shape[1] or offset % shape[1]:
        raise Fail(f"{what}: a fill of {size}")
    return offset // shape[1]


def row_of(value, count):
    return value % count if is_int(value) else None


def table_word(found, what):
    """The word of the table that the samples hold."""
    for word in values.TABLES:
        if all(same_table(word, v) for v in found):
            return word
    first = found[0]["lit"].reshape(-1)
    kinds = {(tuple(v["shape"]), tuple(v["lit"].reshape(-1).tolist()), v["lit"].dtype) for v in found}
    if len(kinds) == 1 and first.numel() <= 16:
        return "const " + ",".join(repr(x) for x in first.tolist())
    raise Fail(f"{what}: a table {found[0]['shape']} {first[:4].tolist()}")


def same_table(word, final):
    try:
        made = values.table(word, final["shape"], final["lit"].dtype)
    except (RuntimeError, IndexError, TypeError, ValueError, ZeroDivisionError):
        return False
    return torch.equal(made.reshape(-1), final["lit"].reshape(-1))
