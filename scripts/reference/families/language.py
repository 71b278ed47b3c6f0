"""The leaf language: a family's table and a config give draws, tensors and files.

Nothing of transformers is used here, and nothing of the side that derives the
tables. model/hf/families/LANGUAGE.md describes the language.
"""

import math

INDICES = "ijklm"
DTYPES = {"float": "float32", "half": "float16", "double": "float64"}


class Refuse(Exception):
    """The table does not cover this config, or from_config refuses it."""


def at(entries, index):
    """The entry, or None outside; what is no list is its own entry."""
    if isinstance(entries, (list, tuple)):
        return entries[index] if -len(entries) <= index < len(entries) else None
    return entries


FUNCTIONS = {
    "__builtins__": {},
    "sqrt": math.sqrt,
    "len": len,
    "max": max,
    "min": min,
    "int": int,
    "at": at,
    "or0": lambda value, other: value or other,
    "ceildiv": lambda a, b: -(-a // b),
    "startswith": lambda word, start: isinstance(word, str) and word.startswith(start),
}

_compiled = {}


def compiled(text):
    """The expression as a function of a mapping of names."""
    if text not in _compiled:
        code = compile(text.strip(), "<expression>", "eval")
        _compiled[text] = lambda names, code=code: eval(code, FUNCTIONS, names)
    return _compiled[text]


def evaluate(text, names):
    return compiled(text)(names)


CHECKS = {
    "int": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "float": lambda v: isinstance(v, float),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "bool": lambda v: isinstance(v, bool),
    "str": lambda v: isinstance(v, str),
    "list": lambda v: isinstance(v, list),
    "int or list": lambda v: isinstance(v, (int, list)) and not isinstance(v, bool),
}


class Fields(dict):
    """The fields of a config, read lazily: other names, defaults, null, types."""

    def __init__(self, family, config):
        super().__init__()
        self.family, self.config = family, dict(config)
        for other, field in family.get("aliases", {}).items():
            if other in self.config:
                self.config[field] = self.config.pop(other)
        for name, default in family.get("fixed", {}).items():
            if name in self.config and self.config[name] != default:
                raise Refuse(f"{name} is not covered: {self.config[name]!r}")
        for name in family.get("absent", []):
            if self.config.get(name) is not None:
                raise Refuse(f"{name} is not covered")
        if "num_labels" in family["fields"] and self.config.get("num_labels") is None:
            labels = self.config.get("id2label")
            self.config["num_labels"] = 2 if labels is None else len(labels)
        self.busy = set()

    def __missing__(self, name):
        field = self.family["fields"].get(name)
        if field is None:
            raise KeyError(name)
        if name in self.busy:
            raise Refuse(f"circular default of {name}")
        self.busy.add(name)
        value = self[name] = self.read(name, field)
        self.busy.discard(name)
        return value

    def read(self, name, field):
        if name not in self.config:
            if "required" in field:
                raise Refuse(f"{name} is needed")
            return self.rule(field["default"])
        value = self.config[name]
        if value is None:
            rule = field.get("null", "refused")
            if rule == "refused":
                raise Refuse(f"{name} is null")
            return None if rule == "null" else self.rule(rule)
        self.check(name, field, value)
        return self.rule(field["given"], given=value) if "given" in field else value

    def check(self, name, field, value):
        check = CHECKS.get(field.get("type"))
        if check and not check(value):
            raise Refuse(f"{name} has the wrong type: {value!r}")
        words = value if isinstance(value, list) else [value] if isinstance(value, str) else []
        if "values" in field and any(word not in field["values"] for word in words):
            raise Refuse(f"{name} is not covered: {value!r}")

    def rule(self, rule, **names):
        if not isinstance(rule, dict):
            return rule
        if "expr" in rule:
            return evaluate(rule["expr"], Scope(self, names))
        return [evaluate(rule["each"], Scope(self, {"i": i})) for i in range(evaluate(rule["count"], self))]


class Scope(dict):
    """Names of an expression: loop indices first, then fields."""

    def __init__(self, fields, names):
        super().__init__(names)
        self.fields = fields

    def __missing__(self, name):
        return self.fields[name]


def split(text):
    """Split at commas outside brackets."""
    parts, depth, part = [], 0, ""
    for char in text:
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += char
    return [p.strip() for p in [*parts, part]]


class Line:
    """One line: a leaf, or a loop with its body."""

    def __init__(self, text):
        head, *options = [part.strip() for part in text.split(" ; ")]
        self.options, self.condition = [], None
        for option in options:
            if option.startswith("if "):
                self.condition = option[3:]
            else:
                self.options.append(option)
        self.loop = head.startswith("layer ")
        if self.loop:
            _, self.name, self.index, self.count = head.split(None, 3)
            self.body = []
        else:
            self.name, self.kind, *dims = head.split(None, 2)
            self.dims = split(dims[0]) if dims and dims[0] != "-" else []

    def option(self, key):
        """What stands behind the key; "" if nothing does; None without the key."""
        for option in self.options:
            if option == key:
                return ""
            if option.startswith(key + " "):
                return option[len(key) + 1 :]
        return None


def parse(lines):
    """The parts: lists of lines, loops nested."""
    parts = [[]]
    stack = [parts[0]]
    for text in lines:
        text = text.strip()
        if text == "part":
            parts.append([])
            stack = [parts[-1]]
        elif text == "end":
            stack.pop()
        else:
            line = Line(text)
            stack[-1].append(line)
            if line.loop:
                stack.append(line.body)
    return parts


def substitute(name, names):
    """The name with the numbers of its indices."""
    return ".".join(str(names[part]) if part in names else part for part in name.split("."))


def match(pattern, name):
    """The indices at which the pattern is the name, or None."""
    left, right = pattern.split("."), name.split(".")
    if len(left) != len(right):
        return None
    names = {}
    for a, b in zip(left, right):
        if len(a) == 1 and a in INDICES and b.isdigit():
            names[a] = int(b)
        elif a != b:
            return None
    return names


class Model:
    """What a family's table says about one config.

    draws: every draw in order. tensors: the state dict. tied: target to source.
    file: name to (tensor, shape, offset, strides) of what is saved.
    """

    def __init__(self, family, config, dtype=None):
        self.family = family
        self.fields = Fields(family, config)
        dtype = dtype or config.get("dtype") or config.get("torch_dtype") or "float32"
        self.dtype = DTYPES.get(dtype, dtype)
        for condition, message in family.get("refuse", []):
            if evaluate(condition, self.fields):
                raise Refuse(message)
        self.draws, self.tensors, self.tied = [], {}, {}
        for part in parse(family["lines"]):
            self.walk(part, {}, "", "make")
            self.walk(part, {}, "", "init")
        self.tie()
        self.file = self.files()

    def walk(self, lines, indices, prefix, phase):
        for line in lines:
            scope = Scope(self.fields, indices)
            if line.condition and not evaluate(line.condition, scope):
                continue
            if not line.loop:
                self.leaf(line, indices, scope, prefix, phase)
                continue
            for i in range(evaluate(line.count, scope)):
                inner = {**indices, line.index: i}
                name = substitute(line.name.removeprefix("~"), inner)
                self.walk(line.body, inner, name if line.name.startswith("~") else prefix + name, phase)

    def leaf(self, line, indices, scope, prefix, phase):
        name = line.name[1:] if line.name.startswith("~") else prefix + line.name
        name = substitute(name, indices)
        std = line.option("std") or self.family.get("sigma")
        normal = f"normal 0.0, {std}"
        weight, bias, dims = name + ".weight", name + ".bias", line.dims

        def tensor(name, dims, make=None, init=None, value=None, options=()):
            self.tensor(Drawn(name, dims, make, init, value, options), scope, phase)

        def has_bias(absent):
            condition = line.option("bias")
            return absent if condition is None else condition == "" or evaluate(condition, scope)

        if line.kind in ("lin", "conv"):
            tensor(weight, dims, "uniform", normal)
            if has_bias(False):
                tensor(bias, dims[:1], "uniform", None, "0.0")
        elif line.kind == "c1d":
            tensor(weight, dims, "normal", normal)
            tensor(bias, dims[1:2], value="0.0")
        elif line.kind == "emb":
            pad = line.option("pad")
            tensor(weight, dims, "normal", normal, None, [f"pad {pad}"] if pad else [])
        elif line.kind == "ln":
            tensor(weight, dims, value="1.0")
            if has_bias(True):
                tensor(bias, dims, value="0.0")
        elif line.kind in ("rms", "rms0"):
            tensor(weight, dims, value="1.0" if line.kind == "rms" else "0.0")
        elif line.kind == "par":
            tensor(name, dims, init=normal)
        elif line.kind in ("zero", "one"):
            tensor(name, dims, value="0.0" if line.kind == "zero" else "1.0")
        elif line.kind in ("t", "drop"):
            make, init, value = line.option("make"), line.option("init"), line.option("=")
            tensor(None if line.kind == "drop" else name, dims, make, init, value, line.options)
        else:
            raise Refuse(f"kind {line.kind}")

    def tensor(self, drawn, scope, phase):
        shape = [evaluate(dim, scope) for dim in drawn.dims]
        declares = drawn.name is not None and "nodecl" not in drawn.options
        if phase == "make":
            if drawn.make is not None:
                self.draw(drawn, drawn.make, shape, scope, phase)
            if declares and (drawn.init is None or drawn.value is not None):
                self.declare(drawn, shape, scope)
        elif drawn.init is not None:
            self.draw(drawn, drawn.init, shape, scope, phase)
            if declares and drawn.value is None:
                self.declare(drawn, shape, scope)

    def draw(self, drawn, text, shape, scope, phase):
        condition = drawn.option(phase + "-if")
        if condition and not evaluate(condition, scope):
            return
        op, _, numbers = text.partition(" ")
        numbers = [float(evaluate(x, scope)) for x in split(numbers)] if numbers else []
        if drawn.option(phase + "-of"):
            shape = [evaluate(dim, scope) for dim in split(drawn.option(phase + "-of"))]
        if math.prod(shape) == 0:
            return
        dtype = self.type(drawn.option(phase + "-as"))
        self.draws.append({"op": op, "shape": shape, "dtype": dtype, "nums": numbers, "name": drawn.name})

    def type(self, word):
        return self.dtype if word in (None, "D") else word

    def declare(self, drawn, shape, scope):
        if 0 in shape:
            raise Refuse(f"{drawn.name} has no elements")
        tensor = {
            "shape": shape,
            "dtype": self.type(drawn.option("dtype")),
            "buffer": "buffer" in drawn.options,
        }
        self.tensors[drawn.name] = tensor
        if drawn.value == "tied":
            tensor["tied"] = True
        elif drawn.value is not None and drawn.value.startswith("table "):
            tensor["table"] = drawn.value.removeprefix("table ")
        elif drawn.value is not None:
            tensor["value"] = evaluate(drawn.value, scope)
        elif not self.draws or self.draws[-1]["name"] != drawn.name:
            tensor["tied"] = True
        else:
            tensor["draw"] = len(self.draws) - 1
            tensor["steps"] = self.steps(drawn, shape, scope)

    def steps(self, drawn, shape, scope):
        steps = []
        for option in drawn.options:
            word, _, rest = option.partition(" ")
            if word == "pad":
                row = evaluate(rest, scope)
                if row is None:
                    continue
                if not -shape[0] <= row < shape[0]:
                    raise Refuse(f"{drawn.name}: padding row {row} of {shape[0]}")
                steps.append(("pad", row % shape[0]))
            elif word == "step":
                op, _, numbers = rest.partition(" ")
                if op == "cast":
                    steps.append((op, self.type(numbers)))
                else:
                    steps.append((op, *(evaluate(x, scope) for x in (split(numbers) if numbers else []))))
        return steps

    def tie(self):
        for target, source, condition in self.family.get("ties", []):
            for name in self.tensors:
                indices = match(target, name)
                if indices is not None and evaluate(condition, Scope(self.fields, indices)):
                    self.tied[name] = substitute(source, indices)
        for name, tensor in self.tensors.items():
            if tensor.get("tied") and name not in self.tied:
                raise Refuse(f"{name} has neither a draw nor a tie")
        for name in self.tied:
            while self.tied[name] in self.tied:
                self.tied[name] = self.tied[self.tied[name]]

    def files(self):
        out = {}
        for name, tensor in self.tensors.items():
            rule, scope = self.file_rule(name)
            if rule is None:
                if name not in self.tied:
                    out[name] = (name, list(tensor["shape"]), 0, None)
            elif not rule.get("omit") and (name not in self.tied or rule.get("even_tied")):
                for target in rule["to"]:
                    out.update(self.saved(target, name, tensor["shape"], scope))
        return out

    def file_rule(self, name):
        for rule in self.family.get("file", []):
            indices = match(rule["from"], name)
            if indices is None:
                continue
            scope = Scope(self.fields, indices)
            if "if" not in rule or evaluate(rule["if"], scope):
                return rule, scope
        return None, None

    def saved(self, target, name, shape, scope):
        """The tensors that one entry of `to` makes of a tensor."""
        take = target["take"]
        item, rest = math.prod(shape[1:]), list(shape[1:])
        called = substitute(target["name"], scope)
        if take == "whole":
            to = [evaluate(x, scope) for x in target["shape"]] if "shape" in target else list(shape)
            return {called: (name, to, 0, None)}
        if take == "T":
            return {called: (name, list(shape)[::-1], 0, [1, shape[-1]])}
        if take == "rows":
            start, count = evaluate(target["start"], scope), evaluate(target["count"], scope)
            return {called: (name, [count, *rest], start * item, None)}
        out = {}
        for e in range(shape[0]):
            called = substitute(target["name"], {**scope, "e": e})
            if take == "each":
                out[called] = (name, rest, e * item, None)
            elif take == "each T":
                out[called] = (name, rest[::-1], e * item, [1, shape[2]])
            elif take == "each rows":
                half = shape[1] // 2
                start = half * math.prod(shape[2:]) if target["rows"] == "second half" else 0
                out[called] = (name, [half, *rest[1:]], e * item + start, None)
            else:
                raise Refuse(f"take {take}")
        return out


class Drawn:
    """A tensor of a leaf: its name, dims, the two draws, the value, options."""

    def __init__(self, name, dims, make, init, value, options):
        self.name, self.dims, self.make, self.init = name, dims, make, init
        self.value, self.options = value, options

    option = Line.option
