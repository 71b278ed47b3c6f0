#!/usr/bin/env python3
"""Turn a recorded constructor into a plan file (weightinit.plan/1).

  to_plan.py --recorder DIR --model my_module:build [--kwargs JSON] -o model.plan.json.gz
  to_plan.py --recorder DIR --model path/to/file.py:build --marker 7 -o model.plan.json
  to_plan.py --raw program.json -o model.plan.json

DIR holds record.py, the recorder: its record(function) gives a raw program. The
raw program names torch's operators; the plan names the steps of the format.
Operators that the format lacks are refused by name. --marker K: a generator that
the function seeds with K is seeded with the plan's own seed. Exit code: 0 done,
2 refused or bad input.
"""

import argparse
import gzip
import importlib
import importlib.util
import json
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lowering import FLOATS, ITEM, CannotLower, Literal, Lowering, Region, count, dense, rounded  # noqa: E402

FORMAT = "weightinit.plan/1"
SAVED = "\0saved\0"  # before the names of what the framework's own save writes
INEXACT = ("sqrt", "log", "log1p", "exp", "expm1", "erfinv", "norm")
# Chains whose distance from correctly rounded functions is not the number of their functions;
# measured by the script ulps over 2^24 draws, with the constants of transformers.
CHAINS = {
    # dt_bias of Mamba; the same with the uniform's bounds in the logarithm
    ("uniform", "multiply", "add", "exp", "clamp", "negate", "expm1", "negate", "log", "add"): 2,
    ("uniform", "exp", "clamp", "negate", "expm1", "negate", "log", "add"): 2,
    # torch 2.11's trunc_normal: the product can turn one ulp into two. erfinv is MKL's, and
    # MKL's values depend on the processor: 0.014 %, 0.029 % or 0.72 % are not correctly rounded
    ("uniform", "erfinv", "multiply", "add", "clamp"): 2,
    # the recurrent parameter of RG-LRU: exp(x) - 1 of a small x loses up to 10 bits; 233 measured
    ("uniform", "log", "multiply", "negate", "exp", "subtract", "log"): 256,
}


class Plan:
    """Steps and tensors of one program, simplified, as a document."""

    def __init__(self, program, of="", made_by="to_plan.py"):
        low = Lowering(program)
        self.steps, self.dtypes, self.elements, self.literals = low.steps, low.dtypes, low.elements, low.literals
        self.info = {"torch": program["torch"].partition("+")[0], "made_by": made_by}
        if of:
            self.info["of"] = of
        self.tensors, self.saved = [], []
        entries = {}
        for e in program["tensors"]:
            entries[e["name"]] = self.entry(e, low)
        self.final(program["tensors"], entries)
        self.fold_temporaries()
        self.fold_saved()
        self.drop_dead()
        self.marks = self.analyse()

    def entry(self, e, low):
        name = e["name"].removeprefix(SAVED)
        if e["dtype"] not in ITEM:
            raise CannotLower(f"tensor {name} of {e['dtype']}")
        if e.get("uninitialised") and count(e["shape"]):
            raise CannotLower(f"tensor {name} is never written")
        out = {"name": name, "dtype": e["dtype"], "shape": e["shape"], "parameter": bool(e.get("param"))}
        if "same_as" in e:
            out["same_as"] = e["same_as"]
        elif "value" in e or not count(e["shape"]):
            out["value"] = rounded(e.get("value", 0), e["dtype"])
        elif "literal" in e:
            out["literal"] = e["literal"]
        else:
            out["region"] = low.region(e["view"], name)
        return out

    def final(self, raw, entries):
        """Tensors, and what is saved with its own ties."""
        params = {}
        for e in raw:
            entry = entries[e["name"]]
            if not e["name"].startswith(SAVED):
                self.tensors.append(entry)
                params[entry["name"]] = entry["parameter"]
                if "region" in entry:
                    params.setdefault(entry["region"].memory, entry["parameter"])
        seen = {}
        for e in raw:
            if not e["name"].startswith(SAVED):
                continue
            entry = dict(entries[e["name"]])
            root = e["name"]
            while "same_as" in entries[root]:
                root = entries[root]["same_as"]
            for key in ("same_as", "value", "literal", "region"):
                entry.pop(key, None)
            if root in seen and count(e["shape"]):
                entry["same_as"] = seen[root]
            else:
                seen[root] = entry["name"]
                entry.update({k: v for k, v in entries[root].items() if k in ("value", "literal", "region")})
            memory = entry["region"].memory if "region" in entry else None
            entry["parameter"] = params.get(entry["name"], params.get(memory, e["dtype"] in FLOATS))
            self.saved.append(entry)

    def finals(self):
        return [e["region"] for e in self.tensors + self.saved if "region" in e]

    def whole(self, region):
        return region.offset == 0 and region.flat() and count(region.shape) == self.elements[region.memory]

    def fold_temporaries(self):
        """A temporary that is copied whole, and not used again, is the memory that it is copied to."""
        first, last = {}, {}
        for i, step in enumerate(self.steps):
            for r in step.regions():
                first.setdefault(r.memory, i)
                last[r.memory] = i
        for r in self.finals():
            last[r.memory] = len(self.steps)
        name = {}

        def find(m):
            while m in name:
                m = name[m]
            return m
        kept = []
        for i, step in enumerate(self.steps):
            if step.do == "copy" and isinstance(step.sources[0], Region):
                src, dst = step.sources[0], step.to
                a, b = find(src.memory), dst.memory
                if (a != b and b not in name and last[a] == i and first[b] == i and self.dtypes[a] == self.dtypes[b]
                        and self.elements[a] == self.elements[b] and self.whole(src) and self.whole(dst)):
                    name[a] = b
                    continue
            kept.append(step)
        for r in [r for s in kept for r in s.regions()] + self.finals():
            r.memory = find(r.memory)
        self.steps = kept

    def fold_saved(self):
        """A copy that only saved tensors look at is a view of what was copied."""
        writes, reads, own = {}, set(), set()
        for i, step in enumerate(self.steps):
            if step.to:
                writes.setdefault(step.to.memory, []).append(i)
            reads.update(s.memory for s in step.sources if isinstance(s, Region))
        own = {e["region"].memory for e in self.tensors if "region" in e}
        for e in self.saved:
            while "region" in e:
                memory = e["region"].memory
                if memory in own or memory in reads or len(writes[memory]) != 1:
                    break
                at = writes[memory][0]
                step = self.steps[at]
                source = step.sources[0] if step.do == "copy" else None
                if (not isinstance(source, Region) or not self.whole(step.to) or writes[source.memory][-1] > at
                        or self.dtypes[source.memory] != self.dtypes[memory]):
                    break
                view = compose(e["region"], source)
                if view is None:
                    break
                e["region"] = view

    def drop_dead(self):
        """Backwards from the tensors: draws that nothing needs are discards, other dead steps go."""
        live = {r.memory for r in self.finals()}
        loaded = {s.numbers["slot"] for s in self.steps if s.do == "load"}
        kept = []
        for step in reversed(self.steps):
            if step.to is None or step.to.memory not in live:
                if step.do == "save" and step.numbers["slot"] in loaded or step.moves_stream():
                    step.to = None
                    kept.append(step)
                continue
            if self.whole(step.to):
                live.discard(step.to.memory)
            live.update(s.memory for s in step.sources if isinstance(s, Region))
            kept.append(step)
        self.steps = kept[::-1]

    def analyse(self):
        """Memory to (inexact steps, orthogonal, chain): what its values depend on."""
        state = {}
        empty = (frozenset(), False, ())
        for i, step in enumerate(self.steps):
            if step.to is None:
                continue
            m, whole = step.to.memory, self.whole(step.to)
            sets = [state.get(s.memory, empty) for s in step.sources if isinstance(s, Region)]
            before = [] if whole else [state.get(m, empty)]
            inexact = frozenset().union(*[s[0] for s in sets + before])
            bent = any(s[1] for s in sets + before) or step.do == "orthogonal"
            chain = tuple(sorted({c for s in sets + before for c in s[2]}))
            if step.do in INEXACT:
                inexact |= {i}
            if step.do not in ("copy", "set", "literal"):
                chain += (i,)
            state[m] = (inexact, bent, chain)
        return state

    def mark(self, memory):
        inexact, bent, chain = self.marks.get(memory, (frozenset(), False, ()))
        if bent:
            return {"exact": False}
        if not inexact:
            return {}
        names = tuple(self.steps[c].do for c in chain)
        return {"exact": False, "ulp": CHAINS.get(names, len(inexact))}

    def document(self):
        number, order = {}, {}

        def memory(m):
            return number.setdefault(m, len(number))

        def literal(i):
            return order.setdefault(i, len(order))
        slots = {}
        steps = []
        for s in self.steps:
            if "slot" in s.numbers:
                s.numbers["slot"] = slots.setdefault(s.numbers["slot"], len(slots))
            steps.append(self.step(s, memory, literal))
        tensors = [self.tensor(e, memory, literal) for e in self.tensors]
        saved = [self.tensor(e, memory, literal) for e in self.saved]
        doc = {"format": FORMAT, "info": self.info,
               "memory": [{"dtype": self.dtypes[m], "elements": self.elements[m]} for m in number],
               "steps": steps, "tensors": tensors}
        if saved and saved != tensors:
            doc["saved"] = saved
        if order:
            doc["literals"] = [self.literals[i] for i in order]
        return doc

    def step(self, s, memory, literal):
        out = {"do": s.do}
        for key, value in s.numbers.items():
            out[key] = literal(value) if key == "literal" else spell(value)
        if s.dtype:
            out["dtype"], out["shape"] = s.dtype, list(s.shape)
        shapes = s.do == "norm" or not all(self.whole(r) for r in s.regions())
        if s.sources:
            out["from"] = [self.place(x, memory, shapes) if isinstance(x, Region)
                           else {"literal": literal(x.index)} if isinstance(x, Literal)
                           else {"value": spell(x.number)} for x in s.sources]
        if s.to:
            out["to"] = self.place(s.to, memory, not self.whole(s.to) or (shapes and s.do != "norm" and bool(s.sources)))
        return out

    def place(self, r, memory, shape):
        out = {"memory": memory(r.memory)}
        if r.offset:
            out["offset"] = r.offset
        if shape or not self.whole(r):
            out["shape"] = r.shape
        if not r.flat():
            out["strides"] = r.strides
        return out

    def tensor(self, e, memory, literal):
        out = {"name": e["name"]}
        if "same_as" in e:
            return out | {"same_as": e["same_as"], "parameter": e["parameter"]}
        out |= {"dtype": e["dtype"], "shape": e["shape"], "parameter": e["parameter"]}
        if "value" in e:
            out["value"] = spell(e["value"])
        elif "literal" in e:
            out["literal"] = literal(e["literal"])
        else:
            r = e["region"]
            out["memory"] = memory(r.memory)
            if r.offset:
                out["offset"] = r.offset
            if not r.flat():
                out["strides"] = r.strides
            out |= self.mark(r.memory)
        return out


def compose(view, source):
    """A view of a contiguous copy of source, as a region of source's own memory; None if it is not one."""
    shape, strides = [], []
    for size, stride in zip(source.shape, source.strides):  # neighbours that are one dimension in both
        if shape and strides[-1] == size * stride:
            shape[-1], strides[-1] = shape[-1] * size, stride
        elif size != 1:
            shape.append(size)
            strides.append(stride)
    sizes = dense(shape)

    def digits(n):
        return [n // d % s for d, s in zip(sizes, shape)]
    top = start = digits(view.offset)
    new = []
    for size, stride in zip(view.shape, view.strides):
        step = digits(stride) if size > 1 else [0] * len(shape)
        top = [t + (size - 1) * d for t, d in zip(top, step)]
        new.append(sum(d * s for d, s in zip(step, strides)))
    if any(t >= s for t, s in zip(top, shape)):
        return None
    offset = source.offset + sum(d * s for d, s in zip(start, strides))
    return Region(source.memory, offset, view.shape, new)


def spell(number):
    """A number as the document has it."""
    if isinstance(number, float):
        if not math.isfinite(number):
            return str(number)
        if number == 0 and math.copysign(1, number) < 0:
            return "-0.0"
    return number


def to_plan(program, of="", made_by="to_plan.py"):
    """The plan document (a dict) of a raw program."""
    return Plan(program, of, made_by).document()


def write(doc, path):
    """One step and one tensor a line; gzipped, without a time, where the name ends in .gz."""
    def lines(rows):
        return "[\n  " + ",\n  ".join(json.dumps(r, separators=(",", ":"), allow_nan=False) for r in rows) + "\n ]" if rows else "[]"
    body = ",\n ".join(f"{json.dumps(k)}: {lines(v) if isinstance(v, list) else json.dumps(v)}" for k, v in doc.items())
    data = ("{\n " + body + "\n}\n").encode()
    if path.endswith(".gz"):
        data = gzip.compress(data, 9, mtime=0)
    with open(path + ".part", "wb") as f:
        f.write(data)
    os.replace(path + ".part", path)


def read(path):
    """A JSON file, gzipped or not, by content."""
    with open(path, "rb") as f:
        data = f.read()
    return json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


def builder(text):
    """The function of module:function or file.py:function."""
    module, _, name = text.rpartition(":")
    if module.endswith(".py"):
        spec = importlib.util.spec_from_file_location("built", module)
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
    else:
        sys.path.insert(0, os.getcwd())
        found = importlib.import_module(module)
    return getattr(found, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recorder", metavar="DIR", help="folder of record.py")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", metavar="MODULE:FUNCTION", help="gives an nn.Module or a dict of tensors")
    what.add_argument("--raw", metavar="FILE", help="a raw program that was recorded before")
    parser.add_argument("--kwargs", default="{}", metavar="JSON")
    parser.add_argument("--marker", type=int, metavar="K", help="this seed stands for the plan's seed")
    parser.add_argument("--of", default="", help="what it is a plan of, for people")
    parser.add_argument("-o", "--out", required=True, metavar="FILE")
    args = parser.parse_args()
    try:
        if args.raw:
            program = read(args.raw)
        else:
            if not args.recorder:
                parser.error("--model needs --recorder")
            sys.path.insert(0, args.recorder)
            from record import Refused, record
            function, kwargs = builder(args.model), json.loads(args.kwargs)
            try:
                program = record(lambda: function(**kwargs), marker=args.marker)
            except Refused as e:
                raise CannotLower(str(e)) from e
        write(to_plan(program, args.of or args.model or ""), args.out)
    except (CannotLower, OSError, ValueError) as e:
        print(f"to_plan: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
