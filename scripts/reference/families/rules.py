"""What an absent, a null and a given field mean: the rules of a table's fields."""

import json
import re

import numpy as np

from configs import is_int
from configs import resolved as resolved_field
from infer import Fail
from search import Env, fit_bool, fit_float, fit_int, neg


def used_names(texts, space):
    w = set()
    for t in texts:
        w |= set(re.findall(r"[A-Za-z_]\w*", re.sub(r'"[^"]*"', "", t)))
    return [n for n in space.fields if n in w]


TYPES = [
    (r"^bool", "bool"),
    (r"^int \| list|^list\[int\] \| int|int \| (list|tuple)", "int or list"),
    (r"^int", "int"),
    (r"^float( \| None)?$", "float"),
    (r"^float \| int|^int \| float", "number"),
    (r"^str", "str"),
    (r"^list", "list"),
]


def type_of(ann):
    if ann.startswith("int | float"):
        return "number"
    for p, t in TYPES:
        if re.search(p, ann.replace("Optional[", "").replace("]", "") if "Optional" in ann else ann):
            return t
    return None


def fit_value(envs, vals, names, what):
    """a resolved value as a rule"""
    if all(json.dumps(v, default=str) == json.dumps(vals[0], default=str) for v in vals):
        return vals[0]
    if callable(names):
        names = names()
    env = Env(envs)
    for n in names:
        nn = [v for e, v in zip(envs, vals) if e.get(n) is None]
        if nn and len(nn) < len(vals) and all(v == e[n] for e, v in zip(envs, vals) if e.get(n) is not None):
            if all(v == nn[0] for v in nn) and not isinstance(nn[0], list):
                return {"expr": "%r if %s is None else %s" % (nn[0], n, n)}
            if all(v == e.get("given") for e, v in zip(envs, vals) if e.get(n) is None):
                return {"expr": "given if %s is None else %s" % (n, n)}
    if all(is_int(v) for v in vals):
        e = fit_int(env, vals, names)
        if e is not None:
            return {"expr": e}
    if all(isinstance(v, bool) for v in vals):
        e = fit_bool(env, vals, names)
        if e is not None:
            return {"expr": e}
    if all(isinstance(v, float) for v in vals):
        e = fit_float(env, vals, names)
        if e is not None:
            return {"expr": e}
    if all(v is None or is_int(v) for v in vals):
        m = np.array([v is None for v in vals])
        c = fit_bool(env, m, names)
        e = fit_int(env.sub(~m), [v for v in vals if v is not None], names)
        if c and e:
            return {"expr": "(%s) if %s else None" % (e, neg(c))}
    if all(isinstance(v, list) for v in vals):
        cnt = fit_int(env, [len(v) for v in vals], names)
        if cnt is None:
            raise Fail("length of the default of " + what)
        pts, xs = [], []
        for e, v in zip(envs, vals):
            for i, x in enumerate(v):
                pts.append(dict(e, i=i))
                xs.append(x)
        if not xs:
            return []
        if all(is_int(x) for x in xs):
            e = fit_int(Env(pts), xs, list(names) + ["i"])
            if e is not None:
                return {"each": e, "count": cnt}
        kinds = sorted(set(map(str, xs)), key=lambda q: -sum(str(x) == q for x in xs))
        if len(kinds) == 1:
            return {"each": repr(xs[0]), "count": cnt}
        if all(isinstance(x, str) for x in xs):
            text = repr(kinds[0])
            [x for x in xs]
            for kd in kinds[1:]:
                c = fit_bool(Env(pts), [x == kd for x in xs], list(names) + ["i"])
                if c is None:
                    raise Fail("default of " + what)
                text = "%r if %s else (%s)" % (kd, c, text)
            return {"each": text, "count": cnt}
    raise Fail("default of %s: %s" % (what, [json.dumps(v, default=str)[:40] for v in vals[:4]]))


def resolve(space, samples, names, rng):
    out, todo, done = {}, list(names), set()
    order = list(space.fields)
    while todo:
        n = todo.pop(0)
        if n in done:
            continue
        done.add(n)
        fd = space.fields[n]
        r = {"type": type_of(fd["ann"])}
        if n == "num_labels":
            out[n] = {"type": "int", "default": 2, "null": "refused"}
            continue
        if not fd["declared"] and not any(
            n in s.kw and s.kw[n] is not None and n in s.config_keys for s in samples
        ):
            # read by the config class only while it is made
            out[n] = {
                "type": type_of(fd["ann"].replace("hidden ", "")),
                "default": fd["default"],
                "null": "null" if fd["default"] is None else "refused",
            }
            continue
        S = rng.sample(samples, min(60, len(samples)))

        def resolved(v, n=n):
            envs, vals, bad = [], [], 0
            for s in S:
                kw = {k: x for k, x in s.kw.items() if k != n}
                if v is not KeyError:
                    kw[n] = v
                c = space.config(kw)
                if c is None:
                    bad += 1
                    continue
                e = {m: resolved_field(space, c, kw, m) for m in space.fields}
                x = getattr(c, n, None)
                envs.append(e)
                vals.append(list(x) if isinstance(x, tuple) else x)
            return envs, vals, bad

        others = [
            m
            for m in order
            if m != n
            and (m in names or True)
            and any(is_int(s.fields[m]) or isinstance(s.fields[m], (bool, float)) for s in samples)
        ]
        vary = [m for m in others if len({json.dumps(s.fields[m], default=str) for s in samples}) > 1]

        def rel(v, n=n):
            out = set()
            for m in vary:
                for s in rng.sample(S, min(8, len(S))):
                    a = {k: x for k, x in s.kw.items() if k != n}
                    if v is not KeyError:
                        a[n] = v
                    b = space.mutate(a, [m], rng)
                    if v is KeyError:
                        b.pop(n, None)
                    else:
                        b[n] = v
                    ca, cb = space.config(a), space.config(b)
                    if ca is None or cb is None:
                        continue
                    x, y = getattr(ca, n, None), getattr(cb, n, None)
                    if isinstance(x, (list, tuple)) and isinstance(y, (list, tuple)):
                        k = min(len(x), len(y))
                        if len(x) != len(y) or list(x)[:k] != list(y)[:k]:
                            out.add(m)
                            break
                    elif x != y:
                        out.add(m)
                        break
            return [m for m in vary if m in out]

        envs, vals, bad = resolved(KeyError)
        if not vals:
            r["required"] = True
            r["default"] = None
        else:
            r["default"] = fit_value(envs, vals, lambda: rel(KeyError), n)
        envs, vals, bad = resolved(None)
        if not vals:
            r["null"] = "refused"
        elif all(v is None for v in vals):
            r["null"] = "null"
        else:
            r["null"] = fit_value(envs, vals, lambda: rel(None), n)
        if r["null"] != "refused" and not any(n in s.kw and s.kw[n] is None for s in samples):
            if all(
                space.build(dict(s.kw, **{n: None}), None, file=False) is None
                for s in rng.sample(S, min(4, len(S)))
            ):
                r["null"] = "refused"
        giv = [(s, s.kw[n], s.fields[n]) for s in samples if s.kw.get(n) is not None]
        if any(json.dumps(a, default=str) != json.dumps(b, default=str) for s, a, b in giv):
            envs = [dict(s.fields, given=a) for s, a, b in giv]
            r["given"] = fit_value(envs, [b for s, a, b in giv], ["given"] + [m for m in vary], n + " given")
        if r["type"] == "int or list" and not any(isinstance(s.fields[n], list) for s in samples):
            r["type"] = "int"
        strs = sorted(
            {
                x
                for s in samples
                for x in (s.fields[n] if isinstance(s.fields[n], list) else [s.fields[n]])
                if isinstance(x, str)
            }
        )
        if strs:
            r["values"] = strs
        out[n] = r
        for q in ("default", "null", "given"):
            if isinstance(r.get(q), dict):
                todo += used_names([str(v) for v in r[q].values()], space)
    return out
