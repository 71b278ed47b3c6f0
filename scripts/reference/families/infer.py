"""Recorded constructions of many configs: loops, order, sizes, conditions."""

import collections
import json
import re

import numpy as np

import tiny
from configs import is_int
from language import INDICES
from language import compiled as compile_expr
from search import Env, fit_bool, fit_float, fit_int, terms


class Fail(Exception):
    """The family has something that the search has no form for."""


def classify(samples):
    """which integer components of names are loop indices. -> function name -> (pattern, idx)"""
    loops = set()

    def rec(prefix, insts):
        keys = collections.OrderedDict()
        for ins in insts:
            for k in ins:
                keys.setdefault(k, None)
        ints = [k for k in keys if k.isdigit()]
        if ints:
            sets = {
                tuple(sorted(int(k) for k in ins if k.isdigit()))
                for ins in insts
                if any(k.isdigit() for k in ins)
            }
            if len(sets) > 1 or (
                len(next(iter(sets))) > 8 and next(iter(sets)) == tuple(range(len(next(iter(sets)))))
            ):
                loops.add(prefix)
                rec(prefix + ("*",), [ins[k] for ins in insts for k in ins if k.isdigit()])
            else:
                for k in ints:
                    rec(prefix + (k,), [ins[k] for ins in insts if k in ins])
        for k in keys:
            if not k.isdigit():
                rec(prefix + (k,), [ins[k] for ins in insts if k in ins])

    def trie(names):
        t = {}
        for n in names:
            x = t
            for c in n.split("."):
                x = x.setdefault(c, {})
        return t

    rec(
        (),
        [
            trie(list(s.recorded["finals"]) + [t["name"] for t in s.recorded["draws"] if t["name"]])
            for s in samples
        ],
    )
    cache = {}

    def canon(name):
        r = cache.get(name)
        if r is None:
            pat, idx = [], []
            for c in name.split("."):
                if c.isdigit() and tuple(pat) in loops:
                    idx.append(int(c))
                    pat.append("*")
                else:
                    pat.append(c)
            r = cache[name] = (tuple(pat), tuple(idx))
        return r

    return canon, loops


def name_anonymous(s):
    """draws whose tensor was thrown away: named after their place among the named ones"""
    toks = s.recorded["draws"]
    for i, t in enumerate(toks):
        if t["name"] is not None:
            continue
        prev = next(
            (
                toks[k]["name"]
                for k in range(i - 1, -1, -1)
                if toks[k]["name"]
                and toks[k]["phase"] == t["phase"]
                and toks[k]["part"] == t["part"]
                and "?" not in toks[k]["name"]
            ),
            None,
        )
        nxt = next(
            (
                toks[k]["name"]
                for k in range(i + 1, len(toks))
                if toks[k]["name"]
                and toks[k]["phase"] == t["phase"]
                and toks[k]["part"] == t["part"]
                and "?" not in toks[k]["name"]
            ),
            None,
        )
        if prev is None and nxt is None:
            base = []
        elif prev is None:
            base = nxt.split(".")[:-2]
        elif nxt is None:
            base = prev.split(".")[:-2]
        else:
            a, b = prev.split("."), nxt.split(".")
            base = []
            for x, y in zip(a[:-1], b[:-1]):
                if x != y:
                    break
                base.append(x)
            if any(c.isdigit() for c in a[len(base) :]):
                # Between two layers, or behind the last: it belongs to the end of the first.
                k = max(q for q, c in enumerate(a) if c.isdigit())
                base = a[: k + 1]
        t["anon"] = True
        # number among anonymous ones since the last named token
        k = 0
        while (
            i - 1 - k >= 0
            and toks[i - 1 - k].get("anon")
            and toks[i - 1 - k]["phase"] == t["phase"]
            and ".".join(toks[i - 1 - k]["name"].split(".")[:-1]) == ".".join(base)
        ):
            k += 1
        t["name"] = ".".join(
            base
            + [
                "?%s_%d"
                % (
                    re.sub(r"\W", "", (prev or "start").split(".")[-2] if prev and "." in prev else "start"),
                    k,
                )
            ]
        )


def norm_expr(x, toks, md):
    """steps of a final value: ('draw', index) then ops; casts that change nothing are dropped"""
    if x is None:
        return None
    if x[0] == "draw":
        return [("draw", x[1])]
    if x[0] == "lit":
        return [("lit", x[1])]
    if x[0] == "fill":
        return (norm_expr(x[1], toks, md) or [("lit", None)]) + [("fill", x[2], x[3], x[4], x[5])]
    if x[0] == "aten":
        op = x[1].split(".")[0].rstrip("_")
        ins = x[2]
        if op in ("copy", "_to_copy", "clone", "detach", "lift_fresh"):
            src = norm_expr(ins[-1], toks, md)
            return src + [("cast", x[4])]
        if len(ins) == 1 or all(q == ins[0] for q in ins):
            return norm_expr(ins[0], toks, md) + [
                (op, tuple(a for a in x[3] if a not in (("in", 0), ("self",))), x[4])
            ]
        # x + log(-expm1(-x))
        if op == "add" and len(ins) == 2:
            a, b = norm_expr(ins[0], toks, md), norm_expr(ins[1], toks, md)
            strip = lambda l: [q for q in l if q[0] != "cast"]
            for p, q in ((a, b), (b, a)):
                if strip(q)[: len(strip(p))] == strip(p) and [w[0] for w in strip(q)[len(strip(p)) :]] == [
                    "neg",
                    "expm1",
                    "neg",
                    "log",
                ]:
                    return p + [("isp", (), x[4])]
        return [("unknown", x[1])]
    return [("unknown", str(x[0]))]


class Infer:
    def __init__(self, space, samples, pairs):
        self.space, self.S, self.pairs = space, samples, pairs
        for s in samples + [q for p in pairs for q in p[:2]]:
            if not getattr(s, "named", False):
                name_anonymous(s)
                s.named = True
        allS = samples + [q for p in pairs for q in p[:2]]
        self.canon, self.loops = classify(allS)
        for s in allS:
            self.digest(s)
        # fields that change anything, and those that cannot be told
        self.relevant = []
        changed = {f for a, b, f in pairs if f and a.sigx != b.sigx}
        solo = {f for a, b, f in pairs if f}
        for n in space.fields:
            vals = {json.dumps(s.fields[n], default=str) for s in samples}
            if n in changed or (n not in solo and len(vals) > 1):
                self.relevant.append(n)
        self.varying = [
            n for n in space.fields if len({json.dumps(s.fields[n], default=str) for s in samples}) > 1
        ]
        self.cache = {}
        self.pool, self.cpool = [], []

    def digest(self, s):
        """events of a sample: key -> {idx: value}"""
        md = s.dtype
        dt = lambda d: "D" if d == md else d
        ev = collections.OrderedDict()
        seqs = collections.OrderedDict()
        occ = collections.Counter()
        for t in s.recorded["draws"]:
            if t["op"] in ("seed", "save_state", "load_state", "orthogonal", "sparse"):
                raise Fail("draw op %s" % t["op"])
            if t.get("stream"):
                raise Fail("a generator of its own")
            if not t["contiguous"]:
                raise Fail("a draw into a strided view: %s" % t["name"])
            pat, idx = self.canon(t["name"])
            k = occ[(t["phase"], pat, idx)]
            occ[(t["phase"], pat, idx)] += 1
            t["key"] = (t["phase"], t["part"], pat, k)
            ev.setdefault(t["key"], {})[idx] = t
            seqs.setdefault((t["part"], t["phase"]), []).append((pat, idx, k))
        fin = collections.OrderedDict()
        for n, f in s.recorded["finals"].items():
            pat, idx = self.canon(n)
            v = {
                "shape": f["shape"],
                "dtype": dt(f["dtype"]) if f["dtype"] in ("float32", "bfloat16") else f["dtype"],
                "param": f["param"],
            }
            if "same_as" in f:
                v["cat"] = "same"
                v["same"] = self.canon(f["same_as"])
            elif "value" in f:
                v["cat"] = "value"
                v["value"] = f["value"]
                if isinstance(f["value"], dict):
                    v["value"] = f["value"].get("float", str(f["value"]))
            elif "lit" in f:
                v["cat"] = "lit"
                v["lit"] = f["lit"]
            elif f.get("uninit"):
                v["cat"] = "uninit"
            else:
                if not f["whole"]:
                    raise Fail("%s is a view of a bigger draw" % n)
                ch = norm_expr(f["expr"], s.recorded["draws"], md)
                if ch is None or any(c[0] == "unknown" for c in ch):
                    raise Fail("%s: %s" % (n, [c for c in ch or [] if c[0] == "unknown"][:1]))
                d = [c for c in ch if c[0] == "draw"]
                if len(d) != 1:
                    raise Fail("%s: %d draws in one tensor" % (n, len(d)))
                t = s.recorded["draws"][d[0][1]]
                v["cat"] = "draw"
                v["src"] = t["key"]
                v["srcidx"] = self.canon(t["name"])[1]
                steps, cur = [], t["dtype"]
                for c in ch:
                    if c[0] == "draw":
                        continue
                    if c[0] == "fill":
                        steps.append(c)
                        continue
                    if c[0] == "cast":
                        if c[1] != cur:
                            steps.append(("cast", dt(c[1])))
                            cur = c[1]
                        continue
                    steps.append((c[0], c[1], dt(c[2])))
                    cur = c[2]
                if cur != f["dtype"]:
                    steps.append(("cast", v["dtype"]))
                v["steps"] = steps
                v["ddt"] = dt(t["dtype"])
            fin.setdefault(pat, {})[idx] = v
        s.ev, s.seqs, s.fin = ev, seqs, fin
        s.order = [self.canon(n) for n in s.recorded["finals"]]
        s.sigx = s.signature()

    # ---- targets --------------------------------------------------------------------------------------------------
    def env_of(self, s, idx):
        e = dict(s.fields)
        for v, x in zip(INDICES, idx):
            e[v] = x
        return e

    def names_for(self, get):
        """fields whose single change changed this target"""
        rel = set()
        for a, b, f in self.pairs:
            if not f:
                continue
            x, y = get(a), get(b)
            if any(x[k] != y[k] for k in x.keys() & y.keys()):
                rel.add(f)
        return rel

    def presence_names(self, get):
        rel = set()
        for a, b, f in self.pairs:
            if not f:
                continue
            x, y = set(get(a)), set(get(b))
            if x != y:
                rel.add(f)
        return rel

    def fit_dim(self, get, what, depthvars=0):
        """get(sample) -> {idx: int}"""
        pts, tv = [], []
        for s in self.S:
            for idx, v in get(s).items():
                pts.append(self.env_of(s, idx))
                tv.append(v)
        key = ("d", tuple(tv), len(pts), depthvars)
        if key in self.cache:
            return self.cache[key]
        env = Env(pts)
        ix = list(INDICES[:depthvars])
        rel = self.names_for(get)
        r = None
        flags = {
            n
            for n in self.relevant
            if any(
                isinstance(s.fields[n], bool) or s.fields[n] is None or isinstance(s.fields[n], str)
                for s in self.S
            )
        }
        T = terms(
            env,
            [n for n in list(self.space.fields) + ix if n in rel] + [n for n in self.varying if n not in rel],
        )
        tt = np.array(tv, dtype=np.int64)
        if not (tt == tt[0]).all():
            r = next((e for e, v in T.items() if not e.startswith("int(") and (v == tt).all()), None)
        if r is None and not (tt == tt[0]).all():
            for e in self.pool:
                try:
                    fe = compile_expr(e)
                    if all(fe(x) == v for x, v in zip(pts, tv)):
                        r = e
                        break
                except Exception:
                    continue
        if r is None:
            for names, deep, depth in (
                (rel, True, 0),
                (rel | set(ix), True, 0),
                (rel | flags, True, 2),
                (set(self.relevant) | set(ix), False, 1),
                (set(self.relevant) | set(ix), True, 1),
                (set(self.varying) | set(ix), True, 0),
            ):
                r = fit_int(
                    env, tv, [n for n in list(self.space.fields) + ix if n in names], depth=depth, deep=deep
                )
                if r is not None:
                    break
        if r is None:
            raise Fail("no expression for %s: %s; fields %s" % (what, sorted(set(tv))[:8], sorted(rel)))
        self.cache[key] = r
        if not r.isdigit() and r not in self.pool:
            self.pool.append(r)
        return r

    def fit_cond(self, pts, tv, what, rel=(), depthvars=0):
        tv = list(tv)
        if all(tv):
            return "True"
        if not any(tv):
            return "False"
        key = ("c", tuple(tv), depthvars, tuple(sorted(rel)))
        if key in self.cache:
            return self.cache[key]
        env = Env(pts)
        ix = list(INDICES[:depthvars])
        r = None
        for e in self.cpool:
            try:
                fe = compile_expr(e)
                if all(bool(fe(x)) == v for x, v in zip(pts, tv)):
                    r = e
                    break
            except Exception:
                continue
        for names in () if r else (set(rel), set(rel) | set(self.relevant), set(rel) | set(self.varying)):
            r = fit_bool(env, tv, [n for n in list(self.space.fields) + ix if n in names or n in ix])
            if r is not None:
                break
        if r is not None and r not in self.cpool:
            self.cpool.append(r)
        if r is None:
            raise Fail("no condition for %s (%d of %d); fields %s" % (what, sum(tv), len(tv), sorted(rel)))
        self.cache[key] = r
        return r

    def fit_num(self, get, what, depthvars):
        pts, tv = [], []
        for s in self.S:
            for idx, v in get(s).items():
                pts.append(self.env_of(s, idx))
                tv.append(v)
        if all(isinstance(x, (int, float)) for x in tv) and len({repr(x) for x in tv}) == 1:
            return repr(tv[0])
        key = ("f", tuple(map(repr, tv)), depthvars)
        if key in self.cache:
            return self.cache[key]
        rel = self.names_for(get)
        env = Env(pts)
        ix = list(INDICES[:depthvars])
        r = None
        for names in (rel, rel | set(ix), set(self.relevant) | set(ix), set(self.varying) | set(ix)):
            r = fit_float(env, tv, [n for n in list(self.space.fields) + ix if n in names])
            if r is not None:
                break
        if r is None:
            raise Fail("no number for %s: %s; fields %s" % (what, sorted(set(tv))[:6], sorted(rel)))
        self.cache[key] = r
        return r

    # ---- loops ----------------------------------------------------------------------------------------------------
    def loop_info(self):
        """for every loop prefix: count and condition; gives the grid of points"""
        self.count, self.lcond = {}, {}
        prefs = sorted(self.loops, key=lambda p: (p.count("*"), p))

        def outer(pat):
            return sum(1 for c in pat if c == "*")

        for p in prefs:
            d = outer(p)

            def get(s, p=p, d=d):
                r = {}
                for pat, m in list(s.fin.items()) + [(k[2], v) for k, v in s.ev.items()]:
                    if len(pat) > len(p) and pat[: len(p)] == p and pat[len(p)] == "*":
                        for idx in m:
                            r[idx[:d]] = max(r.get(idx[:d], 0), idx[d] + 1)
                return r

            self.count[p] = None
            # zero counts: the loop may be empty; decide by trying both readings
            try:
                e = self.fit_dim(get, "count of " + ".".join(p), d)
            except Fail:
                e = None
                cands = sorted(self.relevant, key=lambda n: not tiny.LAYERS.search(n))
                for n in cands:
                    ok, eq = True, False
                    for s in self.S:
                        for idx, v in get(s).items():
                            x = s.fields[n]
                            if isinstance(x, list):
                                x = len(x)
                            if not is_int(x) or x < v:
                                ok = False
                                break
                            eq = eq or x == v
                        if not ok:
                            break
                    if ok and eq:
                        e = n if is_int(self.S[0].fields[n]) else "len(%s)" % n
                        break
                if e is None:
                    raise
            self.count[p] = e
            fe = compile_expr(e)
            pts, tv = [], []
            for s in self.S:
                have = get(s)
                for idx in self.grid(s, p[:-0] if False else p):
                    try:
                        c = fe(self.env_of(s, idx))
                    except Exception:
                        c = None
                    if c == 0:
                        continue
                    pts.append(self.env_of(s, idx))
                    tv.append(idx in have)
            rel = self.presence_names(get)
            self.lcond[p] = "True" if all(tv) else self.fit_cond(pts, tv, "loop " + ".".join(p), rel, d)

    def grid(self, s, pat):
        """all index tuples at which the loops around pat run"""
        out = [()]
        for k, c in enumerate(pat):
            if c != "*":
                continue
            p = pat[:k]
            fe, fc = compile_expr(self.count[p]), compile_expr(self.lcond[p])
            nxt = []
            for idx in out:
                e = self.env_of(s, idx)
                if not fc(e):
                    continue
                nxt += [idx + (q,) for q in range(fe(e))]
            out = nxt
        return out

    # ---- order ----------------------------------------------------------------------------------------------------
    def levels(self):
        """nested order: list of (seg, items); item = ('leaf', pattern, occ, phases) | ('loop', prefix, items, phases)"""
        segs = []
        for s in self.S:
            for g, ph in s.seqs:
                if g not in segs:
                    segs.append(g)
        segs.sort()
        return [(g, self.level(g, (), None)) for g in segs]

    def level(self, g, prefix, only):
        d = sum(1 for c in prefix if c == "*")
        seqs = {"M": [], "I": []}
        for s in self.S:
            for ph in "MI":
                if only and ph != only:
                    continue
                _cur, inst = None, {}
                for pat, idx, k in s.seqs.get((g, ph), []):
                    if pat[: len(prefix)] != prefix or len(pat) <= len(prefix):
                        continue
                    rest = pat[len(prefix) :]
                    if "*" in rest:
                        q = len(prefix) + rest.index("*")
                        item = ("P", pat[:q])
                    else:
                        item = ("L", pat, k if ph == "I" else -k if k else 0)
                    l = inst.setdefault(idx[:d], [])
                    if item[0] == "P":
                        if l and l[-1][0] == item:
                            if idx[d] < l[-1][1]:
                                raise Fail("loop %s runs twice" % ".".join(item[1]))
                            l[-1][1] = idx[d]
                        else:
                            l.append([item, idx[d]])
                    else:
                        l.append([item, 0])
                for ix, l in inst.items():
                    names = [x[0] for x in l]
                    if len(set(names)) != len(names):
                        dup = [x for x in names if names.count(x) > 1][0]
                        raise Fail("interleaved at %s: %s" % (".".join(prefix), ".".join(dup[1])))
                    seqs[ph].append(tuple(names))
        order = self.merge([(ph, q) for ph in "MI" for q in dict.fromkeys(seqs[ph])], g, prefix)
        out = []
        for kind, node, ph in order:
            if node[0] == "P":
                out.append(("loop", node[1], self.level(g, node[1] + ("*",), ph if ph != "MI" else only), ph))
            else:
                out.append(("leaf", node[1], node[2], ph))
        return out

    def merge(self, seqs, g, prefix):
        def topo(nodes, edges):
            indeg = {n: 0 for n in nodes}
            succ = {n: set() for n in nodes}
            for a, b in edges:
                if b not in succ[a]:
                    succ[a].add(b)
                    indeg[b] += 1
            out = []
            ready = [n for n in nodes if indeg[n] == 0]
            pos = {n: k for k, n in enumerate(nodes)}
            while ready:
                ready.sort(key=lambda n: pos[n])
                n = ready.pop(0)
                out.append(n)
                for m in succ[n]:
                    indeg[m] -= 1
                    if indeg[m] == 0:
                        ready.append(m)
            return out if len(out) == len(nodes) else None

        def attempt(split):
            key = lambda ph, n: (n, ph) if n in split else (n, "MI")
            nodes, edges = [], set()
            for ph, q in seqs:
                ks = [key(ph, n) for n in q]
                for k in ks:
                    if k not in nodes:
                        nodes.append(k)
                edges.update(zip(ks, ks[1:]))
            return topo(nodes, edges)

        r = attempt(set())
        if r is None:
            both = [
                n
                for n in dict.fromkeys(n for ph, q in seqs for n in q)
                if any(ph == "M" and n in q for ph, q in seqs) and any(ph == "I" and n in q for ph, q in seqs)
            ]
            cand = sorted(both, key=lambda n: (n[0] == "P", n[1][-1] in ("weight", "bias")))
            for n in cand:
                r = attempt({n})
                if r:
                    break
            if r is None:
                for k in range(len(cand)):
                    for n in cand[k + 1 :]:
                        r = attempt({cand[k], n})
                        if r:
                            {cand[k], n}
                            break
                    if r:
                        break
            if r is None:
                leaves = {n for n in cand if n[0] == "L"}
                r = attempt(leaves)
                if r is None:
                    r = attempt(set(both))
                if r is None:
                    raise Fail("order at %s is not constant" % ".".join(prefix))
        hasM = {n for ph, q in seqs if ph == "M" for n in q}
        hasI = {n for ph, q in seqs if ph == "I" for n in q}
        return [
            ("x", n, ph if ph != "MI" else ("M" if n not in hasI else "I" if n not in hasM else "MI"))
            for n, ph in r
        ]
