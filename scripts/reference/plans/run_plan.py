#!/usr/bin/env python3
"""Run a plan file (weightinit.plan/1) with torch: a second opinion on what it says.

  run_plan.py PLAN --seed 42                  # prints name, type, shape and SHA-256 of every tensor
  run_plan.py PLAN --sums NAME.sums.json      # compares with what the real constructor gave

It holds everything in memory and checks the document's rules on the way: regions
inside their memory that do not overlap themselves, equal shapes, nothing read that
was never written. Knows nothing of how plans are made. Exit code: 0 done and equal,
1 different, 2 bad plan.
"""

import argparse
import base64
import gzip
import hashlib
import json
import math
import sys
import zlib

import torch

KEYS = {"format", "info", "memory", "steps", "tensors", "saved", "literals"}
FLOATS = {"float64", "float32", "bfloat16", "float16"}
DTYPES = FLOATS | {"int64", "int32", "int16", "int8", "uint8", "bool"}
NUMBERS = {"normal": ("mean", "std"), "uniform": ("low", "high"), "trunc_normal": ("mean", "std", "a", "b"),
           "sparse": ("sparsity", "std"), "orthogonal": ("gain",), "dirac": ("groups",), "eye": (),
           "set": ("value",), "literal": ("literal",), "copy": (), "norm": ("dims",), "clamp": ("low", "high"),
           "seed": ("seed",), "save": ("slot",), "load": ("slot",)}
DRAWS = ("normal", "uniform", "trunc_normal", "sparse", "orthogonal", "dirac", "eye")
BINARY = {"add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div}
UNARY = {"negate": torch.neg, "abs": torch.abs, "sqrt": torch.sqrt, "log": torch.log, "log1p": torch.log1p,
         "exp": torch.exp, "expm1": torch.expm1, "erfinv": torch.erfinv}
OPTIONAL = {"to", "from", "stream", "shape", "dtype", "do"}


class BadPlan(Exception):
    """The document breaks a rule of the format. One line."""


def number(value):
    if isinstance(value, str):
        if value not in ("inf", "-inf", "nan", "-0.0"):
            raise BadPlan(f"number {value!r}")
        return float(value)
    return value


def dtype(name):
    if name not in DTYPES:
        raise BadPlan(f"dtype {name!r}")
    return getattr(torch, name)


def dense(shape):
    return [math.prod(shape[i + 1:]) for i in range(len(shape))]


def ordered_norm(x, over):
    """torch's float32 2-norm in the order of its sums (AVX2 and AVX-512), which is exact; float64 is many ulps away.

    Where the innermost dimension is kept: one square after the other, product and sum
    each rounded. Where it is reduced: eight sums side by side, then these in turn, then
    of the rest four squares in the same way, and the last three by fused multiply-adds.
    """
    keep = [d for d in range(x.ndim) if d not in over]
    rows = x.permute(*over, *keep).reshape(math.prod(x.shape[d] for d in over), -1)
    n, total = len(rows), torch.zeros(rows.shape[1])
    inner = [d for d in range(x.ndim) if x.shape[d] > 1][-1:]
    start, plain = 0, n
    if set(inner) & set(over):
        start = n - n % 8
        sums = torch.zeros(8, rows.shape[1])
        for i in range(0, start, 8):
            sums = sums + rows[i:i + 8] * rows[i:i + 8]
        for s in sums:
            total = total + s
        plain = start + (4 if n - start >= 4 else 0)
    for row in rows[start:plain]:
        total = total + row * row
    for row in rows[plain:]:
        total = (total.double() + row.double() * row.double()).float()
    return total.double().sqrt().float()


class Run:
    """One run of a plan.

    With rounded, torch's operators are not trusted: functions are computed in float64
    and rounded once, sums and products as the format says, norms in torch's order.
    """

    def __init__(self, plan, seed, rounded=False):
        self.plan, self.seed, self.rounded = plan, seed, rounded
        unknown = set(plan) - KEYS
        if plan.get("format") != "weightinit.plan/1" or unknown:
            raise BadPlan(f"format {plan.get('format')!r}, unknown keys {sorted(unknown)}")
        self.memory = {}
        self.written = {}
        self.generators, self.slots, self.literals = {0: torch.default_generator}, {}, {}
        torch.manual_seed(seed)
        with torch.no_grad():
            for i, step in enumerate(plan["steps"]):
                try:
                    self.step(step)
                except BadPlan as e:
                    raise BadPlan(f"step {i} ({step.get('do')}): {e}") from None

    # ---- places ----
    def spec(self, r):
        """Shape, strides and offset of a region, checked."""
        unknown = set(r) - {"memory", "offset", "shape", "strides"}
        if unknown:
            raise BadPlan(f"unknown keys {sorted(unknown)}")
        elements = self.plan["memory"][r["memory"]]["elements"]
        shape = r.get("shape", [elements])
        strides = r.get("strides", dense(shape))
        offset = r.get("offset", 0)
        if len(strides) != len(shape) or min([offset, *strides, *shape], default=0) < 0:
            raise BadPlan(f"region {r}")
        if math.prod(shape) and offset + sum((n - 1) * s for n, s in zip(shape, strides)) >= elements:
            raise BadPlan(f"region {r} outside its {elements} elements")
        reach = 1
        for s, n in sorted((s, n) for s, n in zip(strides, shape) if n > 1):
            if s < reach:
                raise BadPlan(f"region {r} overlaps itself")
            reach += s * (n - 1)
        return shape, strides, offset

    def buffer(self, i):
        if i not in self.memory:
            m = self.plan["memory"][i]
            if m["dtype"] not in DTYPES:
                raise BadPlan(f"memory {i} of {m['dtype']}")
            self.memory[i] = torch.empty(m["elements"], dtype=dtype(m["dtype"]))
            self.written[i] = torch.zeros(m["elements"], dtype=torch.bool)
        return self.memory[i], self.written[i]

    def read(self, r):
        shape, strides, offset = self.spec(r)
        values, written = self.buffer(r["memory"])
        if not bool(written.as_strided(shape, strides, offset).all()):
            raise BadPlan(f"reads {r}, which was never written")
        return values.as_strided(shape, strides, offset)

    def put(self, r, values):
        shape, strides, offset = self.spec(r)
        buffer, written = self.buffer(r["memory"])
        target = buffer.as_strided(shape, strides, offset)
        target.copy_(values if values.ndim == 0 else values.reshape(shape))
        written.as_strided(shape, strides, offset).fill_(True)

    def literal(self, i):
        if i not in self.literals:
            entry = self.plan["literals"][i]
            raw = bytearray(zlib.decompress(base64.b64decode(entry["zlib"])))
            values = torch.frombuffer(raw, dtype=torch.uint8).view(dtype(entry["dtype"])) if raw else torch.empty(0, dtype=dtype(entry["dtype"]))
            if values.numel() != entry["elements"]:
                raise BadPlan(f"literal {i} has {values.numel()} elements, not {entry['elements']}")
            self.literals[i] = values
        return self.literals[i]

    def operand(self, x, shape, kind):
        """A tensor of shape, or a Python number."""
        if "value" in x:
            return number(x["value"])
        if "literal" in x:
            values = self.literal(x["literal"])
            if values.numel() != math.prod(shape):
                raise BadPlan(f"literal {x['literal']} of {values.numel()} elements for shape {shape}")
            values = values.reshape(shape)
        else:
            values = self.read(x)
            if list(values.shape) != list(shape):
                raise BadPlan(f"shapes {list(values.shape)} and {list(shape)}")
        if kind and values.dtype != kind:
            raise BadPlan(f"{values.dtype} with {kind}")
        return values

    # ---- steps ----
    def step(self, s):
        do = s["do"]
        known = NUMBERS.get(do, () if do in BINARY or do in UNARY else None)
        if known is None or set(s) - set(known) - OPTIONAL:
            raise BadPlan(f"unknown step or keys {sorted(s)}")
        if do != "clamp" and not set(known) <= set(s):
            raise BadPlan(f"wants {known}, has {sorted(s)}")
        if do in ("seed", "save", "load"):
            self.control(do, s)
        elif do in DRAWS:
            self.draw(do, s)
        elif do == "set":
            kind = dtype(self.plan["memory"][s["to"]["memory"]]["dtype"])
            self.put(s["to"], torch.full((), number(s["value"]), dtype=kind))
        elif do == "literal":
            shape, _, _ = self.spec(s["to"])
            self.put(s["to"], self.operand({"literal": s["literal"]}, shape, self.buffer(s["to"]["memory"])[0].dtype))
        else:
            self.compute(do, s)

    def control(self, do, s):
        stream = s.get("stream", 0)
        if do == "seed":
            seed = self.seed if s["seed"] == "plan" else s["seed"]
            if stream not in self.generators:
                self.generators[stream] = torch.Generator()
            self.generators[stream].manual_seed(seed)
        elif do == "save":
            self.slots[s["slot"]] = self.generators[stream].get_state()
        elif s["slot"] not in self.slots:
            raise BadPlan(f"slot {s['slot']} was never saved")
        else:
            self.generators[stream].set_state(self.slots[s["slot"]])

    def draw(self, do, s):
        if s["dtype"] not in FLOATS or s.get("stream", 0) not in self.generators:
            raise BadPlan(f"dtype {s['dtype']}, stream {s.get('stream', 0)}")
        gen = self.generators[s.get("stream", 0)]
        t = torch.empty(s["shape"], dtype=dtype(s["dtype"]))
        a = [number(s[k]) for k in NUMBERS[do]]
        if do == "normal":
            t.normal_(*a, generator=gen)
        elif do == "uniform":
            t.uniform_(*a, generator=gen)
        elif do == "trunc_normal":
            torch.nn.init.trunc_normal_(t, *a, generator=gen)
        elif do in ("sparse", "orthogonal"):
            {"sparse": torch.nn.init.sparse_, "orthogonal": torch.nn.init.orthogonal_}[do](t, *a, generator=gen)
        else:
            {"dirac": torch.nn.init.dirac_, "eye": torch.nn.init.eye_}[do](t, *a)
        if "to" in s:
            shape, strides, _ = self.spec(s["to"])
            if self.buffer(s["to"]["memory"])[0].dtype != t.dtype or math.prod(shape) != t.numel():
                raise BadPlan(f"{list(t.shape)} {t.dtype} to {s['to']}")
            if [st for st, n in zip(strides, shape) if n > 1] != [st for st, n in zip(dense(shape), shape) if n > 1]:
                raise BadPlan("a draw into a strided region")
            self.put(s["to"], t)

    def compute(self, do, s):
        kind = self.buffer(s["to"]["memory"])[0].dtype
        shape, _, _ = self.spec(s["to"])
        if kind not in {dtype(d) for d in FLOATS}:
            raise BadPlan(f"{do} on {kind}")
        wanted = 2 if do in BINARY else 1
        if len(s["from"]) != wanted:
            raise BadPlan(f"wants {wanted} operands")
        if do == "norm":
            x = self.read(s["from"][0])
            over = [d for d in range(x.ndim) if d not in s["dims"]]
            if [x.shape[d] for d in s["dims"]] != list(shape) and math.prod(x.shape[d] for d in s["dims"]) != math.prod(shape):
                raise BadPlan(f"norm of {list(x.shape)} but {s['dims']} to {shape}")
            norm = ordered_norm if self.rounded and x.dtype == torch.float32 else lambda v, d: torch.norm(v, 2, d)
            out = norm(x, over) if over else x.abs()
        else:
            ops = [self.operand(x, shape, None if do == "copy" else kind) for x in s["from"]]
            ops = [torch.full((), o, dtype=torch.float64) if not isinstance(o, torch.Tensor) and (do == "copy" or wanted == 1) else o for o in ops]
            if do == "copy":
                out = ops[0]
            elif do in BINARY:
                if not any(isinstance(o, torch.Tensor) for o in ops):
                    raise BadPlan("no operand is a tensor")
                out = self.arithmetic(do, ops, kind)
            elif do == "clamp":
                out = torch.clamp(ops[0], number(s.get("low")), number(s.get("high")))
            else:
                out = self.function(UNARY[do], ops[0]) if do not in ("negate", "abs") else UNARY[do](ops[0])
        self.put(s["to"], out.clone())

    def arithmetic(self, do, ops, kind):
        """Two operands, one may be a number: torch's operator, or with rounded what the format says of it.

        Half types are computed in float32, with numbers as float32, and rounded after that.
        """
        wide = torch.float64 if kind == torch.float64 else torch.float32
        if self.rounded or not isinstance(ops[0], torch.Tensor):
            ops = [o.to(wide) if isinstance(o, torch.Tensor) else torch.full((), o, dtype=wide) for o in ops]
            if self.rounded:  # float64 holds enough bits that rounding twice is rounding once
                return BINARY[do](*[o.double() for o in ops]).to(wide).to(kind)
            return BINARY[do](*ops).to(kind)
        return BINARY[do](*ops)

    def function(self, f, x):
        return f(x.double()).float().to(x.dtype) if self.rounded and x.dtype != torch.float64 else f(x)

    # ---- results ----
    def results(self, key="tensors"):
        """Name to tensor, in order; ties are the same tensor."""
        out = {}
        for e in self.plan[key]:
            if e["name"] in out:
                raise BadPlan(f"tensor {e['name']} twice")
            out[e["name"]] = self.tensor(e, out)
        if not out:
            raise BadPlan("no tensors")
        return out

    def tensor(self, e, before):
        kinds = [k for k in ("memory", "value", "literal", "same_as") if k in e]
        if len(kinds) != 1 or not isinstance(e["parameter"], bool):
            raise BadPlan(f"tensor {e['name']}: {kinds}")
        if kinds == ["same_as"]:
            if e["same_as"] not in before:
                raise BadPlan(f"tensor {e['name']}: same_as {e['same_as']}")
            return before[e["same_as"]]
        kind = dtype(e["dtype"])
        if kinds == ["value"]:
            return torch.full(e["shape"], number(e["value"]), dtype=kind)
        if kinds == ["literal"]:
            return self.operand({"literal": e["literal"]}, e["shape"], kind)
        values = self.read({k: e[k] for k in ("memory", "offset", "shape", "strides") if k in e})
        if values.dtype != kind:
            raise BadPlan(f"tensor {e['name']}: {values.dtype} is not {kind}")
        return values


def raw(t):
    """The little-endian bytes of a tensor."""
    t = t.detach().contiguous()
    return t.reshape(-1).view(torch.uint8).numpy().data if t.numel() else b""


def sha256(t):
    return hashlib.sha256(raw(t)).hexdigest()


def after():
    """What the default generator gives next, as hex: three float32 normals, then two uniforms."""
    return bytes(raw(torch.empty(3).normal_())).hex() + bytes(raw(torch.empty(2).uniform_())).hex()


def ulps(a, b):
    """The largest distance of two tensors of one floating type, in units of the last place."""
    if a.numel() == 0:
        return 0
    bits = {torch.float64: torch.int64, torch.float32: torch.int32}.get(a.dtype, torch.int16)

    def line(t):
        v = t.detach().contiguous().reshape(-1).view(bits).to(torch.int64)
        lowest = torch.iinfo(bits).min
        return torch.where(v < 0, lowest - v, v)
    return int((line(a) - line(b)).abs().max())


def load(path):
    with open(path, "rb") as f:
        data = f.read()
    return json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


def compare(plan, sums):
    """Lines on what differs from the sums file."""
    lines = []
    for want in sums["runs"]:
        run = Run(plan, want["seed"])
        if after() != want["after"]:
            lines.append(f"seed {want['seed']}: the stream ends elsewhere")
        for key in ("tensors", "saved"):
            if key not in plan and key not in want:
                continue
            have = {n: (sha256(t), list(t.shape), str(t.dtype).removeprefix("torch.")) for n, t in run.results(key).items()}
            real = {e["name"]: (e["sha256"], e["shape"], e["dtype"]) for e in want[key]}
            if key == "tensors" and list(have) != list(real) or set(have) != set(real):
                lines.append(f"seed {want['seed']}: other names in {key}")
            lines += [f"seed {want['seed']}: {key} {n}" for n in real if have.get(n) != real[n]]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("plan")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--saved", action="store_true", help="what the framework's own save writes")
    parser.add_argument("--sums", metavar="FILE", help="compare with this")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        plan = load(args.plan)
        if args.sums:
            lines = compare(plan, load(args.sums))
            print("\n".join(lines) or "equal")
            return 1 if lines else 0
        for name, t in Run(plan, args.seed).results("saved" if args.saved else "tensors").items():
            print(name, str(t.dtype).removeprefix("torch."), list(t.shape), sha256(t))
    except (BadPlan, OSError, ValueError, KeyError, IndexError) as e:
        print(f"run_plan: {type(e).__name__}: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
