"""What scripts/bench-torch holds its figures against, and the last table.

The targets are those that the engine was built for. They are data: a figure
that falls short is printed as MISSED, never moved.
"""

import statistics

AT_LEAST, AT_MOST = "at least", "at most"


class Target:
    """A row of the last table.

    name is the key of the figures; value the target for each instruction set
    ("generic" is pure Go), or one for all. Rows of one group are alternatives:
    it is enough to meet one.
    """

    def __init__(self, name, text, unit, sense, value, group=None, note=""):
        self.name, self.text, self.unit, self.sense, self.group, self.note = name, text, unit, sense, group, note
        self.value = value

    def want(self, isa):
        """The target for an instruction set; None where there is none."""
        return self.value.get(isa) if isinstance(self.value, dict) else self.value

    def met(self, figure, isa):
        """Whether a figure meets the target; None where there is none."""
        want = self.want(isa)
        if want is None or figure is None:
            return None
        return figure >= want if self.sense == AT_LEAST else figure <= want


def _of(avx512, avx2, generic=None):
    return {"avx512": avx512, "avx2": avx2, **({"generic": generic} if generic is not None else {})}


_TLS = "with TLS, which the host always uses; the target is without"

TARGETS = (
    Target("uniform/f32 1", "uniform f32, 2^24 warm, 1 thread", "x torch", AT_LEAST, _of(12, 8, 0.5)),
    Target("uniform/f32 all", "uniform f32, 2^24 warm, all threads", "x torch", AT_LEAST, _of(18, 14)),
    Target("normal/f32 1", "normal f32, 2^24 warm, 1 thread", "x torch", AT_LEAST, _of(5, 3.8, 0.05)),
    Target("normal/f32 all", "normal f32, 2^24 warm, all threads", "x torch", AT_LEAST, _of(10, 6)),
    Target("uniform/f32 generic", "uniform f32, pure Go, 2^20 warm, 1 thread", "x torch", AT_LEAST, 0.5),
    Target("normal/f32 generic", "normal f32, pure Go, 2^20 warm, 1 thread", "x torch", AT_LEAST, 0.05),
    Target("normal_fresh/f32 1", "normal f32, 2^24 fresh, our huge pages, 1 thread", "x torch", AT_LEAST, _of(4.5, 3)),
    Target("trunc_normal/f32 1", "trunc_normal f32, 2^24 warm, 1 thread", "x torch", AT_LEAST, _of(5, 4)),
    Target("trunc_normal/f32 all", "trunc_normal f32, 2^24 warm, all threads", "x torch", AT_LEAST, _of(5, 4)),
    Target("normal/f64 1", "normal f64, 2^24 warm, 1 thread", "x torch", AT_LEAST, _of(5, 4)),
    Target("normal/f64 all", "normal f64, 2^24 warm, all threads", "x torch", AT_LEAST, _of(5, 4)),
    Target("normal_small 16", "normal of a tensor of 16 values", "x torch", AT_LEAST, _of(5, 4)),
    Target("normal_small 8", "normal of a tensor of 8 values", "x torch", AT_LEAST, _of(5, 4)),
    Target("scaling 2^20", "normal f32, 2 threads over 1, 2^20 values", "x", AT_LEAST, 1.75),
    Target("scaling 2^24", "normal f32, 2 threads over 1, 2^24 values", "x", AT_LEAST, 1.85),
    Target("jump cached", "jump by 2^40 words, cached", "ms", AT_MOST, _of(0.2, 0.25, 0.8)),
    Target("jump computed", "jump by 2^40 words, computed", "ms", AT_MOST, _of(1.3, 1.5, 3)),
    Target("jump cached generic", "jump by 2^40 words, cached, pure Go", "ms", AT_MOST, 0.8),
    Target("jump computed generic", "jump by 2^40 words, computed, pure Go", "ms", AT_MOST, 3),
    Target("model ratio", "model, whole process, against construct + init + save", "x torch", AT_LEAST, 10, "model"),
    Target("model bare", "  or: its time over that of a bare write", "x", AT_MOST, 1.5, "model"),
    Target("synced ratio", "model, all files synced, against construct + init + save", "x torch", AT_LEAST, 10, "synced"),
    Target("synced bare", "  or: its time over that of a bare write, synced", "x", AT_MOST, 1.5, "synced"),
    Target("synced rate", "model with fsync, share of the bare write's rate", "%", AT_LEAST, 80),
    Target("plan time", "plan of 10^12 values, time", "s", AT_MOST, 2),
    Target("plan peak", "plan of 10^12 values, peak memory", "MiB", AT_MOST, 200),
    Target("memory large", "init of 1.1 G values, peak memory in all", "MiB", AT_MOST, 160),
    Target("memory more", "  more than init of 0.16 G values", "MiB", AT_MOST, 32),
    Target("npy", "64 MiB .npy of a constant, whole process", "GB/s", AT_LEAST, 1),
    Target("plugin first", "plugin, first call done", "ms", AT_MOST, 15, note=_TLS),
    Target("plugin call", "plugin, control call", "ms", AT_MOST, 0.3, note=_TLS),
    Target("tinyllama ratio", "tinyllama-1.1b bf16 to a folder, from_config + save_pretrained", "x torch", AT_LEAST, 20, "tinyllama"),
    Target("tinyllama bare", "  or: its time over that of a bare write", "x", AT_MOST, 1.5, "tinyllama"),
    Target("tinyllama synced ratio", "tinyllama-1.1b bf16 to a folder, all files synced", "x torch", AT_LEAST, 20, "tinyllama synced"),
    Target("tinyllama synced bare", "  or: its time over that of a bare write, synced", "x", AT_MOST, 1.5, "tinyllama synced"),
    Target("moe ratio", "mixtral of 1.06 G values f32, from_config + save_pretrained", "x torch", AT_LEAST, 15),
    Target("bert ratio", "bert-base, from_config + save_pretrained", "x torch", AT_LEAST, 10),
    Target("vit ratio", "vit-base, from_config + save_pretrained", "x torch", AT_LEAST, 15),
    Target("tinyllama peak", "init of tinyllama-1.1b, peak memory", "MiB", AT_MOST, 160),
    Target("moe peak", "init of the mixtral, peak memory", "MiB", AT_MOST, 160),
    Target("plan llama-3-70b time", "plan of llama-3-70b, time", "s", AT_MOST, 0.1),
    Target("plan llama-3-70b peak", "plan of llama-3-70b, peak memory", "MiB", AT_MOST, 200),
    Target("plan deepseek-v3 time", "plan of deepseek-v3, time", "s", AT_MOST, 0.2),
    Target("plan deepseek-v3 peak", "plan of deepseek-v3, peak memory", "MiB", AT_MOST, 200),
    Target("plan plan file time", "plan of a plan file of 89,088 steps, time", "s", AT_MOST, 1.5),
    Target("plan plan file peak", "plan of a plan file of 89,088 steps, peak memory", "MiB", AT_MOST, 200),
    Target("slice allowed", "slice of 1/64 of llama-3-70b over 1.1 drawings + 0.3 s", "x", AT_MOST, 1),
)


def verdicts(figures, isa):
    """The last table as data: one entry a target."""
    rows = []
    for t in TARGETS:
        values = figures.get(t.name)
        middle = statistics.median(values) if values else None
        met = t.met(middle, isa)
        rows.append({
            "name": t.name, "text": t.text, "unit": t.unit, "sense": t.sense, "target": t.want(isa), "group": t.group, "note": t.note,
            "median": middle, "least": min(values, default=None) if values else None, "most": max(values) if values else None,
            "rounds": len(values or ()), "met": met,
        })
    for row in rows:
        others = [r for r in rows if r is not row and r["group"] == row["group"] and row["group"]]
        row["met_by_other"] = row["met"] is False and any(r["met"] for r in others)
    return rows


def number(value):
    """Three digits, more of large numbers."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def print_verdicts(rows, isa, everything):
    """The last table, for the eye; without everything, of what was measured."""
    print(f"\nTargets for {isa}: median (range); memory does not change and is measured in 3 rounds at most")
    notes = []
    for row in rows:
        if row["median"] is None and not everything:
            continue
        if row["median"] is None:
            measured, verdict = "not measured", ""
        else:
            measured = f"{number(row['median'])} ({number(row['least'])} to {number(row['most'])})"
            verdict = {True: "met", False: "MISSED", None: "no target"}[row["met"]]
            verdict = "missed; the other is met" if row["met_by_other"] else verdict
            if row["note"]:
                notes += [] if row["note"] in notes else [row["note"]]
                verdict += f" [{notes.index(row['note']) + 1}]"
        want = "" if row["target"] is None else f"{row['sense']} {row['target']:g}"
        print(f"{row['text']:64}{measured:>30} {row['unit']:8}{want:>14}  {verdict}".rstrip())
    for i, note in enumerate(notes, 1):
        print(f"[{i}] {note}")
