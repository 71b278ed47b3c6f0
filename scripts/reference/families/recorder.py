"""Records what a constructor does to its parameters, as data: the *init program*.

    program = record(lambda: MyModel(cfg).state_dict(keep_vars=True))

No memory is used, and no random number is drawn.

Every tensor made inside lives on the meta device but says it is on the CPU. Each storage is in one of two states:
  DET   its content is known: a constant, or real values computed on the side (small tensors only);
  PROG  its content is what the recorded ops make of it (it depends on draws, or is too big to compute on the side).
Only what touches PROG storages is recorded; whatever is deterministic folds to constants and literals.
"""

import base64
import hashlib
import math
import random
import traceback
import zlib
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_flatten, tree_unflatten

aten = torch.ops.aten
META = torch.device("meta")
SHADOW_LIMIT = 1 << 24  # bytes: bigger deterministic tensors are not computed on the side
LITERAL_LIMIT = 1 << 24  # bytes of one literal


class Refused(Exception):
    """The constructor does something that a program cannot say. One line: what, and where."""


def place():
    """file:line of the innermost frame that is neither torch nor this file"""
    for f in reversed(traceback.extract_stack()):
        p = f.filename
        if "/torch/" in p or p == __file__ or "contextlib" in p:
            continue
        return f"{'/'.join(p.split('/')[-2:])}:{f.lineno} {f.name}"
    return "?"


def dt(d):
    return str(d).split(".")[-1]


class Stor:
    __slots__ = (
        "id",
        "nbytes",
        "keep",
        "state",
        "const",
        "real",
        "partial",
        "rand",
        "uninit",
        "meta",
        "base",
    )

    def __init__(self, i, nbytes, keep):
        self.id, self.nbytes, self.keep = i, nbytes, keep
        self.state = "DET"
        self.const = None  # 0-d real tensor: every element has this value
        self.real = None  # real UntypedStorage
        self.partial = False  # real, but some bytes may never have been written
        self.uninit = True  # nothing written yet
        self.rand = False
        self.meta = False  # asked for on the meta device by the constructor itself: draws there use no words


RANDOM_KIND = {  # aten name -> (kind, names of the numbers with defaults)
    "normal_": ("normal", (("mean", 0.0), ("std", 1.0))),
    "uniform_": ("uniform", (("a", 0.0), ("b", 1.0))),
    "randn": ("normal", ()),
    "rand": ("uniform", ()),
    "randn_like": ("normal", ()),
    "rand_like": ("uniform", ()),
}
NO_READ_SELF = {
    "fill_",
    "zero_",
    "copy_",
    "normal_",
    "uniform_",
    "random_",
    "bernoulli_",
    "exponential_",
    "log_normal_",
    "cauchy_",
    "geometric_",
}
CONST_NEW = {"zeros": 0, "ones": 1, "zeros_like": 0, "ones_like": 1, "new_zeros": 0, "new_ones": 1}


class Recorder(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.by_key = {}  # StorageImpl address -> Stor
        self.stors = []
        self.next = 1 << 45  # made-up addresses: libraries find shared tensors by data_ptr
        self.ops = []
        self.literals = []
        self.lit_index = {}
        self.streams = {}  # id of a generator -> [generator, number, the state we left it in]

    # ---- storages and views -------------------------------------------------------------------------------------
    def stor(self, t):
        s = t.untyped_storage()
        k = s._cdata
        r = self.by_key.get(k)
        if r is None:
            r = Stor(len(self.stors), s.nbytes(), s)
            r.base, self.next = self.next, self.next + (s.nbytes() + 127) // 64 * 64
            self.stors.append(r)
            self.by_key[k] = r
            if (
                t.device.type == "cpu"
            ):  # born outside (from_numpy, a global, torch.Tensor(list)): its own shadow
                r.real, r.uninit = s, False
        elif r.nbytes != s.nbytes():
            r.nbytes = s.nbytes()  # resize_
        return r

    def twin(self, t):
        """the meta tensor that stands for a real one"""
        if t.device.type == "meta":
            return t
        if t.layout != torch.strided or t.device.type != "cpu":
            raise Refused(f"a {t.layout} tensor on {t.device} at {place()}")
        r = self.stor(t)
        if not isinstance(r.keep, tuple):
            m = torch.empty(0, dtype=torch.uint8, device=META)
            m = torch.empty(r.nbytes, dtype=torch.uint8, device=META)
            r.keep = (r.keep, m.untyped_storage())
            self.by_key[m.untyped_storage()._cdata] = r
        return torch.empty(0, dtype=t.dtype, device=META).set_(
            r.keep[1], t.storage_offset(), t.size(), t.stride()
        )

    def view(self, t):
        return [self.stor(t).id, t.storage_offset(), list(t.size()), list(t.stride()), dt(t.dtype)]

    def full(self, t):
        """does a write to t cover its whole storage?"""
        r = self.stor(t)
        if t.numel() * t.element_size() < r.nbytes:
            return False
        if t.numel() == 0:
            return True
        e = 1
        for st, sz in sorted((st, sz) for st, sz in zip(t.stride(), t.size()) if sz != 1):
            if st != e:
                return False
            e *= sz
        return t.storage_offset() == 0

    # ---- shadows ------------------------------------------------------------------------------------------------
    def shadow(self, t, limit=SHADOW_LIMIT):
        """the real values of a meta tensor, sharing memory with its storage's shadow; None if not known"""
        r = self.stor(t)
        if r.state != "DET":
            return None
        if r.real is None:
            if r.nbytes > limit:
                return None
            if r.const is not None:
                n = r.nbytes // r.const.element_size()
                r.real = r.const.reshape(1).expand(n).clone().untyped_storage()
                if r.real.nbytes() < r.nbytes:
                    r.real.resize_(r.nbytes)
            elif r.uninit:
                r.real = torch.zeros(r.nbytes, dtype=torch.uint8).untyped_storage()
                r.partial = True
            else:
                return None
        r.const = None
        return torch.empty(0, dtype=t.dtype).set_(r.real, t.storage_offset(), t.size(), t.stride())

    def known(self, t):
        """cheap test of whether shadow() would answer"""
        r = self.stor(t)
        return r.state == "DET" and (r.real is not None or r.nbytes <= SHADOW_LIMIT)

    def set_const(self, t, value):
        r = self.stor(t)
        r.state, r.real, r.rand, r.uninit, r.partial = "DET", None, False, False, False
        r.const = (
            torch.full((), value, dtype=t.dtype)
            if not isinstance(value, torch.Tensor)
            else value.to(t.dtype).reshape(())
        )

    def const_of(self, t):
        """the one value of all elements of t, or None"""
        r = self.stor(t)
        if r.state != "DET":
            return None
        if r.const is not None and r.const.dtype == t.dtype:
            return r.const
        return None

    def literal(self, v):
        v = v.detach().contiguous()
        if v.numel() * v.element_size() > LITERAL_LIMIT:
            raise Refused(
                f"a deterministic table of {list(v.shape)} {dt(v.dtype)} is too big for a literal; made at {place()}"
            )
        raw = bytes(v.reshape(-1).view(torch.uint8).numpy().tobytes()) if v.numel() else b""
        k = hashlib.sha256(raw).hexdigest() + dt(v.dtype)
        if k not in self.lit_index:
            self.lit_index[k] = len(self.literals)
            self.literals.append(
                {
                    "dtype": dt(v.dtype),
                    "n": v.numel(),
                    "zlib": base64.b64encode(zlib.compress(raw, 9)).decode(),
                }
            )
        return self.lit_index[k]

    # ---- program ------------------------------------------------------------------------------------------------
    def emit(self, op, to, reads=(), full=False, **kw):
        self.ops.append({"op": op, "to": to, "_reads": [x for x in reads], "_full": full, **kw})

    def to_prog(self, t, overwritten):
        """the storage of t is about to be written by a recorded op"""
        r = self.stor(t)
        if r.state == "PROG":
            return
        if not overwritten and not r.uninit:
            if r.const is not None:
                n = r.nbytes // r.const.element_size()
                self.emit(
                    "fill", [r.id, 0, [n], [1], dt(r.const.dtype)], full=True, value=self.scalar(r.const)
                )
            else:
                d = t.dtype
                n = r.nbytes // t.element_size()
                v = torch.empty(0, dtype=d).set_(r.real, 0, (n,), (1,))
                self.emit("literal", [r.id, 0, [n], [1], dt(d)], full=True, literal=self.literal(v))
        r.state, r.const, r.real = "PROG", None, None

    def scalar(self, v):
        x = v.item() if isinstance(v, torch.Tensor) else v
        if isinstance(x, complex):
            return {"complex": [x.real, x.imag]}
        if isinstance(x, float) and not math.isfinite(x):
            return {"float": repr(x)}
        if isinstance(x, float) and x == 0 and math.copysign(1, x) < 0:
            return {"float": "-0.0"}
        return x

    def enc(self, a, reads):
        if isinstance(a, torch.Tensor):
            r = self.stor(a)
            if r.state == "DET":
                c = self.const_of(a)
                if c is not None:
                    return {"full": self.scalar(c), "size": list(a.size()), "dtype": dt(a.dtype)}
                v = self.shadow(a)
                if v is None:
                    if r.uninit:
                        return {"full": 0, "size": list(a.size()), "dtype": dt(a.dtype), "uninit": True}
                    raise Refused(f"a deterministic tensor {list(a.shape)} is too big to know at {place()}")
                if v.numel() and bool((v == v.reshape(-1)[0]).all()):
                    return {
                        "full": self.scalar(v.reshape(-1)[0]),
                        "size": list(a.size()),
                        "dtype": dt(a.dtype),
                    }
                return {"literal": self.literal(v), "size": list(a.size()), "dtype": dt(a.dtype)}
            reads.append(r.id)
            return {"view": self.view(a)}
        if isinstance(a, torch.dtype):
            return {"dtype": dt(a)}
        if isinstance(a, torch.device):
            return {"device": "cpu"}
        if isinstance(a, (torch.layout, torch.memory_format)):
            return {"torch": dt(a)}
        if isinstance(a, torch.Generator) or a is None:
            return None
        if isinstance(a, (list, tuple)):
            return [self.enc(x, reads) for x in a]
        if isinstance(a, (bool, int, str)):
            return a
        if isinstance(a, (float, complex)):
            return self.scalar(a)
        raise Refused(f"an argument of {type(a).__name__} at {place()}")

    # ---- dispatch -----------------------------------------------------------------------------------------------
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        with torch._C.DisableTorchFunction():
            return self.handle(func, args, kwargs or {})

    def handle(self, func, args, kwargs):
        sch = func._schema
        name = sch.name.split("::")[-1]
        flat, spec = tree_flatten((args, kwargs))
        for x in flat:
            if isinstance(x, torch.device) and x.type not in ("cpu", "meta"):
                raise Refused(f"device {x} at {place()}")
        twins = {}
        mflat = []
        for x in flat:
            if isinstance(x, torch.Tensor):
                m = self.twin(x)
                twins[id(m)] = x
                mflat.append(m)
            else:
                mflat.append(x)
        margs, mkw = tree_unflatten(mflat, spec)
        mkw = dict(mkw)
        params = {a.name: a for a in sch.arguments}
        asked = mkw.get("device")
        if "device" in params:
            mkw["device"] = META
            if mkw.get("pin_memory"):
                mkw["pin_memory"] = False
        gen = kwargs.get("generator")
        if gen is None:
            gen = next((x for x in flat if isinstance(x, torch.Generator)), None)
        if gen is not None:
            margs, mkw = tree_unflatten(
                [None if isinstance(x, torch.Generator) else x for x in tree_flatten((margs, mkw))[0]],
                tree_flatten((margs, mkw))[1],
            )
        is_random = torch.Tag.nondeterministic_seeded in func.tags
        mut = []
        for a, v in list(zip(sch.arguments, margs)) + [(params[k], v) for k, v in mkw.items() if k in params]:
            if a.alias_info is not None and a.alias_info.is_write:
                mut += [
                    x for x in (v if isinstance(v, (list, tuple)) else [v]) if isinstance(x, torch.Tensor)
                ]
        ins = [m for m in mflat if isinstance(m, torch.Tensor)]
        if name == "native_batch_norm" and margs[5]:  # the schema does not say that the statistics change
            mut += [m for m in margs[3:5] if m is not None]
        on_meta = asked is not None and torch.device(asked).type == "meta"
        if (on_meta and not ins) or ((asked is None or on_meta) and any(self.stor(m).meta for m in ins)):
            out = func(*margs, **mkw)
            for o in tree_flatten(out)[0]:
                if isinstance(o, torch.Tensor):
                    self.stor(o).meta = True
            return out
        out_variant = {
            id(v) for k, v in mkw.items() if k in params and params[k].is_out and isinstance(v, torch.Tensor)
        }
        noread = set(out_variant)
        if mut and (name in NO_READ_SELF):
            noread.add(id(mut[0]))
        reads = [m for m in ins if id(m) not in noread]

        # constants first: no memory, no values
        if name in ("zero_", "fill_") and self.full(mut[0]):
            v = 0 if name == "zero_" else margs[1]
            c = v
            if isinstance(v, torch.Tensor):
                sv = self.shadow(v)
                c = None if sv is None else sv.reshape(())
            if c is not None:
                self.set_const(mut[0], c)
                return twins.get(id(mut[0]), mut[0])
        if name == "copy_" and self.full(mut[0]) and self.const_of(margs[1]) is not None:
            self.set_const(mut[0], self.const_of(margs[1]))
            return twins.get(id(mut[0]), mut[0])

        det = not is_random
        can_real = det and all(self.known(m) for m in reads)
        out = None
        try:
            before = {m.untyped_storage()._cdata for m in ins}
            out = func(*margs, **mkw)
        except Refused:
            raise
        except Exception:
            if not can_real or mut:
                if any(self.stor(m).state == "PROG" for m in reads):
                    raise Refused(f"{name} needs values that depend on draws at {place()}")
                raise
            return self.really(func, args, kwargs, ins, flat, spec, twins)
        oflat, ospec = tree_flatten(out)
        news = [o for o in oflat if isinstance(o, torch.Tensor) and o.untyped_storage()._cdata not in before]
        if any(not isinstance(o, torch.Tensor) and o is not None for o in oflat):  # a number, a bool
            if not can_real:
                raise Refused(f"{name}: a value that depends on draws is asked for at {place()}")
            return self.really(func, args, kwargs, ins, flat, spec, twins)
        back = lambda: tree_unflatten([twins.get(id(o), o) for o in oflat], ospec)
        if not mut and not news:
            return back()  # a view
        if not news and name in (
            "set_",
            "resize_",
            "detach_",
            "t_",
            "transpose_",
            "squeeze_",
            "unsqueeze_",
            "as_strided_",
            "requires_grad_",
            "rename_",
            "_set_names",
        ):
            if name == "resize_":
                self.stor(mut[0])
            return back()
        if not mut and name in CONST_NEW:
            for o in news:
                self.set_const(o, CONST_NEW[name])
            return back()
        if not mut and name in ("full", "new_full", "full_like"):
            v = margs[2] if name == "new_full" else margs[1]
            if isinstance(v, torch.Tensor):
                v = self.shadow(v)
            if v is not None:
                for o in news:
                    self.set_const(o, v)
                return back()
        if not mut and name in (
            "empty",
            "empty_like",
            "new_empty",
            "empty_strided",
            "new_empty_strided",
            "empty_permuted",
        ):
            return back()  # DET, nothing written yet
        if (
            not mut
            and name in ("clone", "_to_copy")
            and self.const_of(margs[0]) is not None
            and len(news) == 1
        ):
            self.set_const(news[0], self.const_of(margs[0]))
            return back()

        if can_real and det:
            size = sum(o.untyped_storage().nbytes() for o in news)
            small = size <= SHADOW_LIMIT and all(
                self.stor(m).nbytes <= SHADOW_LIMIT or self.stor(m).real is not None for m in mut
            )
            # a mutated PROG storage cannot be shadowed, unless it is overwritten as a whole
            okmut = all(self.stor(m).state == "DET" or (id(m) in noread and self.full(m)) for m in mut)
            if small and okmut:
                for m in mut:
                    if id(m) in noread and self.full(m):
                        r = self.stor(m)
                        r.state, r.const, r.rand, r.uninit = "DET", None, False, True
                        r.real = None if not isinstance(r.keep, tuple) else r.keep[0]
                self.evaluate(func, args, kwargs, ins, flat, spec, mut, news, noread)
                return back()
        self.write(
            func,
            name,
            sch,
            margs,
            mkw,
            reads,
            mut,
            news,
            noread,
            is_random,
            self.stream(gen) if is_random else {},
        )
        return back()

    def real_args(self, args, kwargs, flat, spec):
        rf = []
        for x in flat:
            if isinstance(x, torch.Tensor):
                rf.append(self.shadow(self.twin(x)))
            elif isinstance(x, torch.device):
                rf.append(torch.device("cpu"))
            else:
                rf.append(x)
        return tree_unflatten(rf, spec)

    def really(self, func, args, kwargs, ins, flat, spec, twins):
        a, k = self.real_args(args, kwargs, flat, spec)
        out = func(*a, **k)
        of, os = tree_flatten(out)
        res = []
        for o in of:
            if isinstance(o, torch.Tensor):
                m = self.twin(o)
                res.append(m)
            else:
                res.append(o)
        return tree_unflatten(res, os)

    def evaluate(self, func, args, kwargs, ins, flat, spec, mut, news, noread):
        a, k = self.real_args(args, kwargs, flat, spec)
        k = dict(k)
        if "device" in k:
            k["device"] = torch.device("cpu")
        out = func(*a, **k)
        ro = [o for o in tree_flatten(out)[0] if isinstance(o, torch.Tensor)]
        for m in mut:
            r = self.stor(m)
            r.uninit = False
            if self.full(m):
                r.partial = False
        rnew = ro[-len(news) :] if news else []
        if len(rnew) != len(news):
            raise Refused(f"{func} gave other outputs at {place()}")
        for m, v in zip(news, rnew):
            r = self.stor(m)
            if tuple(v.size()) != tuple(m.size()):
                raise Refused(f"{func}: meta says {tuple(m.size())}, CPU {tuple(v.size())} at {place()}")
            if (
                v.stride() == m.stride()
                and v.storage_offset() == m.storage_offset()
                and v.untyped_storage().nbytes() >= r.nbytes
            ):
                r.real = v.untyped_storage()
            else:
                r.real = torch.zeros(r.nbytes, dtype=torch.uint8).untyped_storage()
                torch.empty(0, dtype=m.dtype).set_(r.real, m.storage_offset(), m.size(), m.stride()).copy_(v)
            r.uninit, r.const, r.state = False, None, "DET"

    def write(self, func, name, sch, margs, mkw, reads, mut, news, noread, is_random, stream):
        rd = []
        dests = mut + news
        # reads of DET storages that will be written must be encoded before they change state
        for m in mut:
            if not (id(m) in noread and self.full(m)):
                self.to_prog(m, False)
        if is_random and name in RANDOM_KIND and len(dests) == 1:
            kind, nums = RANDOM_KIND[name]
            d = dests[0]
            vals = {}
            pos = list(margs)[1:] if name.endswith("_") else []
            for i, (n, default) in enumerate(nums):
                key = {"a": "from", "b": "to"}.get(n, n)
                v = pos[i] if i < len(pos) else mkw.get(key, default)
                vals[n] = float(v)
            self.to_prog(d, self.full(d))
            self.stor(d).rand = True
            if not nums:
                vals = {"mean": 0.0, "std": 1.0} if kind == "normal" else {"a": 0.0, "b": 1.0}
            self.emit(kind, self.view(d), full=self.full(d), draw=True, **vals, **stream)
            return
        if name == "normal" and func._overloadname == "float_float":
            d = dests[0]
            self.to_prog(d, True)
            self.stor(d).rand = True
            self.emit(
                "normal",
                self.view(d),
                full=True,
                draw=True,
                mean=float(margs[0]),
                std=float(margs[1]),
                **stream,
            )
            return
        if name in ("fill_", "zero_"):
            v = 0 if name == "zero_" else margs[1]
            if isinstance(v, torch.Tensor):
                sv = self.shadow(v)
                v = None if sv is None else sv.item()
            if v is not None:
                self.emit("fill", self.view(mut[0]), full=False, value=self.scalar(v))
                return
        ea = [
            (
                None
                if any(x is d for d in news)
                else (
                    {"out": 0}
                    if isinstance(x, torch.Tensor) and id(x) in noread and any(x is d for d in mut)
                    else self.enc(x, rd)
                )
            )
            for x in margs
        ]
        ek = {
            k: (
                {"out": 0}
                if isinstance(x, torch.Tensor) and id(x) in noread and any(x is d for d in mut)
                else self.enc(x, rd)
            )
            for k, x in mkw.items()
            if k != "generator"
        }
        taint = is_random or any(self.stor(m).rand for m in reads)
        for d in dests:
            self.to_prog(d, True)
            self.stor(d).rand = self.stor(d).rand or taint
        full = len(dests) == 1 and self.full(dests[0]) and (not mut or id(dests[0]) in noread)
        if len(dests) > 1 and not mut:
            full = True
        tos = [self.view(d) for d in dests]
        self.emit(
            func._schema.name.split("::")[-1] + ("." + func._overloadname if func._overloadname else ""),
            tos[0] if len(tos) == 1 else tos,
            reads=rd,
            full=full,
            aten=True,
            args=ea,
            kw=ek,
            draw=is_random,
            mutates=len(mut),
            **stream,
        )

    def stream(self, gen):
        """the number of a generator's stream: 0 is the default one; others must be seeded by a number"""
        if gen is None or gen is torch.default_generator:
            return {}
        e = self.streams.get(id(gen))
        if e is None or not torch.equal(gen.get_state(), e[2]):
            s = gen.initial_seed()
            if not torch.equal(torch.Generator().manual_seed(s).get_state(), gen.get_state()):
                raise Refused(f"a generator that has drawn before at {place()}")
            if e is None:
                e = self.streams[id(gen)] = [gen, len(self.streams) + 1, None]
            self.emit("seed", None, draw=True, seed=s, stream=e[1])
        torch.rand(1, generator=gen)  # marks the state, so that a later reseeding shows
        e[2] = gen.get_state()
        return {"stream": e[1]}

    # ---- whole functions of torch.nn.init ------------------------------------------------------------------------
    def macro(self, op, tensor, generator=None, det=False, **kw):
        with torch._C.DisableTorchFunction(), _disable_current_modes():
            if tensor.device.type == "meta" and self.stor(tensor).meta:
                return tensor
            m = self.twin(tensor)
            if m.numel() == 0:
                return tensor
            f = self.full(m)
            self.to_prog(m, f)
            self.stor(m).rand = not det
            self.emit(op, self.view(m), full=f, draw=not det, **kw, **({} if det else self.stream(generator)))
        return tensor


class Lies(TorchFunctionMode):
    """meta tensors say that they are on the CPU; what would copy them out of meta is answered here"""

    def __init__(self, rec):
        super().__init__()
        self.rec = rec
        T = torch.Tensor
        self.getters = {
            id(T.device): lambda t, v: torch.device("cpu") if v.type == "meta" and not self.meta(t) else v,
            id(T.is_meta): lambda t, v: v and self.meta(t),
            id(T.is_cpu): lambda t, v: v or not self.meta(t),
        }
        self.keep = [T.device, T.is_meta, T.is_cpu]
        self.data = T.data

    def meta(self, t):
        with torch._C.DisableTorchFunction():
            r = self.rec.by_key.get(t.untyped_storage()._cdata)
        return r is not None and r.meta

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        n = getattr(func, "__name__", "")
        if n == "__get__":
            g = self.getters.get(id(getattr(func, "__self__", None)))
            v = func(*args, **kwargs)
            return g(args[0], v) if g else v
        if n == "__set__" and getattr(func, "__self__", None) is self.data:
            t, v = args
            if t.device.type == "meta" and v.device.type == "cpu":
                with torch._C.DisableTorchFunction(), _disable_current_modes():
                    v = self.rec.twin(v)
                return func(t, v)
            if t.device.type == "cpu" and v.device.type == "meta":
                raise Refused(f"a tensor from outside gets new data at {place()}")
            return func(*args)
        if (
            n
            in (
                "to",
                "cpu",
                "cuda",
                "numpy",
                "tolist",
                "__array__",
                "is_pinned",
                "pin_memory",
                "get_device",
                "type",
                "data_ptr",
                "__dlpack__",
                "item",
            )
            and args
            and isinstance(args[0], torch.Tensor)
        ):
            t = args[0]
            if n == "cuda":
                raise Refused(f"cuda at {place()}")
            if t.device.type == "meta":
                if n in ("cpu", "pin_memory"):
                    return t
                if n == "data_ptr":
                    with torch._C.DisableTorchFunction():
                        return self.rec.stor(t).base + t.storage_offset() * t.element_size()
                if n == "get_device":
                    return -1
                if n == "to":
                    a, k = [], {}
                    for x in args[1:]:
                        if isinstance(x, torch.Tensor):
                            a.append(x.dtype)
                        elif isinstance(x, torch.dtype) or isinstance(x, bool):
                            a.append(x)
                        elif isinstance(x, (str, torch.device)):
                            if torch.device(x).type == "meta":
                                return func(*args, **kwargs)
                    for kk, x in kwargs.items():
                        if kk != "device":
                            k[kk] = x
                    if "dtype" in k and k["dtype"] is None:
                        del k["dtype"]
                    a = [x for x in a if not isinstance(x, bool)] + (
                        [x for x in a if isinstance(x, bool)]
                        if any(isinstance(x, torch.dtype) for x in a)
                        else []
                    )
                    if not a and not k:
                        return t
                    if not a and set(k) <= {"non_blocking"}:
                        return t
                    return func(t, *a, **k)
                if n in ("numpy", "tolist", "__array__"):
                    with torch._C.DisableTorchFunction(), _disable_current_modes():
                        v = self.rec.shadow(t)
                    if v is None:
                        raise Refused(f"{n}(): a value that depends on draws is asked for at {place()}")
                    with torch._C.DisableTorchFunction(), _disable_current_modes():
                        return func(v.clone(), *args[1:], **kwargs)
        return func(*args, **kwargs)


@contextmanager
def patched(rec):
    """trunc_normal_, orthogonal_, sparse_, dirac_ return at once on meta and exist under many imported names:
    the code objects are replaced, so every alias is covered"""
    I = torch.nn.init
    saved = []

    def code(fn, new):
        saved.append((fn, fn.__code__))
        fn.__code__ = new.__code__

    I.__dict__["_wi_rec"] = rec

    def _no_grad_trunc_normal_(tensor, mean, std, a, b, generator=None):
        return _wi_rec.macro(
            "trunc_normal", tensor, generator, mean=float(mean), std=float(std), a=float(a), b=float(b)
        )

    def orthogonal_(tensor, gain=1, generator=None):
        if tensor.ndimension() < 2:
            raise ValueError("Only tensors with 2 or more dimensions are supported")
        return _wi_rec.macro("orthogonal", tensor, generator, gain=float(gain))

    def sparse_(tensor, sparsity, std=0.01, generator=None):
        if tensor.ndimension() != 2:
            raise ValueError("Only tensors with 2 dimensions are supported")
        return _wi_rec.macro("sparse", tensor, generator, sparsity=float(sparsity), std=float(std))

    def dirac_(tensor, groups=1):
        return _wi_rec.macro("dirac", tensor, det=True, groups=groups)

    code(I._no_grad_trunc_normal_, _no_grad_trunc_normal_)
    code(I.orthogonal_, orthogonal_)
    code(I.sparse_, sparse_)
    code(I.dirac_, dirac_)
    R = torch.random
    old = {}

    def manual_seed(seed):
        rec.emit("seed", None, draw=True, seed=int(seed))
        return torch.default_generator

    def get_rng_state():
        i = len(rec.ops)
        t = torch.empty(1)
        rec.emit("save_state", None, draw=True, slot=i)
        states[id(t)] = (i, t)
        return t

    def set_rng_state(t):
        if id(t) not in states:
            raise Refused(f"set_rng_state of a state from outside at {place()}")
        rec.emit("load_state", None, draw=True, slot=states[id(t)][0])

    def seed():
        raise Refused(f"torch.seed() at {place()}")

    states = {}
    new = {
        "manual_seed": manual_seed,
        "seed": seed,
        "get_rng_state": get_rng_state,
        "set_rng_state": set_rng_state,
    }
    for mod in (torch, R):
        for k, f in new.items():
            old[(mod, k)] = getattr(mod, k)
            setattr(mod, k, f)
    pointer = torch.UntypedStorage.data_ptr

    def data_ptr(self):
        r = rec.by_key.get(self._cdata)
        return r.base if r is not None and self.device.type == "meta" else pointer(self)

    torch.UntypedStorage.data_ptr = data_ptr
    try:
        yield
    finally:
        del torch.UntypedStorage.data_ptr
        for fn, c in saved:
            fn.__code__ = c
        for (mod, k), f in old.items():
            setattr(mod, k, f)
        del I.__dict__["_wi_rec"]


def outside_random():
    import numpy

    st = numpy.random.get_state()
    return random.getstate(), (st[0], st[1].tobytes(), st[2:])


def record(fn):
    """The program of fn, which gives a dict of tensors."""
    rec = Recorder()
    rng = torch.get_rng_state()
    outside = outside_random()
    with patched(rec), rec, Lies(rec):
        sd = {k: v for k, v in fn().items() if isinstance(v, torch.Tensor)}
    if not torch.equal(rng, torch.get_rng_state()):
        raise Refused("something drew from the generator unseen")
    if outside_random() != outside:
        raise Refused("Python's or numpy's random is used: the weights are not a function of torch's seed")
    return finish(rec, sd)


def finish(rec, sd):
    """The program: only what the tensors of the state dict, or the generator, depend on."""
    live, finals = set(), []
    seen = {}
    for name, t in sd.items():
        if isinstance(t, torch.nn.parameter.UninitializedTensorMixin):
            raise Refused(f"{name} has no shape yet: a lazy module")
        with torch._C.DisableTorchFunction():
            m = rec.twin(t.detach() if t.device.type == "cpu" else t)
            r = rec.stor(m)
            e = {"name": name, "shape": list(t.size()), "dtype": dt(t.dtype)}
            if isinstance(t, torch.nn.Parameter):
                e["param"] = True
            key = (r.id, m.storage_offset(), tuple(m.size()), tuple(m.stride()), m.dtype)
            if t.numel() and key in seen:
                e["same_as"] = seen[key]
            else:
                seen[key] = name
                if r.state == "DET":
                    if r.const is not None and r.const.dtype == t.dtype:
                        e["value"] = rec.scalar(r.const)
                    elif t.numel() == 0:
                        e["value"] = 0
                    elif r.uninit:
                        e["uninitialised"] = True
                    else:
                        v = rec.shadow(m)
                        if v is None:
                            raise Refused(f"{name} is deterministic but too big to know")
                        if bool((v == v.reshape(-1)[0]).all()) and not (
                            v.is_floating_point() and v.reshape(-1)[0] == 0
                        ):
                            e["value"] = rec.scalar(v.reshape(-1)[0])
                        elif (
                            v.is_floating_point()
                            and bool((v == 0).all())
                            and not bool(torch.signbit(v).any())
                        ):
                            e["value"] = 0.0
                        else:
                            e["literal"] = rec.literal(v)
                else:
                    e["view"] = rec.view(m)
                    live.add(r.id)
        finals.append(e)
    # liveness, backwards: a draw into a storage that is not live is a discard
    out = []
    recs = rec.ops
    for op in reversed(recs):
        o = dict(op)
        reads, full = o.pop("_reads"), o.pop("_full")
        tos = [] if o["to"] is None else (o["to"] if isinstance(o["to"][0], list) else [o["to"]])
        need = [t for t in tos if t[0] in live]
        if not need:
            if not o.get("draw"):
                continue
            if tos:
                o["discard"] = True
        if need:
            if full:
                for t in tos:
                    live.discard(t[0])
            live.update(reads)
        elif o.get("draw") and reads:
            live.update(reads)
        out.append(o)
    out.reverse()
    order = {}

    def renumber(x):
        if isinstance(x, dict):
            if isinstance(x.get("literal"), int):
                x["literal"] = order.setdefault(x["literal"], len(order))
            for v in x.values():
                renumber(v)
        elif isinstance(x, list):
            for v in x:
                renumber(v)

    renumber(out)
    renumber(finals)
    return {"ops": out, "tensors": finals, "literals": [rec.literals[i] for i in order]}


def contiguous(size, stride):
    expected = 1
    for n, s in zip(reversed(size), reversed(stride)):
        if n != 1 and s != expected:
            return False
        expected *= n
    return True
