"""Write a mode for weightinit in Python.

A plugin is a Plugin, functions under its decorators, and a call of serve:

    from weightinit_plugin import Plugin, constant, normal, option

    plugin = Plugin("corp", version="1.0.0")

    @plugin.mode("wide", version=1, summary="normal, std falls with the width")
    def wide(layout, gain: float = option(1.0, minimum=0)):
        for p in layout:
            if p.role.endswith("bias"):
                yield constant(0.0)
            else:
                yield normal(std=gain / max(1, p.fan_in) ** 0.5)

    plugin.serve()

The package speaks the protocol (weightinit.mode.v1) and keeps the rules of a
plugin's process. It draws nothing: a mode says which distribution, the host
draws. It knows no models and no formulas either; those are the author's.
weightinit_plugin.testing checks modes without a process.

Started by a host, the import sends standard output to standard error: the
host reads one line there and nothing else. Import this package first.
"""

import sys as _sys

if _sys.version_info < (3, 10):
    raise ImportError(f"weightinit_plugin needs Python 3.10, this is {_sys.version.split()[0]}")

from . import _process

if _process.started_by_host():
    _process.take_over()

from ._dist import (  # noqa: E402
    Dist,
    bilinear,
    block_orthogonal,
    blocks,
    constant,
    delta_orthogonal,
    dirac,
    eye,
    fill,
    lstm_forget_bias,
    normal,
    orthogonal,
    pieces,
    sparse,
    trunc_normal,
    uniform,
    zero_init,
)
from ._errors import LayoutError, OptionError  # noqa: E402
from ._layout import Layout, Model, Param, Piece, Region  # noqa: E402
from ._fused import each_piece  # noqa: E402
from ._options import option  # noqa: E402
from ._plugin import Part, Plugin  # noqa: E402
from ._version import __version__  # noqa: E402

__all__ = [
    "Dist",
    "Layout",
    "LayoutError",
    "Model",
    "OptionError",
    "Param",
    "Part",
    "Piece",
    "Plugin",
    "Region",
    "__version__",
    "bilinear",
    "block_orthogonal",
    "blocks",
    "constant",
    "delta_orthogonal",
    "dirac",
    "each_piece",
    "eye",
    "fill",
    "lstm_forget_bias",
    "normal",
    "option",
    "orthogonal",
    "pieces",
    "sparse",
    "trunc_normal",
    "uniform",
    "zero_init",
]
