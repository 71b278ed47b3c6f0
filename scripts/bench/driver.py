"""What the parts of scripts/bench-torch share: processes, pairs, figures."""

import json
import os
import statistics
import subprocess
import sys
import time

import targets

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.dirname(HERE)
ROOT = os.path.dirname(SCRIPTS)
sys.path.insert(0, os.path.join(SCRIPTS, "reference"))
import native  # noqa: E402


class CannotMeasure(Exception):
    """A part that could not be measured, and why, in one line."""


class Run:
    """One run of the tool: what is measured, how often, and what came out."""

    def __init__(self, binary, work, rounds, core, preset):
        self.binary, self.work, self.rounds, self.core, self.preset = binary, work, rounds, core, preset
        self.cores = os.cpu_count()
        self.figures = {}  # of the last table: name -> values, one a round
        self.raw = []  # everything, in the order in which it was measured
        self.isa = self.bench("--kernel", "constant", "--n", "4096", threads=1)[0]["isa"]

    def add(self, name, values):
        """Figures for the last table."""
        self.figures[name] = list(values)

    def note(self, **what):
        """One raw figure, for --json."""
        self.raw.append(what)

    def pinned(self, command):
        """The command on the one core that all single threads run on."""
        return ["taskset", "-c", str(self.core), *command]

    def path(self, name):
        """A file in the folder of this run."""
        return os.path.join(self.work, name)

    def bench(self, *args, threads, isa="auto"):
        """The rows of one `weightinit bench`; pinned if it has one thread."""
        command = [self.binary, "bench", "--json", "--isa", isa, "--threads", str(threads), *args]
        return json.loads(output(self.pinned(command) if threads == 1 else command))


class Torch:
    """The other side's process, pinned; asks it for one figure at a time."""

    def __init__(self, run, env=None):
        self.process = subprocess.Popen(
            run.pinned([native.python(), os.path.join(HERE, "torch_side.py")]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def ns(self, name, n=1 << 24, repeat=3):
        """Nanoseconds a value, the median of so many fills."""
        try:
            self.process.stdin.write(json.dumps({"do": name, "n": n, "repeat": repeat}) + "\n")
            self.process.stdin.flush()
            return float(self.process.stdout.readline())
        except (ValueError, OSError) as err:
            raise CannotMeasure(f"torch gave no figure for {name}: {err}") from err


def output(command):
    """What a command prints; CannotMeasure with its last line if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise CannotMeasure(f"exit {done.returncode} of {' '.join(command[:6])}: {' '.join(last)}")
    return done.stdout


def measure(command, number=False, into=subprocess.PIPE):
    """Wall time, user and all CPU time, and peak memory of one process.

    With number, it prints one or more: seconds that it measured itself. What
    it prints goes into another place with into. The kernel counts this
    process's own peak (about 20 MiB) as every child's. others is the share of
    all cores that something else took meanwhile.
    """
    before = busy()
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=into, text=True)
    out = ""
    if process.stdout:
        out = process.stdout.read()
        process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CannotMeasure(f"exit {process.returncode} of {' '.join(command[:3])[:200]!r}")
    cpu = usage.ru_utime + usage.ru_stime
    others = max(0.0, busy() - before - cpu) / (wall * os.cpu_count())
    work = [float(text) for text in out.split()] if number else [wall]
    return {"wall": wall, "user": usage.ru_utime, "cpu": cpu, "others": others,
            "peak": usage.ru_maxrss / 1024, "work": work[0], **({"second": work[1]} if len(work) > 1 else {})}


def busy():
    """Seconds that all cores have worked since the start, or were taken away."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, irq, softirq, steal = (int(n) for n in file.readline().split()[1:9])
    except (OSError, ValueError):
        return 0.0
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def remove(*paths):
    """Remove the files that are there."""
    for path in paths:
        if os.path.exists(path):
            os.remove(path)


def median_and_range(values):
    """As text: median (least to most)."""
    return f"{targets.number(statistics.median(values))} ({targets.number(min(values))} to {targets.number(max(values))})"


def print_pairs(title, rows, unit="ns a value"):
    """A table of pairs: rows are (label, [(ours, theirs), ...])."""
    print(f"\n{title}")
    print(f"{unit:42}{'weightinit':>12}{'torch':>10}   torch / weightinit, median (range)")
    for label, pairs in rows:
        print(f"{label:42}{statistics.median(a for a, _ in pairs):12.3f}{statistics.median(b for _, b in pairs):10.3f}   "
              f"{median_and_range(ratios(pairs))}")
    sys.stdout.flush()


def ratios(pairs):
    """Theirs over ours, round by round."""
    return [theirs / ours for ours, theirs in pairs]
