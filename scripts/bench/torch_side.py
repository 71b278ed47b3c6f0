"""The side of torch in scripts/bench-torch: fills tensors on request.

Runs in the reference's Python. A line of JSON in, {"do": NAME, "n": VALUES,
"repeat": TIMES}; a line out, nanoseconds a value, the median of the repeats.
Each request is done once more before the clock runs, and warm tensors were
written before. Torch fills on one thread whatever its setting, so it has one.
"""

import json
import statistics
import sys
import time

import torch

torch.set_num_threads(1)

FILLS = {
    "uniform/f32": lambda t: t.uniform_(-1, 1),
    "normal/f32": lambda t: t.normal_(0, 0.02),
    "uniform/f64": lambda t: t.uniform_(-1, 1),
    "normal/f64": lambda t: t.normal_(0, 0.02),
    "normal/bf16": lambda t: t.normal_(0, 0.02),
    "normal/f16": lambda t: t.normal_(0, 0.02),
    "constant/f32": lambda t: t.fill_(1),
    "trunc_normal/f32": lambda t: torch.nn.init.trunc_normal_(t, std=0.02),
}
DTYPES = {"f32": torch.float32, "f64": torch.float64, "bf16": torch.bfloat16, "f16": torch.float16}
SMALL = 20000  # calls between two looks at the clock

warm = {}


def tensor(dtype, n):
    """A tensor whose memory was written before."""
    if (dtype, n) not in warm:
        warm[dtype, n] = torch.zeros(n, dtype=DTYPES[dtype]).fill_(1)
    return warm[dtype, n]


def filled(name, n):
    """Nanoseconds of a fill of warm memory."""
    t, fill = tensor(name.split("/")[1], n), FILLS[name]
    start = time.perf_counter_ns()
    fill(t)
    return time.perf_counter_ns() - start


def fresh(_, n):
    """Nanoseconds of a new tensor and its fill; giving it back is not counted."""
    start = time.perf_counter_ns()
    t = torch.empty(n).normal_(0, 0.02)
    took = time.perf_counter_ns() - start
    del t
    return took


def small(_, n):
    """Nanoseconds of a call that fills a small tensor."""
    normal_ = tensor("f32", n).normal_
    start = time.perf_counter_ns()
    for _ in range(SMALL):
        normal_(0, 0.02)
    return (time.perf_counter_ns() - start) / SMALL


def main():
    """Answer until stdin ends."""
    for line in sys.stdin:
        request = json.loads(line)
        do = {"normal_fresh/f32": fresh, "normal_small/f32": small}.get(request["do"], filled)
        name, n = request["do"], request["n"]
        do(name, n)
        print(statistics.median(do(name, n) for _ in range(request["repeat"])) / n, flush=True)


if __name__ == "__main__":
    main()
