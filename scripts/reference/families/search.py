"""Search for expressions: integers, conditions and numbers over config fields.

A search goes from short texts to longer ones and takes the first that is right
at every point. Texts are kept with their values at all points, as vectors.
"""

import itertools
import math
import re

import numpy as np

WIDE = 20_000  # Expressions of the widest table.
MOST = 300  # Conditions that are tried in pairs and threes.


class Env:
    """The points: dicts of a name to a value (numbers, words, None, lists)."""

    def __init__(self, points):
        self.points = points

    def sub(self, mask):
        return Env([point for point, keep in zip(self.points, mask) if keep])

    def column(self, name):
        return [point.get(name) for point in self.points]


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def par(text):
    """The text in brackets, unless it is a name, a number or an entry of a list."""
    simple = text.replace("_", "a").replace(".", "a").isalnum()
    entry = text.endswith("]") and "(" not in text and " " not in text
    return text if simple or entry else f"({text})"


def bracketed(condition):
    return f"({condition})" if " and " in condition or " or " in condition else condition


def vector(values):
    return np.array(values, dtype=np.int64)


# Integers.


def terms(env, names):
    """The shortest integer texts: fields, entries and lengths of lists."""
    out = {}
    for name in names:
        column = env.column(name)
        if all(is_int(v) for v in column):
            out[name] = vector(column)
        elif all(isinstance(v, bool) for v in column):
            out[f"int({name})"] = vector(column)
        elif all(isinstance(v, list) for v in column):
            out[f"len({name})"] = vector([len(v) for v in column])
            if all(v and all(is_int(x) for x in v) for v in column):
                out.update(entries(env, name, column))
        elif all(is_int(v) or (isinstance(v, list) and v and all(is_int(x) for x in v)) for v in column):
            out[f"at({name},0)"] = vector([v if is_int(v) else v[0] for v in column])
            out[f"at({name},1)"] = vector([v if is_int(v) else v[-1] for v in column])
    return out


def entries(env, name, column):
    out = {f"{name}[0]": vector([v[0] for v in column]), f"{name}[-1]": vector([v[-1] for v in column])}
    sizes = {len(v) for v in column}
    if len(sizes) == 1 and 1 < min(sizes) <= 5:
        for k in range(1, min(sizes)):
            out[f"{name}[{k}]"] = vector([v[k] for v in column])
    for index in ("i", "j"):
        for text, shift in ((f"{name}[{index}]", 0), (f"{name}[{index}-1]", -1), (f"{name}[{index}+1]", 1)):
            pairs = list(zip(env.points, column))
            if all(index in point and 0 <= point[index] + shift < len(v) for point, v in pairs):
                out[text] = vector([v[point[index] + shift] for point, v in pairs])
    return out


class Table:
    """Integer texts by their values: the terms, two of them, later three."""

    def __init__(self, terms):
        self.texts = {}  # The bytes of a vector to the first text for it.
        self.order = []
        for text, v in terms.items():
            self.put(text, v)
        self.short = len(self.order)
        items = list(terms.items())
        self.constants(items)
        self.pairs(items)
        self.squares(items)
        self.medium = len(self.order)
        self.widened = False

    def put(self, text, v):
        key = v.tobytes()
        if key not in self.texts:
            self.texts[key] = text
            self.order.append((text, v))

    def constants(self, items):
        for c in (2, 3, 4, 8):
            for a, v in items:
                self.put(f"{c}*{par(a)}", v * c)
                if c < 5:
                    self.put(f"{par(a)}//{c}", v // c)
        for c in (1, 2, -1, -2, 3):
            for a, v in items:
                self.put(f"{a}{c:+d}", v + c)

    def pairs(self, items):
        both, ordered = list(itertools.combinations(items, 2)), list(itertools.permutations(items, 2))
        for (a, v), (b, w) in both:
            self.put(f"{par(a)}*{par(b)}", v * w)
        for (a, v), (b, w) in ordered:
            if (w > 0).all():
                self.put(f"{par(a)}//{par(b)}", v // w)
        for (a, v), (b, w) in both:
            self.put(f"{a}+{b}", v + w)
        for (a, v), (b, w) in ordered:
            self.put(f"{a}-{par(b)}", v - w)
            if (w > 0).all():
                self.put(f"ceildiv({a},{b})", -(-v // w))
            self.put(f"max({a},{b})", np.maximum(v, w))
            self.put(f"min({a},{b})", np.minimum(v, w))

    def squares(self, items):
        for a, v in items:
            self.put(f"{par(a)}**2", v * v)
            self.put(f"ceildiv({a},16)", -(-v // 16))
            if (v >= 0).all() and (v < 30).all():
                self.put(f"2**{par(a)}", 2**v)
        for (a, v), (b, w) in itertools.permutations(items, 2):
            if (w > 0).all():
                square = f"({par(a)}//{par(b)})**2"
                self.put(square, (v // w) ** 2)
                for c in (1, 2):
                    self.put(f"{square}+{c}", (v // w) ** 2 + c)

    def widen(self):
        """Adds texts of three terms."""
        if self.widened:
            return
        self.widened = True
        base, short = self.order[: self.medium], self.order[: self.short]
        if len(base) * len(short) > WIDE:
            base = base[: max(1, WIDE // max(1, len(short)))]
        for a, v in base:
            for b, w in short:
                self.put(f"{par(b)}*{par(a)}", v * w)
                self.put(f"{a}+{b}", v + w)
                self.put(f"{a}-{par(b)}", v - w)
                if (w > 0).all():
                    self.put(f"{par(a)}//{par(b)}", v // w)
                if (v > 0).all():
                    self.put(f"{par(b)}//{par(a)}", w // v)
            for c in (2, 3, 4):
                self.put(f"{c}*{par(a)}", v * c)
                self.put(f"{par(a)}//{c}", v // c)
            for c in (1, 2, -1):
                self.put(f"{a}{c:+d}", v + c)

    def find(self, target, level):
        """A text for the target. Level 0: in the table; 1: of two texts; 2: of two wide ones."""
        found = self.texts.get(target.tobytes())
        if found or not self.order or level == 0:
            return found
        found = self.joined(target, self.order[: self.medium], True)
        if found or level < 2:
            return found
        self.widen()
        return self.texts.get(target.tobytes()) or self.joined(target, self.order[:WIDE], False)

    def joined(self, target, base, minus):
        """The shortest sum, product or difference of two texts of the table."""
        found = []
        for a, v in base:
            rest = self.texts.get((target - v).tobytes())
            if rest:
                found.append(f"{a}+{rest}")
            if (v > 1).all() and not (target % v).any():
                rest = self.texts.get((target // v).tobytes())
                if rest:
                    found.append(f"{par(a)}*{par(rest)}")
            rest = self.texts.get((target + v).tobytes()) if minus else None
            if rest:
                found.append(f"{rest}-{par(a)}")
        return min(found, key=len) if found else None


def enough(env, text, target):
    """Whether there are enough different points for a text this long."""
    words = re.findall(r"[A-Za-z_]\w*|\d+", text)
    if len(words) <= 2:
        return True
    names = sorted({word for word in words if word[0].isalpha()})
    rows = {(tuple(str(point.get(n)) for n in names), int(v)) for point, v in zip(env.points, target)}
    return len(rows) >= 2 * len(words) and len(set(target.tolist())) >= min(6, len(words))


class Integers:
    """The search for one integer text, with up to two `if … else`."""

    # (level of the table, number of splits, only splits at switches)
    STAGES = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 1), (2, 0, 0), (1, 2, 1), (1, 1, 0), (2, 1, 1))

    def __init__(self, names):
        self.names = names
        self.tables, self.conditions = {}, {}

    def find(self, env, target, depth, deep):
        for level, splits, strict in self.STAGES:
            if splits <= depth and (deep or level == 0):
                text = self.split((), env, target, level, splits, strict)
                if text is not None:
                    return text
        return None

    def table(self, key, env):
        if key in self.tables:
            return self.tables[key]
        found = terms(env, self.names)
        table = Table(found) if found else None
        if not key or len(self.tables) < 12:
            self.tables[key] = table
        return table

    def whole(self, key, env, target, level):
        if (target == target[0]).all():
            return str(int(target[0])) if int(target[0]) <= 4 else None
        table = self.table(key, env)
        text = table.find(target, level) if table else None
        return text if text and enough(env, text, target) else None

    def split(self, key, env, target, level, splits, strict):
        text = self.whole(key, env, target, level)
        if text is not None or splits == 0:
            return text
        if key not in self.conditions:
            self.conditions[key] = atoms(env, self.names, small=True)
        for condition, holds in self.conditions[key]:
            if min(holds.sum(), (~holds).sum()) < 5:
                continue
            if strict and not (condition in self.names or condition.endswith(" is None") or '"' in condition):
                continue
            halves = []
            for name, mask in ((condition, holds), ("not " + condition, ~holds)):
                half = self.split(key + (name,), env.sub(mask), target[mask], level, splits - 1, strict)
                if half is None:
                    break
                halves.append(par(half))
            if len(halves) == 2:
                return f"{halves[0]} if {condition} else {halves[1]}"
        return None


def fit_int(env, target, names, depth=2, deep=True):
    """An integer text that gives the target at every point, or None."""
    target = vector(target)
    if not len(target):
        return "0"
    if (target == target[0]).all():
        return str(int(target[0]))
    return Integers(names).find(env, target, depth, deep)


# Conditions.


class Atoms:
    """Simple conditions with their values; the cheap and likely ones first."""

    INDICES = ("i", "j")

    def __init__(self, env, names):
        self.env = env
        self.columns = {name: env.column(name) for name in names}
        every = {name: np.array(c) for name, c in self.columns.items() if all(is_int(v) for v in c)}
        self.ints = {name: v for name, v in every.items() if name not in self.INDICES}
        self.found, self.seen = [], set()

    def put(self, text, values):
        values = np.array(values, dtype=bool)
        key = values.tobytes()
        if key not in self.seen:
            self.seen.add(key)
            self.found.append((text, values))

    def switches(self):
        for name, column in self.columns.items():
            if all(isinstance(v, bool) for v in column):
                self.put(name, column)
        for name, column in self.columns.items():
            if any(v is None for v in column):
                self.put(f"{name} is None", [v is None for v in column])
                if all(v is None or isinstance(v, bool) for v in column):
                    self.put(name, [bool(v) for v in column])
        for name, column in self.columns.items():
            words = {v for v in column if isinstance(v, str)}
            for word in sorted(words):
                self.put(f'{name} == "{word}"', [v == word for v in column])
            if any(word.startswith("gated-") for word in words):
                gated = [isinstance(v, str) and v.startswith("gated-") for v in column]
                self.put(f'startswith({name}, "gated-")', gated)

    def at_index(self, index):
        if not all(index in point for point in self.env.points):
            return
        at = np.array(self.env.column(index))
        for name, column in self.columns.items():
            if all(isinstance(v, list) for v in column):
                self.in_list(index, at.tolist(), name, column)
        self.put(f"{index} == 0", at == 0)
        for name, v in self.ints.items():
            self.index_and_field(index, at, name, v)
        for name, v in self.ints.items():
            if (v > 0).all():
                for other, w in self.ints.items():
                    if other != name:
                        self.index_and_fields(index, at, name, v, other, w)
        for c in (1, 2, 3):
            self.put(f"{index} < {c}", at < c)
        self.put(f"{index} % 2 == 0", at % 2 == 0)

    def in_list(self, index, at, name, column):
        pairs = list(zip(at, column))
        words = {x for v in column for x in v if isinstance(x, str)}
        for word in sorted(words):
            self.put(f'at({name}, {index}) == "{word}"', [0 <= k < len(v) and v[k] == word for k, v in pairs])
        if not words and any(column):
            self.put(f"{index} in {name}", [k in v for k, v in pairs])
            self.put(
                f"at({name}, {index}) != 0", [0 <= k < len(v) and v[k] not in (0, False) for k, v in pairs]
            )
        self.put(f"{index} < len({name})", [k < len(v) for k, v in pairs])

    def index_and_field(self, index, at, name, v):
        self.put(f"{index} < {name}", at < v)
        self.put(f"{index} == {name}-1", at == v - 1)
        self.put(f"{index} == {name}", at == v)
        positive = np.where(v > 0, v, 1)
        start = "" if (v > 0).all() else f"{name} > 0 and "
        self.put(f"{start}({index}+1) % {name} == 0", (v > 0) & ((at + 1) % positive == 0))
        self.put(f"{start}{index} % {name} == 0", (v > 0) & (at % positive == 0))

    def index_and_fields(self, index, at, name, v, other, w):
        self.put(f"({index}-{par(other)}) % {name} == 0", (at - w) % v == 0)
        self.put(f"{index} % {name} == {other}", at % v == w)
        self.put(f"({index}+1-{par(other)}) % {name} == 0", (at + 1 - w) % v == 0)
        self.put(f"{index} < {name}-{par(other)}", at < v - w)
        self.put(f"{index} < {other}//{name}", at < w // v)

    def numbers(self):
        for name, v in self.ints.items():
            self.put(f"{name} > 0", v > 0)
            for c in sorted(set(v.tolist()))[:6]:
                self.put(f"{name} == {c}", v == c)
            self.put(f"{name} > 1", v > 1)
        for (a, v), (b, w) in itertools.combinations(self.ints.items(), 2):
            self.put(f"{a} == {b}", v == w)
            self.put(f"{a} < {b}", v < w)
            self.put(f"{a} > {b}", v > w)

    def rare(self):
        for name, column in self.columns.items():
            if all(isinstance(v, float) for v in column) and len(set(column)) > 1:
                self.put(f"{name} > 0", np.array(column) > 0)
                self.put(f"{name} == 1.0", np.array(column) == 1.0)
            if all(isinstance(v, list) for v in column):
                self.put(f"len({name}) > 0", [len(v) > 0 for v in column])
            if any(v is None for v in column) and any(is_int(v) for v in column):
                self.put(f"{name} is not None and {name} > 0", [is_int(v) and v > 0 for v in column])
        for name, column in self.columns.items():
            if any(is_int(v) for v in column) and any(v is None for v in column):
                for other, w in self.ints.items():
                    unequal = [v is not None and v != x for v, x in zip(column, w.tolist())]
                    self.put(f"{name} is not None and {name} != {other}", unequal)


def atoms(env, names, small=False):
    """(text, values) of simple conditions; small: without the rare ones."""
    out = Atoms(env, names)
    out.switches()
    for index in Atoms.INDICES:
        out.at_index(index)
    out.numbers()
    if not small:
        out.rare()
    return out.found


def neg(condition):
    """The opposite of a simple condition."""
    if " and " not in condition:
        if condition.endswith(" is None"):
            return condition[: -len(" is None")] + " is not None"
        if " == " in condition and " or " not in condition:
            return condition.replace(" == ", " != ")
        for word, opposite in ((" < ", " >= "), (" in ", " not in ")):
            if word in condition:
                return condition.replace(word, opposite)
    return f"not {par(condition)}"


class Conditions:
    """The search for one condition."""

    def __init__(self, env, names, target):
        self.target = target
        self.literals = []
        for text, values in atoms(env, names):
            if values.any() and not values.all():
                self.literals += [(text, values), (neg(text), ~values)]
        self.above = [(a, v) for a, v in self.literals if not (target & ~v).any()]
        self.below = [(a, v) for a, v in self.literals if not (v & ~target).any()]

    def same(self, values):
        return bool((values == self.target).all())

    def find(self):
        for a, v in self.literals:
            if self.same(v):
                return a
        return self.two() or self.three() or self.mixed() or self.cases()

    def two(self):
        for (a, v), (b, w) in itertools.combinations(self.above, 2):
            if self.same(v & w):
                return f"{a} and {b}"
        for (a, v), (b, w) in itertools.combinations(self.below, 2):
            if self.same(v | w):
                return f"{a} or {b}"
        return None

    def three(self):
        above = self.above[:120]
        for k, (a, v) in enumerate(above):
            for m, (b, w) in enumerate(above[k + 1 :], k + 1):
                both = v & w
                for c, x in above[m + 1 :]:
                    if self.same(both & x):
                        return f"{a} and {b} and {c}"
        return None

    def mixed(self):
        """a and (b or c); a or (b and c)"""
        for a, v in self.above[:120]:
            inside = [(b, w & v) for b, w in self.literals]
            inside = [(b, w) for b, w in inside if w.any() and not (w & ~self.target).any()]
            for (b, w), (c, x) in itertools.combinations(inside, 2):
                if self.same(w | x):
                    return f"{a} and ({bracketed(b)} or {bracketed(c)})"
        for a, v in self.below[:120]:
            rest = self.target & ~v
            around = [(b, w) for b, w in self.literals if not (rest & ~w).any()]
            for (b, w), (c, x) in itertools.combinations(around, 2):
                if self.same(v | (w & x)):
                    return f"{a} or ({bracketed(b)} and {bracketed(c)})"
        return None

    def cases(self):
        """(a and b) or (not a and c), b and c of one literal, then of two."""
        self.literals = self.literals[:MOST]
        for half in (self.one_in, self.two_in):
            for a, v in self.literals[::2]:
                first = half(v)
                second = half(~v) if first else None
                if second:
                    return f"({a} and {bracketed(first)}) or ({neg(a)} and {bracketed(second)})"
        return None

    def one_in(self, mask):
        want = self.target & mask
        if not want.any():
            return "False"
        if (want == mask).all():
            return "True"
        return next((b for b, w in self.literals if ((w & mask) == want).all()), None)

    def two_in(self, mask):
        found = self.one_in(mask)
        if found:
            return found
        want = self.target & mask
        above = [(b, w) for b, w in self.literals if not (want & ~w).any()]
        for (b, w), (c, x) in itertools.combinations(above, 2):
            if ((w & x & mask) == want).all():
                return f"{b} and {c}"
        below = [(b, w) for b, w in self.literals if not (w & mask & ~want).any()]
        for (b, w), (c, x) in itertools.combinations(below, 2):
            if (((w | x) & mask) == want).all():
                return f"{b} or {c}"
        return None


def fit_bool(env, target, names):
    """A condition that gives the target at every point, or None."""
    target = np.array(target, dtype=bool)
    if target.all():
        return "True"
    if not target.any():
        return "False"
    return Conditions(env, names, target).find()


# Numbers.

# A number b and an integer x. The text and the function have the same order of operations.
FORMS = [
    ("%s / sqrt(%s)", lambda b, x: b / math.sqrt(x)),
    ("%s * %s**-0.5", lambda b, x: b * (x**-0.5)),
    ("%s / %s", lambda b, x: b / x),
    ("%s * %s", lambda b, x: b * x),
    ("%s * sqrt(2 / %s)", lambda b, x: b * math.sqrt(2 / x)),
    ("%s * sqrt(1.0 / %s)", lambda b, x: b * math.sqrt(1.0 / x)),
    ("%s * sqrt(3.0) / sqrt(%s)", lambda b, x: b * math.sqrt(3.0) / math.sqrt(x)),
    ("%s * sqrt(6 / %s)", lambda b, x: b * math.sqrt(6 / x)),
    ("%s * sqrt(3 / %s)", lambda b, x: b * math.sqrt(3 / x)),
    ("%s * sqrt(3.0) * sqrt(2.0 / %s)", lambda b, x: b * math.sqrt(3.0) * math.sqrt(2.0 / x)),
    ("%s * sqrt(2 / (5 * %s))", lambda b, x: b * math.sqrt(2 / (5 * x))),
    ("%s / sqrt(2.0 * %s)", lambda b, x: b / math.sqrt(2.0 * x)),
    ("%s / sqrt(2 * %s)", lambda b, x: b / math.sqrt(2 * x)),
    ("%s * sqrt(%s)", lambda b, x: b * math.sqrt(x)),
    ("%s * sqrt(2.0) / sqrt(%s)", lambda b, x: b * math.sqrt(2.0) / math.sqrt(x)),
    ("%s * (2 * %s)**-0.5", lambda b, x: b * (2 * x) ** -0.5),
    ("%s * (4 * %s)**-0.5", lambda b, x: b * (4 * x) ** -0.5),
    ("%s * (10.0 * %s)**-0.5", lambda b, x: b * (10.0 * x) ** -0.5),
    ("%s * 2.0 / (5.0 * %s)**0.5", lambda b, x: b * 2.0 / (5.0 * x) ** 0.5),
]
FACTORS = (2.0, 0.5, 4.0, 10.0, 0.1, 0.02)
UNDEFINED = (ZeroDivisionError, ValueError, OverflowError, TypeError)


def floats(env, names):
    """The number fields, as they are and with 0.02 for 0."""
    out = {}
    for name in names:
        column = env.column(name)
        if all(is_number(v) for v in column) and any(isinstance(v, float) for v in column):
            out[name] = [float(v) for v in column]
            out[f"or0({name}, 0.02)"] = [float(v or 0.02) for v in column]
    return out


def gives(function, target, *columns):
    """Whether the function of the columns is the target at every point."""
    try:
        return all(function(*args) == want for want, *args in zip(target, *columns))
    except UNDEFINED:
        return False


def fit_float(env, target, names):
    """A text that gives every double exactly, or None."""
    target = list(target)
    if all(x == target[0] for x in target):
        return repr(target[0])
    fields = floats(env, names)
    for text, column in fields.items():
        if column == target:
            return text
    for text, column in fields.items():
        for factor in FACTORS:
            if [factor * x for x in column] == target:
                return f"{factor!r} * {text}"
    return (
        of_integer(env, target, names, fields)
        or of_two_integers(env, target, names, fields)
        or of_two(target, fields)
        or either(env, target, names)
    )


def of_integer(env, target, names, fields):
    integers = [(text, [int(x) for x in v]) for text, v in Table(terms(env, names)).order]
    numbers = [("1.0", [1.0] * len(target)), *fields.items()]
    for sign, want in (("", target), ("-", [-x for x in target])):
        for form, function in FORMS:
            for number, b in numbers:
                for integer, x in integers:
                    if gives(function, want, b, x):
                        return sign + form % (number, par(integer))
    return None


def of_two_integers(env, target, names, fields):
    """The product of a field and the inverse roots of two integers."""
    integers = [(text, [int(x) for x in v]) for text, v in terms(env, names).items()]
    for (a, x), (b, y) in itertools.permutations(integers, 2):
        for number, column in fields.items():
            if gives(lambda f, x, y: x**-0.5 * (2 * y) ** -0.5 * f, target, column, x, y):
                return f"{par(a)}**-0.5 * (2*{par(b)})**-0.5 * {number}"
    return None


def of_two(target, fields):
    for (a, v), (b, w) in itertools.permutations(fields.items(), 2):
        if gives(lambda x, y: x * y, target, v, w):
            return f"{a} * {b}"
        if gives(lambda x, y: x / y, target, v, w):
            return f"{a} / {b}"
    return None


def either(env, target, names):
    """X if condition else Y, X and Y fields or constants."""
    for condition, holds in atoms(env, names, small=True):
        if min(holds.sum(), (~holds).sum()) < 2:
            continue
        halves = [
            half(env.sub(mask), [x for x, m in zip(target, mask) if m], names) for mask in (holds, ~holds)
        ]
        if None not in halves:
            return f"{par(halves[0])} if {condition} else {par(halves[1])}"
    return None


def half(env, target, names):
    if all(x == target[0] for x in target):
        return repr(target[0])
    for name in names:
        column = env.column(name)
        if all(is_number(v) for v in column):
            if [float(v) for v in column] == target:
                return name
            if [float(v or 0.02) for v in column] == target:
                return f"or0({name}, 0.02)"
    return None
