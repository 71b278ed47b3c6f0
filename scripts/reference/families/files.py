"""Rules for the tensors that the saved file names or shapes differently."""

import collections
import math

from emit import named
from infer import INDICES, Fail
from search import Env, fit_int


def take(o, idx):
    """how a tensor of the file comes from its source"""
    sh, ss, off, st = o["shape"], o["sshape"], o["off"], o["stride"]
    n, sn = math.prod(sh), math.prod(ss)

    def contig():
        e = 1
        for a, b in zip(reversed(sh), reversed(st)):
            if a != 1 and b != e:
                return False
            e *= a
        return True

    if contig():
        if sh == ss:
            return ("whole", None)
        if sh == ss[1:]:
            return ("each", off // math.prod(ss[1:]))
        if len(ss) == 3 and len(sh) == 2 and sh[1] == ss[2] and sh[0] * 2 == ss[1]:
            e, r = divmod(off, ss[1] * ss[2])
            if r in (0, sh[0] * ss[2]):
                return ("each rows", e, "first half" if r == 0 else "second half")
        if n == sn and off == 0:
            return ("whole", tuple(sh))
        if sh[1:] == ss[1:]:
            return ("rows", off // math.prod(ss[1:]), sh[0])
        if len(ss) == 3 and len(sh) == 2 and sh[1] == ss[2]:
            e, r = divmod(off, ss[1] * ss[2])
            if r == 0 and sh[0] * 2 == ss[1]:
                return ("each rows", e, "first half")
            if r == sh[0] * ss[2] and sh[0] * 2 == ss[1]:
                return ("each rows", e, "second half")
        if len(ss) == 2 and len(sh) == 1 and sh[0] * 2 == ss[1]:
            e, r = divmod(off, ss[1])
            if r in (0, sh[0]):
                return ("each rows", e, "first half" if r == 0 else "second half")
    elif n == sn and len(sh) == 2 and sh == ss[::-1] and off == 0:
        return ("T",)
    elif len(ss) == 3 and sh == [ss[2], ss[1]] and n == math.prod(ss[1:]) and off % n == 0:
        return ("each T", off // n)
    return None


def file_rules(E, samples):
    """rules for tensors whose file differs"""
    per = collections.OrderedDict()
    for s in samples:
        outs = collections.defaultdict(list)
        for n, o in s.recorded["file"].items():
            if "bad" in o:
                raise Fail("file %s: %s" % (n, o["bad"]))
            if "pieces" in o:
                if not o["pieces"]:
                    outs[n].append((n, ("whole", None), o))
                    continue
                raise Fail("file %s: joined from %s" % (n, [p[0] for p in o["pieces"]][:3]))
            t = take(o, None)
            if t is None:
                raise Fail("file %s: a view %s of %s %s" % (n, o["shape"], o["from"], o["sshape"]))
            outs[o["from"]].append((n, t, o))
        s.fouts = outs
        for name, f in s.recorded["finals"].items():
            pat, idx = E.canon(name)
            if 0 in f["shape"]:
                continue
            f.get("same_as", name)
            per.setdefault(pat, []).append((s, idx, name, f, outs.get(name, [])))
    rules = []
    for pat, obs in per.items():
        d = sum(1 for c in pat if c == "*")
        plain = lambda o, name: len(o) == 1 and o[0][0] == name and o[0][1] == ("whole", None)
        if all(plain(o, name) or (not o and "same_as" in f) for s, idx, name, f, o in obs):
            continue

        def templ(o, idx):
            res = []
            for fn, t, _ in o:
                comps, k = [], 0
                left = list(idx)
                ex = t[1] if t[0] in ("each", "each rows", "each T") else None
                for c in fn.split("."):
                    if c.isdigit():
                        if k < len(left) and int(c) == left[k]:
                            comps.append(INDICES[k])
                            k += 1
                        elif ex is not None and int(c) == ex:
                            comps.append("e")
                            ex = None
                        else:
                            comps.append(c)
                    else:
                        comps.append(c)
                if k < len(left):
                    return None
                res.append(
                    (
                        ".".join(comps),
                        (t[0],)
                        + ((t[2],) if t[0] == "each rows" else t[1:] if t[0] in ("whole", "rows") else ()),
                    )
                )
            return res

        groups = collections.OrderedDict()
        for ob in obs:
            s, idx, name, f, o = ob
            if not o and "same_as" in f:
                key = "omit"
            elif not o:
                key = "omit"
            else:
                tm = templ(o, idx)
                if tm is None:
                    raise Fail("file names of %s" % named(pat))
                key = tuple(sorted({(a, b[0]) + ((b[1],) if b[0] == "each rows" else ()) for a, b in tm}))
            groups.setdefault(key, []).append(ob)
        real = [k for k in groups if not (k == "omit" and all("same_as" in ob[3] for ob in groups[k]))]
        for key in real:
            r = {"from": named(pat)}
            if len(real) > 1:
                pts = [E.env_of(ob[0], ob[1]) for k in real for ob in groups[k]]
                tv = [k == key for k in real for ob in groups[k]]
                r["if"] = E.fit_cond(pts, tv, "file of " + named(pat), (), d)
            if key == "omit":
                r["omit"] = True
            else:
                r["to"] = []
                for e in key:
                    o = {"name": e[0], "take": e[1]}
                    if e[1] == "each rows":
                        o["rows"] = e[2]
                    got = [
                        (ob[0], ob[1], x)
                        for ob in groups[key]
                        for x, tm in zip(ob[4], templ(ob[4], ob[1]))
                        if tm[0] == e[0] and tm[1][0] == e[1]
                    ]
                    if e[1] == "rows":
                        for nm, q in (("start", 1), ("count", 2)):
                            pts = [E.env_of(s, i) for s, i, x in got]
                            v = fit_int(
                                Env(pts), [x[1][q] for s, i, x in got], list(E.relevant) + list(INDICES[:d])
                            )
                            if v is None:
                                raise Fail("file rows of " + named(pat))
                            o[nm] = v
                    if e[1] == "whole" and any(x[1][1] for s, i, x in got):
                        sh = [x[2]["shape"] for s, i, x in got]
                        pts = [E.env_of(s, i) for s, i, x in got]
                        o["shape"] = []
                        for q in range(len(sh[0])):
                            v = fit_int(Env(pts), [h[q] for h in sh], list(E.relevant) + list(INDICES[:d]))
                            if v is None:
                                raise Fail("file shape of " + named(pat))
                            o["shape"].append(v)
                    r["to"].append(o)
                if any("same_as" in ob[3] for ob in groups[key]):
                    r["even_tied"] = True
            rules.append(r)
    return rules
