"""A small host for the tests: starts a plugin and talks to it over mutual TLS.

It knows only the protocol, and takes nothing from the package under test but
the certificate maker and the message classes.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import grpc

from weightinit_plugin import _certificate, _messages

COOKIE = "b0a290f45eddece6c42d96756447d79438a2e554"
PACKAGE = Path(_messages.DESCRIPTOR_PATH).parent
LIMITS = (("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20))


def environment(run_dir: str, **changes: str | None) -> dict[str, str]:
    """Returns what a host gives a plugin; None takes a variable away."""
    given: dict[str, str | None] = {
        "WEIGHTINIT_PLUGIN": COOKIE,
        "WEIGHTINIT_RUN_ID": "0" * 32,
        "PLUGIN_PROTOCOL_VERSIONS": "1",
        "PLUGIN_UNIX_SOCKET_DIR": run_dir,
        "TMPDIR": run_dir,
        "PATH": os.environ.get("PATH", ""),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def plugin_folder(into: Path, source: str) -> Path:
    """Writes a plugin folder with a copy of the package, as the generator does."""
    into.mkdir()
    shutil.copytree(PACKAGE, into / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    (into / "__main__.py").write_text(source, encoding="utf-8")
    return into


class Host:
    """A started plugin. Use it with with; it leaves nothing behind."""

    def __init__(self, folder: Path | str, **changes: str | None) -> None:
        self.run_dir = tempfile.mkdtemp(prefix="wi-")
        self.key, self.certificate, _ = _certificate.make_identity()
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.run_dir,
            env=environment(self.run_dir, **{"PLUGIN_CLIENT_CERT": self.certificate.decode(), **changes}),
            start_new_session=True,
        )
        self._errors: list[bytes] = []
        self._drain = threading.Thread(target=lambda: self._errors.extend(self.process.stderr), daemon=True)
        self._drain.start()
        self.line = self.process.stdout.readline().decode()
        self.start_seconds = time.monotonic() - self.started
        self.channel: grpc.Channel | None = None

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: Any) -> None:
        if self.channel is not None:
            self.channel.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._drain.join(5)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def stderr(self) -> str:
        """Returns what the plugin, which must have ended, wrote to stderr."""
        self._drain.join(10)
        return b"".join(self._errors).decode()

    def connect(self) -> Host:
        """Opens the channel that the handshake line tells of."""
        _, _, _, address, _, certificate = self.line.strip().split("|")
        der = base64.b64decode(certificate + "=" * (-len(certificate) % 4))
        root = _certificate._pem("CERTIFICATE", der)
        self.channel = grpc.secure_channel(
            f"unix:{address}",
            grpc.ssl_channel_credentials(root, self.key, self.certificate),
            options=(*LIMITS, ("grpc.ssl_target_name_override", "localhost")),
        )
        return self

    def call(self, method: str, request: Any = b"", reply: Any = None, timeout: float = 20.0) -> Any:
        """Calls a unary method by its path, such as "/grpc.health.v1.Health/Check"."""
        raw = request if isinstance(request, bytes) else request.SerializeToString()
        decode = reply.FromString if reply else None
        return self.channel.unary_unary(method, None, decode)(raw, timeout=timeout, wait_for_ready=True)

    def describe(self) -> Any:
        """Calls Describe."""
        return self.call("/weightinit.mode.v1.Mode/Describe", b"", _messages.DescribeReply)

    def assign(self, request: Any) -> Any:
        """Calls Assign."""
        return self.call("/weightinit.mode.v1.Mode/Assign", request, _messages.AssignReply)

    def fill(self, request: Any) -> Any:
        """Starts a Fill; iterate over what it returns."""
        method = self.channel.unary_stream("/weightinit.mode.v1.Mode/Fill", None, _messages.FillChunk.FromString)
        return method(request.SerializeToString(), timeout=60)

    def shutdown(self) -> float:
        """Calls Shutdown and returns the seconds until the process has ended."""
        start = time.monotonic()
        self.call("/plugin.GRPCController/Shutdown")
        self.process.wait(10)
        return time.monotonic() - start
