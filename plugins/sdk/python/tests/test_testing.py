"""The kit for authors finds each fault that it says it finds."""

from __future__ import annotations

import itertools
import tempfile
import unittest
from pathlib import Path

from weightinit_plugin import LayoutError, OptionError, Plugin, constant, fill, normal, option, testing


def plugin_of(function) -> Plugin:
    plugin = Plugin("corp", version="1.0.0")
    plugin.mode("m", version=1, summary="m")(function)
    return plugin


def zeros(layout, **_):
    return [constant(0) for _ in layout]


class GoodPlugins(unittest.TestCase):
    def test_the_thirteen_lines_pass(self):
        def wide(layout, gain: float = option(1.0, minimum=0)):
            for p in layout:
                yield constant(0) if p.role.endswith("bias") else normal(std=gain / max(1, p.fan_in) ** 0.5)

        testing.check(plugin_of(wide))

    def test_a_refusal_by_name_passes(self):
        def mode(layout, kind: str = option("a", choices=["a", "b"]), cut: list[int] = option([1], max_items=2)):
            for p in layout:
                if p.role not in ("q", "embedding"):
                    raise LayoutError(p.name, "only q")
                yield normal()

        testing.check(plugin_of(mode))

    def test_options_of_every_kind_are_tried(self):
        tried = []

        def mode(
            layout,
            a: float = option(exclusive_minimum=0, exclusive_maximum=1),
            b: int = option(maximum=9),
            c: bool = False,
            d: list[float] = option(min_items=2, minimum=0),
            e: str | None = None,
        ):
            tried.append((a, b, c, tuple(d), e))
            return zeros(layout)

        testing.check(plugin_of(mode))
        self.assertIn((0.5, 8, True, (1.0, 1.0), None), tried)
        self.assertIn((0.5, 9, False, (1.0, 1.0), None), tried)


class BadPlugins(unittest.TestCase):
    def faults(self, plugin: Plugin) -> str:
        with self.assertRaises(AssertionError) as caught:
            testing.check(plugin)
        return str(caught.exception)

    def test_no_mode(self):
        self.assertIn("no mode", self.faults(Plugin("corp", version="1.0.0")))

    def test_a_mode_with_state(self):
        counter = itertools.count()

        def mode(layout):
            return [constant(next(counter)) for _ in layout]

        self.assertIn("two calls differ", self.faults(plugin_of(mode)))

    def test_a_mode_that_knows_a_few_roles_only(self):
        table = {"q": normal(std=0.02)}
        text = self.faults(plugin_of(lambda layout: [table[p.role] for p in layout]))
        self.assertIn("layout 'gpt2': KeyError", text)
        self.assertNotIn("no parameters", text)

    def test_a_mode_that_divides_by_an_absent_fan(self):
        self.assertIn("ZeroDivisionError", self.faults(plugin_of(lambda layout: [normal(std=1 / p.fan_in) for p in layout])))

    def test_a_mode_that_ends_the_process(self):
        def mode(layout):
            raise SystemExit(1)

        self.assertIn("SystemExit", self.faults(plugin_of(mode)))

    def test_a_refusal_without_a_name(self):
        def mode(layout):
            raise LayoutError("this one", "no")

        self.assertIn("names 'this one'", self.faults(plugin_of(mode)))

    def test_an_option_whose_minimum_does_not_work(self):
        def mode(layout, gain: float = option(1.0, minimum=0)):
            return [normal(std=1 / gain) for _ in layout]

        self.assertIn("option gain = 0: ZeroDivisionError", self.faults(plugin_of(mode)))

    def test_an_option_error_of_the_modes_own_is_no_answer_to_a_declared_value(self):
        def mode(layout, n: int = option(2, minimum=1)):
            if n % 2:
                raise OptionError("n", "must be even")
            return zeros(layout)

        self.assertIn("option n = 1: OptionError: must be even", self.faults(plugin_of(mode)))


class Fills(unittest.TestCase):
    def problem(self, function, ranges=True) -> str:
        plugin = plugin_of(lambda layout: [fill() if p.role == "q" else constant(0) for p in layout])
        plugin.fill("m", ranges=ranges)(function)
        return "\n".join(testing.problems(plugin))

    def test_a_right_one_passes(self):
        def numbers(part):
            return [[float(part.seed[(part.first + i) % 32]) for i in range(part.count)]]

        for ranges in (True, False):
            self.assertEqual(self.problem(numbers, ranges), "")

    def test_each_fault(self):
        counter = itertools.count()
        for function, text in [
            (lambda part: [[float("nan")] * part.count], "not finite"),
            (lambda part: [[float(next(counter))] * part.count], "two calls differ"),
            (lambda part: [[float(part.chunk_bytes)] * part.count], "chunk_bytes"),
            (lambda part: [[float(i) for i in range(part.count)]], "range"),
            (lambda part: [[0.0]], "gave 1 of"),
            (lambda part: 1 / 0, "ZeroDivisionError"),
        ]:
            with self.subTest(text):
                self.assertIn(text, self.problem(function))

    def test_one_that_is_never_used(self):
        plugin = plugin_of(zeros_of)
        plugin.fill("m")(lambda part: [])
        self.assertIn("for no parameter", "\n".join(testing.problems(plugin)))


def zeros_of(layout):
    return [constant(0) for _ in layout]


class Load(unittest.TestCase):
    def test_the_plugin_of_a_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            main = Path(folder, "__main__.py")
            main.write_text(
                "from weightinit_plugin import Plugin\n"
                "p = Plugin('corp', version='1.0.0')\n"
                "if __name__ == '__main__':\n    p.serve()\n"
            )
            self.assertEqual(testing.load(folder).name, "corp")
            main.write_text("")
            with self.assertRaisesRegex(LookupError, "no Plugin"):
                testing.load(folder)
