"""Checks of a plugin's modes in process: no host, no gRPC, no files.

    from weightinit_plugin import testing

    testing.check(testing.load("path/of/the/plugin"))

check finds most of what `weightinit plugins test` finds about modes, in the
tests of a plugin's author and in a debugger. What concerns the process (the
handshake, signals, two starts at once) only that command can see.
"""

from __future__ import annotations

import json
import math
import runpy
import struct
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import _messages, _service
from ._dist import Dist
from ._errors import LayoutError, OptionError, PluginError, UnknownModeError
from ._layout import DTYPES, Layout, Model, Param, Piece, Region, model_to, param_to
from ._options import Option
from ._plugin import Mode, Plugin

SEED = bytes(range(32))
"""The seed that fills get here unless another is given."""

MAX_FILL = 1 << 18
"""Larger parameters are left out of the checks of fills."""


def load(folder: str | Path) -> Plugin:
    """Returns the Plugin that the __main__.py of a folder declares.

    The file must call serve() under `if __name__ == "__main__":` only.
    """
    names = runpy.run_path(str(Path(folder) / "__main__.py"), run_name="weightinit_plugin_under_test")
    found = [value for value in names.values() if isinstance(value, Plugin)]
    if not found:
        raise LookupError(f"{folder}: __main__.py holds no Plugin")
    return found[0]


def layouts() -> dict[str, Layout]:
    """Returns small models of every kind that a mode may meet, by name."""
    return {
        "gpt2": _gpt2(),
        "llama": _llama(),
        "columns": _columns(),
        "experts": Layout([_weight("experts.mlp_in", "mlp_in", 12, 8, layer=0)._replace(shape=(4, 12, 8))], Model("moe", 1, 8)),
        "odd shapes": Layout([
            Param("scalar", (), "resid_gate"),
            Param("empty", (0, 4), "mlp_in", 0, 4, 0),
            Param("kernel", (4, 2, 3), "patch_embed", None, 6, 12),
            Param("half", (4, 4), "q", 0, 4, 4, "BF16"),
            Param("double", (4, 4), "q", 0, 4, 4, "F64"),
        ], Model("odd")),
        "unknown role": Layout([_weight("new", "role_of_tomorrow", 4, 4)], Model("new", 1, 4)),
        "no parameters": Layout(),
    }  # fmt: skip


def assign(plugin: Plugin, mode: str, layout: Layout, *, version: int | None = None, **options: Any) -> list[Dist]:
    """Returns what a mode gives, one distribution a parameter.

    The request and the reply pass through their messages, as with a host, and
    options that are not given get their defaults.
    """
    chosen = _find(plugin, mode, version)
    reply = _service.assign(plugin, _request(chosen, layout, options))
    return [_dist_from(d) for d in reply.dists]


def fill(
    plugin: Plugin,
    mode: str,
    param: Param,
    *,
    version: int | None = None,
    model: Model = Model(),
    seed: bytes = SEED,
    dtype: str = "F32",
    first: int = 0,
    count: int | None = None,
    chunk_bytes: int = 1 << 20,
    **options: Any,
) -> array[float]:
    """Returns the values that a mode's fill function makes for a parameter."""
    chosen = _find(plugin, mode, version)
    request = _messages.FillRequest(
        mode=chosen.id,
        mode_version=chosen.version,
        options_json=_options_json(chosen, options),
        seed=seed,
        dtype=DTYPES.index(dtype),
        first=first,
        count=param.elements - first if count is None else count,
        chunk_bytes=chunk_bytes,
    )
    model_to(request.model, model)
    param_to(request.param, param)
    values: array[float] = array("d" if dtype == "F64" else "f")
    for chunk in _service.fill(plugin, request):
        at = first + len(values)
        if chunk.first != at:
            raise AssertionError(f"a chunk begins at element {chunk.first}, not at {at}")
        values.extend(struct.unpack(f"<{len(chunk.data) // values.itemsize}{values.typecode}", chunk.data))
    return values


def check(plugin: Plugin) -> None:
    """Raises AssertionError with every problem of the plugin, one a line."""
    found = problems(plugin)
    if found:
        raise AssertionError("\n".join(found))


def problems(plugin: Plugin) -> list[str]:
    """Returns what is wrong with the plugin's modes: empty when all is well."""
    found: list[str] = []
    if not plugin.modes:
        found.append("describe: there is no mode")
    if _service.describe(plugin) != _service.describe(plugin):
        found.append("describe: two calls differ")
    try:
        _service.assign(plugin, _messages.AssignRequest(mode="no_such_mode", mode_version=1))
        found.append("unknown mode: is answered")
    except UnknownModeError:
        pass
    for mode in plugin.modes:
        for step in (_check_layouts, _check_options, _check_fill):
            found.extend(f"{mode.id}@{mode.version}: {text}" for text in step(plugin, mode))
    return found


def _check_layouts(plugin: Plugin, mode: Mode) -> Iterator[str]:
    """Every layout is answered, or refused by the name of a parameter; always alike."""
    answers: dict[str, bytes] = {}
    given = dict(layouts())
    given["2,000 parameters"] = Layout(
        [_weight(f"layers.{i}.q", "q", 64, 64, layer=i) for i in range(2_000)], Model("large", 2_000, 64)
    )
    requests = {name: _request(mode, layout, {}) for name, layout in given.items()}
    for turn in range(3):
        for name, layout in given.items():
            answer = _outcome(lambda: _service.assign(plugin, requests[name]), layout)
            if isinstance(answer, str):
                if turn == 0:
                    yield f"layout {name!r}: {answer}"
            elif answers.setdefault(name, answer) != answer:
                yield f"layout {name!r}: two calls differ; a mode must have no state and no randomness"


def _check_options(plugin: Plugin, mode: Mode) -> Iterator[str]:
    """Allowed values are answered, forbidden ones refused as OptionError."""
    layout = _gpt2()
    for option in mode.options:
        for value in _good_values(option):
            answer = _outcome(lambda: _service.assign(plugin, _request(mode, layout, {option.name: value})), layout)
            if isinstance(answer, str):
                yield f"option {option.name} = {value!r}: {answer}"
        for value in _bad_values(option):
            text = _refusal(plugin, mode, layout, {option.name: value}, option.name)
            if text:
                yield f"option {option.name} = {value!r}: {text}"
    text = _refusal(plugin, mode, layout, {"no_such_option": 1}, "no_such_option")
    if text:
        yield f"an unknown option: {text}"


def _check_fill(plugin: Plugin, mode: Mode) -> Iterator[str]:
    """Fills are repeatable, finite, and independent of chunks and ranges."""
    if mode.fill is None:
        return
    seen = 0
    for layout in layouts().values():
        try:
            dists = assign(plugin, mode.id, layout, version=mode.version)
        except PluginError:
            continue
        for param, dist in zip(layout, dists):
            if dist.kind == "fill" and param.elements <= MAX_FILL:
                seen += 1
                text = _fill_problem(plugin, mode, layout.model, param)
                if text:
                    yield f"fill of {param.name!r}: {text}"
    if not seen:
        yield "has a fill function, and says fill() for no parameter of the standard layouts"


def _fill_problem(plugin: Plugin, mode: Mode, model: Model, param: Param) -> str:
    def values(**changes: Any) -> array[float]:
        return fill(plugin, mode.id, param, version=mode.version, model=model, **changes)

    try:
        for dtype in ("F32", "F64"):
            whole = values(dtype=dtype)
            if not all(map(math.isfinite, whole)):
                return f"{dtype}: a value is not finite"
            if values(dtype=dtype) != whole:
                return f"{dtype}: two calls differ; all randomness must come from the seed"
            if values(dtype=dtype, chunk_bytes=64 << 10) != whole:
                return f"{dtype}: another chunk_bytes gives other values"
            third = len(whole) // 3
            if values(dtype=dtype, first=third, count=third) != whole[third : 2 * third]:
                return f"{dtype}: a range differs from that part of the whole"
    except Exception as err:
        return f"{type(err).__name__}: {err}"
    return ""


def _outcome(call: Callable[[], Any], layout: Layout) -> bytes | str:
    """Returns the answer's bytes, the refusal's text as bytes, or what is wrong."""
    try:
        return call().SerializeToString(deterministic=True)
    except LayoutError as err:
        if any(p.name == err.subject for p in layout):
            return f"{err.subject}: {err}".encode()
        return f"LayoutError names {err.subject!r}, which is no parameter"
    except (Exception, SystemExit) as err:
        return f"{type(err).__name__}: {err}"


def _refusal(plugin: Plugin, mode: Mode, layout: Layout, options: dict[str, Any], subject: str) -> str:
    try:
        _service.assign(plugin, _request(mode, layout, options))
    except OptionError as err:
        return "" if err.subject == subject else f"the refusal names {err.subject!r}"
    except (Exception, SystemExit) as err:
        return f"{type(err).__name__} where OptionError must be: {err}"
    return "is accepted"


def _sample(option: Option) -> Any:
    """Returns a value that the option accepts."""
    s, kind = option.spec, option.items or option.type
    if s.choices:
        return s.choices[0]
    if kind in ("boolean", "string"):
        return kind == "boolean" or "text"
    low = s.minimum if s.minimum is not None else s.exclusive_minimum
    high = s.maximum if s.maximum is not None else s.exclusive_maximum
    if low is not None and high is not None:
        between = (low + high) / 2
    elif low is not None:
        between = low + 1
    else:
        between = high - 1 if high is not None else 1.0
    return math.floor(between) if kind == "integer" else between


def _good_values(option: Option) -> list[Any]:
    s = option.spec
    values = [v for v in (s.minimum, s.maximum) if v is not None] + list(s.choices)
    if option.type == "boolean":
        values = [True, False]
    if option.type == "array":
        least = max(s.min_items or 0, 1)
        values = [[v] * least for v in values or [_sample(option)]]
    if not option.required and s.default is not None:
        values.append(s.default)
    return values


def _bad_values(option: Option) -> list[Any]:
    s, kind = option.spec, option.items or option.type
    values: list[Any] = [{"a": 1}, "text" if kind != "string" else 7]
    if kind == "boolean":
        values.append(1)
    values += [b - 1 for b in (s.minimum, s.exclusive_minimum) if b is not None]
    values += [b + 1 for b in (s.maximum, s.exclusive_maximum) if b is not None]
    if s.choices and kind == "string":
        values.append("not one of " + "".join(s.choices))
    if option.type == "array":
        least = max(s.min_items or 0, 1)
        values = [[v] * least for v in values] + ["text"]
        if s.min_items:
            values.append([])
        if s.max_items is not None:
            values.append([_sample(option)] * (s.max_items + 1))
    return values


def _find(plugin: Plugin, mode: str, version: int | None) -> Mode:
    found = plugin.find(mode, version)
    if found is None:
        raise UnknownModeError(mode, f"{plugin.name} has no mode {mode!r}")
    return found


def _options_json(mode: Mode, options: dict[str, Any]) -> str:
    """Returns the options as a host sends them: all of them, keys sorted."""
    full = {}
    for option in mode.options:
        if option.required:
            full[option.name] = _sample(option)
            if option.type == "array":
                full[option.name] = [full[option.name]] * max(option.spec.min_items or 0, 1)
        elif option.spec.default is not None:
            full[option.name] = option.spec.default
    return json.dumps({**full, **options}, sort_keys=True)


def _request(mode: Mode, layout: Layout, options: dict[str, Any]) -> Any:
    request = _messages.AssignRequest(
        mode=mode.id, mode_version=mode.version, options_json=_options_json(mode, options)
    )
    model_to(request.model, layout.model)
    for param in layout:
        param_to(request.params.add(), param)
    return request


def _dist_from(message: Any) -> Dist:
    """Returns the Dist of a Dist message."""
    kind = message.WhichOneof("kind")
    family = getattr(message, kind)
    if kind == "blocks":
        values: tuple[Any, ...] = tuple((b.rows, _dist_from(b.dist)) for b in family.blocks)
    elif kind == "pieces":
        values = tuple(map(_dist_from, family.pieces))
    else:
        values = tuple(_number_from(family, field) for field in family.DESCRIPTOR.fields)
    post: list[tuple[str, Any]] = []
    for p in message.post:
        step = p.WhichOneof("step")
        if step == "zero_rows":
            post.append((step, tuple((r.first, r.count) for r in p.zero_rows.ranges)))
        else:
            post.append((step, getattr(p, step)))
    return Dist(kind, values, tuple(post), message.formula)


def _number_from(family: Any, field: Any) -> Any:
    value = getattr(family, field.name)
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name.lower()
    return value if isinstance(value, (int, float)) else tuple(value)


def _weight(name: str, role: str, out: int, into: int, layer: int | None = None) -> Param:
    return Param(name, (out, into), role, layer, into, out)


def _gpt2() -> Layout:
    d, mlp, vocab, ctx = 8, 32, 50, 16
    params = [
        Param("embed.W_E", (vocab, d), "embedding", None, d, vocab, padding_row=1),
        Param("pos_embed.W_pos", (ctx, d), "position", None, d, ctx),
    ]
    for i in range(2):
        at = f"blocks.{i}."
        for role in ("q", "k", "v", "attn_out"):
            params.append(_weight(at + role, role, d, d, i))
            params.append(Param(at + role + "_bias", (d,), role + "_bias", i, d, d))
        params += [
            _weight(at + "mlp_in", "mlp_in", mlp, d, i),
            Param(at + "mlp_in_bias", (mlp,), "mlp_in_bias", i, d, mlp),
            _weight(at + "mlp_out", "mlp_out", d, mlp, i),
            Param(at + "mlp_out_bias", (d,), "mlp_out_bias", i, mlp, d),
            Param(at + "ln.w", (d,), "norm_weight", i),
            Param(at + "ln.b", (d,), "norm_bias", i),
        ]
    params.append(_weight("unembed.W_U", "lm_head", vocab, d))
    return Layout(params, Model("gpt2", 2, d, 4, 2, 2, mlp, vocab, ctx, 0.02))


def _rows_of(width: int, *parts: tuple[str, int]) -> tuple[Piece, ...]:
    """Returns matrices of so many rows each, one below the other."""
    out, first = [], 0
    for role, rows in parts:
        n = rows * width
        out.append(Piece(role, (rows, width), Region(first, 1, n, n), width, rows))
        first += n
    return tuple(out)


def _columns() -> Layout:
    """q, k and v as columns of a matrix that is stored transposed."""
    d = 8
    pieces = tuple(Piece(role, (d, d), Region(i * d, d, d, 3 * d), d, d) for i, role in enumerate(("q", "k", "v")))
    params = [
        Param("h.0.attn.c_attn.weight", (d, 3 * d), "qkv", 0, d, 3 * d, pieces=pieces, transposed=True),
        Param("h.0.attn.c_attn.bias", (3 * d,), "qkv_bias", 0, d, 3 * d),
    ]
    return Layout(params, Model("gpt2", 1, d, 4, 2, 2, 4 * d, 50, 16, 0.0))


def _llama() -> Layout:
    """Grouped queries, and a fused q, k, v with its pieces."""
    d, mlp, vocab = 8, 24, 40
    params = [Param("model.embed_tokens.weight", (vocab, d), "embedding", None, d, vocab)]
    for i in range(2):
        at = f"model.layers.{i}."
        pieces = _rows_of(d, ("q", 8), ("k", 4), ("v", 4))
        params += [
            _weight(at + "qkv_proj.weight", "qkv", 16, d, i)._replace(pieces=pieces),
            _weight(at + "o_proj.weight", "attn_out", d, 8, i),
            _weight(at + "gate_proj.weight", "gate", mlp, d, i),
            _weight(at + "up_proj.weight", "mlp_in", mlp, d, i),
            _weight(at + "down_proj.weight", "mlp_out", d, mlp, i),
            Param(at + "input_layernorm.weight", (d,), "norm_weight", i),
        ]
    params.append(_weight("lm_head.weight", "lm_head", vocab, d))
    return Layout(params, Model("llama", 2, d, 4, 2, 1, mlp, vocab, 64, 0.02, '{"hidden_size":8}'))
