"""What the real constructor gives, as hashes: the NAME.sums.json beside a plan.

  {"plan": "NAME.json.gz", "of": ..., "torch": ..., "runs": [
    {"seed": 42, "after": HEX, "tensors": [
       {"name": ..., "dtype": ..., "shape": [...], "sha256": HEX, "values": BASE64}, ...],
     "saved": [...]}]}

sha256 is of the little-endian bytes of the contiguous tensor. values (zlib, base64,
the same bytes) are there for tensors that the plan marks with ulp: a test compares
within that. Above VALUES_LIMIT bytes they are left out and values_left_out says how
many bytes. after is what the default generator gives next, in hex: three float32
normals in one call, then two uniforms. tensors are in the order of the state dict.
The hash and values of a tensor with ulp hold on one kind of processor only: torch's
functions are MKL's, which has others for Intel's AVX-512, AVX2, and the rest.
"""

import base64
import json
import os
import zlib

import torch

import run_plan

VALUES_LIMIT = 4 << 20
MEASURED_LIMIT = 64 << 20  # bytes: computed tensors up to this are kept, to measure ulps


def rows(tensors, marks):
    """The rows of a sums file for a dict of real tensors."""
    out = []
    for name, t in tensors.items():
        row = {"name": name, "dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "sha256": run_plan.sha256(t)}
        if marks.get(name):
            data = bytes(run_plan.raw(t))
            if len(data) > VALUES_LIMIT:
                row["values_left_out"] = len(data)
            else:
                row["values"] = base64.b64encode(zlib.compress(data, 9)).decode()
        out.append(row)
    return out


def state_dict(made):
    """Name to tensor of what a constructor gave: a module, or a dict of tensors."""
    made = made.state_dict(keep_vars=True) if isinstance(made, torch.nn.Module) else made
    return {k: v for k, v in made.items() if isinstance(v, torch.Tensor)}


def real_run(build, save, plan, seed):
    """One run of the real constructor, build(seed), and its computed tensors. save(model) gives what the framework saves."""
    marks = {key: {e["name"]: e.get("ulp") for e in plan.get(key, [])} for key in ("tensors", "saved")}
    touched = {s["to"]["memory"] for s in plan["steps"] if "from" in s}
    computed = {e["name"] for e in plan["tensors"] if e.get("memory") in touched and (e.get("exact", True) or "ulp" in e)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = build(seed)
        run = {"seed": seed, "after": run_plan.after()}
        tensors = state_dict(made)
        run["tensors"] = rows(tensors, marks["tensors"])
        kept = {n: t.detach().clone() for n, t in tensors.items() if n in computed and t.nbytes <= MEASURED_LIMIT}
        if "saved" in plan:
            run["saved"] = rows(save(made), marks["saved"])
    return run, kept


def make(build, save, plan, seeds, plan_name):
    """The sums of a plan, lines on what run_plan makes different, and the largest ulps of rounded functions."""
    sums = {"plan": plan_name, "of": plan["info"].get("of", ""), "torch": plan["info"]["torch"], "runs": []}
    largest = {}
    for seed in seeds:
        run, kept = real_run(build, save, plan, seed)
        sums["runs"].append(run)
        if kept:
            mine = run_plan.Run(plan, seed, rounded=True).results()
            bound = {e["name"]: e.get("ulp", 0) for e in plan["tensors"]}
            for name, t in kept.items():
                largest[name] = max(largest.get(name, (0, 0)), (run_plan.ulps(t, mine[name]), bound[name]))
        kept = mine = None
    return sums, run_plan.compare(plan, sums), largest


def write(sums, path):
    with open(path + ".part", "w") as f:
        f.write("{" + ",\n ".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sums.items() if k != "runs") + ',\n "runs": [\n')
        texts = []
        for run in sums["runs"]:
            head = f'  {{"seed": {run["seed"]}, "after": "{run["after"]}"'
            for key in ("tensors", "saved"):
                if key in run:
                    head += f', "{key}": [\n   ' + ",\n   ".join(json.dumps(r) for r in run[key]) + "]"
            texts.append(head + "}")
        f.write(",\n".join(texts) + "]}\n")
    os.replace(path + ".part", path)
