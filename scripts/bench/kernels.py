"""The parts of scripts/bench-torch that fill memory: `weightinit bench`, and
torch in a process that stays."""

import statistics

from driver import Torch, print_pairs, ratios
from targets import number

LARGE = 1 << 24
KERNELS = ("uniform/f32", "normal/f32", "uniform/f64", "normal/f64", "normal/bf16", "normal/f16", "constant/f32", "trunc_normal/f32")


def paired(run, torch, name, threads=1, isa="auto", n=LARGE, size=None):
    """Ours, then at once torch's: nanoseconds a value of one kernel. size picks
    the row of a kernel that has several sizes of its own."""
    rows = run.bench("--kernel", name, "--n", str(n), threads=threads, isa=isa)
    rows = [r for r in rows if r["threads"] == threads and size in (None, r["n"])]
    if not rows:
        return None  # does not run on several threads
    pair = rows[0]["ns_per_element"], torch.ns(name, size or n)
    run.note(part="pair", kernel=name, isa=rows[0]["isa"], threads=threads, n=size or n, weightinit_ns=pair[0], torch_ns=pair[1])
    return pair


def collect(run, cases):
    """Every case once a round, the first round not counted. A case is a name
    and a function that gives a pair, or None."""
    found = {}
    for counted in range(run.rounds + 1):
        for name, once in cases:
            pair = once()
            if counted and pair:
                found.setdefault(name, []).append(pair)
    return found


def warm(run):
    """Every kernel, 2^24 values in memory that was written before."""
    with Torch(run) as torch:
        found = collect(run, [
            ((name, threads), lambda name=name, threads=threads: paired(run, torch, name, threads))
            for name in KERNELS for threads in sorted({1, run.cores})])
    rows = sorted(found.items(), key=lambda row: row[0][1])
    print_pairs(f"2^24 values, warm; {run.isa}; torch on one thread, as it always fills",
                [(f"{name}, {threads} thread{'s' * (threads > 1)}", pairs) for (name, threads), pairs in rows])
    for (name, threads), pairs in rows:
        run.add(f"{name} {1 if threads == 1 else 'all'}", ratios(pairs))


def fresh(run):
    """Memory fresh from the system each time; giving it back is counted on our
    side and not on torch's. Ours asks for huge pages; torch is measured as it
    comes, which the target is for, and with its switch for huge pages, which
    is off unless a user knows of it."""
    name = "normal_fresh/f32"
    with Torch(run) as plain, Torch(run, {"THP_MEM_ALLOC_ENABLE": "1"}) as huge:
        found = collect(run, [("as it comes", lambda: paired(run, plain, name)), ("THP_MEM_ALLOC_ENABLE=1", lambda: paired(run, huge, name))])
    print_pairs("normal f32, 2^24 values, fresh memory each time, huge pages on our side, 1 thread",
                [(f"torch {how}", pairs) for how, pairs in found.items()])
    run.add("normal_fresh/f32 1", ratios(found["as it comes"]))


def generic(run):
    """Pure Go: both sides fill 2^20 values, as it is slow."""
    names, n = ("uniform/f32", "normal/f32"), 1 << 20
    with Torch(run) as torch:
        found = collect(run, [(name, lambda name=name: paired(run, torch, name, isa="generic", n=n)) for name in names])
    print_pairs("2^20 values, warm, pure Go, 1 thread", list(found.items()))
    for name, pairs in found.items():
        run.add(f"{name} generic", ratios(pairs))


def small(run):
    """Tensors so small that the call is the cost: of Go's rng.Fill, and of
    Python's Tensor.normal_."""
    with Torch(run) as torch:
        found = collect(run, [(n, lambda n=n: paired(run, torch, "normal_small/f32", size=n)) for n in (16, 8)])
    print_pairs("normal f32 of small tensors, 1 thread", [(f"{n} values", [(n * a, n * b) for a, b in pairs]) for n, pairs in found.items()], "ns a call")
    for n, pairs in found.items():
        run.add(f"normal_small {n}", ratios(pairs))


def scaling(run):
    """Two threads against one of the same process, not pinned."""
    print("\nnormal f32, 2 threads against 1 of the same process")
    for text, n in (("2^20", 1 << 20), ("2^24", LARGE)):
        gains = []
        for counted in range(run.rounds + 1):
            ns = {r["threads"]: r["ns_per_element"] for r in run.bench("--kernel", "normal/f32", "--n", str(n), threads=2)}
            run.note(part="scaling", n=n, ns_1=ns[1], ns_2=ns[2])
            if counted:
                gains.append(ns[1] / ns[2])
        run.add(f"scaling {text}", gains)
        print(f"{text} values: {number(statistics.median(gains))} ({number(min(gains))} to {number(max(gains))})", flush=True)


def jump(run):
    """Jumps by about 2^40 words, of this CPU's code and of pure Go."""
    found = {}
    for counted in range(run.rounds + 1):
        for isa in ("auto", "generic"):
            for row in run.bench("--kernel", "jump_cached,jump_computed", threads=1, isa=isa):
                name = row["kernel"].replace("_", " ") + (" generic" if isa == "generic" else "")
                run.note(part="jump", name=name, ms=row["ns_per_element"] / 1e6)
                if counted:
                    found.setdefault(name, []).append(row["ns_per_element"] / 1e6)
    print("\njump by about 2^40 words, ms")
    for name, times in found.items():
        run.add(name, times)
        print(f"{name:24}{number(statistics.median(times))} ({number(min(times))} to {number(max(times))})", flush=True)
