"""Plugin: what an author declares. It starts nothing until serve()."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from ._layout import Model, Param
from ._options import Option, options_of, schema_of

_PLUGIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
_MODE_ID = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PART = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMANTIC_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PART}(?:\.{_PART})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\Z"
)
_RESERVED = ("weightinit", "torch", "std")

MAX_MODES = 256
MAX_ALIASES = 8
MAX_SUMMARY = 200
MAX_CITATION = 1 << 10
MAX_DESCRIPTION = 16 << 10

F = TypeVar("F", bound=Callable[..., Any])


class Mode(NamedTuple):
    """One declared mode."""

    id: str
    version: int
    default: bool
    summary: str
    description: str
    citation: str
    aliases: tuple[str, ...]
    assign: Callable[..., Iterable[Any]]
    options: tuple[Option, ...]
    schema: str
    fill: Callable[..., Iterable[Any]] | None = None
    ranges: bool = False
    fixed: bool = False


class Part(NamedTuple):
    """What a fill function is asked for: some elements of one parameter."""

    param: Param
    model: Model
    seed: bytes
    """32 bytes that depend on the run's seed, the mode and the parameter's
    name. Whatever is random must come from them and nothing else."""
    dtype: str
    """F32 or F64: the type of the values."""
    first: int
    """The first element asked for, in row-major order."""
    count: int  # type: ignore[assignment]
    """How many elements from there on."""
    chunk_bytes: int
    """A good size for what is yielded at once, in bytes. It must not change
    the values."""

    @property
    def typecode(self) -> str:
        """The dtype as array.array and numpy name it: f or d."""
        return "d" if self.dtype == "F64" else "f"

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return 8 if self.dtype == "F64" else 4


class Plugin:
    """A plugin and its modes.

    name is how users call it: its modes are NAME.ID. Lower-case letters,
    digits and underscores, at most 32; version is a semantic version.
    """

    def __init__(self, name: str, version: str) -> None:
        if not _PLUGIN_NAME.match(name):
            raise ValueError(f"plugin name {name!r}: a name is [a-z][a-z0-9_]*, at most 32 bytes")
        if name in _RESERVED:
            raise ValueError(f"plugin name {name!r} is reserved")
        if not _SEMANTIC_VERSION.match(version) or len(version) > 64:
            raise ValueError(f"plugin version {version!r} is not a semantic version such as 1.0.0")
        self.name = name
        self.version = version
        self.modes: list[Mode] = []

    def mode(
        self,
        id: str,
        *,
        version: int,
        summary: str = "",
        description: str = "",
        citation: str = "",
        aliases: Sequence[str] = (),
        default: bool = False,
    ) -> Callable[[F], F]:
        """Makes a mode of a function, which it returns unchanged.

        The function gets the layout, then its options by keyword, and yields
        (or returns a list of) one distribution a parameter, in the layout's
        order. It must be pure: the same layout and options, the same answer;
        no clock, no random numbers, no state.

        version counts from 1, and a released version never changes what it
        assigns. default marks the version that the bare name means; without a
        mark that is the lowest. summary and description come from the
        docstring when they are not given.
        """

        def declare(function: F) -> F:
            doc = inspect.getdoc(function) or ""
            options = options_of(function)
            mode = Mode(
                id, version, default,
                summary or (doc.splitlines() or [""])[0].strip(),
                description or doc,
                citation, tuple(aliases), function, options, schema_of(options),
            )  # fmt: skip
            self._check(mode)
            self.modes.append(mode)
            return function

        return declare

    def fill(
        self, id: str, *, version: int | None = None, ranges: bool = False, fixed: bool = False
    ) -> Callable[[F], F]:
        """Makes a function the one that makes values where the mode says fill().

        The function gets a Part, then the mode's options by keyword, and
        yields the values of elements part.first to part.first + part.count in
        row-major order: arrays of floats (array.array, numpy), sequences of
        floats, or bytes that are little-endian values of part.dtype. Pieces
        may have any size; the same part must give the same values in every
        process.

        ranges says that it makes any range without making what lies before
        it. Without ranges it is asked for whole parameters only.

        fixed says that it makes a fixed pattern: the same values for every
        seed.

        version may be left out when the mode has one only.
        """

        def declare(function: F) -> F:
            at = [i for i, m in enumerate(self.modes) if m.id == id and version in (None, m.version)]
            if len(at) != 1:
                raise ValueError(f"fill {id!r}: {'no such mode' if not at else 'say which version'} of {self.name}")
            mode = self.modes[at[0]]
            if mode.fill is not None:
                raise ValueError(f"fill {id!r}: {_full(mode)} has one already")
            try:
                inspect.signature(function).bind(None, **dict.fromkeys(o.name for o in mode.options))
            except TypeError as err:
                raise TypeError(f"fill {id!r}: must take the part, then the options of the mode: {err}") from None
            self.modes[at[0]] = mode._replace(fill=function, ranges=ranges, fixed=fixed)
            return function

        return declare

    def find(self, id: str, version: int | None = None) -> Mode | None:
        """Returns the mode; without a version the one the bare name means."""
        same = sorted((m for m in self.modes if m.id == id), key=lambda m: (not m.default, m.version))
        return next((m for m in same if version in (None, m.version)), None)

    @property
    def features(self) -> list[str]:
        """The features of the protocol that the plugin has."""
        fills = [m for m in self.modes if m.fill is not None]
        names = ["fill"] if fills else []
        if fills and all(m.ranges for m in fills):
            names.append("fill.range")
        return names

    def serve(self) -> None:
        """Serves the modes until the host stops the plugin. Never returns.

        Started by hand it prints how to try the plugin on standard error and
        ends with status 1.
        """
        from . import _process

        _process.serve(self)

    def _check(self, mode: Mode) -> None:
        """Raises ValueError for what a host would refuse."""
        who = f"mode {mode.id!r}"
        for name in (mode.id, *mode.aliases):
            if not _MODE_ID.match(name):
                raise ValueError(f"{who}: {name!r}: an id is [a-z][a-z0-9_]*, at most 64 bytes")
        if type(mode.version) is not int or not 1 <= mode.version < 2**32:
            raise ValueError(f"{who}: version {mode.version!r} must be a whole number from 1 on")
        _check_text(who, "summary", mode.summary, MAX_SUMMARY, least=1)
        _check_text(who, "citation", mode.citation, MAX_CITATION)
        _check_text(who, "description", mode.description, MAX_DESCRIPTION, newlines=True)
        if len(mode.aliases) > MAX_ALIASES:
            raise ValueError(f"{who}: {len(mode.aliases)} aliases, at most {MAX_ALIASES} are allowed")
        if len(self.modes) == MAX_MODES:
            raise ValueError(f"{who}: a plugin has at most {MAX_MODES} modes")
        for other in self.modes:
            if other.id == mode.id and other.version == mode.version:
                raise ValueError(f"{who}: {_full(mode)} is declared twice")
            if other.id == mode.id and other.default and mode.default:
                raise ValueError(f"{who}: two versions are marked default")
            if other.id in mode.aliases or mode.id in other.aliases:
                raise ValueError(f"{who}: an alias is the id of another mode")
            if other.id != mode.id and set(other.aliases) & set(mode.aliases):
                raise ValueError(f"{who}: {_full(other)} has the same alias")
        if mode.id in mode.aliases or len(set(mode.aliases)) != len(mode.aliases):
            raise ValueError(f"{who}: an alias stands there twice")


def _full(mode: Mode) -> str:
    return f"{mode.id}@{mode.version}"


def _check_text(who: str, what: str, text: str, most: int, least: int = 0, newlines: bool = False) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if not least <= size <= most:
        raise ValueError(f"{who}: the {what} has {size} bytes, must have {least} to {most}")
    for c in text:
        if (ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000) and not (newlines and c == "\n"):
            raise ValueError(f"{who}: the {what} has the character {c!r}")


