"""Requests and replies, in process: what Assign and Fill say, bit for bit."""

from __future__ import annotations

import struct
import unittest
from array import array
from pathlib import Path

import weightinit_plugin as w
from weightinit_plugin import Layout, Model, Param, Piece, Plugin, Region, _messages, _service, testing
from weightinit_plugin._errors import UnknownModeError, UnsupportedError, one_line
from weightinit_plugin._layout import model_from, model_to, param_from, param_to

PROTOCOL = Path(__file__).resolve().parents[3] / "protocol" / "mode1.binpb"


def plugin_of(function, fill=None, **how) -> Plugin:
    plugin = Plugin("corp", version="1.0.0")
    plugin.mode("m", version=1, summary="m")(function)
    if fill:
        plugin.fill("m", **how)(fill)
    return plugin


def given(dist: w.Dist, shape=(4, 4)):
    """Returns the Dist message that a mode's answer becomes."""
    plugin = plugin_of(lambda layout: [dist], fill=lambda part: [])
    request = _messages.AssignRequest(mode="m", mode_version=1)
    param_to(request.params.add(), Param("p", shape))
    (message,) = _service.assign(plugin, request).dists
    return message


class Descriptor(unittest.TestCase):
    @unittest.skipUnless(PROTOCOL.exists(), "needs plugins/protocol beside the package")
    def test_it_is_the_protocols(self):
        self.assertEqual(Path(_messages.DESCRIPTOR_PATH).read_bytes(), PROTOCOL.read_bytes())

    def test_messages_are_those_of_the_protocol(self):
        self.assertEqual(_messages.AssignRequest.DESCRIPTOR.full_name, "weightinit.mode.v1.AssignRequest")


class Distributions(unittest.TestCase):
    def test_every_family_and_step_survives_the_wire(self):
        tiny = 5e-324
        for dist, shape in [
            (w.constant(-0.0), (4,)),
            (w.uniform(-tiny, 1 / 3), ()),
            (w.normal(), (4,)),
            (w.normal(0.1, 1e300), (0, 3)),
            (w.trunc_normal(0.5, 0.1, -1, 1, "unit_then_scale"), (4,)),
            (w.trunc_normal(algorithm="torch_icdf"), (4,)),
            (w.eye(), (3, 4)),
            (w.dirac(2), (4, 2, 3)),
            (w.orthogonal(1.4), (4, 2, 3)),
            (w.sparse(0.5), (4, 4)),
            (w.fill(), (4,)),
            (w.bilinear(), (2, 3, 4, 4)),
            (w.delta_orthogonal(0.5), (4, 3, 2)),
            (w.block_orthogonal((2, 3), -1), (4, 9)),
            (w.zero_init(), (4, 9)),
            (w.lstm_forget_bias(2), (8,)),
            (w.normal().l2_normalize(0).l2_normalize(1), (4, 9)),
            (w.blocks((1, w.normal(std=2).multiply(3)), (3, w.eye())), (4, 3)),
            (w.normal().multiply(1 / 3).divide(7).zero_rows(0, (2, 2)).described("σ"), (4,)),
        ]:
            with self.subTest(dist=dist):
                got = testing._dist_from(given(dist, shape))
                self.assertEqual(repr(got), repr(dist), "repr tells -0.0 from 0.0")

    def test_a_family_whose_numbers_are_all_zero_is_there(self):
        for dist in (w.constant(0), w.normal(0, 0), w.uniform(0, 0), w.orthogonal(0), w.sparse(0, 0), w.eye(), w.fill()):
            self.assertEqual(given(dist).WhichOneof("kind"), dist.kind)
        self.assertEqual(given(w.normal().multiply(0)).post[0].WhichOneof("step"), "multiply")
        self.assertEqual(given(w.normal().zero_rows()).post[0].WhichOneof("step"), "zero_rows")

    def test_numbers_that_cannot_be_drawn_are_refused_where_they_are_made(self):
        nan, inf = float("nan"), float("inf")
        for make in (
            lambda: w.constant(nan),
            lambda: w.uniform(1, 0),
            lambda: w.uniform(0, inf),
            lambda: w.normal(std=-1),
            lambda: w.normal(mean=nan),
            lambda: w.trunc_normal(std=0),
            lambda: w.trunc_normal(a=2, b=2),
            lambda: w.trunc_normal(algorithm="other"),
            lambda: w.dirac(0),
            lambda: w.orthogonal(inf),
            lambda: w.sparse(1.5),
            lambda: w.delta_orthogonal(nan),
            lambda: w.block_orthogonal((4,)),
            lambda: w.block_orthogonal((4, 0)),
            lambda: w.lstm_forget_bias(inf),
            lambda: w.normal().l2_normalize(-1),
            lambda: w.blocks(),
            lambda: w.blocks((0, w.eye())),
            lambda: w.blocks((1, w.fill())),
            lambda: w.blocks((1, w.blocks((1, w.eye())))),
            lambda: w.normal().multiply(nan),
            lambda: w.normal().divide(0),
            lambda: w.normal().zero_rows(-1),
            lambda: w.normal().described("a\nb"),
            lambda: w.normal().described("a" * 201),
        ):
            self.assertRaises(ValueError, make)
        self.assertRaises(TypeError, w.dirac, 1.5)
        self.assertRaises(TypeError, w.blocks, (1, "normal"))
        full = w.normal()
        for _ in range(8):
            full = full.multiply(2)
        self.assertRaises(ValueError, full.multiply, 2)

    def test_shapes_that_a_family_cannot_fill_are_refused_by_name(self):
        for dist, shape in [
            (w.eye(), (4,)),
            (w.sparse(0.5), (4, 4, 4)),
            (w.orthogonal(), (4,)),
            (w.dirac(), (4, 4)),
            (w.bilinear(), (2, 2, 3, 4)),
            (w.delta_orthogonal(), (3, 4, 2)),
            (w.block_orthogonal((2, 3)), (4, 4)),
            (w.block_orthogonal((2, 2)), (4, 4, 2)),
            (w.zero_init(), (4, 4, 1)),
            (w.lstm_forget_bias(), (6,)),
            (w.normal().l2_normalize(1), (4,)),
            (w.blocks((4, w.normal())).l2_normalize(0), (4, 2)),
            (w.dirac(3), (4, 4, 3)),
            (w.blocks((3, w.normal())), (4,)),
            (w.blocks((4, w.normal())), ()),
            (w.blocks((4, w.eye())), (4,)),
            (w.normal().zero_rows(4), (4,)),
            (w.normal().zero_rows(0), ()),
        ]:
            with self.subTest(dist=dist), self.assertRaisesRegex(ValueError, "'p'"):
                given(dist, shape)


ROWS = (Piece("q", (1, 3), Region(0, 1, 3, 3), 3, 1), Piece("v", (1, 3), Region(3, 1, 3, 3), 3, 1))


class Fused(unittest.TestCase):
    def rule(self, p):
        self.assertEqual((p.pieces, p.padding_row), ((), None))
        if p.role == "v":
            return w.normal(std=2).described("two")
        return w.normal(std=p.fan_out).described("fan_out")

    def test_rows_become_blocks_and_columns_pieces(self):
        columns = tuple(p._replace(shape=(2, 1), at=Region(i, 2, 1, 2)) for i, p in enumerate(ROWS))
        q, v = w.normal(std=1).described("fan_out"), w.normal(std=2).described("two")
        for shape, pieces, want in [
            ((2, 3), ROWS, w.blocks((1, q), (1, v))),
            ((2, 2), columns, w.pieces(q, v)),
        ]:
            param = Param("p", shape, "qkv", pieces=pieces)
            got = w.each_piece(param, self.rule)
            self.assertEqual(got, want.described("q: fan_out; v: two"))
            plugin = plugin_of(lambda layout: [got])
            self.assertEqual(testing.assign(plugin, "m", Layout([param]))[0], got)

    def test_equal_laws_of_independent_values_are_one_draw(self):
        param = Param("p", (2, 3), "qkv", pieces=ROWS)
        for dist, one in [(w.normal(), True), (w.eye(), False), (w.normal().zero_rows(0), False)]:
            self.assertEqual(w.each_piece(param, lambda p: dist).kind == dist.kind, one)
        zeros = iter((w.constant(0.0), w.constant(-0.0)))
        self.assertEqual(w.each_piece(param, lambda p: next(zeros)).kind, "blocks")
        self.assertEqual(w.each_piece(param._replace(pieces=()), self.rule), w.normal(std=0).described("fan_out"))

    def test_pieces_that_do_not_fit_are_refused_by_name(self):
        for dist, fused in [
            (w.pieces(w.normal()), ROWS),
            (w.pieces(w.normal(), w.normal()), ()),
            (w.pieces(w.normal(), w.dirac()), ROWS),
            (w.pieces(w.normal(), w.normal()).zero_rows(0), ROWS),
        ]:
            with self.subTest(dist=dist), self.assertRaisesRegex(ValueError, "'p'.*(pieces|dirac)"):
                testing.assign(plugin_of(lambda layout: [dist]), "m", Layout([Param("p", (2, 3), "qkv", pieces=fused)]))
        for make in (
            w.pieces,
            lambda: w.pieces(w.fill()),
            lambda: w.pieces(w.pieces(w.eye())),
            lambda: w.blocks((1, w.pieces(w.eye()))),
        ):
            self.assertRaises(ValueError, make)
        self.assertRaises(TypeError, w.pieces, "normal")


class Assign(unittest.TestCase):
    def test_the_mode_sees_all_that_was_sent(self):
        layout = Layout(
            [
                Param("a", (2, 3), "qkv", 0, 3, 2, "BF16", 0, ROWS, True),
                Param("b", (), "new", None, 0, 0, "F64", 5),
                Param("c", (1 << 40,), layer=7),
            ],
            Model("gpt2", 1, 2, 3, 4, 5, 6, 7, 8, 0.0, '{"a":1}'),
        )
        seen = []
        plugin = plugin_of(lambda layout: seen.append(layout) or [w.constant(0)] * len(layout))
        testing.assign(plugin, "m", layout)
        self.assertEqual(seen[0].params, layout.params)
        self.assertEqual(seen[0].model, layout.model)
        self.assertEqual(seen[0].model.config, {"a": 1})
        self.assertEqual(layout[2].elements, 1 << 40)

    def test_facts_that_are_not_there(self):
        message = _messages.AssignRequest().model
        self.assertEqual(model_from(message), Model())
        model_to(message, Model(initializer_range=0.0))
        self.assertEqual(model_from(message).initializer_range, 0.0)
        self.assertEqual(param_from(_messages.Param(dtype=77)).dtype, "")

    def test_answers_that_are_none(self):
        layout = Layout([Param("a", (1,)), Param("b", (1,))])
        d = w.constant(0)
        for answer, text in [
            (None, "yield one"),
            (d, "yield one"),
            ([d], "1 of 2.*'b'"),
            ([d, d, d], "more"),
            ([d, None], "'b'.*NoneType"),
            ([d, 0.02], "'b'.*float"),
            ([d, w.fill()], "'b'.*plugin.fill"),
        ]:
            with self.subTest(answer=answer), self.assertRaisesRegex((TypeError, ValueError), text):
                testing.assign(plugin_of(lambda layout: answer), "m", layout)

    def test_a_mode_that_is_not_there_is_said_with_those_that_are(self):
        request = _messages.AssignRequest(mode="m", mode_version=2)
        with self.assertRaisesRegex(UnknownModeError, "m@2.*m@1"):
            _service.assign(plugin_of(lambda layout: []), request)


class Fill(unittest.TestCase):
    def fill(self, function, size=1000, dtype="F32", ranges=False, **how):
        plugin = plugin_of(lambda layout: [], fill=function, ranges=ranges)
        return testing.fill(plugin, "m", Param("p", (size,)), dtype=dtype, **how)

    def test_pieces_of_every_kind_and_size_are_the_same_values(self):
        values = [i / 8 for i in range(1000)]
        for dtype, code in (("F32", "f"), ("F64", "d")):
            raw = struct.pack(f"<1000{code}", *values)
            expected = array(code, values)
            for name, pieces in {
                "a list": [values],
                "singles": [[v] for v in values],
                "tuples": [tuple(values[i : i + 7]) for i in range(0, 1000, 7)],
                "array": [array(code, values)],
                "the other type": [array("d" if code == "f" else "f", values)],
                "integers": [array("i", []), values],
                "bytes": [raw],
                "bytearray and view": [bytearray(raw[:80]), memoryview(raw)[80:]],
                "empty ones": [b"", [], values[:3], array(code), values[3:]],
            }.items():
                with self.subTest(name, dtype=dtype):
                    self.assertEqual(self.fill(lambda part: pieces, dtype=dtype), expected)
            self.assertEqual(self.fill(lambda part: raw, dtype=dtype), expected, "returned, not yielded")
            self.assertEqual(self.fill(lambda part: array(code, values), dtype=dtype), expected)

    def test_what_converts_itself_is_asked_to(self):
        class Numbers:
            """What of a numpy array is used."""

            def astype(self, dtype, copy):
                self.code = {"<f4": "<3f", "<f8": "<3d"}[dtype]
                return self

            def tobytes(self):
                return struct.pack(self.code, 1, 2, 3)

        for dtype in ("F32", "F64"):
            self.assertEqual(list(self.fill(lambda part: [Numbers()], size=3, dtype=dtype)), [1, 2, 3])
            self.assertEqual(list(self.fill(lambda part: Numbers(), size=3, dtype=dtype)), [1, 2, 3])

    def test_rounding_is_to_nearest(self):
        (got,) = self.fill(lambda part: [[1 / 3]], size=1)
        self.assertEqual(got, struct.unpack("<f", struct.pack("<f", 1 / 3))[0])

    def test_chunks_have_the_size_that_was_wished_for(self):
        plugin = plugin_of(lambda layout: [], fill=lambda part: (array("f", [1.0] * 999) for _ in range(400)))
        request = _messages.FillRequest(mode="m", mode_version=1, dtype=1, count=999 * 400)
        param_to(request.param, Param("p", (999 * 400,)))
        for wish, size in ((0, 1 << 20), (1, 64 << 10), (100_003, 100_000), (1 << 30, 4 << 20)):
            request.chunk_bytes = wish
            chunks = list(_service.fill(plugin, request))
            firsts, at = [], 0
            for chunk in chunks:
                firsts.append(at)
                at += len(chunk.data) // 4
            self.assertEqual([c.first for c in chunks], firsts)
            self.assertEqual(at, 999 * 400)
            self.assertEqual({len(c.data) for c in chunks[:-1]}, {size} if len(chunks) > 1 else set())

    def test_too_few_and_too_many_values(self):
        for pieces, text in [
            ([], "0 of 10"),
            ([[1.0] * 9], "9 of 10"),
            ([[1.0] * 11], "more than 10"),
            ([[1.0] * 10, [1.0]], "more than 10"),
            ([b"123"], "whole elements"),
        ]:
            with self.subTest(text), self.assertRaisesRegex(ValueError, text):
                self.fill(lambda part: pieces, size=10)
        self.assertEqual(len(self.fill(lambda part: [], size=0)), 0)

    def test_ranges_with_and_without_the_functions_help(self):
        asked = []

        def numbers(part):
            asked.append((part.first, part.count))
            yield [float(i) for i in range(part.first, part.first + part.count)]

        for ranges in (False, True):
            got = self.fill(numbers, ranges=ranges, first=300, count=500)
            self.assertEqual(list(got), [float(i) for i in range(300, 800)])
        self.assertEqual(asked, [(0, 1000), (300, 500)])

    def test_what_cannot_be_asked(self):
        plugin = plugin_of(lambda layout: [], fill=lambda part: [])
        request = _messages.FillRequest(mode="m", mode_version=1, dtype=3)
        with self.assertRaises(UnsupportedError):
            _service.fill(plugin, request)
        request.dtype, request.count = 1, 2
        with self.assertRaisesRegex(ValueError, "has 1"):
            _service.fill(plugin, request)
        with self.assertRaises(UnsupportedError):
            _service.fill(plugin_of(lambda layout: []), request)

    def test_the_part_tells_its_type(self):
        seen = []
        for dtype in ("F32", "F64"):
            self.fill(lambda part: seen.append(part) or [[0.0]], size=1, dtype=dtype)
        self.assertEqual([(p.dtype, p.typecode, p.itemsize) for p in seen], [("F32", "f", 4), ("F64", "d", 8)])
        self.assertEqual(seen[0].seed, testing.SEED)


class Text(unittest.TestCase):
    def test_one_line_is_one_line_of_utf8(self):
        self.assertEqual(one_line("a\n  b\tc", 100), "a b c")
        self.assertEqual(one_line("\x1b[31mred\u202e", 100), "?[31mred?")
        self.assertEqual(one_line("\ud800", 100), "?")
        for size in range(3, 40):
            cut = one_line("ä" * 100, size)
            self.assertLessEqual(len(cut.encode()), size)
            self.assertTrue(cut.endswith("..."))
