"""The parts of scripts/bench-torch that are whole processes: models to files,
plans, memory, plugins."""

import json
import os
import re
import statistics
import subprocess
import sys

from driver import HERE, ROOT, SCRIPTS, CannotMeasure, measure, median_and_range, native, output, remove

# Megatron-LM's model of a trillion parameters.
TRILLION = {"d_model": 25600, "n_layers": 128, "n_heads": 160, "d_head": 160, "n_ctx": 2048, "d_vocab": 51200}

# The sizes of TinyLlama: 1.1 billion values.
LARGE = {"d_model": 2048, "n_layers": 22, "n_heads": 32, "d_head": 64, "n_key_value_heads": 4, "n_ctx": 2048, "d_vocab": 32000, "d_mlp": 5632,
         "gated_mlp": True, "normalization_type": "RMS", "final_rms": True, "positional_embedding_type": "rotary", "act_fn": "silu"}


def bare(run, size, synced):
    """A write of as many bytes with nothing behind it."""
    path = run.path("bare")
    remove(path)
    os.sync()
    figure = measure([sys.executable, os.path.join(HERE, "bare_write.py"), path, str(size), "sync" if synced else "no"], number=True)
    remove(path)
    return figure


def init(run, out, *args, synced=False):
    """The command that makes a model by mode gpt2."""
    return [run.binary, "init", "--mode", "gpt2", "--seed", "42", "-q", "-o", out, *args] + ([] if synced else ["--no-sync"])


def model(run, synced=False):
    """Whole processes one after the other, each with an empty place and a
    flushed disk; the two files are compared first, bit for bit."""
    config = output([run.binary, "presets", "show", run.preset, "--json"])
    ours, theirs = run.path("ours.safetensors"), run.path("theirs.safetensors")
    command = init(run, ours, "--preset", run.preset, synced=synced)
    other = [native.python(), os.path.join(HERE, "torch_model.py"), os.path.join(SCRIPTS, "reference"), config, theirs, "sync" if synced else "no"]
    rounds, size = [], 0
    for counted in range(run.rounds + 1):
        os.sync()
        figures = {"weightinit": measure(command)}
        os.sync()
        figures["torch"] = measure(other, number=True)
        if not counted:
            compare(run, theirs, ours)
        size = os.path.getsize(ours)
        remove(ours, theirs)
        figures["bare"] = bare(run, size, synced)
        run.note(part="synced" if synced else "model", preset=run.preset, counted=bool(counted), bytes=size, **figures)
        if counted:
            rounds.append(figures)
    print(f"\n{run.preset}, mode gpt2@1, seed 42, f32, {size} bytes; {'every file synced' if synced else 'no file synced'}; same bits")
    print(f"{'':42}{'weightinit':>12}{'other':>10}   other / weightinit, median (range)")
    for label, side, mine, its in (
            ("torch, whole process (s)", "torch", "wall", "wall"), ("torch, construct + init + save (s)", "torch", "wall", "work"),
            ("torch, CPU time (s)", "torch", "cpu", "cpu"), ("torch, peak memory (MiB)", "torch", "peak", "peak"),
            ("bare write of as many bytes (s)", "bare", "wall", "work")):
        a, b = [r["weightinit"][mine] for r in rounds], [r[side][its] for r in rounds]
        print(f"{label:42}{statistics.median(a):12.2f}{statistics.median(b):10.2f}   {median_and_range([y / x for x, y in zip(a, b)])}", flush=True)
    part = "synced" if synced else "model"
    if run.preset == "gpt2-medium":  # what the targets are for
        run.add(f"{part} ratio", [r["torch"]["work"] / r["weightinit"]["wall"] for r in rounds])
        run.add(f"{part} bare", [r["weightinit"]["wall"] / r["bare"]["work"] for r in rounds])
        run.add(f"{part} rate", [100 * r["bare"]["work"] / r["weightinit"]["wall"] for r in rounds])


def compare(run, theirs, ours):
    """Bit for bit: a figure of other numbers would be none."""
    try:
        output([run.binary, "parity", "--reference", theirs, "--candidate", ours])
    except CannotMeasure as err:
        raise CannotMeasure(f"the models of the two sides differ: {err}") from err


def synced(run):
    """model with every file on the disk before the clock stops."""
    model(run, synced=True)


def check(run):
    """The quietest check of a kernel's figure: writing a file is the system's
    time, so the user time of `init` on one thread is that of the draws."""
    out, times = run.path("one.safetensors"), []
    values = json.loads(output([run.binary, "plan", "--preset", "gpt2-small", "--seed", "1", "--json"]))["total_values"]
    for counted in range(run.rounds + 1):
        figure = measure(run.pinned(init(run, out, "--preset", "gpt2-small", "--threads", "1")))
        remove(out)
        run.note(part="check", counted=bool(counted), values=values, **figure)
        if counted:
            times.append(figure["user"] * 1e9 / values)
    print(f"\nuser time of init, gpt2-small, 1 thread: {median_and_range(times)} ns a value (compare with normal/f32 above)", flush=True)


def config_file(run, name, config):
    """A config as a file."""
    path = run.path(name)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    return path


def plan(run):
    """Plan a model of 10^12 values: every number of it, printed, nothing drawn."""
    command = [run.binary, "plan", "--config", config_file(run, "trillion.json", TRILLION), "--mode", "gpt2", "--seed", "1", "--json"]
    values = json.loads(output(command))["total_values"]
    if values < 10**12:
        raise CannotMeasure(f"the config has {values} values, not 10^12")
    rounds = [measure(command) for _ in range(run.rounds + 1)][1:]
    run.note(part="plan", values=values, rounds=rounds)
    run.add("plan time", [r["wall"] for r in rounds])
    run.add("plan peak", [r["peak"] for r in rounds])
    print(f"\nplan of {values} values: {median_and_range([r['wall'] for r in rounds])} s, "
          f"{median_and_range([r['peak'] for r in rounds])} MiB", flush=True)


def memory(run):
    """Peak memory of init of 0.16 and of 1.1 billion values."""
    out, large = run.path("memory.safetensors"), config_file(run, "large.json", LARGE)
    free = os.statvfs(run.work).f_bavail * os.statvfs(run.work).f_frsize
    if free < 6 << 30:
        raise CannotMeasure(f"a file of 4.4 GB needs room in {run.work}, there are {free >> 20} MiB: use --dir")
    pairs = []
    for _ in range(min(run.rounds, 3)):  # it does not change
        peaks = []
        for model_args in (("--preset", "gpt2-small"), ("--config", large)):
            peaks.append(measure(init(run, out, *model_args))["peak"])
            remove(out)
        run.note(part="memory", small_mib=peaks[0], large_mib=peaks[1])
        pairs.append(peaks)
    run.add("memory large", [b for _, b in pairs])
    run.add("memory more", [b - a for a, b in pairs])
    print(f"\npeak memory of init: {median_and_range([a for a, _ in pairs])} MiB for 0.16 G values, "
          f"{median_and_range([b for _, b in pairs])} MiB for 1.1 G", flush=True)


def npy(run):
    """A .npy of 64 MiB, whole process: of a constant, which is the writing, and
    of normals, which are drawn as well."""
    size, out, rates = 4 << 24, run.path("one.npy"), {"constant": [], "normal": [], "bare": []}
    for counted in range(run.rounds + 1):
        for scheme, settings in (("constant", ["--set", "value=1"]), ("normal", [])):
            figure = measure([run.binary, "tensor", scheme, *settings, "--shape", "4096,4096", "--seed", "42", "-q", "--no-sync", "-o", out])
            remove(out)
            run.note(part="npy", scheme=scheme, counted=bool(counted), **figure)
            if counted:
                rates[scheme].append(size / figure["wall"] / 1e9)
        written = bare(run, size, False)["work"]
        run.note(part="npy", scheme="bare", counted=bool(counted), work=written)
        if counted:
            rates["bare"].append(size / written / 1e9)
    run.add("npy", rates["constant"])
    print("\n.npy of 64 MiB, not synced, GB/s, start of the process included: " +
          "; ".join(f"{name} {median_and_range(values)}" for name, values in rates.items()), flush=True)


def plugin(run):
    """A plugin in Go behind the real host, by the Go benchmarks of
    internal/cli. The host always uses mutual TLS."""
    command = ["go", "test", "-run", "^$", "-bench", "^BenchmarkPlugin", "-benchtime", "40x", "-count", str(run.rounds), "./internal/cli"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = re.findall(r"^Benchmark(Plugin\w+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op", done.stdout, re.M)
    if done.returncode or not found:
        raise CannotMeasure(f"go test: {' '.join((done.stderr or done.stdout).strip().splitlines()[-1:])}")
    for name, benchmark, text in (("plugin first", "PluginFirstCall", "from the start to the first reply"), ("plugin call", "PluginCall", "control call")):
        times = [float(ns) / 1e6 for which, ns in found if which == benchmark]
        run.note(part="plugin", name=name, ms=times)
        run.add(name, times)
        print(f"{chr(10) if name == 'plugin first' else ''}Go plugin, mutual TLS (P-256), {text}: {median_and_range(times)} ms", flush=True)
