"""A real plugin process, over mutual TLS, by the small host of these tests."""

from __future__ import annotations

import base64
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import grpc

from weightinit_plugin import Param, _certificate, _messages, testing
from weightinit_plugin._layout import param_to

from .host import Host, environment, plugin_folder

PRINTS = """
import os
print("at import")
os.write(1, b"from below Python\\n")
"""

SOURCE = f"""
from weightinit_plugin import LayoutError, OptionError, Plugin, constant, fill, normal, option
{PRINTS}
import subprocess, sys, time
plugin = Plugin("corp", version="1.2.3")

@plugin.mode("wide", version=1, summary="normal, std falls with the width")
def wide(layout, gain: float = option(1.0, minimum=0), trouble: str = ""):
    print("in Assign")
    subprocess.run(["echo", "from a child"])
    if sys.stdin.read() != "":
        raise RuntimeError("stdin is not empty")
    if trouble == "option":
        raise OptionError("gain", "must be odd\\n\\x1b[31m", hint="try 3")
    if trouble == "layout":
        raise LayoutError(layout[0].name, "no")
    if trouble == "exit":
        sys.exit(3)
    if trouble == "crash":
        os._exit(7)
    if trouble == "long":
        raise RuntimeError("\u00e4" * 100_000)
    if trouble == "sleep":
        time.sleep(1000)
    if trouble:
        raise KeyError(trouble)
    for p in layout:
        yield constant(0.0) if p.role.endswith("bias") else normal(std=gain / max(1, p.fan_in) ** 0.5)

@plugin.mode("own", version=1, summary="makes its own values")
def own(layout):
    for p in layout:
        yield fill()

@plugin.fill("own", ranges=True)
def own_values(part):
    block = bytes(part.seed * 2048)
    left = part.count * part.itemsize
    while left:
        yield block[:left]
        left -= min(left, len(block))

plugin.serve()
"""


def request(count: int, options: str = '{"gain":1.5,"trouble":""}', mode: str = "wide", version: int = 1):
    message = _messages.AssignRequest(mode=mode, mode_version=version, options_json=options)
    for i in range(count):
        message.params.add(
            name=f"transformer.h.{i}.attn.c_attn.weight",
            shape=[768, 2304],
            dtype=1,
            role="q_bias" if i % 2 else "q",
            layer=i,
            fan_in=768,
            fan_out=2304,
        )
    return message


class Plugins(unittest.TestCase):
    source = SOURCE

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = plugin_folder(Path(cls.temporary.name, "corp"), cls.source)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def start(self, **changes) -> Host:
        host = Host(self.folder, **changes)
        self.addCleanup(host.__exit__)
        return host


class Handshake(Plugins):
    def test_the_line(self):
        host = self.start()
        core, version, network, address, protocol, certificate = host.line.rstrip("\n").split("|")
        self.assertEqual((core, version, network, protocol), ("1", "1", "unix", "grpc"))
        self.assertEqual(os.path.dirname(address), host.run_dir)
        self.assertTrue(os.path.exists(address))
        self.assertNotIn("=", certificate)
        ssl.DER_cert_to_PEM_cert(base64.b64decode(certificate + "=="))
        self.assertLess(len(host.line), 8 << 10)

    def test_nothing_else_is_ever_on_stdout(self):
        host = self.start().connect()
        host.assign(request(1))
        host.shutdown()
        self.assertEqual(host.process.stdout.read(), b"")
        errors = host.stderr()
        for line in ("at import", "from below Python", "in Assign", "from a child"):
            self.assertIn(line, errors)

    def test_by_hand_it_says_how_to_try_it(self):
        for changes in ({"WEIGHTINIT_PLUGIN": None}, {"WEIGHTINIT_PLUGIN": "other"}):
            done = subprocess.run(
                [sys.executable, "-I", "-B", str(self.folder)],
                env=environment(self.temporary.name, **changes),
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=20,
            )
            self.assertEqual(done.returncode, 1)
            lines = done.stderr.decode().splitlines()
            self.assertEqual(len(lines), 2, lines)
            self.assertIn(f"--plugin {self.folder} --mode corp.wide", lines[1])

    def test_starts_that_cannot_succeed_end_with_the_reason(self):
        for changes, text in [
            ({"PLUGIN_PROTOCOL_VERSIONS": "2,3"}, "speaks protocol '2,3'"),
            ({"PLUGIN_PROTOCOL_VERSIONS": None}, "speaks protocol ''"),
            ({"PLUGIN_CLIENT_CERT": ""}, "PLUGIN_CLIENT_CERT"),
            ({"PLUGIN_UNIX_SOCKET_DIR": "/" + "long" * 30}, "above 107 bytes"),
            ({"PLUGIN_UNIX_SOCKET_DIR": "/not/there"}, "no socket at '/not/there/"),
        ]:
            with self.subTest(text):
                host = self.start(**changes)
                self.assertEqual(host.line, "")
                self.assertEqual(host.process.wait(10), 1)
                self.assertIn(text, host.stderr().splitlines()[-1])

    def test_a_missing_package_is_named(self):
        # A folder of that name without the module in it hides the package.
        for hidden, package in (("grpc", "grpcio"), ("google", "protobuf")):
            source = f"import sys\nsys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n{SOURCE}"
            with tempfile.TemporaryDirectory() as folder, self.subTest(hidden):
                if hidden == "google":
                    source = f"import grpc\n{source}"
                host = Host(plugin_folder(Path(folder, "p"), source))
                with host:
                    self.assertEqual(host.process.wait(10), 1)
                    self.assertIn(f"{package} is not installed", host.stderr().splitlines()[-1])

    def test_two_at_once(self):
        hosts = [self.start().connect() for _ in range(2)]
        self.assertEqual(*[h.describe() for h in hosts])

    def test_only_the_hosts_certificate_is_let_in(self):
        host = self.start()
        host.key, host.certificate, _ = _certificate.make_identity()
        host.connect()
        with self.assertRaises(grpc.RpcError) as caught:
            host.channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=5)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)


class Calls(Plugins):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host = Host(cls.folder).connect()

    @classmethod
    def tearDownClass(cls):
        cls.host.__exit__()
        super().tearDownClass()

    def refusal(self, method: str, message=b"") -> grpc.RpcError:
        with self.assertRaises(grpc.RpcError) as caught:
            self.host.call(method, message)
        return caught.exception

    def test_health_and_stdio(self):
        check = "/grpc.health.v1.Health/Check"
        self.assertEqual(self.host.call(check, b"\x0a\x06plugin"), b"\x08\x01")
        self.assertEqual(self.refusal(check, b"\x0a\x05other").code(), grpc.StatusCode.NOT_FOUND)
        stream = self.host.channel.unary_stream("/plugin.GRPCStdio/StreamStdio")(b"", timeout=10)
        self.assertEqual(list(stream), [])

    def test_describe(self):
        d = self.host.describe()
        self.assertEqual((d.name, d.version, d.sdk, list(d.features)), ("corp", "1.2.3", "python", ["fill", "fill.range"]))
        self.assertEqual([(m.id, m.version, m.fills) for m in d.modes], [("wide", 1, False), ("own", 1, True)])

    def test_assign(self):
        for count in (0, 1, 1000):
            reply = self.host.assign(request(count))
            self.assertEqual(len(reply.dists), count)
            self.assertEqual(reply, self.host.assign(request(count)))
            for i, d in enumerate(reply.dists):
                self.assertEqual(d.WhichOneof("kind"), "constant" if i % 2 else "normal")
                self.assertEqual(d.normal.std, 0.0 if i % 2 else 1.5 / 768**0.5)

    def test_assign_100_000_parameters_is_above_the_default_limit_of_grpc(self):
        message = request(100_000)
        self.assertGreater(message.ByteSize(), 4 << 20)
        start = time.monotonic()
        self.assertEqual(len(self.host.assign(message).dists), 100_000)
        self.assertLess(time.monotonic() - start, 20)  # the deadline of the protocol

    def test_eight_calls_at_once_are_alike(self):
        replies: list[bytes] = []
        threads = [
            threading.Thread(target=lambda: replies.append(self.host.assign(request(300)).SerializeToString()))
            for _ in range(8)
        ]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(replies), 8)
        self.assertEqual(len(set(replies)), 1)

    def test_failures_carry_code_text_and_detail(self):
        codes = grpc.StatusCode
        for options, version, code, kind, subject, text, hint in [
            ('{"gain":-1}', 1, codes.INVALID_ARGUMENT, 1, "gain", "option gain: -1.0 is not at least 0", ""),
            ('{"zzz":1}', 1, codes.INVALID_ARGUMENT, 1, "zzz", "there is no option 'zzz'; there are: gain, trouble", ""),
            ('{"trouble":"option"}', 1, codes.INVALID_ARGUMENT, 1, "gain", "must be odd ?[31m", "try 3"),
            ('{"trouble":"layout"}', 1, codes.FAILED_PRECONDITION, 3, "transformer.h.0.attn.c_attn.weight", "no", ""),
            ("{}", 2, codes.NOT_FOUND, 2, "wide@2", "corp has no mode 'wide@2'; there are: wide@1, own@1", ""),
            ('{"trouble":"key"}', 1, codes.INTERNAL, 10, "", "KeyError: 'key'", ""),
            ('{"trouble":"exit"}', 1, codes.INTERNAL, 10, "", "SystemExit: 3", ""),
            ('{"trouble":"long"}', 1, codes.INTERNAL, 10, "", "RuntimeError: " + "ä" * 291 + "...", ""),
        ]:
            with self.subTest(options=options):
                err = self.refusal("/weightinit.mode.v1.Mode/Assign", request(2, options, version=version))
                self.assertEqual((err.code(), err.details()), (code, text))
                trailers = dict(err.trailing_metadata())
                detail = _messages.ErrorDetail.FromString(trailers["weightinit-error-bin"])
                self.assertEqual((detail.kind, detail.subject, detail.hint), (kind, subject, hint))

    def test_bytes_that_are_no_request(self):
        err = self.refusal("/weightinit.mode.v1.Mode/Assign", b"\xff\xff")
        self.assertEqual(err.code(), grpc.StatusCode.INTERNAL)
        self.assertIn("DecodeError", err.details())

    def test_what_the_package_does_not_do_is_unimplemented(self):
        for method in ("/weightinit.mode.v1.Mode/Other", "/weightinit.mode.v2.Mode/Describe"):
            self.assertEqual(self.refusal(method).code(), grpc.StatusCode.UNIMPLEMENTED)

    def fill_request(self, count: int, **changes):
        message = _messages.FillRequest(
            mode="own", mode_version=1, options_json="{}", seed=testing.SEED, dtype=1, count=count, **changes
        )
        param_to(message.param, Param("p", (count,)))
        return message

    def test_fill(self):
        for chunk_bytes in (64 << 10, 1 << 20, 4 << 20):
            data = b"".join(c.data for c in self.host.fill(self.fill_request(5_000_000, chunk_bytes=chunk_bytes)))
            self.assertEqual(len(data), 20_000_000)
            self.assertEqual(data, testing.SEED * 625_000)

    def test_a_fill_left_in_the_middle(self):
        stream = self.host.fill(self.fill_request(50_000_000))
        next(stream)
        stream.cancel()
        start = time.monotonic()
        self.assertEqual(len(b"".join(c.data for c in self.host.fill(self.fill_request(10)))), 40)
        self.assertLess(time.monotonic() - start, 1)

    def test_fill_of_a_mode_that_has_none(self):
        message = self.fill_request(10)
        message.mode, message.options_json = "wide", '{"gain":1,"trouble":""}'
        with self.assertRaises(grpc.RpcError) as caught:
            list(self.host.fill(message))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)


class End(Plugins):
    def test_shutdown_is_quick_and_leaves_nothing(self):
        host = self.start().connect()
        host.describe()
        self.assertLess(host.shutdown(), 2)
        self.assertEqual(host.process.returncode, 0)
        self.assertEqual(os.listdir(host.run_dir), [])

    def test_shutdown_while_a_call_hangs(self):
        host = self.start().connect()
        call = host.channel.unary_unary("/weightinit.mode.v1.Mode/Assign").future(
            request(1, '{"gain":1,"trouble":"sleep"}').SerializeToString()
        )
        self.assertLess(host.shutdown(), 2)
        self.assertEqual(host.process.returncode, 0)
        self.assertEqual(call.exception().code(), grpc.StatusCode.UNAVAILABLE)

    def test_the_end_of_stdin_is_the_end(self):
        for connected in (False, True):
            host = self.start()
            if connected:
                host.connect().describe()
            start = time.monotonic()
            host.process.stdin.close()
            host.process.wait(5)
            self.assertLess(time.monotonic() - start, 5)

    def test_the_end_of_stdin_ends_a_call_that_hangs(self):
        host = self.start().connect()
        host.channel.unary_unary("/weightinit.mode.v1.Mode/Assign").future(
            request(1, '{"gain":1,"trouble":"sleep"}').SerializeToString()
        )
        time.sleep(0.2)
        host.process.stdin.close()
        host.process.wait(5)

    @unittest.skipUnless(hasattr(os, "fork"), "needs a second process in between")
    def test_the_death_of_the_parent_is_the_end_though_stdin_is_held(self):
        # The starter ends at once; this process holds both ends of stdin.
        read, write = os.pipe()
        self.addCleanup(os.close, write)
        env = environment(self.temporary.name, PLUGIN_CLIENT_CERT=_certificate.make_identity()[1].decode())
        starter = (
            "import subprocess, sys\n"
            "p = subprocess.Popen([sys.executable, '-I', '-B', sys.argv[1]], stdout=subprocess.PIPE)\n"
            "p.stdout.readline()\n"
            "print(p.pid)\n"
        )
        start = time.monotonic()
        # Returns when stderr ends, which the plugin holds: when it is gone.
        done = subprocess.run(
            [sys.executable, "-c", starter, str(self.folder)],
            env=env,
            stdin=read,
            capture_output=True,
            timeout=20,
        )
        os.close(read)
        self.assertGreater(int(done.stdout), 1)
        self.assertLess(time.monotonic() - start, 10)

    def test_sigint_changes_nothing(self):
        host = self.start().connect()
        os.killpg(host.process.pid, signal.SIGINT)
        time.sleep(0.2)
        self.assertEqual(len(host.assign(request(3)).dists), 3)
        os.killpg(host.process.pid, signal.SIGINT)
        self.assertLess(host.shutdown(), 2)
        self.assertEqual(host.process.returncode, 0)

    def test_a_crash_in_a_call_is_seen_as_such(self):
        host = self.start().connect()
        with self.assertRaises(grpc.RpcError) as caught:
            host.assign(request(1, '{"gain":1,"trouble":"crash"}'))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(host.process.wait(5), 7)
