"""The model that a mode is asked about: facts, and a list of parameters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

DTYPES = ("", "F32", "F64", "BF16", "F16")
"""The types of stored numbers, by their number on the wire."""

_DTYPE_NAMES = dict(enumerate(DTYPES))
_new = tuple.__new__


class Region(NamedTuple):
    """Elements of a parameter, counted in row-major order.

    rows runs of row elements each. The first run begins at the element first,
    each next one stride elements after the one before.
    """

    first: int = 0
    rows: int = 0
    row: int = 0
    stride: int = 0


class Piece(NamedTuple):
    """One of the matrices or vectors that are fused in a parameter."""

    role: str
    shape: tuple[int, ...] = ()
    """The sizes of the piece alone."""
    at: Region = Region()
    """Where its elements lie in the parameter."""
    fan_in: int = 0
    fan_out: int = 0


class Param(NamedTuple):
    """One parameter of the model, in draw order."""

    name: str
    shape: tuple[int, ...]
    """The sizes, outermost first; empty for a scalar."""
    role: str = ""
    """What the parameter does, such as "q" or "mlp_in_bias". New ones may come:
    have a rule for roles you do not know, or raise LayoutError."""
    layer: int | None = None
    """Counts from 0; None outside the layers."""
    fan_in: int = 0
    fan_out: int = 0
    """The widths by role, not by storage order; 0 = it has none."""
    dtype: str = "F32"
    """What is stored: F32, F64, BF16 or F16."""
    padding_row: int | None = None
    """The padding index of an embedding."""
    pieces: tuple[Piece, ...] = ()
    """What is fused; the pieces cover the parameter. Empty when nothing is."""
    transposed: bool = False
    """The matrix is stored as (in, out)."""

    @property
    def elements(self) -> int:
        """The number of values."""
        n = 1
        for d in self.shape:
            n *= d
        return n


class Model(NamedTuple):
    """The sizes of the model; 0 means that it has none."""

    architecture: str = ""
    n_layers: int = 0
    d_model: int = 0
    d_head: int = 0
    n_heads: int = 0
    n_kv_heads: int = 0
    d_mlp: int = 0
    d_vocab: int = 0
    n_ctx: int = 0
    initializer_range: float | None = None
    config_json: str = ""
    """The whole config, defaults filled in; empty when the model was made of none."""

    @property
    def config(self) -> dict[str, Any]:
        """The config as a dict, read anew each time."""
        return json.loads(self.config_json) if self.config_json else {}


class Layout(Sequence[Param]):
    """A model as its parameters in draw order: iterate, index, take len()."""

    __slots__ = ("model", "params")

    def __init__(self, params: Iterable[Param] = (), model: Model = Model()) -> None:
        self.params: tuple[Param, ...] = tuple(params)
        self.model = model

    def __len__(self) -> int:
        return len(self.params)

    def __iter__(self) -> Iterator[Param]:
        return iter(self.params)

    def __getitem__(self, index: Any) -> Any:
        return self.params[index]

    def __repr__(self) -> str:
        return f"Layout({len(self.params)} parameters, {self.model.architecture or 'no architecture'})"


def model_from(message: Any) -> Model:
    """Returns the Model of a ModelFacts message."""
    m = message
    return Model(
        m.architecture, m.n_layers, m.d_model, m.d_head, m.n_heads, m.n_kv_heads,
        m.d_mlp, m.d_vocab, m.n_ctx,
        m.initializer_range if m.HasField("initializer_range") else None,
        m.config_json,
    )  # fmt: skip


def param_from(message: Any) -> Param:
    """Returns the Param of a Param message. A dtype this package does not know is ""."""
    # Runs 100,000 times in a large request: fields are read once, and the
    # tuple is made without the keyword handling of its class.
    m = message
    layer, padding = m.layer, m.padding_row
    return _new(
        Param,
        (
            m.name,
            tuple(m.shape[:]),  # one call for all sizes
            m.role,
            layer if layer or m.HasField("layer") else None,
            m.fan_in,
            m.fan_out,
            _DTYPE_NAMES.get(m.dtype, ""),
            padding if padding or m.HasField("padding_row") else None,
            tuple(map(_piece_from, m.pieces)),
            m.transposed,
        ),
    )


def _piece_from(message: Any) -> Piece:
    at = message.at
    region = Region(at.first, at.rows, at.row, at.stride)
    return Piece(message.role, tuple(message.shape), region, message.fan_in, message.fan_out)


def model_to(dst: Any, model: Model) -> None:
    """Writes model into a ModelFacts message."""
    dst.SetInParent()
    for field, value in model._asdict().items():
        if value is not None:
            setattr(dst, field, value)


def param_to(dst: Any, param: Param) -> None:
    """Writes param into a Param message."""
    dst.name, dst.role = param.name, param.role
    dst.shape.extend(param.shape)
    dst.dtype = DTYPES.index(param.dtype)
    dst.fan_in, dst.fan_out = param.fan_in, param.fan_out
    if param.layer is not None:
        dst.layer = param.layer
    if param.padding_row is not None:
        dst.padding_row = param.padding_row
    dst.transposed = param.transposed
    for piece in param.pieces:
        added = dst.pieces.add(role=piece.role, shape=piece.shape, fan_in=piece.fan_in, fan_out=piece.fan_out)
        for field, value in piece.at._asdict().items():
            setattr(added.at, field, value)
