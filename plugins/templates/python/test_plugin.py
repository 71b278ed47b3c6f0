"""The tests of {{.Name}}: python -m unittest"""

import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

from weightinit_plugin import Layout, Param, normal, testing  # noqa: E402

PLUGIN = testing.load(FOLDER)


class Modes(unittest.TestCase):
    def test_rules_of_every_mode(self):
        testing.check(PLUGIN)

    def test_example(self):
        layout = Layout([Param("layers.0.q.weight", (8, 4), "q", layer=0, fan_in=4, fan_out=8)])
        (dist,) = testing.assign(PLUGIN, "example", layout, gain=3.0)
        self.assertEqual(dist, normal(std=1.5).described("gain / sqrt(fan_in)"))


class Conformance(unittest.TestCase):
    def test_the_whole_kit(self):
        program = os.environ.get("WEIGHTINIT") or shutil.which("weightinit")
        if not program:
            self.skipTest("needs weightinit on PATH, or its path in WEIGHTINIT")
        done = subprocess.run(
            [program, "plugins", "test", str(FOLDER)],
            env={**os.environ, "WEIGHTINIT_PYTHON": sys.executable},
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
