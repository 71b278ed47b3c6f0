"""The three answers of a plugin, as functions of messages: no gRPC here.

describe, assign and fill turn a request into its reply, or raise; package
module _server puts them on the wire, weightinit_plugin.testing calls them in
process.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from . import _messages
from ._dist import Dist, check_shape
from ._errors import UnknownModeError, UnsupportedError
from ._layout import DTYPES, Layout, Param, model_from, param_from
from ._options import decode
from ._plugin import Mode, Part, Plugin
from ._version import __version__

MAX_CHUNK = 4 << 20
MIN_CHUNK = 64 << 10
DEFAULT_CHUNK = 1 << 20


def describe(plugin: Plugin) -> Any:
    """Returns the DescribeReply."""
    reply = _messages.DescribeReply(
        name=plugin.name,
        version=plugin.version,
        sdk="python",
        sdk_version=__version__,
        features=plugin.features,
    )
    for m in plugin.modes:
        reply.modes.add(
            id=m.id,
            version=m.version,
            default=m.default,
            summary=m.summary,
            description=m.description,
            options_schema=m.schema,
            citation=m.citation,
            aliases=m.aliases,
            fills=m.fill is not None,
            fixed=m.fixed,
        )
    return reply


def assign(plugin: Plugin, request: Any) -> Any:
    """Returns the AssignReply to an AssignRequest."""
    mode = _mode(plugin, request)
    options = decode(mode.options, request.options_json)
    layout = Layout(map(param_from, request.params), model_from(request.model))
    answer = mode.assign(layout, **options)
    if answer is None or isinstance(answer, (Dist, str, bytes)):
        raise TypeError(f"mode {mode.id} gave {type(answer).__name__}; yield one distribution a parameter")
    reply = _messages.AssignReply()
    params = layout.params
    dists = iter(answer)
    for param, dist in zip(params, dists):
        try:
            _put(reply.dists.add(), dist, param, mode)
        except (TypeError, ValueError) as err:
            kind = TypeError if isinstance(err, TypeError) else ValueError
            raise kind(f"mode {mode.id} for parameter {param.name!r} of shape {list(param.shape)}: {err}") from err
    if len(reply.dists) < len(params):
        missing = params[len(reply.dists)].name
        raise ValueError(f"mode {mode.id} gave {len(reply.dists)} of {len(params)} distributions, none for {missing!r}")
    if next(dists, None) is not None:
        raise ValueError(f"mode {mode.id} gave more distributions than the {len(params)} parameters")
    return reply


def fill(plugin: Plugin, request: Any) -> Iterator[Any]:
    """Yields the FillChunks that answer a FillRequest."""
    mode = _mode(plugin, request)
    if mode.fill is None:
        raise UnsupportedError("", f"mode {mode.id} makes no values itself")
    options = decode(mode.options, request.options_json)
    dtype = DTYPES[request.dtype] if 0 <= request.dtype < len(DTYPES) else ""
    if dtype not in ("F32", "F64"):
        raise UnsupportedError("", f"values of type {request.dtype} cannot be asked for: only F32 and F64")
    param = param_from(request.param)
    first, count, total = request.first, request.count, param.elements
    if first + count > total:
        raise ValueError(f"elements {first} to {first + count} are asked for, {param.name!r} has {total}")
    wanted = request.chunk_bytes or DEFAULT_CHUNK
    chunk = min(max(wanted, MIN_CHUNK), MAX_CHUNK)
    part = Part(param, model_from(request.model), request.seed, dtype, first, count, chunk)
    skip = 0
    if not mode.ranges and (first, count) != (0, total):
        # The whole is made and the rest dropped: right, if not fast. A host
        # that keeps the protocol does not ask for it.
        part, skip = part._replace(first=0, count=total), first * part.itemsize
    pieces = mode.fill(part, **options)
    if hasattr(pieces, "astype") or isinstance(pieces, _BUFFERS):
        pieces = [pieces]
    return _chunks(pieces, part, skip, first, count)


def _mode(plugin: Plugin, request: Any) -> Mode:
    mode = plugin.find(request.mode, request.mode_version)
    if mode is None:
        there = ", ".join(f"{m.id}@{m.version}" for m in plugin.modes) or "none"
        asked = f"{request.mode}@{request.mode_version}"
        raise UnknownModeError(asked, f"{plugin.name} has no mode {asked!r}; there are: {there}")
    return mode


def _put(dst: Any, dist: Any, param: Param, mode: Mode) -> None:
    if not isinstance(dist, Dist):
        raise TypeError(f"{type(dist).__name__} is no distribution")
    check_shape(dist, param.shape, [piece.shape for piece in param.pieces])
    if dist.kind == "fill" and mode.fill is None:
        raise ValueError("fill() needs a function under plugin.fill")
    put_dist(dst, dist)


def put_dist(dst: Any, dist: Dist) -> None:
    """Writes a distribution into a Dist message."""
    kind, values, post, formula = dist
    family = getattr(dst, kind)
    family.SetInParent()  # a family whose values are all 0 must be there too
    {"blocks": _set_blocks, "pieces": _set_pieces}.get(kind, _set_numbers)(family, values)
    for step, operand in post:
        added = dst.post.add()
        if step != "zero_rows":
            setattr(added, step, operand)
            continue
        added.zero_rows.SetInParent()
        for first, count in operand:
            added.zero_rows.ranges.add(first=first, count=count)
    if formula:
        dst.formula = formula


def _set_numbers(dst: Any, values: tuple[Any, ...]) -> None:
    """Writes the numbers of a family: they stand in the order of its message."""
    for field, value in zip(dst.DESCRIPTOR.fields, values, strict=True):
        if field.enum_type is not None:
            setattr(dst, field.name, field.enum_type.values_by_name[value.upper()].number)
        elif isinstance(value, tuple):
            getattr(dst, field.name).extend(value)
        else:
            setattr(dst, field.name, value)


def _set_blocks(dst: Any, values: tuple[Any, ...]) -> None:
    for rows, inner in values:
        block = dst.blocks.add()
        block.rows = rows
        put_dist(block.dist, inner)


def _set_pieces(dst: Any, values: tuple[Any, ...]) -> None:
    for inner in values:
        put_dist(dst.pieces.add(), inner)


def _chunks(pieces: Iterable[Any], part: Part, skip: int, first: int, count: int) -> Iterator[Any]:
    """Cuts what a fill function yields into chunks of one size.

    skip bytes are dropped at the front. Raises ValueError when there are more
    or fewer elements than part asked for.
    """
    size = part.itemsize
    chunk = part.chunk_bytes // size * size
    need, left = part.count * size, count * size
    held = bytearray()
    for piece in pieces:
        data = _bytes_of(piece, part)
        need -= len(data)
        if need < 0:
            raise ValueError(f"fill of {part.param.name!r} gave more than {part.count} elements")
        if skip:
            skip, data = max(0, skip - len(data)), data[skip:]
        data = data[: left - len(held)]
        at = 0
        if held:
            at = min(chunk - len(held), len(data))
            held += data[:at]
            if len(held) < chunk and len(held) < left:
                continue
            yield _messages.FillChunk(first=first, data=bytes(held))
            first, left = first + len(held) // size, left - len(held)
            held.clear()
        while len(data) - at >= chunk or 0 < len(data) - at == left:
            sent = bytes(data[at : at + chunk])
            yield _messages.FillChunk(first=first, data=sent)
            first, left, at = first + len(sent) // size, left - len(sent), at + len(sent)
        held += data[at:]
    if need:
        got = part.count - need // size
        raise ValueError(f"fill of {part.param.name!r} gave {got} of {part.count} elements")


_BUFFERS = (bytes, bytearray, memoryview, array)


def _bytes_of(piece: Any, part: Part) -> memoryview:
    """Returns a piece as little-endian bytes of whole elements of part.dtype."""
    code, size = part.typecode, part.itemsize
    if isinstance(piece, (bytes, bytearray)) or (isinstance(piece, memoryview) and piece.format == "B"):
        if len(piece) % size:
            raise ValueError(f"fill of {part.param.name!r}: {len(piece)} bytes are no whole elements of {size}")
        return memoryview(piece).cast("B")
    if hasattr(piece, "astype"):  # numpy and its kin: rounds once, to nearest
        return memoryview(piece.astype(f"<f{size}", copy=False).tobytes())
    if not len(piece):
        return memoryview(b"")
    if not (isinstance(piece, array) and piece.typecode == code):
        piece = array(code, piece)
    elif sys.byteorder == "big":
        piece = piece[:]  # byteswap works in place
    if sys.byteorder == "big":
        piece.byteswap()
    return memoryview(piece).cast("B")
