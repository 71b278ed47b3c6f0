"""What a mode raises, and what it becomes on the wire."""

from __future__ import annotations

import enum


class Kind(enum.IntEnum):
    """The numbers of ErrorDetail.Kind that a plugin sends."""

    OPTION = 1
    UNKNOWN_MODE = 2
    LAYOUT = 3
    UNSUPPORTED = 4
    PLUGIN = 10


class PluginError(Exception):
    """A failure that the host knows by its kind.

    subject is the option or parameter it is about, hint what the user can do
    next; both may be empty.
    """

    kind = Kind.PLUGIN

    def __init__(self, subject: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.subject = subject
        self.message = message
        self.hint = hint


class OptionError(PluginError):
    """An option's value will not do: OptionError("gain", "must be odd").

    Ranges and choices that are declared with option() need no code: the host
    checks them before the plugin is asked.
    """

    kind = Kind.OPTION


class LayoutError(PluginError):
    """The mode cannot do this model: LayoutError(p.name, "needs 2 dimensions")."""

    kind = Kind.LAYOUT


class UnknownModeError(PluginError):
    """No mode has this id and version. Raised by the package itself."""

    kind = Kind.UNKNOWN_MODE


class UnsupportedError(PluginError):
    """The plugin does not do what was asked. Raised by the package itself."""

    kind = Kind.UNSUPPORTED


def one_line(text: str, limit: int) -> str:
    """Returns text in one line of valid UTF-8, at most limit bytes.

    Status texts travel in a header block of a few kilobytes, and the host
    shows one line.
    """
    flat = " ".join(text.split())
    flat = "".join(c if c.isprintable() else "?" for c in flat)
    raw = flat.encode("utf-8", "backslashreplace")
    if len(raw) <= limit:
        return raw.decode()
    return raw[: limit - 3].decode("utf-8", "ignore") + "..."
