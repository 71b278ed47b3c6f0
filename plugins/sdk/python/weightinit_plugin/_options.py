"""The options of a mode: declared as keyword parameters, told as JSON Schema.

The schema is the small part of JSON Schema 2020-12 that the protocol allows.
The host checks values against it; they are checked here once more, as other
hosts may call.
"""

from __future__ import annotations

import inspect
import json
import math
import re
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ._errors import OptionError

MAX_OPTIONS = 64
MAX_SCHEMA = 64 << 10
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
_TYPES: dict[Any, str] = {float: "number", int: "integer", bool: "boolean", str: "string"}
_WORDS = {"number": "a number", "integer": "a whole number", "boolean": "true or false", "string": "a text"}
_MISSING: Any = type("_Missing", (), {"__repr__": lambda self: "no default"})()


class Spec(NamedTuple):
    """What option() was told."""

    default: Any = _MISSING
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    choices: tuple[Any, ...] = ()
    min_items: int | None = None
    max_items: int | None = None
    doc: str = ""


def option(
    default: Any = _MISSING,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    exclusive_minimum: float | None = None,
    exclusive_maximum: float | None = None,
    choices: Sequence[Any] = (),
    min_items: int | None = None,
    max_items: int | None = None,
    doc: str = "",
) -> Any:
    """Declares an option, as the default of a mode's parameter.

    The parameter's annotation gives the type: float, int, bool, str or a list
    of one of them; without an annotation the default's type counts. Without a
    default the user must give a value; with the default None the mode gets
    None when the user gives none (annotate it: float | None). Bounds and
    choices are for the value, or for each element of a list; min_items and
    max_items for lists.
    """
    return Spec(
        default, minimum, maximum, exclusive_minimum, exclusive_maximum,
        tuple(choices), min_items, max_items, doc,
    )  # fmt: skip


class Option(NamedTuple):
    """One declared option: its name, its type on the wire and its rules."""

    name: str
    type: str
    """number, integer, boolean, string, or array."""
    items: str
    """The type of an array's elements, else empty."""
    spec: Spec

    @property
    def required(self) -> bool:
        """Whether the user must give a value."""
        return self.spec.default is _MISSING

    def schema(self) -> dict[str, Any]:
        """Returns the property of the JSON Schema."""
        s = self.spec
        rules = {
            "enum": list(s.choices) or None,
            "minimum": s.minimum,
            "maximum": s.maximum,
            "exclusiveMinimum": s.exclusive_minimum,
            "exclusiveMaximum": s.exclusive_maximum,
        }
        known = {
            "type": self.type,
            "description": s.doc or None,
            "default": None if self.required else s.default,
        }
        if self.items:
            items = {"type": self.items, **rules}
            known["items"] = {key: value for key, value in items.items() if value is not None}
            known["minItems"], known["maxItems"] = s.min_items, s.max_items
        else:
            known.update(rules)
        return {key: value for key, value in known.items() if value is not None}

    def check(self, value: Any) -> Any:
        """Returns value as the mode gets it, or raises OptionError."""
        if self.type != "array":
            return self._one(value, self.type)
        if not isinstance(value, list):
            raise self._wrong(value, f"a list, each {_WORDS[self.items]}")
        low, high = self.spec.min_items, self.spec.max_items
        if low is not None and len(value) < low:
            raise self._wrong(value, f"a list of at least {low}")
        if high is not None and len(value) > high:
            raise self._wrong(value, f"a list of at most {high}")
        return [self._one(v, self.items) for v in value]

    def _one(self, value: Any, kind: str) -> Any:
        if kind in ("number", "integer"):
            value = self._number(value, kind)
        elif type(value) is not (bool if kind == "boolean" else str):
            raise self._wrong(value, _WORDS[kind])
        if self.spec.choices and value not in self.spec.choices:
            raise self._wrong(value, "one of " + ", ".join(map(str, self.spec.choices)))
        return value

    def _number(self, value: Any, kind: str) -> float | int:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(value, _WORDS[kind])
        if kind == "integer":
            if not math.isfinite(value) or value != int(value) or not -(2**63) <= value < 2**63:
                raise self._wrong(value, "a whole number of 64 bits")
            value = int(value)
        else:
            try:
                value = float(value)
            except OverflowError:
                value = math.inf
            if not math.isfinite(value):
                raise self._wrong(value, "a finite number")
        s = self.spec
        if s.minimum is not None and value < s.minimum:
            raise self._wrong(value, f"at least {s.minimum}")
        if s.maximum is not None and value > s.maximum:
            raise self._wrong(value, f"at most {s.maximum}")
        if s.exclusive_minimum is not None and value <= s.exclusive_minimum:
            raise self._wrong(value, f"above {s.exclusive_minimum}")
        if s.exclusive_maximum is not None and value >= s.exclusive_maximum:
            raise self._wrong(value, f"below {s.exclusive_maximum}")
        return value

    def _wrong(self, value: Any, need: str) -> OptionError:
        text = repr(value)
        shown = text if len(text) <= 60 else text[:57] + "..."
        return OptionError(self.name, f"option {self.name}: {shown} is not {need}")


def options_of(function: Callable[..., Any]) -> tuple[Option, ...]:
    """Returns the options that a mode's function declares.

    Its first parameter is the layout (or the part, for a fill function); every
    other one is an option. Raises TypeError or ValueError when a declaration
    is wrong, before the plugin is served.
    """
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        raise TypeError(f"{function.__name__}: the first parameter must take the layout")
    options = tuple(_declared(p, _annotation(function, p)) for p in parameters[1:])
    if len(options) > MAX_OPTIONS:
        raise ValueError(f"{function.__name__}: {len(options)} options, at most {MAX_OPTIONS} are allowed")
    return options


def _annotation(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Returns the annotation of one option, or None.

    The others are left alone: with postponed evaluation they may name what is
    there for type checkers only.
    """
    hint = parameter.annotation
    if hint is inspect.Parameter.empty:
        return None
    if not isinstance(hint, str):
        return hint
    try:
        return eval(hint, getattr(inspect.unwrap(function), "__globals__", {}))
    except Exception as err:
        raise TypeError(f"option {parameter.name}: its annotation {hint!r} cannot be evaluated: {err}") from err


def _declared(parameter: inspect.Parameter, hint: Any) -> Option:
    name = parameter.name
    if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        raise TypeError(f"option {name}: options are named one by one, not with * or **")
    if not _NAME.match(name):
        raise ValueError(f"option {name}: a name is [a-z][a-z0-9_]*, at most 32 bytes")
    spec = parameter.default
    if spec is inspect.Parameter.empty:
        spec = Spec()
    elif not isinstance(spec, Spec):
        spec = Spec(default=spec)
    option_type, items = _type(name, hint, spec.default)
    _check_rules(name, option_type, items, spec)
    made = Option(name, option_type, items, spec)
    if spec.choices:
        element = Option(name, items or option_type, "", spec._replace(choices=(), min_items=None, max_items=None))
        made = made._replace(spec=spec._replace(choices=tuple(_own(element, c) for c in spec.choices)))
    if spec.default is not _MISSING and spec.default is not None:
        made = made._replace(spec=made.spec._replace(default=_own(made, spec.default)))
    return made


def _own(declared: Option, value: Any) -> Any:
    """Checks a value that the author wrote; a tuple is a list."""
    try:
        return declared.check(list(value) if isinstance(value, tuple) else value)
    except OptionError as err:
        raise ValueError(f"{err}: the declaration breaks its own rules") from None


def _check_rules(name: str, option_type: str, items: str, spec: Spec) -> None:
    bounds = spec[1:5]
    if (items or option_type) not in ("number", "integer") and any(b is not None for b in bounds):
        raise TypeError(f"option {name}: minimum and maximum are for numbers")
    if any(b is not None and not math.isfinite(b) for b in bounds):
        raise ValueError(f"option {name}: a bound is not finite")
    if not items and (spec.min_items is not None or spec.max_items is not None):
        raise TypeError(f"option {name}: min_items and max_items are for lists")


def _type(name: str, hint: Any, default: Any) -> tuple[str, str]:
    """Returns the type on the wire, and that of the elements of a list."""
    if hint is None and default not in (_MISSING, None):
        hint = type(default)
        if hint in (list, tuple) and default:
            hint = list[type(default[0])]  # type: ignore[misc]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [a for a in typing.get_args(hint) if a is not type(None)]
        hint = rest[0] if len(rest) == 1 else None
    if hint in _TYPES:
        return _TYPES[hint], ""
    if typing.get_origin(hint) in (list, Sequence):
        (item,) = typing.get_args(hint)
        if item in _TYPES:
            return "array", _TYPES[item]
    raise TypeError(f"option {name}: annotate it with float, int, bool, str or a list of one of them")


def schema_of(options: Sequence[Option]) -> str:
    """Returns the JSON Schema of the options in their order, always the same text."""
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {o.name: o.schema() for o in options},
    }
    required = [o.name for o in options if o.required]
    if required:
        schema["required"] = required
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > MAX_SCHEMA:
        raise ValueError("the options' schema is above 64 KiB: shorten their docs")
    return text


def decode(options: Sequence[Option], text: str) -> dict[str, Any]:
    """Returns the keyword arguments for a mode from the request's JSON.

    Raises OptionError for an unknown option, a wrong value or a missing one.
    """
    try:
        given = json.loads(text or "{}", parse_constant=_no_constant)
    except (ValueError, RecursionError) as err:
        raise OptionError("", f"the options are not JSON: {err}") from None
    if not isinstance(given, dict):
        raise OptionError("", "the options are not a JSON object")
    names = {o.name for o in options}
    for name in given:
        if name not in names:
            there = ", ".join(o.name for o in options) or "none"
            raise OptionError(name, f"there is no option {name!r}; there are: {there}")
    values = {}
    for o in options:
        if o.name in given and not (given[o.name] is None and o.spec.default is None):
            values[o.name] = o.check(given[o.name])
        elif o.required:
            raise OptionError(o.name, f"option {o.name} has no default and needs a value")
        else:
            default = o.spec.default
            values[o.name] = list(default) if isinstance(default, list) else default
    return values


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number of JSON")
