"""The leaf lines of an inferred tree.

A tree is a list of Leaf, Loop and the word "part". The kinds of leaves (lin,
emb, ln, …) are used where they say the same as a plain tensor.
"""

import collections
import dataclasses

from names import Fail

NUMBERS = {"trunc_normal": ("mean", "std", "a", "b"), "normal": ("mean", "std"), "uniform": ("a", "b")}


@dataclasses.dataclass
class Draw:
    """One draw of a leaf, in texts."""

    op: str
    condition: str
    dims: list
    dtype: str
    discard: object
    numbers: dict

    def like(self, final):
        """Whether the draw has the tensor's shape, condition and dtype."""
        return self.dims == final["dims"] and self.condition == final["cond"] and self.dtype == "D"


@dataclasses.dataclass
class Leaf:
    """What one place in the order says about a tensor."""

    name: str
    make: Draw = None
    init: Draw = None
    final: dict = None
    again: bool = False  # A second draw of the same tensor.
    gone: bool = False  # No tensor of the state dict.


@dataclasses.dataclass
class Loop:
    prefix: str
    index: str
    count: str
    condition: str
    body: list


def only_if(condition):
    return "" if condition == "True" else f" ; if {condition}"


def leaves(tree):
    for item in tree:
        if isinstance(item, Loop):
            yield from leaves(item.body)
        elif isinstance(item, Leaf):
            yield item


def main_std(tree):
    """The std that most leaves have."""
    count = collections.Counter(
        leaf.init.numbers["std"]
        for leaf in leaves(tree)
        if leaf.init and leaf.init.op == "normal" and leaf.init.numbers.get("mean") == "0.0"
    )
    return count.most_common(1)[0][0] if count else None


def compact(tree, sigma, prefix=""):
    """The lines of a tree."""
    out, k = [], 0
    while k < len(tree):
        item = tree[k]
        if isinstance(item, str):
            out.append(item)
        elif isinstance(item, Loop):
            name = short(item.prefix, prefix)
            out.append(f"layer {name} {item.index} {item.count}{only_if(item.condition)}")
            out += ["  " + line for line in compact(item.body, sigma, item.prefix)]
            out.append("end")
        else:
            after = tree[k + 1] if k + 1 < len(tree) and isinstance(tree[k + 1], Leaf) else None
            line, both = kind_line(item, after, sigma, prefix)
            line = line or tensor_line(item, prefix)
            if line:
                out.append(line)
            k += both
        k += 1
    return out


def short(name, prefix):
    return name[len(prefix) :] if name.startswith(prefix) else "~" + name


def tensor_line(leaf, prefix):
    """The line of kind t, or of a dropped draw."""
    final, first = leaf.final, leaf.init or leaf.make
    if not (final or first):
        return None
    dims = final["dims"] if final else first.dims
    condition = final["cond"] if final else first.condition
    options = []
    for phase, draw in (("make", leaf.make), ("init", leaf.init)):
        if draw:
            options += draw_options(leaf, phase, draw, dims, condition)
    if final:
        options += value_options(leaf)
    elif leaf.gone:
        return f"- drop {','.join(dims)} ; {' ; '.join(options)}{only_if(condition)}"
    else:
        options.append("nodecl")
    text = "".join(f" ; {option}" for option in options)
    return f"{short(leaf.name, prefix)} t {','.join(dims) or '-'}{text}{only_if(condition)}"


def draw_options(leaf, phase, draw, dims, condition):
    final = leaf.final
    kept = final and final["cat"] == "draw" and final["phase"] == "M"
    numbers = ""
    if draw.numbers and (phase == "init" or draw.op == "trunc_normal" or kept):
        numbers = " " + ", ".join(draw.numbers[name] for name in NUMBERS[draw.op])
    out = [f"{phase} {draw.op}{numbers}"]
    if draw.condition != condition:
        if condition != "True":
            raise Fail(f"{leaf.name}: {phase} if {draw.condition}, but the tensor if {condition}")
        out.append(f"{phase}-if {draw.condition}")
    if draw.dims != dims:
        out.append(f"{phase}-of {','.join(draw.dims)}")
    if draw.dtype != "D":
        out.append(f"{phase}-as {draw.dtype}")
    return out


def value_options(leaf):
    final, out = leaf.final, []
    if final["cat"] == "value":
        out.append("= " + final["value"])
    elif final["cat"] == "lit":
        out.append("= table " + final["lit"])
    elif final["cat"] == "tied":
        if not leaf.init and not leaf.make:
            out.append("= tied")
    else:
        if final["phase"] == "M" and leaf.init:
            raise Fail(leaf.name + ": a draw in init that is not used")
        out += [step if step.startswith("pad ") else "step " + step for step in final["steps"]]
    if final["dtype"] != "D":
        out.append("dtype " + final["dtype"])
    if not final["param"]:
        out.append("buffer")
    return out


def is_plain(leaf):
    """A parameter in the model's dtype whose draws have its shape and condition."""
    final = leaf.final
    if not final or leaf.again or final["dtype"] != "D" or not final["param"]:
        return False
    return all(draw is None or draw.like(final) for draw in (leaf.make, leaf.init))


def is_value(leaf, value):
    return leaf.final["cat"] == "value" and leaf.final["value"] == value


def bias_condition(final, bias):
    """The condition of a bias of zeros beside its weight: "" for always, None if it is no such bias."""
    if not is_value(bias, "0.0") or bias.init or not (bias.make is None or bias.make.like(bias.final)):
        return None
    own, weight = bias.final["cond"], final["cond"]
    if own == weight:
        return ""
    if weight == "True":
        return own
    if " or " not in own and own.startswith(weight + " and "):
        return own[len(weight) + 5 :]
    if " or " not in own and own.endswith(" and " + weight):
        return own[: -len(weight) - 5]
    return None


def kind_line(leaf, after, sigma, prefix):
    """A line with a kind, and whether it speaks of the next leaf too; (None, False) if none fits."""
    if not is_plain(leaf):
        return None, False
    name, final, make, init = short(leaf.name, prefix), leaf.final, leaf.make, leaf.init
    weight = name.endswith(".weight")
    bias = None
    if weight and after and after.name == leaf.name.removesuffix("weight") + "bias" and after.final:
        if not after.again and after.final["dtype"] == "D" and after.final["param"]:
            bias = after
    condition = bias_condition(final, bias) if bias else None
    base, dims = name.removesuffix(".weight"), ",".join(final["dims"])
    end = only_if(final["cond"])
    if final["cat"] == "value" and not make and not init:
        return value_kind(leaf, bias, condition, name, base, dims, end)
    if final["cat"] != "draw" or not init or init.op != "normal" or init.numbers.get("mean") != "0.0":
        return None, False
    pads = [step for step in final["steps"] if step.startswith("pad ")]
    if len(pads) != len(final["steps"]):
        return None, False
    std = "" if init.numbers["std"] == sigma else f" ; std {init.numbers['std']}"
    return drawn_kind(leaf, bias, condition, pads, std, name, base, dims, end)


def value_kind(leaf, bias, condition, name, base, dims, end):
    final, weight = leaf.final, name.endswith(".weight")
    if weight and is_value(leaf, "1.0") and condition is not None:
        if not bias.make and bias.final["dims"] == final["dims"]:
            return f"{base} ln {dims}{option('bias', condition) if condition else ''}{end}", True
    kind = {"1.0": ("rms", "one"), "0.0": ("rms0", "zero")}.get(final["value"])
    if kind and weight and not bias:
        return f"{base} {kind[0]} {dims}{end}", False
    if kind and final["dims"]:
        return f"{name} {kind[1]} {dims}{end}", False
    return None, False


def option(key, value):
    return f" ; {key} {value}" if value else f" ; {key}"


def drawn_kind(leaf, bias, condition, pads, std, name, base, dims, end):
    final, make, weight = leaf.final, leaf.make, name.endswith(".weight")
    if weight and make and make.op == "uniform" and not pads and len(final["dims"]) >= 2:
        kind = "lin" if len(final["dims"]) == 2 else "conv"
        if not bias:
            return f"{base} {kind} {dims}{std}{end}", False
        drawn = bias.make and bias.make.op == "uniform" and bias.final["dims"] == final["dims"][:1]
        if condition is not None and drawn:
            return f"{base} {kind} {dims}{option('bias', condition)}{std}{end}", True
    elif weight and make and make.op == "normal" and len(final["dims"]) == 2:
        if not bias:
            return f"{base} emb {dims}{''.join(' ; ' + pad for pad in pads)}{std}{end}", False
        if condition == "" and not bias.make and bias.final["dims"] == final["dims"][1:2] and not pads:
            return f"{base} c1d {dims}{std}{end}", True
    elif not make and not pads:
        return f"{name} par {dims}{std}{end}", False
    return None, False
