"""The services of a plugin over gRPC with mutual TLS.

Health, Shutdown and stdio are go-plugin's own; their messages are so small
that their bytes stand here, instead of two more packages.
"""

from __future__ import annotations

import base64
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc

from . import _certificate, _process
from ._errors import Kind, PluginError, one_line

if TYPE_CHECKING:
    from ._plugin import Plugin

MAX_MESSAGE = 64 << 20
MAX_SOCKET_PATH = 107
WORKERS = 16
SHUTDOWN_SECONDS = 0.1
TRAILER = "weightinit-error-bin"
# Header blocks hold a few kilobytes; a non-ASCII byte takes three there.
MAX_STATUS = 600

_SERVICE = "weightinit.mode.v1.Mode"
_SERVING = b"\x08\x01"
_HEALTH_OF_PLUGIN = (b"", b"\x0a\x06plugin")

_CODES = {
    Kind.OPTION: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.UNKNOWN_MODE: grpc.StatusCode.NOT_FOUND,
    Kind.LAYOUT: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.UNSUPPORTED: grpc.StatusCode.UNIMPLEMENTED,
    Kind.PLUGIN: grpc.StatusCode.INTERNAL,
}


def run(plugin: Plugin) -> None:
    """Serves plugin until the host calls Shutdown.

    The environment is that of a host's start: package _process checked it.
    """
    stopped = threading.Event()
    server = grpc.server(
        ThreadPoolExecutor(max_workers=WORKERS),
        handlers=(_mode_handlers(plugin), *_base_handlers(stopped)),
        options=(
            ("grpc.max_receive_message_length", MAX_MESSAGE),
            ("grpc.max_send_message_length", MAX_MESSAGE),
            ("grpc.so_reuseport", 0),
        ),
    )
    root = os.environ.get("PLUGIN_CLIENT_CERT", "").encode()
    if not root:
        _process.fail("the host gave no certificate in PLUGIN_CLIENT_CERT")
    key, chain, der = _certificate.make_identity()
    credentials = grpc.ssl_server_credentials([(key, chain)], root_certificates=root, require_client_auth=True)
    network, address = _listen(server, credentials)
    server.start()
    _process.announce(network, address, base64.b64encode(der).decode().rstrip("="))
    from . import _service  # noqa: F401  (ready before the host asks)

    stopped.wait()
    # The reply to Shutdown itself is still under way.
    server.stop(SHUTDOWN_SECONDS).wait(SHUTDOWN_SECONDS)


def _listen(server: grpc.Server, credentials: grpc.ServerCredentials) -> tuple[str, str]:
    """Binds the server and returns network and address for the handshake."""
    if sys.platform == "win32":
        port = server.add_secure_port("127.0.0.1:0", credentials)
        return "tcp", f"127.0.0.1:{port}"
    folder = os.path.abspath(os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or os.environ.get("TMPDIR") or "/tmp")
    path = os.path.join(folder, f"{os.getpid()}.sock")
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        _process.fail(f"the socket path {path!r} is above {MAX_SOCKET_PATH} bytes: PLUGIN_UNIX_SOCKET_DIR is too long")
    try:
        bound = server.add_secure_port(f"unix:{path}", credentials)
    except RuntimeError as err:
        _process.fail(f"no socket at {path!r}: {one_line(str(err), 200)}")
    if not bound:
        _process.fail(f"no socket at {path!r}")
    return "unix", path


def _base_handlers(stopped: threading.Event) -> tuple[grpc.GenericRpcHandler, ...]:
    """The services that go-plugin expects of every plugin."""

    def check(request: bytes, context: grpc.ServicerContext) -> bytes:
        if request not in _HEALTH_OF_PLUGIN:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return _SERVING

    def shutdown(request: bytes, context: grpc.ServicerContext) -> bytes:
        context.add_callback(stopped.set)
        return b""

    def stdio(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        # What is printed goes to stderr, which the host reads: nothing to send.
        return iter(())

    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    services = {
        "grpc.health.v1.Health": {"Check": unary(check)},
        "plugin.GRPCController": {"Shutdown": unary(shutdown)},
        "plugin.GRPCStdio": {"StreamStdio": stream(stdio)},
    }
    return tuple(grpc.method_handlers_generic_handler(name, methods) for name, methods in services.items())


def _mode_handlers(plugin: Plugin) -> grpc.GenericRpcHandler:
    """The service of the protocol, around the functions of _service."""

    # Messages are decoded inside the calls, where a failure has its handler,
    # and where the import of protobuf waits for the first of them.
    def describe(request: bytes, context: grpc.ServicerContext) -> bytes:
        from . import _service

        return _answer(context, lambda: _encode(_service.describe(plugin)))

    def assign(request: bytes, context: grpc.ServicerContext) -> bytes:
        from . import _messages, _service

        return _answer(
            context,
            lambda: _encode(_service.assign(plugin, _messages.AssignRequest.FromString(request))),
        )

    def fill(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        from . import _messages, _service

        chunks = _answer(context, lambda: _service.fill(plugin, _messages.FillRequest.FromString(request)))
        while True:
            chunk = _answer(context, lambda: next(chunks, None))
            if chunk is None:
                return
            yield chunk.SerializeToString()

    return grpc.method_handlers_generic_handler(
        _SERVICE,
        {
            "Describe": grpc.unary_unary_rpc_method_handler(describe),
            "Assign": grpc.unary_unary_rpc_method_handler(assign),
            "Fill": grpc.unary_stream_rpc_method_handler(fill),
        },
    )


def _encode(message: Any) -> bytes:
    # The same answer must be the same bytes.
    return message.SerializeToString(deterministic=True)


def _answer(context: grpc.ServicerContext, call: Callable[[], Any]) -> Any:
    """Returns what call returns; its exception ends the RPC as the protocol says."""
    try:
        return call()
    except PluginError as err:
        failure = err
        if err.kind is Kind.PLUGIN:
            traceback.print_exc()
    except BaseException as err:  # a mode may call sys.exit, too
        traceback.print_exc()
        failure = PluginError("", f"{type(err).__name__}: {err}" if str(err) else type(err).__name__)
    from . import _messages

    detail = _messages.ErrorDetail(
        kind=int(failure.kind),
        subject=one_line(failure.subject, 512),
        hint=one_line(failure.hint, 300),
    )
    context.set_trailing_metadata(((TRAILER, detail.SerializeToString()),))
    context.abort(_CODES[failure.kind], one_line(failure.message, MAX_STATUS))
