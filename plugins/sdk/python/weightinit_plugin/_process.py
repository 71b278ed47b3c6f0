"""The process of a plugin: descriptors, signals, and its end.

take_over runs when the package is imported, serve when the author calls it.
The conversation itself is package _server's.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from ._plugin import Plugin

COOKIE_NAME = "WEIGHTINIT_PLUGIN"
COOKIE_VALUE = "b0a290f45eddece6c42d96756447d79438a2e554"
"""go-plugin's magic cookie: tells a start by a host from one by hand. No secret."""

PROTOCOL = "1"
PARENT_SECONDS = 1.0

_handshake_fd = -1
_parent = os.getppid()
_socket_path = ""


def started_by_host() -> bool:
    """Reports whether a host started this process."""
    return os.environ.get(COOKIE_NAME) == COOKIE_VALUE


def take_over() -> None:
    """Keeps standard output for the handshake line; all else goes to stderr.

    Works on the descriptor, so that a print in imported C code or in a child
    is as harmless as one in Python. Ctrl-C is the host's affair: it ends the
    plugin when it wants to.
    """
    global _handshake_fd
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _handshake_fd = os.dup(1)  # not inherited by children
    os.dup2(2, 1)
    if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)


def serve(plugin: Plugin) -> NoReturn:
    """Serves until the host stops the plugin. Never returns."""
    if not started_by_host():
        print(_help(plugin), file=sys.stderr)
        raise SystemExit(1)
    if not plugin.modes:
        fail(f"plugin {plugin.name} has no mode")
    if PROTOCOL not in os.environ.get("PLUGIN_PROTOCOL_VERSIONS", "").split(","):
        offered = os.environ.get("PLUGIN_PROTOCOL_VERSIONS", "")
        fail(f"the host speaks protocol {offered[:40]!r}, this plugin speaks {PROTOCOL}")
    for module, package in (("grpc", "grpcio"), ("google.protobuf", "protobuf")):
        if not _installed(module):
            fail(f"{package} is not installed for {sys.executable}: run {sys.executable} -m pip install grpcio protobuf")
    _watch_stdin()
    threading.Thread(target=_watch_parent, daemon=True).start()
    from . import _server

    _server.run(plugin)
    end(0)


def announce(network: str, address: str, certificate: str) -> None:
    """Writes the handshake line, the only bytes that ever go to stdout."""
    global _socket_path
    _socket_path = address if network == "unix" else ""
    line = f"1|{PROTOCOL}|{network}|{address}|grpc|{certificate}\n".encode()
    while line:
        line = line[os.write(_handshake_fd, line) :]


def end(status: int) -> NoReturn:
    """Ends the process at once, whatever its threads do.

    A worker that hangs in a mode would hold an ordinary exit for ever.
    """
    try:
        if _socket_path:
            os.unlink(_socket_path)
    except OSError:
        pass
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass
    os._exit(status)


def fail(text: str) -> NoReturn:
    """Ends the process with one line on standard error, which the host shows."""
    print(f"weightinit_plugin: {text}", file=sys.stderr)
    end(1)


def _help(plugin: Plugin) -> str:
    where = os.path.abspath(sys.argv[0]) if sys.argv and sys.argv[0] else "FOLDER"
    if os.path.basename(where) == "__main__.py":
        where = os.path.dirname(where)
    example = plugin.modes[0].id if plugin.modes else "MODE"
    return (
        f"{plugin.name} {plugin.version} is a plugin of weightinit and is started by it.\n"
        f"Try: weightinit plan --preset gpt2-small --plugin {where} --mode {plugin.name}.{example}"
    )


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # the parent package is not there
        return False


def _watch_stdin() -> None:
    """Ends the process when standard input ends: then the host is gone.

    Descriptor 0 becomes the null device, so that nothing in the plugin waits
    for input or eats the end.
    """
    try:
        fd = os.dup(0)
    except OSError:
        return  # started without one; the parent's watch must do
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    threading.Thread(target=_wait_for_end, args=(fd,), daemon=True).start()


def _wait_for_end(fd: int) -> NoReturn:
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        pass
    end(0)


def _watch_parent() -> None:
    """The second watch: a child of the host may hold the other end of stdin."""
    while os.getppid() == _parent:
        time.sleep(PARENT_SECONDS)
    end(0)
