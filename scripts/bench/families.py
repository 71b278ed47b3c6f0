"""The parts of scripts/bench-torch about models of Hugging Face's transformers:
config.json to a folder against from_config and save_pretrained, plans, slices."""

import json
import os
import shutil
import statistics
import subprocess

from driver import ROOT, SCRIPTS, CannotMeasure, measure, median_and_range, native, output
from processes import bare, compare, config_file
import hf_sizes

SEED = "42"
LARGE_ROUNDS = 4  # for models of 10^9 values in f32: a round is a minute and 17 GB of writes

NOISE = 0.25  # share of the cores that something else may take in a round, the system's own writing included

# Part: label, config, rounds at most, synced.
MODELS = {
    "tinyllama": ("tinyllama-1.1b, bf16", hf_sizes.TINYLLAMA, None),
    "moe": ("mixtral of 1.06 G values, f32", hf_sizes.MIXTRAL, LARGE_ROUNDS),
    "bert": ("bert-base, f32", hf_sizes.BERT, None),
    "vit": ("vit-base, f32", hf_sizes.VIT, None),
}

# The plan file of most steps that a known model could need: DeepSeek-V3's 58
# layers of 256 experts, each expert three matrices of its own, each drawn
# twice, by its constructor and by the model.
LAYERS, EXPERTS, MATRICES = 58, 256, (("gate_proj", 2048, 7168), ("up_proj", 2048, 7168), ("down_proj", 7168, 2048))


def table(config):
    """What the project knows of the config's family."""
    with open(os.path.join(ROOT, "model", "hf", "families", config["model_type"] + ".json"), encoding="utf-8") as file:
        return json.load(file)


def size_of(folder):
    """Bytes of all files in a folder."""
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


def room(run, size):
    """CannotMeasure where the files of both sides do not fit."""
    free = os.statvfs(run.work).f_bavail * os.statvfs(run.work).f_frsize
    if free < size + (2 << 30):
        raise CannotMeasure(f"{size >> 20} MiB of files need room in {run.work}, there are {free >> 20} MiB: use --dir")


def model(run, part, synced=False):
    """Whole processes one after the other, each with an empty place and a
    flushed disk; the two folders are compared first, bit for bit. Last, our
    side draws all of it and writes nothing, against from_config alone."""
    label, config, most = MODELS[part]
    rounds = min(run.rounds, most or run.rounds)
    path, ours, theirs = config_file(run, part + ".json", config), run.path("ours"), run.path("theirs")
    facts = json.loads(output([run.binary, "plan", "--config", path, "--seed", SEED, "--json"]))
    room(run, 2 * facts["total_values"] * (2 if facts["dtype"] == "bf16" else 4))
    command = [run.binary, "init", "--config", path, "--seed", SEED, "-q", "-o", ours + "/"] + ([] if synced else ["--no-sync"])
    other = [native.python(), os.path.join(SCRIPTS, "reference", "hf_side.py"), table(config)["auto"], path, theirs, SEED, "sync" if synced else "no"]
    draw = [run.binary, "slice", "--config", path, "--seed", SEED, "-q", "-o", "-", "--want"]

    def once(counted):
        os.sync()
        figures = {"weightinit": measure(command)}
        size, want = size_of(ours), wanted(run, [{"name": name} for name in stored(ours)])
        if counted:
            shutil.rmtree(ours)
        os.sync()
        figures["torch"] = measure(other, number=True)
        if not counted:
            compare(run, theirs, ours)
            shutil.rmtree(ours)
        shutil.rmtree(theirs)
        figures["bare"] = bare(run, size, synced)
        if not synced:
            figures["drawing"] = measure([*draw, want], into=subprocess.DEVNULL)
        run.note(part=part, synced=synced, counted=counted, bytes=size, values=facts["total_values"], **figures)
        return figures

    found, told = quietest(rounds, once)
    show(f"{label}, config.json to a folder, seed {SEED}, {facts['total_values']} values, {told}; "
         f"{'every file synced' if synced else 'no file synced'}; same bits", found)
    name = part + (" synced" if synced else "")
    run.add(f"{name} ratio", [r["torch"]["work"] / r["weightinit"]["wall"] for r in found])
    run.add(f"{name} bare", [r["weightinit"]["wall"] / r["bare"]["work"] for r in found])
    run.add(f"{name} peak", [r["weightinit"]["peak"] for r in found])


def others(figures):
    """The most that something else took of the cores, of all sides."""
    return max(f["others"] for f in figures.values())


def quietest(rounds, once):
    """A round that does not count, then rounds until so many were quiet, twice
    as many at most; the quietest, in order, and a text about them."""
    once(False)
    found = []
    while len(found) < 2 * rounds and sum(others(f) <= NOISE for f in found) < rounds:
        found.append(once(True))
    kept = sorted(sorted(range(len(found)), key=lambda k: others(found[k]))[:rounds])
    loud = sum(others(found[k]) > NOISE for k in kept)
    told = f"{len(kept)} round{'s' * (len(kept) > 1)}" + (f", the quietest of {len(found)}" if len(found) > rounds else "")
    return [found[k] for k in kept], told + (f", {loud} of them NOT QUIET: do not publish" if loud else "")


def show(title, found):
    """The table of a model: the others over ours."""
    print(f"\n{title}")
    print(f"{'':42}{'weightinit':>12}{'other':>10}   other / weightinit, median (range)")
    rows = [("torch, whole process (s)", "weightinit", "wall", "torch", "wall"),
            ("torch, from_config + save_pretrained (s)", "weightinit", "wall", "torch", "work"),
            ("torch, CPU time (s)", "weightinit", "cpu", "torch", "cpu"), ("torch, peak memory (MiB)", "weightinit", "peak", "torch", "peak"),
            ("bare write of as many bytes (s)", "weightinit", "wall", "bare", "work")]
    if "drawing" in found[0]:
        rows.insert(2, ("drawing to /dev/null; from_config alone (s)", "drawing", "wall", "torch", "second"))
    for label, side, mine, other, its in rows:
        a, b = [r[side][mine] for r in found], [r[other][its] for r in found]
        print(f"{label:43}{statistics.median(a):11.2f}{statistics.median(b):10.2f}   {median_and_range([y / x for x, y in zip(a, b)])}", flush=True)


def stored(folder):
    """The names of all tensors in a folder's files."""
    names = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".safetensors"):
            with open(os.path.join(folder, name), "rb") as file:
                names += json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return [name for name in names if name != "__metadata__"]


def wanted(run, regions):
    """A file of regions for slice."""
    path = run.path("want.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"tensors": regions}, file)
    return path


def matrices():
    """Names and shapes of the plan file's tensors."""
    for layer in range(LAYERS):
        for expert in range(EXPERTS):
            for name, rows, columns in MATRICES:
                yield f"model.layers.{layer + 3}.mlp.experts.{expert}.{name}.weight", rows, columns


def plan_file(run):
    """The plan file on the disk, and its steps. Written piece by piece: what
    this process takes would count as the peak of those that it starts."""
    path, steps = run.path("experts.plan.json"), 0
    with open(path, "w", encoding="utf-8") as file:

        def write_list(name, entries):
            file.write(f',\n "{name}": [')
            for k, entry in enumerate(entries):
                file.write((",\n  " if k else "\n  ") + json.dumps(entry))
            file.write("\n ]")
            return k + 1

        file.write('{\n "format": "weightinit.plan/1"')
        write_list("memory", ({"dtype": "bfloat16", "elements": rows * columns} for _, rows, columns in matrices()))
        steps = write_list("steps", (step for k, (_, rows, columns) in enumerate(matrices()) for step in drawn_twice(k, rows, columns)))
        write_list("tensors", ({"name": name, "dtype": "bfloat16", "shape": [rows, columns], "memory": k} for k, (name, rows, columns) in enumerate(matrices())))
        file.write("\n}\n")
    return path, steps


def drawn_twice(memory, rows, columns):
    """The steps of a matrix: its constructor's, which is lost, and the model's."""
    draw, bound = {"dtype": "bfloat16", "shape": [rows, columns]}, columns**-0.5
    yield {"do": "uniform", "low": -bound, "high": bound, **draw}
    yield {"do": "normal", "mean": 0, "std": 0.02, **draw, "to": {"memory": memory}}


def plans(run):
    """Plans of models that no machine here could hold, as the text that plan
    prints, which the targets are for, and as JSON; to /dev/null both."""
    path, steps = plan_file(run)
    cases = [("llama-3-70b", ["--config", config_file(run, "llama.json", hf_sizes.LLAMA_70B)]),
             ("deepseek-v3", ["--config", config_file(run, "deepseek.json", hf_sizes.DEEPSEEK_V3)]),
             ("plan file", ["--plan", path])]
    cases += [(name + " --json", [*args, "--json"]) for name, args in cases]

    def once(counted, name, args):
        figure = measure([run.binary, "plan", *args, "--seed", "1"], into=subprocess.DEVNULL)
        run.note(part="plans", of=name, counted=counted, **figure)
        return {"plan": figure}

    found = {name: quietest(run.rounds, lambda counted, name=name, args=args: once(counted, name, args)) for name, args in cases}
    print(f"\nplan to /dev/null; the plan file has {steps} steps in {os.path.getsize(path)} bytes", flush=True)
    for name, (figures, told) in found.items():
        times, peaks = [r["plan"]["wall"] for r in figures], [r["plan"]["peak"] for r in figures]
        run.add(f"plan {name} time", times)
        run.add(f"plan {name} peak", peaks)
        print(f"{name:24}{median_and_range(times)} s, {median_and_range(peaks)} MiB; {told}", flush=True)


def sliced(run, parts=64, part=31):
    """One part of 64 of llama-3-70b: of each matrix's rows, in f32 of torch's
    one stream, to standard output and nowhere; against the drawing of as many
    normals into warm memory."""
    path = config_file(run, "llama.json", hf_sizes.LLAMA_70B)
    parameters = json.loads(output([run.binary, "plan", "--config", path, "--seed", SEED, "--dtype", "f32", "--json"]))["parameters"]
    regions = []
    for p in parameters:
        if p.get("kind") != "discard" and len(p["shape"]) == 2:
            rows, columns = p["shape"][0] // parts, p["shape"][1]
            regions.append({"name": p["name"], "offsets": [part * rows, 0], "sizes": [rows, columns]})
    values = sum(r["sizes"][0] * r["sizes"][1] for r in regions)
    command = [run.binary, "slice", "--config", path, "--seed", SEED, "--dtype", "f32", "-q", "-o", "-", "--want", wanted(run, regions)]

    def once(counted):
        figure = measure(command, into=subprocess.DEVNULL)
        rows = run.bench("--kernel", "normal/f32", threads=run.cores)
        figure["drawing"] = next(r["ns_per_element"] for r in rows if r["threads"] == run.cores) * values / 1e9
        run.note(part="slice", counted=counted, values=values, **figure)
        return {"slice": figure}

    rounds, told = quietest(run.rounds, once)
    found = [(r["slice"]["wall"], r["slice"]["drawing"], r["slice"]["peak"]) for r in rounds]
    run.add("slice allowed", [wall / (1.1 * drawing + 0.3) for wall, drawing, _ in found])
    run.add("slice peak", [peak for _, _, peak in found])
    print(f"\nslice of 1/{parts} of llama-3-70b, {values} values, f32, to /dev/null: {median_and_range([w for w, _, _ in found])} s; drawing as many "
          f"into warm memory: {median_and_range([d for _, d, _ in found])} s; ratio {median_and_range([w / d for w, d, _ in found])}; "
          f"peak {median_and_range([p for _, _, p in found])} MiB; {told}", flush=True)


PARTS = {
    "tinyllama": lambda run: model(run, "tinyllama"), "tinyllama-synced": lambda run: model(run, "tinyllama", synced=True),
    "moe": lambda run: model(run, "moe"), "bert": lambda run: model(run, "bert"), "vit": lambda run: model(run, "vit"),
    "plans": plans, "slice": sliced,
}
