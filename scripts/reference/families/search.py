"""Search for expressions: integers, conditions and numbers over config fields."""

import itertools
import math

import numpy as np


class Env:
    """points: list of dicts name -> value (ints, bools, floats, None, str, lists); idx names are ints"""

    def __init__(self, points):
        self.p = points
        self.n = len(points)

    def sub(self, mask):
        return Env([x for x, m in zip(self.p, mask) if m])


def is_int(v):
    return isinstance(v, int) and not isinstance(v, bool)


def par(e):
    return (
        e
        if e.replace("_", "a").replace(".", "a").isalnum()
        or e.endswith("]")
        and "(" not in e
        and " " not in e
        else "(" + e + ")"
    )


def terms(env, names):
    T = {}
    for n in names:
        vs = [x.get(n) for x in env.p]
        if all(is_int(v) for v in vs):
            T[n] = np.array(vs, dtype=np.int64)
        elif all(isinstance(v, bool) for v in vs):
            T["int(%s)" % n] = np.array(vs, dtype=np.int64)
        elif all(isinstance(v, list) for v in vs):
            T["len(%s)" % n] = np.array([len(v) for v in vs], dtype=np.int64)
            if all(v and all(is_int(q) for q in v) for v in vs):
                T["%s[0]" % n] = np.array([v[0] for v in vs], dtype=np.int64)
                T["%s[-1]" % n] = np.array([v[-1] for v in vs], dtype=np.int64)
                if all(len(v) > 1 for v in vs) and len({len(v) for v in vs}) == 1 and len(vs[0]) <= 5:
                    for k in range(1, len(vs[0])):
                        T["%s[%d]" % (n, k)] = np.array([v[k] for v in vs], dtype=np.int64)
                for ix in ("i", "j"):
                    if all(ix in x and 0 <= x[ix] < len(v) for x, v in zip(env.p, vs)):
                        T["%s[%s]" % (n, ix)] = np.array(
                            [v[x[ix]] for x, v in zip(env.p, vs)], dtype=np.int64
                        )
                    if all(ix in x and 0 < x[ix] <= len(v) for x, v in zip(env.p, vs)):
                        T["%s[%s-1]" % (n, ix)] = np.array(
                            [v[x[ix] - 1] for x, v in zip(env.p, vs)], dtype=np.int64
                        )
                    if all(ix in x and 0 <= x[ix] + 1 < len(v) for x, v in zip(env.p, vs)):
                        T["%s[%s+1]" % (n, ix)] = np.array(
                            [v[x[ix] + 1] for x, v in zip(env.p, vs)], dtype=np.int64
                        )
        elif all(is_int(v) or isinstance(v, list) and v and all(is_int(q) for q in v) for v in vs):
            T["at(%s,0)" % n] = np.array([v if is_int(v) else v[0] for v in vs], dtype=np.int64)
            T["at(%s,1)" % n] = np.array([v if is_int(v) else v[-1] for v in vs], dtype=np.int64)
    return T


class Table:
    def __init__(self, T):
        self.L1 = dict(T)
        self.d = {}
        self.order = []

        def put(e, v):
            b = v.tobytes()
            if b not in self.d:
                self.d[b] = e
                self.order.append((e, v))

        for e, v in T.items():
            put(e, v)
        items = list(T.items())
        self.l1n = len(self.order)
        for c in (2, 3, 4, 8):
            for e, v in items:
                put("%d*%s" % (c, par(e)), v * c)
                if c < 5:
                    put("%s//%d" % (par(e), c), v // c)
        for c in (1, 2, -1, -2, 3):
            for e, v in items:
                put("%s%+d" % (e, c), v + c)
        for (e, v), (f, w) in itertools.combinations(items, 2):
            put("%s*%s" % (par(e), par(f)), v * w)
        for (e, v), (f, w) in itertools.permutations(items, 2):
            if (w > 0).all():
                put("%s//%s" % (par(e), par(f)), v // w)
        for (e, v), (f, w) in itertools.combinations(items, 2):
            put("%s+%s" % (e, f), v + w)
        for (e, v), (f, w) in itertools.permutations(items, 2):
            put("%s-%s" % (e, par(f)), v - w)
            if (w > 0).all():
                put("ceildiv(%s,%s)" % (e, f), -(-v // w))
            put("max(%s,%s)" % (e, f), np.maximum(v, w))
            put("min(%s,%s)" % (e, f), np.minimum(v, w))
        for e, v in items:
            put("%s**2" % par(e), v * v)
            put("ceildiv(%s,16)" % e, -(-v // 16))
            if (v >= 0).all() and (v < 30).all():
                put("2**%s" % par(e), 2**v)
        for (e, v), (f, w) in itertools.permutations(items, 2):
            if (w > 0).all():
                put("(%s//%s)**2" % (par(e), par(f)), (v // w) ** 2)
                for c in (1, 2):
                    put("(%s//%s)**2+%d" % (par(e), par(f), c), (v // w) ** 2 + c)
        self.n2 = len(self.order)
        self.l3done = False

    def l3(self):
        if self.l3done:
            return
        self.l3done = True
        base = self.order[: self.n2]
        l1 = self.order[: self.l1n]

        def put(e, v):
            b = v.tobytes()
            if b not in self.d:
                self.d[b] = e
                self.order.append((e, v))

        if len(base) * len(l1) > 20000:
            base = base[: max(1, 20000 // max(1, len(l1)))]
        for e, v in base:
            for f, w in l1:
                put("%s*%s" % (par(f), par(e)), v * w)
                put("%s+%s" % (e, f), v + w)
                put("%s-%s" % (e, par(f)), v - w)
                if (w > 0).all():
                    put("%s//%s" % (par(e), par(f)), v // w)
                if (v > 0).all():
                    put("%s//%s" % (par(f), par(e)), w // v)
            for c in (2, 3, 4):
                put("%d*%s" % (c, par(e)), v * c)
                put("%s//%d" % (par(e), c), v // c)
            for c in (1, 2, -1):
                put("%s%+d" % (e, c), v + c)

    def find(self, t, level=2):
        b = t.tobytes()
        if b in self.d:
            return self.d[b]
        if not self.order or level == 0:
            return None
        base = self.order[: self.n2]
        best = None

        def better(e):
            nonlocal best
            if best is None or len(e) < len(best):
                best = e

        for e, v in base:
            r = (t - v).tobytes()
            if r in self.d:
                better("%s+%s" % (e, self.d[r]))
            if (v > 1).all() and not (t % v).any():
                r = (t // v).tobytes()
                if r in self.d:
                    better("%s*%s" % (par(e), par(self.d[r])))
            r = (t + v).tobytes()
            if r in self.d:
                better("%s-%s" % (self.d[r], par(e)))
        if best or level < 2:
            return best
        self.l3()
        if b in self.d:
            return self.d[b]
        for e, v in self.order[:20000]:
            r = (t - v).tobytes()
            if r in self.d:
                better("%s+%s" % (e, self.d[r]))
            if (v > 1).all() and not (t % v).any():
                r = (t // v).tobytes()
                if r in self.d:
                    better("%s*%s" % (par(e), par(self.d[r])))
        if best:
            return best
        return None


import re


def enough(env, e, t):
    """are there enough different points for an expression this long?"""
    w = re.findall(r"[A-Za-z_]\w*|\d+", e)
    if len(w) <= 2:
        return True
    ids = sorted({q for q in w if q[0].isalpha()})
    rows = {(tuple(str(x.get(n)) for n in ids), int(v)) for x, v in zip(env.p, t)}
    return len(rows) >= 2 * len(w) and len(set(t.tolist())) >= min(6, len(w))


def fit_int(env, target, names, allnames=None, depth=2, deep=True, levels=None):
    t = np.array(target, dtype=np.int64)
    if env.n == 0:
        return "0"
    if (t == t[0]).all():
        return str(int(t[0]))
    cache = {}

    def table(key, en):
        if key in cache:
            return cache[key]
        T = terms(en, names)
        tb = Table(T) if T else None
        if len(key) == 0 or len(cache) < 12:
            cache[key] = tb
        return tb

    def whole(key, en, tt, lv):
        if (tt == tt[0]).all():
            return str(int(tt[0])) if int(tt[0]) <= 4 else None
        tb = table(key, en)
        e = tb.find(tt, lv) if tb else None
        return e if e and enough(en, e, tt) else None

    def split(key, en, tt, lv, d, strict):
        e = whole(key, en, tt, lv)
        if e is not None or d == 0:
            return e
        A = at_cache.get(key)
        if A is None:
            A = at_cache[key] = atoms(en, names, small=True)
        for a, v in A:
            if v.all() or not v.any() or min(v.sum(), (~v).sum()) < 5:
                continue
            if strict and not (a in names or a.endswith(" is None") or '"' in a):
                continue
            e1 = split(key + (a,), en.sub(v), tt[v], lv, d - 1, strict)
            if e1 is None:
                continue
            e2 = split(key + ("not " + a,), en.sub(~v), tt[~v], lv, d - 1, strict)
            if e2 is None:
                continue
            return "%s if %s else %s" % (par(e1), a, par(e2))
        return None

    at_cache = {}
    for lv, d, strict in (
        (0, 0, 0),
        (1, 0, 0),
        (0, 1, 0),
        (1, 1, 1),
        (2, 0, 0),
        (1, 2, 1),
        (1, 1, 0),
        (2, 1, 1),
    ):
        if d > depth or (lv > 0 and not deep):
            continue
        e = split((), env, t, lv, d, strict)
        if e is not None:
            return e
    return None


def atoms(env, names, small=False, idx=("i", "j")):
    """(text, bool vector); cheap and likely ones first"""
    out = []
    seen = set()

    def put(e, v):
        v = np.array(v, dtype=bool)
        b = v.tobytes()
        if b not in seen:
            seen.add(b)
            out.append((e, v))

    cols = {n: [x.get(n) for x in env.p] for n in names}
    for n, vs in cols.items():
        if all(isinstance(v, bool) for v in vs):
            put(n, vs)
    for n, vs in cols.items():
        if any(v is None for v in vs):
            put("%s is None" % n, [v is None for v in vs])
        if any(v is None for v in vs) and all(v is None or isinstance(v, bool) for v in vs):
            put(n, [bool(v) for v in vs])
    for n, vs in cols.items():
        ss = {v for v in vs if isinstance(v, str)}
        for s in sorted(ss):
            put('%s == "%s"' % (n, s), [v == s for v in vs])
        for pre in ("gated-",):
            if any(s.startswith(pre) for s in ss):
                put('startswith(%s, "%s")' % (n, pre), [isinstance(v, str) and v.startswith(pre) for v in vs])
    ints = {n: np.array(vs) for n, vs in cols.items() if all(is_int(v) for v in vs)}
    for ix in idx:
        if not all(ix in x for x in env.p):
            continue
        iv = np.array([x[ix] for x in env.p])
        for n, vs in cols.items():
            if all(isinstance(v, list) for v in vs):
                strs = {q for v in vs for q in v if isinstance(q, str)}
                for s in sorted(strs):
                    put(
                        'at(%s, %s) == "%s"' % (n, ix, s),
                        [0 <= x[ix] < len(v) and v[x[ix]] == s for x, v in zip(env.p, vs)],
                    )
                if not strs and any(vs):
                    put("%s in %s" % (ix, n), [x[ix] in v for x, v in zip(env.p, vs)])
                    put(
                        "at(%s, %s) != 0" % (n, ix),
                        [0 <= x[ix] < len(v) and v[x[ix]] not in (0, False) for x, v in zip(env.p, vs)],
                    )
                put("%s < len(%s)" % (ix, n), [x[ix] < len(v) for x, v in zip(env.p, vs)])
        put("%s == 0" % ix, iv == 0)
        for n, v in ints.items():
            if n in idx:
                continue
            put("%s < %s" % (ix, n), iv < v)
            put("%s == %s-1" % (ix, n), iv == v - 1)
            put("%s == %s" % (ix, n), iv == v)
            if (v > 0).all():
                put("(%s+1) %% %s == 0" % (ix, n), (iv + 1) % v == 0)
                put("%s %% %s == 0" % (ix, n), iv % v == 0)
            else:
                w = np.where(v > 0, v, 1)
                put("%s > 0 and (%s+1) %% %s == 0" % (n, ix, n), (v > 0) & ((iv + 1) % w == 0))
        for n, v in ints.items():
            if n in idx or not (v > 0).all():
                continue
            for m, w in ints.items():
                if m in idx or m == n:
                    continue
                put("(%s-%s) %% %s == 0" % (ix, par(m), n), (iv - w) % v == 0)
                put("%s %% %s == %s" % (ix, n, m), iv % v == w)
                put("(%s+1-%s) %% %s == 0" % (ix, par(m), n), (iv + 1 - w) % v == 0)
                put("%s < %s-%s" % (ix, n, par(m)), iv < v - w)
                put("%s < %s//%s" % (ix, m, n), iv < w // v)
        for c in (1, 2, 3):
            put("%s < %d" % (ix, c), iv < c)
        put("%s %% 2 == 0" % ix, iv % 2 == 0)
    for n, v in ints.items():
        if n in idx:
            continue
        put("%s > 0" % n, v > 0)
        for c in sorted(set(v.tolist()))[:6]:
            put("%s == %d" % (n, c), v == c)
        put("%s > 1" % n, v > 1)
    for n, m in itertools.combinations([n for n in ints if n not in idx], 2):
        put("%s == %s" % (n, m), ints[n] == ints[m])
        put("%s < %s" % (n, m), ints[n] < ints[m])
        put("%s > %s" % (n, m), ints[n] > ints[m])
    if not small:
        for n, vs in cols.items():
            if all(isinstance(v, float) for v in vs) and len(set(vs)) > 1:
                put("%s > 0" % n, np.array(vs) > 0)
                put("%s == 1.0" % n, np.array(vs) == 1.0)
            if all(isinstance(v, list) for v in vs):
                put("len(%s) > 0" % n, [len(v) > 0 for v in vs])
            if any(v is None for v in vs) and any(is_int(v) for v in vs):
                put("%s is not None and %s > 0" % (n, n), [v is not None and is_int(v) and v > 0 for v in vs])
        nn = [n for n, vs in cols.items() if any(is_int(v) for v in vs) and any(v is None for v in vs)]
        for n in nn:
            for m in ints:
                if m in idx:
                    continue
                put(
                    "%s is not None and %s != %s" % (n, n, m),
                    [x.get(n) is not None and x.get(n) != x.get(m) for x in env.p],
                )
    return out


def neg(a):
    if a.endswith(" is None") and " and " not in a:
        return a[: -len(" is None")] + " is not None"
    if " == " in a and " and " not in a and " or " not in a:
        return a.replace(" == ", " != ")
    if " < " in a and " and " not in a:
        return a.replace(" < ", " >= ")
    if " in " in a and " and " not in a:
        return a.replace(" in ", " not in ")
    return "not %s" % par(a)


def fit_bool(env, target, names, extra=()):
    t = np.array(target, dtype=bool)
    if t.all():
        return "True"
    if not t.any():
        return "False"
    A = list(extra) + atoms(env, names)
    lits = []
    for a, v in A:
        if v.all() or not v.any():
            continue
        lits.append((a, v))
        lits.append((neg(a), ~v))
    for a, v in lits:
        if (v == t).all():
            return a
    sup = [(a, v) for a, v in lits if not (t & ~v).any()]
    sub = [(a, v) for a, v in lits if not (v & ~t).any()]
    for k, (a, v) in enumerate(sup):
        for b, w in sup[k + 1 :]:
            if ((v & w) == t).all():
                return "%s and %s" % (a, b)
    for k, (a, v) in enumerate(sub):
        for b, w in sub[k + 1 :]:
            if ((v | w) == t).all():
                return "%s or %s" % (a, b)
    sup, sub = sup[:120], sub[:120]
    for k, (a, v) in enumerate(sup):
        for l, (b, w) in enumerate(sup[k + 1 :]):
            vw = v & w
            for c, x in sup[k + l + 2 :]:
                if ((vw & x) == t).all():
                    return "%s and %s and %s" % (a, b, c)
    pw = lambda a: "(%s)" % a if " and " in a or " or " in a else a
    for a, v in sup:  # a and (b or c)
        s2 = [(b, w & v) for b, w in lits if not ((w & v) & ~t).any() and (w & v).any()]
        for k, (b, w) in enumerate(s2):
            for c, x in s2[k + 1 :]:
                if ((w | x) == t).all():
                    return "%s and (%s or %s)" % (a, pw(b), pw(c))
    for a, v in sub:  # a or (b and c)
        rest = t & ~v
        s2 = [(b, w) for b, w in lits if not (rest & ~w).any()]
        for k, (b, w) in enumerate(s2):
            for c, x in s2[k + 1 :]:
                if ((v | (w & x)) == t).all():
                    return "%s or (%s and %s)" % (a, pw(b), pw(c))
    if len(lits) > 300:
        lits = lits[:300]
    # (a and b) or (c and d): split on one atom
    for a, v in lits[::2]:
        sv, sn = t & v, t & ~v
        l1 = [(b, w) for b, w in lits if ((w & v) == sv).all()]
        if not l1 and sv.any() and not (sv == v).all():
            continue
        l2 = [(b, w) for b, w in lits if ((w & ~v) == sn).all()]
        if not l2 and sn.any() and not (sn == ~v).all():
            continue
        e1 = "True" if (sv == v).all() else ("False" if not sv.any() else l1[0][0])
        e2 = "True" if (sn == ~v).all() else ("False" if not sn.any() else l2[0][0])
        return "(%s and %s) or (%s and %s)" % (a, pw(e1), neg(a), pw(e2))

    # split on one atom, two-literal halves
    def two(mask, want):
        if not want.any():
            return "False"
        if (want == mask).all():
            return "True"
        s = [(b, w) for b, w in lits if not (want & ~w).any()]
        for k, (b, w) in enumerate(s):
            if ((w & mask) == want).all():
                return b
        for k, (b, w) in enumerate(s):
            for c, x in s[k + 1 :]:
                if ((w & x & mask) == want).all():
                    return "%s and %s" % (b, c)
        s = [(b, w) for b, w in lits if not (w & mask & ~want).any()]
        for k, (b, w) in enumerate(s):
            for c, x in s[k + 1 :]:
                if (((w | x) & mask) == want).all():
                    return "%s or %s" % (b, c)
        return None

    for a, v in lits[::2]:
        e1 = two(v, t & v)
        if e1 is None:
            continue
        e2 = two(~v, t & ~v)
        if e2 is None:
            continue
        return "(%s and %s) or (%s and %s)" % (a, pw(e1), neg(a), pw(e2))
    return None


def fit_float(env, target, names, dims=()):
    """a double, exactly. dims: texts and vectors of integer expressions that may occur"""
    t = list(target)
    if all(x == t[0] for x in t):
        return repr(t[0])
    F = {}
    for n in names:
        vs = [x.get(n) for x in env.p]
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in vs) and any(
            isinstance(v, float) for v in vs
        ):
            F[n] = [float(v) for v in vs]
            if any(v == 0 for v in vs):
                F["or0(%s, 0.02)" % n] = [float(v or 0.02) for v in vs]
            else:
                F["or0(%s, 0.02)" % n] = [float(v or 0.02) for v in vs]
    for e, v in F.items():
        if v == t:
            return e
    X = list(dims) + list(Table(terms(env, names)).order)
    X = [(e, [int(q) for q in v]) for e, v in X]
    B = [("1.0", [1.0] * len(t))] + list(F.items())
    forms = [
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
    ]
    for sg, tt in (("", t), ("-", [-x for x in t])):
        for fe, ff in forms:
            for be, b in B:
                for xe, x in X:
                    try:
                        if ff(b[0], x[0]) != tt[0]:
                            continue
                        if all(ff(p, q) == r for p, q, r in zip(b, x, tt)):
                            return sg + fe % (be, par(xe))
                    except (ZeroDivisionError, ValueError, OverflowError):
                        continue
                    except TypeError:
                        continue
    # products of two numbers
    for (e, a), (f, b) in itertools.permutations(F.items(), 2):
        if [x * y for x, y in zip(a, b)] == t:
            return "%s * %s" % (e, f)
        try:
            if [x / y for x, y in zip(a, b)] == t:
                return "%s / %s" % (e, f)
        except ZeroDivisionError:
            pass
    # split on one property
    for a, v in atoms(env, names, small=True):
        if v.all() or not v.any() or min(v.sum(), (~v).sum()) < 2:
            continue
        out = []
        for m in (v, ~v):
            sub = [x for x, q in zip(t, m) if q]
            if all(x == sub[0] for x in sub):
                out.append(repr(sub[0]))
                continue
            se = env.sub(m)
            hit = None
            for n in names:
                vs = [x.get(n) for x in se.p]
                if all(isinstance(q, (int, float)) and not isinstance(q, bool) for q in vs):
                    if [float(q) for q in vs] == sub:
                        hit = n
                        break
                    if [float(q or 0.02) for q in vs] == sub:
                        hit = "or0(%s, 0.02)" % n
                        break
            if hit is None:
                break
            out.append(hit)
        if len(out) == 2:
            return "%s if %s else %s" % (par(out[0]), a, par(out[1]))
    return None
