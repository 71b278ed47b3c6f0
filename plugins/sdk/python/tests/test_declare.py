"""What an author declares, and what is refused before anything is served."""

from __future__ import annotations

import json
import math
import unittest

from weightinit_plugin import OptionError, Plugin, constant, option
from weightinit_plugin._options import decode, options_of, schema_of


def plugin() -> Plugin:
    return Plugin("corp", version="1.0.0")


def one(layout):
    """One."""
    return [constant(0) for _ in layout]


class Names(unittest.TestCase):
    def test_plugin_names_and_versions(self):
        for name in ("corp", "a", "a_1", "a" * 32):
            Plugin(name, version="1.0.0")
        for name in ("", "Corp", "1a", "a-b", "a" * 33, "torch", "std", "weightinit", "a\n"):
            with self.subTest(name), self.assertRaises(ValueError):
                Plugin(name, version="1.0.0")
        for version in ("1.0.0", "0.1.2-rc.1+build.7", "1.0.0-x-y"):
            Plugin("corp", version=version)
        for version in ("", "1", "1.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0\n", "1.0.0+" + "a" * 64):
            with self.subTest(version), self.assertRaises(ValueError):
                Plugin("corp", version=version)

    def test_what_a_host_would_refuse_of_a_mode(self):
        bad = [
            ("Wide", {}),
            ("a" * 65, {}),
            ("wide", {"version": 0}),
            ("wide", {"version": True}),
            ("wide", {"summary": "a\nb"}),
            ("wide", {"summary": "a" * 201}),
            ("wide", {"description": "a\tb"}),
            ("wide", {"citation": "c" * 1025}),
            ("wide", {"aliases": ["wide"]}),
            ("wide", {"aliases": ["a", "a"]}),
            ("wide", {"aliases": [f"a{i}" for i in range(9)]}),
        ]
        for id, changes in bad:
            with self.subTest(id=id, **changes), self.assertRaises(ValueError):
                plugin().mode(id, **{"version": 1, **changes})(one)

    def test_modes_must_not_clash(self):
        p = plugin()
        p.mode("wide", version=1, default=True, aliases=["broad"])(one)
        p.mode("wide", version=2, aliases=["broad"])(one)
        for id, changes in [
            ("wide", {"version": 2}),
            ("wide", {"version": 3, "default": True}),
            ("broad", {"version": 1}),
            ("deep", {"version": 1, "aliases": ["wide"]}),
            ("deep", {"version": 1, "aliases": ["broad"]}),
        ]:
            with self.subTest(id=id, **changes), self.assertRaises(ValueError):
                p.mode(id, **changes)(one)

    def test_a_summary_is_needed_and_comes_from_the_docstring(self):
        p = plugin()
        p.mode("wide", version=1)(one)
        self.assertEqual(p.modes[0].summary, "One.")
        with self.assertRaisesRegex(ValueError, "summary"):
            p.mode("deep", version=1)(lambda layout: [])

    def test_the_bare_name_is_the_default_or_the_lowest(self):
        p = plugin()
        for version in (3, 2):
            p.mode("wide", version=version)(one)
        self.assertEqual(p.find("wide").version, 2)
        p.mode("wide", version=4, default=True)(one)
        self.assertEqual(p.find("wide").version, 4)
        self.assertEqual(p.find("wide", 3).version, 3)
        self.assertIsNone(p.find("wide", 1))

    def test_the_decorators_return_the_function(self):
        p = plugin()
        self.assertIs(p.mode("wide", version=1)(one), one)
        self.assertIs(p.fill("wide")(one), one)

    def test_a_fill_belongs_to_one_mode_and_has_its_options(self):
        p = plugin()
        with self.assertRaisesRegex(ValueError, "no such mode"):
            p.fill("wide")(one)
        p.mode("wide", version=1)(one)
        for function in (lambda: [], lambda part, gain: [], lambda part, *, gain: []):
            with self.assertRaisesRegex(TypeError, "options"):
                p.fill("wide")(function)
        self.assertEqual(p.features, [])
        p.fill("wide", ranges=True, fixed=True)(one)
        self.assertTrue(p.find("wide", 1).fixed)
        self.assertEqual(p.features, ["fill", "fill.range"])
        with self.assertRaisesRegex(ValueError, "already"):
            p.fill("wide")(one)
        p.mode("wide", version=2)(one)
        with self.assertRaisesRegex(ValueError, "which version"):
            p.fill("wide")(one)
        p.fill("wide", version=2)(one)
        self.assertEqual(p.features, ["fill"], "one mode without ranges: no ranges")


class Options(unittest.TestCase):
    def test_the_schema_tells_all_that_was_declared(self):
        def mode(
            layout,
            gain: float = option(1, minimum=0, exclusive_maximum=10, doc="how much"),
            depth: int = 3,
            on: bool = True,
            kind: str = option("a", choices=("a", "b")),
            cut: list[float] = option((-2, 2), min_items=2, max_items=2, maximum=5),
            base: int | None = None,
            must: str = option(),
            inferred=option(0.5),
        ):
            return []

        self.assertEqual(
            json.loads(schema_of(options_of(mode))),
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "gain": {"type": "number", "description": "how much", "default": 1.0, "minimum": 0, "exclusiveMaximum": 10},
                    "depth": {"type": "integer", "default": 3},
                    "on": {"type": "boolean", "default": True},
                    "kind": {"type": "string", "default": "a", "enum": ["a", "b"]},
                    "cut": {"type": "array", "default": [-2.0, 2.0], "minItems": 2, "maxItems": 2,
                            "items": {"type": "number", "maximum": 5}},
                    "base": {"type": "integer"},
                    "must": {"type": "string"},
                    "inferred": {"type": "number", "default": 0.5},
                },
                "required": ["must"],
            },
        )  # fmt: skip
        mode.__annotations__.update(layout="OnlyForCheckers", **{"return": "array[float]"})
        self.assertEqual(len(options_of(mode)), 8, "annotations that are no option's are left alone")
        self.assertEqual(schema_of(()), '{"type":"object","additionalProperties":false,"properties":{}}')

    def test_declarations_that_break_their_own_rules(self):
        def declare(annotation, default):
            def mode(layout, x=default):
                return []

            mode.__annotations__ = {"x": annotation} if annotation else {}
            return lambda: options_of(mode)

        for annotation, default, error in [
            (float, option(-1, minimum=0), ValueError),
            (float, option(math.inf), ValueError),
            (float, option(1, maximum=math.nan), ValueError),
            (int, option(1.5), ValueError),
            (str, option("c", choices=["a"]), ValueError),
            (str, option("a", minimum=1), TypeError),
            (float, option(1.0, min_items=1), TypeError),
            (list[float], option([1.0], min_items=2), ValueError),
            (list[list[float]], option(), TypeError),
            (dict, option(), TypeError),
            (None, option(), TypeError),
            ("nothing", option(), TypeError),
        ]:
            with self.subTest(annotation=annotation, default=default), self.assertRaises(error):
                declare(annotation, default)()

    def test_shapes_of_functions_that_are_no_modes(self):
        for function in (
            lambda: [],
            lambda *layouts: [],
            lambda layout, *rest: [],
            lambda layout, **rest: [],
            lambda layout, Gain=1.0: [],
            eval("lambda layout, " + ", ".join(f"a{i}=1.0" for i in range(65)) + ": []"),
        ):
            with self.assertRaises((TypeError, ValueError)):
                options_of(function)

    def test_values_arrive_as_declared(self):
        def mode(layout, gain: float, n: int = 1, cut: list[int] = [1, 2], base: int | None = None):
            return []

        options = options_of(mode)
        got = decode(options, '{"gain": 2, "n": 3.0}')
        self.assertEqual(got, {"gain": 2.0, "n": 3, "cut": [1, 2], "base": None})
        self.assertIs(type(got["gain"]), float)
        self.assertIs(type(got["n"]), int)
        got["cut"].append(3)
        self.assertEqual(decode(options, '{"gain": 2}')["cut"], [1, 2], "a default is nobody's to change")
        self.assertEqual(decode(options, '{"gain": 5e-324}')["gain"], 5e-324)

    def test_refusals_name_the_option(self):
        def mode(layout, gain: float, n: int = 1, on: bool = True, s: str = "a", cut: list[int] = [1]):
            return []

        options = options_of(mode)
        for text, subject in [
            ("{}", "gain"),
            ('{"gain": "1"}', "gain"),
            ('{"gain": true}', "gain"),
            ('{"gain": null}', "gain"),
            ('{"gain": 1e999}', "gain"),
            ('{"gain": 1' + "0" * 400 + "}", "gain"),
            ('{"gain": 1, "n": 1.5}', "n"),
            ('{"gain": 1, "n": 9223372036854775808}', "n"),
            ('{"gain": 1, "on": 1}', "on"),
            ('{"gain": 1, "s": 1}', "s"),
            ('{"gain": 1, "cut": 1}', "cut"),
            ('{"gain": 1, "cut": [true]}', "cut"),
            ('{"gain": 1, "zzz": 1}', "zzz"),
            ('{"gain": NaN}', ""),
            ("[]", ""),
            ("{", ""),
            ("[" * 100_000, ""),
        ]:
            with self.subTest(text[:40]), self.assertRaises(OptionError) as caught:
                decode(options, text)
            self.assertEqual(caught.exception.subject, subject)
            self.assertLess(len(str(caught.exception)), 300)
