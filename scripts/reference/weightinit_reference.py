#!/usr/bin/env python3
"""Write tensors of your own PyTorch code as a reference that weightinit reads.

  weightinit_reference.py dump --model my_module:build --seed 7 --out DIR
  weightinit_reference.py dump --model path/to/file.py:build --kwargs '{"n": 2}' --out DIR
  weightinit_reference.py dump --state-dict model.pt --out DIR       # or .safetensors

The function returns an nn.Module or a state dict. --seed is given to
torch.manual_seed before it is called. DIR gets one .npy file a tensor (bf16 as
its bits, unsigned 16-bit) and manifest.json with the versions, the seed and a
SHA-256 a file. Then: weightinit parity --reference DIR --candidate ...

Masks (bool) and counters (integers) are written too: a candidate that has them
is compared in full. --floats-only leaves them out, for a candidate that has
parameters only. What is left out, also types that NumPy does not have, is named
on stderr and in the manifest. Also importable: from weightinit_reference import
dump. Needs torch and numpy; safetensors only for such files. Exit code: 0 done,
2 bad input.
"""

import argparse
import hashlib
import importlib
import importlib.util
import json
import os
import platform
import re
import sys

DTYPES = {"torch.float32": "f32", "torch.float64": "f64", "torch.bfloat16": "bf16", "torch.float16": "f16"}
OTHERS = {"torch.bool": "bool", "torch.complex64": "c64", "torch.complex128": "c128"} | {
    f"torch.{kind}int{bits}": f"{letter}{bits}" for kind, letter in (("", "i"), ("u", "u")) for bits in (8, 16, 32, 64)}
RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")


class DumpError(Exception):
    """What the user gave cannot be dumped; the text is one line."""


def dump(source, out, *, seed=None, origin="", floats_only=False):
    """Write the tensors of an nn.Module or a state dict into the folder out.

    Returns the manifest. out must not exist or be empty. seed and origin are
    only recorded. With floats_only masks and counters are left out.
    """
    import numpy
    import torch

    state = source.state_dict() if hasattr(source, "state_dict") else source
    if not hasattr(state, "items"):
        raise DumpError(f"want an nn.Module or a state dict, found {type(state).__name__}")
    if os.path.exists(out) and (not os.path.isdir(out) or os.listdir(out)):
        raise DumpError(f"{out!r} exists and is not an empty folder: name a new one")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise DumpError(f"entry {name!r} of the state dict is no tensor but {type(value).__name__}: leave it out")
    os.makedirs(out, exist_ok=True)
    tensors, skipped, storages, used = [], [], {}, set()
    types = DTYPES if floats_only else DTYPES | OTHERS
    for number, (name, value) in enumerate(state.items()):
        dtype = types.get(str(value.dtype))
        if dtype is None or value.layout != torch.strided or value.is_meta:
            skipped.append({"name": name, "dtype": str(value.dtype)})
            continue
        if value.numel():
            place = (str(value.device), value.data_ptr(), tuple(value.shape), value.stride(), dtype)
            storages.setdefault(place, []).append(name)
        plain = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
        if dtype == "bf16":
            array = plain.view(torch.int16).numpy().view("<u2")
        else:
            array = plain.numpy()
            array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        file = file_name(name, number, used)
        path = os.path.join(out, file)
        numpy.save(path, array, allow_pickle=False)
        tensors.append({"name": name, "file": file, "dtype": dtype, "shape": list(value.shape), "sha256": digest(path)})
    manifest = {
        "format": "weightinit-reference/1",
        "torch_version": torch.__version__.split("+")[0],
        "numpy_version": numpy.__version__,
        "python_version": platform.python_version(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "source": origin,
        "seed": seed,
        "generator": "weightinit_reference.py",
        "tied": [names for names in storages.values() if len(names) > 1],
        "skipped": skipped,
        "tensors": tensors,
    }
    with open(os.path.join(out, "manifest.json"), "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.write("\n")
    return manifest


def file_name(name, number, used):
    """NAME.npy where every system takes it and it is new, else one by number."""
    file = name + ".npy"
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}", name) or RESERVED.match(name) or file.lower() in used:
        file = f"tensor-{number:06d}.npy"
    used.add(file.lower())
    return file


def digest(path):
    """The SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def build(model, kwargs, seed):
    """Call the function that MODULE:FUNCTION names, with torch seeded."""
    import torch

    module, colon, function = model.rpartition(":")
    if not colon or not module or not function:
        raise DumpError(f"--model {model!r}: want MODULE:FUNCTION or FILE.py:FUNCTION")
    sys.path.insert(0, os.getcwd())
    try:
        if module.endswith(".py"):
            spec = importlib.util.spec_from_file_location("weightinit_user_model", module)
            loaded = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = loaded
            spec.loader.exec_module(loaded)
        else:
            loaded = importlib.import_module(module)
        call = getattr(loaded, function)
    except (ImportError, AttributeError, OSError) as err:
        raise DumpError(f"--model {model!r}: {err}") from err
    if seed is not None:
        torch.manual_seed(seed)
    return call(**kwargs)


def load(path):
    """The state dict in a .safetensors file or one that torch.save wrote."""
    import torch

    try:
        if path.endswith(".safetensors"):
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as err:  # each reader has its own kinds
        raise DumpError(f"--state-dict {path!r}: {' '.join(str(err).split())[:500]}") from err


def main(argv=None):
    """Parse the command line and dump; the exit code is returned."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("dump", help="write a reference folder", description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", metavar="MODULE:FUNCTION", help="what returns an nn.Module or a state dict")
    source.add_argument("--state-dict", metavar="FILE", help="a .pt or .safetensors file")
    command.add_argument("--kwargs", default="{}", metavar="JSON", help="arguments of the function, a JSON object")
    command.add_argument("--seed", type=int, help="for torch.manual_seed; only with --model")
    command.add_argument("--out", required=True, metavar="DIR", help="a new or empty folder")
    command.add_argument("--floats-only", action="store_true", help="leave masks and counters out")
    args = parser.parse_args(argv)
    try:
        kwargs = json.loads(args.kwargs)
        if not isinstance(kwargs, dict):
            raise DumpError("--kwargs: want a JSON object")
        if args.state_dict and args.seed is not None:
            raise DumpError("--seed has no meaning with --state-dict: leave it out")
        made = load(args.state_dict) if args.state_dict else build(args.model, kwargs, args.seed)
        origin = os.path.basename(args.state_dict or args.model)
        manifest = dump(made, args.out, seed=args.seed, origin=origin, floats_only=args.floats_only)
    except (DumpError, ValueError, OSError) as err:
        print(f"weightinit_reference.py: {err}", file=sys.stderr)
        return 2
    for entry in manifest["skipped"]:
        print(f"warning: {entry['name']!r} left out: {entry['dtype']} is not stored", file=sys.stderr)
    print(f"{len(manifest['tensors'])} tensors in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
