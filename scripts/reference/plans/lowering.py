"""Raw recorded programs, which name torch's operators, to the steps of a plan.

What the format lacks is refused by the operator's name. to_plan.py makes the document.
"""

import base64
import math
import zlib

ITEM = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2,
        "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1}
FLOATS = ("float64", "float32", "bfloat16", "float16")
DRAWS = ("normal", "uniform", "trunc_normal", "sparse", "orthogonal")
WHOLE = ("dirac", "eye")  # of torch.nn.init, without draws
UNARY = {"neg": "negate", "abs": "abs", "sqrt": "sqrt", "log": "log", "log1p": "log1p",
         "exp": "exp", "expm1": "expm1", "erfinv": "erfinv"}
BINARY = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide",
          "subtract": "subtract", "multiply": "multiply", "divide": "divide", "true_divide": "divide"}
CLAMP = ("clamp", "clamp_min", "clamp_max", "clip")
COPY = ("copy", "clone", "_to_copy")
SPREAD = 1 << 20  # bytes: a literal that is broadcast is written out up to this size
SLICES = 256  # a broadcast copy is written as at most so many copies


class CannotLower(Exception):
    """The program says something that a plan cannot. One line."""


def count(shape):
    return math.prod(shape)


def contiguous(shape, strides):
    if 0 in shape:
        return True
    expect = 1
    for size, stride in zip(reversed(shape), reversed(strides)):
        if size != 1 and stride != expect:
            return False
        expect *= size
    return True


def dense(shape):
    """The strides of a contiguous tensor."""
    out, step = [], 1
    for size in reversed(shape):
        out.append(step)
        step *= size
    return out[::-1]


class Region:
    """Part of a memory; strides in elements."""

    def __init__(self, memory, offset, shape, strides):
        self.memory, self.offset, self.shape = memory, offset, list(shape)
        self.strides = dense(shape) if contiguous(shape, strides) else list(strides)

    def same(self, other):
        return vars(self) == vars(other)

    def flat(self):
        return contiguous(self.shape, self.strides)


class Literal:
    def __init__(self, index, shape):
        self.index, self.shape = index, list(shape)


class Value:
    def __init__(self, number):
        self.number = number


class Step:
    """One step; to is a Region or None, sources are Regions, Literals and Values."""

    def __init__(self, do, to=None, sources=(), shape=None, dtype=None, **numbers):
        self.do, self.to, self.sources = do, to, list(sources)
        self.shape, self.dtype, self.numbers = shape, dtype, numbers

    def regions(self):
        return ([self.to] if self.to else []) + [s for s in self.sources if isinstance(s, Region)]

    def moves_stream(self):
        return self.do in DRAWS or self.do in ("seed", "load")


def plain(number):
    """A raw program's number as a Python number."""
    if isinstance(number, dict):
        if "float" in number:
            return float(number["float"])
        raise CannotLower("a complex number")
    return number


def rounded(number, dtype):
    """The number as torch makes it of dtype."""
    import torch

    number = plain(number)
    if dtype == "bool":
        return int(bool(number))
    return torch.full((), number, dtype=getattr(torch, dtype)).item()


def scalar(number, dtype, do):
    """A scalar operand as torch uses it: half types are computed in float32 and then rounded;
    a factor or divisor stays a float32 there, what is added is rounded to the half type first."""
    if do in ("multiply", "divide") and dtype != "float64":
        return rounded(number, "float32")
    return rounded(number, dtype)


class Lowering:
    """Raw operators to steps, before memories are numbered."""

    def __init__(self, program):
        self.program = program
        self.dtypes, self.steps, self.slots = {}, [], {}
        self.literals = [{"dtype": e["dtype"], "elements": e["n"], "zlib": e["zlib"]} for e in program["literals"]]
        self.temporary = 1 + max([int(i) for i in program["storages"]], default=0)
        self.elements = {}
        for op in program["ops"]:
            self.lower(op)

    def region(self, view, what):
        memory, offset, shape, strides, dtype = view
        if dtype not in ITEM:
            raise CannotLower(f"{what}: a tensor of {dtype}")
        if self.dtypes.setdefault(memory, dtype) != dtype:
            raise CannotLower(f"{what}: one memory as {self.dtypes[memory]} and {dtype}")
        if memory not in self.elements:
            self.elements[memory] = self.program["storages"][str(memory)] // ITEM[dtype]
        return Region(memory, offset, shape, strides)

    def new_memory(self, shape, dtype):
        memory, self.temporary = self.temporary, self.temporary + 1
        self.dtypes[memory], self.elements[memory] = dtype, count(shape)
        return Region(memory, 0, shape, dense(shape))

    def operand(self, arg, shape, dtype, do, what):
        """The operand of an elementwise step on a region of shape and dtype."""
        if not isinstance(arg, dict) or "float" in arg:
            return Value(scalar(arg, dtype, do))
        if "full" in arg:
            wide = arg["dtype"] in FLOATS and ITEM[arg["dtype"]] > ITEM[dtype] and arg["size"]
            if wide and rounded(arg["full"], dtype) != plain(arg["full"]):
                raise CannotLower(f"{what}: a number of {arg['dtype']} with {dtype}")
            return Value(scalar(arg["full"], dtype, do))
        if "literal" in arg:
            if arg["dtype"] != dtype:
                raise CannotLower(f"{what}: a literal of {arg['dtype']} with {dtype}")
            return self.spread(arg["literal"], arg["size"], shape, what)
        if "view" in arg:
            region = self.region(arg["view"], what)
            if region.shape != list(shape):
                raise CannotLower(f"{what}: shapes {region.shape} and {list(shape)}")
            if self.dtypes[region.memory] != dtype:
                if ITEM[self.dtypes[region.memory]] >= ITEM[dtype]:
                    raise CannotLower(f"{what}: {self.dtypes[region.memory]} with {dtype}")
                wide = self.new_memory(shape, dtype)
                self.steps.append(Step("copy", wide, [region]))
                return wide
            return region
        raise CannotLower(f"{what}: an argument {sorted(arg)}")

    def spread(self, index, size, shape, what):
        """A literal in the shape of the target; broadcast by writing it out."""
        if count(size) == count(shape):
            return Literal(index, shape)
        import torch

        entry = self.literals[index]
        if count(shape) * ITEM[entry["dtype"]] > SPREAD:
            raise CannotLower(f"{what}: a literal of {size} broadcast to {list(shape)}")
        raw = zlib.decompress(base64.b64decode(entry["zlib"]))
        values = torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(getattr(torch, entry["dtype"]))
        wide = values.reshape(size).expand(shape).contiguous()
        raw = wide.reshape(-1).view(torch.uint8).numpy().tobytes()
        self.literals.append({"dtype": entry["dtype"], "elements": wide.numel(),
                              "zlib": base64.b64encode(zlib.compress(raw, 9)).decode()})
        return Literal(len(self.literals) - 1, shape)

    def lower(self, op):
        kind = op["op"]
        if kind in ("seed", "save_state", "load_state"):
            return self.control(op)
        if op.get("aten"):
            return self.operator(op)
        view = op["to"]
        if count(view[2]) == 0:
            return None
        if op.get("discard"):
            target, shape, dtype, flat = None, view[2], view[4], contiguous(view[2], view[3])
        else:
            target = self.region(view, kind)
            shape, dtype, flat = target.shape, view[4], target.flat()
        if kind == "fill":
            return self.steps.append(Step("set", target, value=rounded(op["value"], dtype)))
        if kind == "literal":
            return self.steps.append(Step("literal", target, literal=op["literal"]))
        if kind not in DRAWS + WHOLE:
            raise CannotLower(kind)
        if not flat:
            raise CannotLower(f"{kind} into a strided region")
        if dtype not in FLOATS:
            raise CannotLower(f"{kind} of {dtype}")
        names = {"normal": ("mean", "std"), "uniform": ("low", "high"), "trunc_normal": ("mean", "std", "a", "b"),
                 "sparse": ("sparsity", "std"), "orthogonal": ("gain",), "dirac": ("groups",), "eye": ()}[kind]
        raw = {"low": "a", "high": "b"} if kind == "uniform" else {}
        numbers = {n: plain(op[raw.get(n, n)]) for n in names}
        if op.get("stream"):
            numbers["stream"] = op["stream"]
        return self.steps.append(Step(kind, target, shape=shape, dtype=dtype, **numbers))

    def control(self, op):
        if op["op"] == "seed":
            seed = op["seed"]
            if seed == "the seed":
                seed = "plan"
            elif not 0 <= seed < 1 << 53:
                seed &= 0xFFFFFFFF  # torch's generator looks at no more
            numbers = {"seed": seed}
            if op.get("stream"):
                numbers["stream"] = op["stream"]
            self.steps.append(Step("seed", **numbers))
        else:
            slot = self.slots.setdefault(op["slot"], len(self.slots))
            self.steps.append(Step(op["op"].split("_")[0], slot=slot))

    def operator(self, op):
        name, _, overload = op["op"].partition(".")
        what, base = op["op"], name if name.startswith("_") else name.rstrip("_")
        if op.get("draw"):
            raise CannotLower(f"{what} (a draw)")
        if isinstance(op["to"][0], list):
            raise CannotLower(f"{what} (several results)")
        if base not in (*COPY, *UNARY, *BINARY, *CLAMP, "cat", "stack", "norm", "linalg_vector_norm",
                        "rsub", "reciprocal", "eye", "square"):
            raise CannotLower(what)
        target = self.region(op["to"], what)
        if count(target.shape) == 0:
            return
        dtype = self.dtypes[target.memory]
        if dtype not in FLOATS:
            raise CannotLower(f"{what} on {dtype}")
        args = [{"view": op["to"]} if isinstance(a, dict) and "out" in a else a for a in op["args"]]
        options = {k: v for k, v in op["kw"].items() if v is not None and not (isinstance(v, dict) and "out" in v)}
        if base == "eye":
            self.steps.append(Step("eye", target, shape=target.shape, dtype=dtype))
        elif base in COPY:
            self.copy(target, args[1] if base == "copy" else args[0], what)
        elif base in ("cat", "stack"):
            self.join(target, args, options, base, what)
        elif base in ("norm", "linalg_vector_norm"):
            self.norm(target, args, overload, what)
        else:
            self.elementwise(target, dtype, base, args, options, what)

    def copy(self, target, source, what):
        """Whole or in parts; a broadcast source becomes one copy for each place."""
        if not isinstance(source, dict) or "full" in source or "float" in source:
            number = source["full"] if isinstance(source, dict) and "full" in source else source
            self.steps.append(Step("set", target, value=rounded(number, self.dtypes[target.memory])))
            return
        if "literal" in source:
            self.steps.append(Step("copy", target, [self.spread(source["literal"], source["size"], target.shape, what)]))
            return
        region = self.region(source["view"], what)
        if region.same(target):
            return
        shape = [1] * (len(target.shape) - len(region.shape)) + region.shape
        strides = [0] * (len(target.shape) - len(region.shape)) + region.strides
        strides = [0 if n == 1 else s for n, s in zip(shape, strides)]
        repeat = [i for i, n in enumerate(target.shape) if n > 1 and strides[i] == 0]
        if not repeat:
            if count(region.shape) != count(target.shape):
                raise CannotLower(f"{what}: shapes {region.shape} and {target.shape}")
            self.steps.append(Step("copy", target, [Region(region.memory, region.offset, target.shape, strides)]))
            return
        places = math.prod(target.shape[i] for i in repeat)
        if places > SLICES:
            raise CannotLower(f"{what}: {region.shape} broadcast to {target.shape}")
        keep = [i for i in range(len(target.shape)) if i not in repeat]
        part = [target.shape[i] for i in keep]
        for place in range(places):
            offset = target.offset
            for i in reversed(repeat):
                place, digit = divmod(place, target.shape[i])
                offset += digit * target.strides[i]
            self.steps.append(Step("copy", Region(target.memory, offset, part, [target.strides[i] for i in keep]),
                                   [Region(region.memory, region.offset, part, [strides[i] for i in keep])]))

    def join(self, target, args, options, base, what):
        dim, at = (args[1] if len(args) > 1 else options.get("dim", 0)), 0
        dim %= len(target.shape)
        for part in args[0]:
            size = list(part["view"][2] if "view" in part else part["size"])
            if base == "stack":
                size.insert(dim, 1)
                if "view" in part:
                    v = part["view"]
                    part = {"view": [v[0], v[1], size, v[3][:dim] + [0] + v[3][dim:], v[4]]}
            if count(size):
                self.copy(Region(target.memory, target.offset + at * target.strides[dim], size, target.strides), part, what)
            at += size[dim]

    def norm(self, target, args, overload, what):
        source = self.region(args[0]["view"], what) if isinstance(args[0], dict) and "view" in args[0] else None
        power = args[1] if len(args) > 1 else 2
        if source is None or plain(2 if power is None else power) != 2 or self.dtypes[source.memory] != self.dtypes[target.memory]:
            raise CannotLower(f"{what}: not a 2-norm of a drawn tensor in its own type")
        dims = args[2] if len(args) > 2 and args[2] else list(range(len(source.shape)))
        over = {d % len(source.shape) for d in ([dims] if isinstance(dims, int) else dims)}
        keep = [d for d in range(len(source.shape)) if d not in over]
        shape = [source.shape[d] for d in keep]
        out = Region(target.memory, target.offset, shape, dense(shape)) if target.flat() else target
        self.steps.append(Step("norm", out, [source], dims=keep))

    def elementwise(self, target, dtype, base, args, options, what):
        """Out of place: a copy of the first operand, then in place."""
        if options.get("rounding_mode"):
            raise CannotLower(f"{what} with rounding_mode")
        do = BINARY.get(base, "subtract")
        others = [self.operand(a, target.shape, dtype, do, what) for a in args[1:2]] if base in (*BINARY, "rsub") else []
        alpha = plain(options.get("alpha", args[2] if base in (*BINARY, "rsub") and len(args) > 2 else 1))
        first = args[0]
        region = self.region(first["view"], what) if isinstance(first, dict) and "view" in first else None
        if region is None:
            if base not in BINARY or alpha != 1:
                raise CannotLower(f"{what} of a constant")
            start = self.operand(first, target.shape, dtype, do, what)
            return self.steps.append(Step(do, target, [start, *others]))
        if not region.same(target):
            if any(isinstance(o, Region) and o.memory == target.memory for o in others):
                raise CannotLower(f"{what} into its second operand")
            self.copy(target, first, what)
        if alpha != 1:
            others = [self.times(others[0], alpha, dtype, what)]
        if base in UNARY:
            step = Step(UNARY[base], target, [target])
        elif base in BINARY:
            step = Step(do, target, [target, *others])
        elif base == "rsub":
            step = Step("subtract", target, [*others, target])
        elif base == "reciprocal":
            step = Step("divide", target, [Value(1.0), target])
        elif base == "square":
            step = Step("multiply", target, [target, target])
        else:
            low = args[1] if len(args) > 1 else options.get("min")
            high = args[2] if len(args) > 2 else options.get("max")
            if base == "clamp_max":
                low, high = None, low if low is not None else high
            limits = {"low": low, "high": high}
            step = Step("clamp", target, [target], **{k: self.limit(v, dtype, what) for k, v in limits.items() if v is not None})
        return self.steps.append(step)

    def limit(self, arg, dtype, what):
        if isinstance(arg, dict) and "full" in arg:
            arg = arg["full"]
        if isinstance(arg, dict) and "float" not in arg:
            raise CannotLower(f"{what} by a tensor")
        return rounded(arg, dtype)

    def times(self, operand, alpha, dtype, what):
        """alpha times an operand, where that is the same bits: torch rounds the sum only."""
        if math.frexp(abs(alpha))[0] != 0.5:
            raise CannotLower(f"{what} with alpha {alpha}")
        if isinstance(operand, Value):
            return Value(scalar(operand.number * alpha, dtype, "add"))
        if isinstance(operand, Literal):
            raise CannotLower(f"{what} with alpha and a literal")
        product = self.new_memory(operand.shape, dtype)
        self.steps.append(Step("copy", product, [operand]))
        self.steps.append(Step("multiply", product, [product, Value(alpha)]))
        return product
