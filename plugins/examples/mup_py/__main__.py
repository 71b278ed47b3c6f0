"""muP-style widths: hidden matrices shrink with the width, the ends do not.

The rule is that of Microsoft's mup package (mup/init.py, mup/layer.py), after
Yang et al., Tensor Programs V (arXiv 2203.03466). README.md walks through it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from weightinit_plugin import Dist, Layout, LayoutError, Param, Plugin, constant, normal, option, uniform

plugin = Plugin("mup_py", version="1.0.0")

OUTER = ("embedding", "position", "token_type")


@plugin.mode(
    "mup",
    version=1,
    summary="normal; hidden matrices times 1/sqrt(m), m = d_model / base_width",
    description="m = d_model / base_width\n"
    "matrices inside: normal(0, std / sqrt(m))\n"
    "embeddings: normal(0, std), padding row 0\n"
    "lm_head, by the option readout: normal(0, std), 0, or torch's default times sqrt(m)\n"
    "norm weights 1, all biases 0",
    citation="Yang et al. 2022, arXiv 2203.03466; mup 1.0.0",
)
def mup(
    layout: Layout,
    std: float | None = option(
        None, exclusive_minimum=0, doc="at the base width; without it the config's initializer_range, else 0.02"
    ),
    base_width: int | None = option(
        None, minimum=1, doc="the width that was tuned; without it d_model, and then nothing shrinks"
    ),
    readout: str = option(
        "normal", choices=("normal", "zero", "rescaled_default"), doc="how the output layer starts"
    ),
) -> Iterator[Dist]:
    s = std or layout.model.initializer_range or 0.02
    d = layout.model.d_model
    m = d / (base_width or d) if d else 1.0
    for p in layout:
        if p.role == "norm_weight":
            yield constant(1).described("1")
        elif len(p.shape) < 2 or p.role.endswith("bias"):
            yield constant(0).described("0")
        elif p.role in OUTER:
            yield padded(normal(std=s), p).described("std")
        elif p.role == "lm_head":
            yield head(p, readout, s, m)
        else:
            yield normal(std=s * (1 / math.sqrt(m))).described("std / sqrt(m)")


def padded(dist: Dist, p: Param) -> Dist:
    """Sets the padding row of an embedding to 0."""
    return dist if p.padding_row is None else dist.zero_rows(p.padding_row)


def head(p: Param, readout: str, std: float, m: float) -> Dist:
    """Returns the rule of the output layer."""
    if readout == "normal":
        return normal(std=std).described("std")
    if readout == "zero":
        return constant(0).described("0")
    if p.fan_in < 1:
        raise LayoutError(p.name, f"parameter {p.name!r} has no fan_in, which readout=rescaled_default needs")
    # Drawn first and multiplied then, as mup does: multiplying the bound
    # instead would give other bits.
    bound = math.sqrt(3) * (math.sqrt(2 / (1 + math.sqrt(5) * math.sqrt(5))) / math.sqrt(p.fan_in))
    return uniform(-bound, bound).multiply(math.sqrt(m)).described("U(K) * sqrt(m)")


if __name__ == "__main__":
    plugin.serve()
