"""The modes of the Go example "scaled", in Python: the same plans, bit for bit.

Each mode is a function of the layout that yields one distribution a
parameter; it draws nothing. README.md walks through it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from weightinit_plugin import (
    Dist,
    Layout,
    LayoutError,
    Param,
    Plugin,
    constant,
    each_piece,
    normal,
    option,
    trunc_normal,
)

plugin = Plugin("scaled_py", version="1.0.0")


class Common(NamedTuple):
    """The options that both modes have."""

    gain: float
    qk_gain: float
    embedding_std: float


@plugin.mode(
    "depth",
    version=1,
    summary="normal, by fan_in; residual outputs smaller by the number of layers",
    description="matrices: normal(0, s), s = gain / sqrt(fan_in)\n"
    "q, k, and those pieces of a fused qkv: s * qk_gain\n"
    "attn_out, mlp_out: s / sqrt(2 L), s / (2 L) or s, by the option depth\n"
    "embeddings: normal(0, embedding_std); norm weights 1; biases 0",
)
def depth(
    layout: Layout,
    gain: float = option(1.0, exclusive_minimum=0, maximum=100, doc="factor of every matrix"),
    qk_gain: float = option(0.5, exclusive_minimum=0, maximum=100, doc="further factor of q and k"),
    embedding_std: float = option(0.02, minimum=0, maximum=100, doc="std of embeddings and positions"),
    depth: str = option(
        "sqrt",
        choices=("sqrt", "linear", "none"),
        doc="how residual outputs shrink with the number of layers",
    ),
) -> Iterator[Dist]:
    layers = max(1, layout.model.n_layers)
    shrink = {"sqrt": math.sqrt(2 * layers), "linear": 2 * layers, "none": 1}[depth]
    return assign(
        layout,
        Common(gain, qk_gain, embedding_std),
        draw=lambda s: normal(std=s),
        residual=lambda s, p: s / shrink,
    )


@plugin.mode(
    "ramp",
    version=1,
    summary="truncated normal, by fan_in; residual outputs smaller layer by layer",
    description="as depth, but every normal is cut at cut standard deviations, and\n"
    "attn_out, mlp_out of layer l = 0, 1, ...: s / sqrt(2 (l + 1))",
)
def ramp(
    layout: Layout,
    gain: float = option(1.0, exclusive_minimum=0, maximum=100, doc="factor of every matrix"),
    qk_gain: float = option(0.5, exclusive_minimum=0, maximum=100, doc="further factor of q and k"),
    embedding_std: float = option(0.02, minimum=0, maximum=100, doc="std of embeddings and positions"),
    cut: float = option(3.0, minimum=1, maximum=10, doc="where the normal is cut, in standard deviations"),
) -> Iterator[Dist]:
    return assign(
        layout,
        Common(gain, qk_gain, embedding_std),
        draw=lambda s: trunc_normal(std=s, a=-cut * s, b=cut * s) if s else constant(0),
        residual=lambda s, p: s / math.sqrt(2 * ((p.layer or 0) + 1)),
    )


def assign(
    layout: Layout,
    common: Common,
    draw: Callable[[float], Dist],
    residual: Callable[[float, Param], float],
) -> Iterator[Dist]:
    """Applies the rules that both modes have.

    draw makes a distribution of a standard deviation, residual shrinks that of
    a residual output.
    """
    def rule(p: Param) -> Dist:
        if p.role == "norm_weight":
            return constant(1).described("1")
        if p.role.endswith("bias"):
            return constant(0).described("0")
        if p.role in ("embedding", "position", "token_type"):
            return draw(common.embedding_std).described("embedding_std")
        if p.fan_in < 1 or len(p.shape) < 2:
            raise LayoutError(p.name, f"no rule for parameter {p.name!r} of role {p.role!r}")
        s = common.gain / math.sqrt(p.fan_in)
        if p.role in ("q", "k"):
            return draw(s * common.qk_gain).described("gain / sqrt(fan_in) * qk_gain")
        if p.role == "qkv":  # of which nobody said what is fused
            text = f"parameter {p.name!r} of role qkv has no pieces: what is q and k in it is not known"
            raise LayoutError(p.name, text)
        if p.role in ("attn_out", "mlp_out"):
            return draw(residual(s, p)).described("gain / sqrt(fan_in), shrunk with depth")
        return draw(s).described("gain / sqrt(fan_in)")

    for p in layout:
        yield each_piece(p, rule)


if __name__ == "__main__":
    plugin.serve()
