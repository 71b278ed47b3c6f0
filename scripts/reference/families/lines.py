"""The leaf lines of an inferred tree."""

import collections

from infer import Fail


def andc(c):
    return "" if c == "True" else " ; if " + c


def main_std(tree):
    """The std that most leaves have."""
    cnt = collections.Counter()

    def walk(t):
        for x in t:
            if isinstance(x, tuple):
                walk(x[5])
            elif (
                x["init"]
                and x["init"]["op"] == "normal"
                and "nums" in x["init"]
                and x["init"]["nums"].get("mean") == "0.0"
            ):
                cnt[x["init"]["nums"]["std"]] += 1

    for x in tree:
        if isinstance(x, (tuple, dict)):
            walk([x])
    return cnt.most_common(1)[0][0] if cnt else None


def tline(L):
    f, m, i = L["final"], L["make"], L["init"]
    name = L["name"]
    if not (f or m or i):
        return None
    dims = (f or i or m)["dims"]
    cond = (f or i or m)["cond"]
    o = []
    for k, e in (("make", m), ("init", i)):
        if not e:
            continue
        nums = ""
        if e.get("nums") and (
            k == "init"
            or e["op"] == "trunc_normal"
            or (f and f.get("cat") == "draw" and f.get("phase") == "M")
        ):
            order = (
                ("mean", "std", "a", "b")
                if e["op"] == "trunc_normal"
                else ("mean", "std") if e["op"] == "normal" else ("a", "b")
            )
            nums = " " + ", ".join(e["nums"][q] for q in order)
        o.append("%s %s%s" % (k, e["op"], nums))
        if e["cond"] != cond:
            if cond != "True":
                raise Fail("%s: %s if %s, but the tensor if %s" % (name, k, e["cond"], cond))
            o.append("%s-if %s" % (k, e["cond"]))
        if e["dims"] != dims:
            o.append("%s-of %s" % (k, ",".join(e["dims"])))
        if e["dtype"] != "D":
            o.append("%s-as %s" % (k, e["dtype"]))
    if f:
        if f["cat"] == "value":
            o.append("= " + f["value"])
        elif f["cat"] == "lit":
            o.append("= table " + f["lit"])
        elif f["cat"] == "tied":
            if not i and not m:
                o.append("= tied")
        else:
            if f["phase"] == "M" and i:
                raise Fail(name + ": a draw in init that is not used")
            for st in f["steps"]:
                o.append(st if st.startswith("pad ") else "step " + st)
        if f["dtype"] != "D":
            o.append("dtype " + f["dtype"])
        if not f["param"]:
            o.append("buffer")
    elif L.get("gone"):
        return "- drop %s ; %s%s" % (",".join(dims), " ; ".join(o), andc(cond))
    else:
        o.append("nodecl")
    return "%s t %s%s%s" % (name, ",".join(dims) or "-", "".join(" ; " + x for x in o), andc(cond))


def compact(tree, sigma, pre=""):
    """list of lines; the macros lin, conv, emb, c1d, ln, rms, rms0, par, zero, one where they say the same"""
    out, k = [], 0

    def std(e):
        return "" if e["nums"]["std"] == sigma else " ; std " + e["nums"]["std"]

    def plain(e, f):
        return e is None or (e["dims"] == f["dims"] and e["cond"] == f["cond"] and e["dtype"] == "D")

    while k < len(tree):
        x = tree[k]
        if isinstance(x, str):
            out.append(x)
            k += 1
            continue
        if isinstance(x, tuple):
            _, p, v, n, c, body, _ = x
            out.append("layer %s %s %s%s" % (p[len(pre) :] if p.startswith(pre) else "~" + p, v, n, andc(c)))
            out += ["  " + l for l in compact(body, sigma, p)]
            out.append("end")
            k += 1
            continue
        nm = x["name"][len(pre) :] if x["name"].startswith(pre) else "~" + x["name"]
        f, m, i = x["final"], x["make"], x["init"]
        line = None
        nx = tree[k + 1] if k + 1 < len(tree) and isinstance(tree[k + 1], dict) else None
        if f and not x.get("again") and f["dtype"] == "D" and f["param"] and plain(m, f) and plain(i, f):
            sib = (
                nx
                if nx
                and nx["final"]
                and nm.endswith(".weight")
                and nx["name"] == x["name"][:-6] + "bias"
                and not nx.get("again")
                and nx["final"]["dtype"] == "D"
                and nx["final"]["param"]
                else None
            )
            drawn = (
                f["cat"] == "draw" and i and i["op"] == "normal" and i.get("nums", {}).get("mean") == "0.0"
            )
            pads = [s for s in f.get("steps", []) if s.startswith("pad ")]
            only = drawn and len(pads) == len(f["steps"])
            b = None
            if (
                sib
                and sib["final"]["cat"] == "value"
                and sib["final"]["value"] == "0.0"
                and not sib["init"]
                and plain(sib["make"], sib["final"])
            ):
                sc = sib["final"]["cond"]
                b = "" if sc == f["cond"] else sc if f["cond"] == "True" else None
                if b is None and sc.startswith(f["cond"] + " and ") and " or " not in sc:
                    b = sc[len(f["cond"]) + 5 :]
                if b is None and sc.endswith(" and " + f["cond"]) and " or " not in sc:
                    b = sc[: -len(f["cond"]) - 5]
            base = nm[:-7]
            if (
                only
                and nm.endswith(".weight")
                and m
                and m["op"] == "uniform"
                and not pads
                and len(f["dims"]) >= 2
            ):
                kind = "lin" if len(f["dims"]) == 2 else "conv"
                if (
                    sib
                    and b is not None
                    and sib["make"]
                    and sib["make"]["op"] == "uniform"
                    and sib["final"]["dims"] == f["dims"][:1]
                ):
                    line = "%s %s %s ; bias%s%s%s" % (
                        base,
                        kind,
                        ",".join(f["dims"]),
                        (" " + b) if b else "",
                        std(i),
                        andc(f["cond"]),
                    )
                    k += 1
                elif not sib:
                    line = "%s %s %s%s%s" % (base, kind, ",".join(f["dims"]), std(i), andc(f["cond"]))
            elif only and nm.endswith(".weight") and m and m["op"] == "normal" and len(f["dims"]) == 2:
                if (
                    sib
                    and b == ""
                    and not sib["make"]
                    and sib["final"]["dims"] == f["dims"][1:2]
                    and not pads
                ):
                    line = "%s c1d %s%s%s" % (base, ",".join(f["dims"]), std(i), andc(f["cond"]))
                    k += 1
                elif not sib:
                    line = "%s emb %s%s%s%s" % (
                        base,
                        ",".join(f["dims"]),
                        "".join(" ; " + p for p in pads),
                        std(i),
                        andc(f["cond"]),
                    )
            elif only and not m and not pads:
                line = "%s par %s%s%s" % (nm, ",".join(f["dims"]), std(i), andc(f["cond"]))
            elif f["cat"] == "value" and not m and not i:
                if (
                    nm.endswith(".weight")
                    and f["value"] == "1.0"
                    and sib
                    and b is not None
                    and not sib["make"]
                    and sib["final"]["dims"] == f["dims"]
                ):
                    line = "%s ln %s%s%s" % (
                        base,
                        ",".join(f["dims"]),
                        (" ; bias " + b) if b else "",
                        andc(f["cond"]),
                    )
                    k += 1
                elif nm.endswith(".weight") and f["value"] in ("1.0", "0.0") and not sib:
                    line = "%s %s %s%s" % (
                        base,
                        "rms" if f["value"] == "1.0" else "rms0",
                        ",".join(f["dims"]),
                        andc(f["cond"]),
                    )
                elif f["value"] in ("1.0", "0.0") and f["dims"]:
                    line = "%s %s %s%s" % (
                        nm,
                        "one" if f["value"] == "1.0" else "zero",
                        ",".join(f["dims"]),
                        andc(f["cond"]),
                    )
        if line is None:
            line = tline(x)
            if line and not line.startswith("- drop"):
                line = nm + line[len(x["name"]) :]
        if line:
            out.append(line)
        k += 1
    return out
