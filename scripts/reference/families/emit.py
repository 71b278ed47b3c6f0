"""What every leaf of an inferred tree says."""

import collections
import json
import math
import re

import torch

import values
from compare import rounded
from configs import BIG, is_int
from infer import INDICES, Fail, Infer
from search import Env, fit_int


def sensitivity(space, samples, rng, bases, tries=4):
    """Pairs of samples that differ in one field, with the field."""
    pairs = []
    chosen = rng.sample(samples[-len(samples) // 2 :], min(bases, len(samples)))
    hit = set()
    for q, b in enumerate(chosen):
        for n in space.fields:
            done = 0
            for t in range(tries if q == 0 or n in hit else 2):
                kw = space.mutate(b.kw, [n], rng)
                ch = [
                    m
                    for m in space.fields
                    if json.dumps(kw.get(m, "-"), default=str) != json.dumps(b.kw.get(m, "-"), default=str)
                ]
                if not ch:
                    continue
                s = space.build(kw, None if b.dtype == "float32" else b.dtype, file=False)
                if s is None or s.cost() > BIG:
                    continue
                pairs.append((b, s, n if ch == [n] else None))
                done += 1
                if ch == [n] and s.signature() != b.signature():
                    hit.add(n)
                if done >= (2 if n in hit or q == 0 else 1):
                    break
    return pairs


def named(pat):
    out, d = [], 0
    for c in pat:
        if c == "*":
            out.append(INDICES[d])
            d += 1
        else:
            out.append(c)
    return ".".join(out)


class Emit(Infer):
    def run(self):
        self.loop_info()
        self.pats = collections.OrderedDict()
        for s in self.S:
            for p in s.fin:
                self.pats.setdefault(p, None)
        lv = self.levels()
        self.lines = []
        self.done_final = set()
        # which (segment, pattern) line declares the tensor: the last one that draws it, else its constructor
        self.home = {}
        for g, items in lv:
            self.homes(g, items)
        self.place_consts(lv)
        out = []
        for n, (g, items) in enumerate(lv):
            if n:
                out.append("part")
            out += self.emit(items, 0)
        ties = self.ties()
        return out, ties

    def homes(self, g, items):
        for it in items:
            if it[0] == "loop":
                self.homes(g, it[2])
            elif it[0] == "leaf" and it[1] in self.pats:
                self.home[it[1]] = (g, id(it))

    def place_consts(self, lv):
        """tensors without draws go next to their neighbours in the state dict"""
        have = set()

        def walk(items):
            for it in items:
                if it[0] == "loop":
                    walk(it[2])
                else:
                    have.add(it[1])

        for g, items in lv:
            walk(items)
        order = []
        for s in self.S:
            prev = None
            for p, idx in s.order:
                if p not in order:
                    if prev is None:
                        order.insert(0, p)
                    else:
                        order.insert(order.index(prev) + 1, p)
                prev = p
        self.order = order

        def leaves(items, acc):
            for it in items:
                if it[0] == "loop":
                    leaves(it[2], acc)
                else:
                    acc.append(it[1])
            return acc

        for k, p in enumerate(order):
            if p in have:
                continue
            # the list it belongs to: same loop prefix
            stars = [q for q, c in enumerate(p) if c == "*"]
            # neighbour before (then after) with the longest common prefix
            best = None
            for q, o in enumerate(order):
                if o == p or o not in have:
                    continue
                c = 0
                while c < min(len(o), len(p)) and o[c] == p[c]:
                    c += 1
                key = (c, -abs(q - k))
                if best is None or key > best[0]:
                    best = (key, o)
            host = None
            if best:
                for gi, (g, items) in enumerate(lv):
                    if best[1] in leaves(items, []):
                        host = items
                        break
            if host is None:
                host = lv[0][1] if lv else []
            # descend through loops
            items, _lastpre = host, ()
            for q in stars:
                pre = p[:q]
                nxt = next((it for it in items if it[0] == "loop" and it[1] == pre), None)
                if nxt is None:
                    nxt = ("loop", pre, [], "MI")
                    items.insert(self.pos(items, p, order, leaves), nxt)
                items = nxt[2]
            items.insert(self.pos(items, p, order, leaves), ("leaf", p, 0, ""))
            have.add(p)

    def pos(self, items, p, order, leaves):
        k = order.index(p)
        best, at = -1, 0
        for n, it in enumerate(items):
            ls = leaves([it], []) if it[0] == "loop" else [it[1]]
            ks = [order.index(l) for l in ls if l in order and order.index(l) < k]
            if ks and max(ks) > best:
                best, at = max(ks), n + 1
        return at

    # ---- one line ----------------------------------------------------------------------------------------------
    def points(self, pat):
        pts, where = [], []
        for s in self.S:
            for idx in self.grid(s, pat):
                pts.append(self.env_of(s, idx))
                where.append((s, idx))
        return pts, where

    def cond_of(self, pat, get, what):
        """get(sample) -> set of idx where present"""
        pts, where = self.points(pat)
        tv = [idx in get(s) for s, idx in where]
        if all(tv):
            return "True"
        return self.fit_cond(pts, tv, what, self.presence_names(get), sum(1 for c in pat if c == "*"))

    def dims(self, pat, get, what):
        """get(sample) -> {idx: shape}"""
        d = sum(1 for c in pat if c == "*")
        n = {len(v) for s in self.S for v in get(s).values()}
        if len(n) > 1:
            raise Fail("%s: shapes of %s dimensions" % (what, sorted(n)))
        return [
            self.fit_dim(lambda s, k=k: {i: v[k] for i, v in get(s).items()}, "%s dim %d" % (what, k), d)
            for k in range(n.pop() if n else 0)
        ]

    def emit(self, items, depth):
        out = []
        for it in items:
            if it[0] == "loop":
                pre = it[1]
                it[3]
                body = self.emit(it[2], depth + 1)
                if not body:
                    continue
                c = self.lcond[pre]
                out.append(
                    ("loop", named(pre + ("*",)) + ".", INDICES[depth], self.count[pre], c, body, None)
                )
            else:
                out += self.leaf(it)
        return out

    def leaf(self, it):
        _, pat, occ, ph = it
        what = named(pat)
        sum(1 for c in pat if c == "*")
        g = None
        L = {"name": what, "make": None, "init": None, "final": None}
        keyM = [k for k in self.keys() if k[0] == "M" and k[2] == pat]
        keyI = [k for k in self.keys() if k[0] == "I" and k[2] == pat]
        segs = [g for g, items in self.lv_cache() if self.contains(items, it)]
        g = segs[0] if segs else 0
        isdecl = self.home.get(pat, (None, id(it)))[1] == id(it)
        if "M" in ph or (ph == "MI"):
            for k in keyM:
                if k[1] != g or (k[3] != abs(occ) if occ <= 0 else True):
                    continue
                L["make"] = self.event(pat, k, what + " make", False)
        if "I" in ph:
            for k in keyI:
                if k[1] != g or k[3] != max(occ, 0):
                    continue
                L["init"] = self.event(pat, k, what + " init", True)
        if isdecl and pat in self.pats:
            L["final"] = self.final(pat, what, L)
        if not L["final"] and pat not in self.pats:
            L["gone"] = True
        if occ > 0:
            L["again"] = True
        L["occ"] = occ
        return [L]

    def keys(self):
        if not hasattr(self, "_keys"):
            self._keys = list(collections.OrderedDict((k, None) for s in self.S for k in s.ev))
        return self._keys

    def lv_cache(self):
        return self._lv

    def levels(self):
        self._lv = super().levels()
        return self._lv

    def contains(self, items, it):
        return any(x is it or (x[0] == "loop" and self.contains(x[2], it)) for x in items)

    def event(self, pat, key, what, numbers):
        d = sum(1 for c in pat if c == "*")
        get = lambda s: s.ev.get(key, {})
        ops = {t["op"] for s in self.S for t in get(s).values()}
        if len(ops) > 1:
            raise Fail("%s: %s" % (what, ops))
        e = {"op": ops.pop()}
        e["cond"] = self.cond_of(pat, lambda s: set(get(s)), what)
        e["dims"] = self.dims(pat, lambda s: {i: t["shape"] for i, t in get(s).items()}, what)
        dts = {
            (t["dtype"] if t["dtype"] != s.dtype else "D")
            for s in self.S
            for t in get(s).values()
            if s.dtype != "float32"
        }
        if len(dts) > 1:
            raise Fail("%s: dtypes %s" % (what, dts))
        e["dtype"] = (dts or {"D"}).pop()
        disc = {t["discard"] for s in self.S for t in get(s).values()}
        e["discard"] = disc.pop() if len(disc) == 1 else "some"
        if e["op"] == "trunc_normal" or (numbers or e["discard"] is not True):
            e["nums"] = {}
            for n in ("mean", "std", "a", "b"):
                vals = {i: 0 for s in self.S for i, t in get(s).items() if n in t["nums"]}
                if vals:
                    dl = []
                    e["nums"][n] = self.fit_num(
                        lambda s, n=n: {i: t["nums"][n] for i, t in get(s).items()}, what + " " + n, d, dl
                    )
        return e

    def final(self, pat, what, L):
        d = sum(1 for c in pat if c == "*")
        get = lambda s: s.fin.get(pat, {})
        f = {"cond": self.cond_of(pat, lambda s: set(get(s)), what)}
        f["dims"] = self.dims(pat, lambda s: {i: v["shape"] for i, v in get(s).items()}, what)
        dts = {v["dtype"] for s in self.S for v in get(s).values() if s.dtype != "float32"}
        if len(dts) > 1:
            raise Fail("%s: dtypes %s" % (what, dts))
        f["dtype"] = (dts or {"D"}).pop()
        f["param"] = all(v["param"] for s in self.S for v in get(s).values())
        own = lambda s: {i: v for i, v in get(s).items() if v["cat"] != "same"}
        cats = {v["cat"] for s in self.S for v in own(s).values()}
        if cats == {"value", "lit"}:
            for s in self.S:
                for v in own(s).values():
                    if v["cat"] == "value":
                        v["cat"] = "lit"
                        v["lit"] = torch.full(
                            v["shape"],
                            v["value"],
                            dtype=getattr(torch, s.dtype if v["dtype"] == "D" else v["dtype"]),
                        )
            cats = {"lit"}
        if "uninit" in cats:
            raise Fail("%s is uninitialised memory" % what)
        if not cats:
            f["cat"] = "tied"
            return f
        if len(cats) > 1:
            raise Fail("%s: %s" % (what, cats))
        f["cat"] = cats.pop()
        if f["cat"] == "value":
            obs = [(s, v) for s in self.S for v in own(s).values()]
            if len({repr(v["value"]) for s, v in obs}) > 1 and all(
                isinstance(v["value"], float) for s, v in obs
            ):
                for n in self.space.fields:
                    if all(
                        isinstance(s.fields[n], (int, float)) and not isinstance(s.fields[n], bool)
                        for s, v in obs
                    ):
                        for e, fn in (
                            (n, lambda x: float(x)),
                            ("or0(%s, 0.02)" % n, lambda x: float(x or 0.02)),
                        ):
                            if all(
                                rounded(fn(s.fields[n]), s.dtype if v["dtype"] == "D" else v["dtype"])
                                == v["value"]
                                for s, v in obs
                            ):
                                f["value"] = e
                                break
                    if "value" in f:
                        break
        if f["cat"] == "value" and "value" not in f:
            f["value"] = self.fit_num(
                lambda s: {i: v["value"] for i, v in own(s).items()}, what + " value", d
            )
        if f["cat"] == "lit":
            f["lit"] = self.literal(pat, own, what, d)
        if f["cat"] == "draw":
            src = {v["src"][0] for s in self.S for v in own(s).values()}
            if len(src) > 1:
                raise Fail("%s: drawn in different phases" % what)
            if any(v["src"][2] != pat or v["srcidx"] != i for s in self.S for i, v in own(s).items()):
                raise Fail("%s: a draw of another tensor" % what)
            f["phase"] = src.pop()
            f["steps"] = self.steps(pat, own, what, d)
        return f

    def steps(self, pat, own, what, d):
        kinds = {
            tuple(x[0] for x in v["steps"] if x[0] != "fill")
            for s in self.S
            for v in own(s).values()
            if s.dtype != "float32"
        }
        if len(kinds) > 1:
            raise Fail("%s: steps %s" % (what, kinds))
        kind = kinds.pop() if kinds else ()
        nc = tuple(k for k in kind if k != "cast")
        for s in self.S:
            for v in own(s).values():
                if tuple(x[0] for x in v["steps"] if x[0] not in ("fill", "cast")) != nc:
                    raise Fail("%s: steps differ" % what)
        out = []
        ref = next((v for s in self.S if s.dtype != "float32" for v in own(s).values()), None) or next(
            v for s in self.S for v in own(s).values()
        )
        seq = [x for x in ref["steps"] if x[0] != "fill"]
        q = 0
        for x in seq:
            if x[0] == "cast":
                out.append("cast %s" % x[1])
                continue
            args = []
            for a in range(len(x[1])):

                def num(v, q=q, a=a):
                    y = [z for z in v["steps"] if z[0] not in ("fill", "cast")][q][1][a]
                    return y[1] if isinstance(y, tuple) and len(y) == 2 and y[0] == "const" else y

                vals = [num(v) for s in self.S for v in own(s).values()]
                if all(isinstance(y, (int, float)) and not isinstance(y, bool) for y in vals):
                    args.append(
                        self.fit_num(lambda s: {i: num(v) for i, v in own(s).items()}, what + " step", d)
                    )
                elif all(y is None for y in vals):
                    args.append("None")
                else:
                    raise Fail("%s: step %s %s" % (what, x[0], vals[0]))
            out.append((x[0] + " " + ", ".join(args)).strip())
            q += 1

        # a padding row
        def row(v, shape):
            r = [x for x in v["steps"] if x[0] == "fill"]
            if not r:
                return None
            if len(r) > 1:
                raise Fail("%s: two fills" % what)
            _, off, size, stride, val = r[0]
            if val != 0 or len(shape) != 2 or math.prod(size) != shape[1] or off % shape[1]:
                raise Fail("%s: a fill of %s" % (what, size))
            return off // shape[1]

        rows = [(s, i, row(v, v["shape"])) for s in self.S for i, v in own(s).items()]
        if any(r is not None for s, i, r in rows):
            cands = [n for n in self.space.fields if re.search(r"token_id$|_idx$|_id$", n)]
            ok = None
            for n in sorted(cands, key=lambda n: n != "pad_token_id"):
                if all(
                    (s.fields[n] is None and r is None)
                    or (is_int(s.fields[n]) and r is not None and s.fields[n] % get0(self, s, pat, i) == r)
                    for s, i, r in rows
                ):
                    ok = n
                    break
            if ok is None:
                if len({r for s, i, r in rows}) == 1:
                    ok = str(rows[0][2])
                else:
                    pts = [self.env_of(s, i) for s, i, r in rows]
                    has = [r is not None for s, i, r in rows]
                    if all(has):
                        ok = fit_int(Env(pts), [r for s, i, r in rows], self.relevant)
                    if ok is None:
                        for n in cands:
                            if all(
                                (not is_int(s.fields[n]) and r is None)
                                or (is_int(s.fields[n]) and r is None)
                                or (is_int(s.fields[n]) and r == s.fields[n] % get0(self, s, pat, i))
                                for s, i, r in rows
                            ):
                                c = self.fit_cond(pts, has, what + " pad")
                                ok = "(%s if %s else None)" % (n, c)
                                break
                if ok is None:
                    raise Fail("%s: padding row %s" % (what, sorted({str(r) for s, i, r in rows})[:5]))
            out.append("pad " + ok)
        return out

    def literal(self, pat, own, what, d):
        """The word of the table that the samples hold."""
        found = [v for s in self.S for v in own(s).values()]
        for word in values.TABLES:
            if all(same_table(word, v) for v in found):
                return word
        first = found[0]["lit"].reshape(-1)
        kinds = {(tuple(v["shape"]), tuple(v["lit"].reshape(-1).tolist()), v["lit"].dtype) for v in found}
        if len(kinds) == 1 and first.numel() <= 16:
            return "const " + ",".join(repr(x) for x in first.tolist())
        raise Fail("%s: a table %s %s" % (what, found[0]["shape"], first[:4].tolist()))

    def ties(self):
        out = []
        for pat in self.pats:
            get = lambda s: {i: v for i, v in s.fin.get(pat, {}).items() if v["cat"] == "same"}
            tg = {v["same"][0] for s in self.S for v in get(s).values()}
            if not tg:
                continue
            for q in tg:
                g2 = lambda s: {i for i, v in get(s).items() if v["same"][0] == q}
                how = None
                for h, fn in (
                    ("same", lambda i, j: i[: len(j)] == j),
                    ("zero", lambda i, j: all(x == 0 for x in j)),
                ):
                    if all(
                        fn(i, v["same"][1]) for s in self.S for i, v in get(s).items() if v["same"][0] == q
                    ):
                        how = h
                        break
                if how is None:
                    raise Fail("tie %s %s" % (named(pat), named(q)))
                pts, tv = [], []
                for s in self.S:
                    for i in s.fin.get(pat, {}):
                        pts.append(self.env_of(s, i))
                        tv.append(i in g2(s))
                c = self.fit_cond(
                    pts, tv, "tie " + named(pat), self.presence_names(g2), sum(1 for c in pat if c == "*")
                )
                source = named(q) if how == "same" else ".".join("0" if c == "*" else c for c in q)
                out.append((named(pat), source, c))
        return out


def same_table(word, final):
    try:
        made = values.table(word, final["shape"], final["lit"].dtype)
    except (RuntimeError, IndexError, ZeroDivisionError):
        return False
    return torch.equal(made.reshape(-1), final["lit"].reshape(-1))


def get0(self, s, pat, i):
    return s.fin[pat][i]["shape"][0]
