#!/usr/bin/env python3
"""Write the parameters of one reference model as .npy files and a manifest.

  generate.py --config tiny.json --mode gpt2@1 --seed 7 --out DIR
  generate.py --config '{"d_model": 3, ...}' --mode xavier_normal --version 2 --seed 7 --out DIR

Run it with the interpreter that scripts/reference/setup prints. DIR gets
config.json, manifest.json and one NAME.npy for each parameter.
"""

import argparse
import hashlib
import json
import os
import sys

import native


def main(argv=None):
    """Parse the command line, write one case; the exit code is returned."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="a JSON file, or the JSON object itself")
    parser.add_argument("--mode", default="gpt2", help="one of %s, with @1 or @2" % ", ".join(native.MODES))
    parser.add_argument("--version", type=int, choices=(1, 2), help="1: TransformerLens 3.7.3; 2: 4.3.0 (default)")
    parser.add_argument("--seed", type=int, required=True, help="any integer that torch takes as a seed")
    parser.add_argument("--out", required=True, help="the folder to write into")
    args = parser.parse_args(argv)
    try:
        mode, version = split_mode(args.mode, args.version)
        config = read_config(args.config)
        write_case(native.Reference(version), version, config, mode, args.seed, args.out)
    except (native.ReferenceFailure, OSError) as err:
        print(f"generate.py: {err}", file=sys.stderr)
        return 2
    return 0


def split_mode(text, version):
    """"gpt2@1" as ("gpt2", 1); a bare name takes version, else 2."""
    name, at, number = text.partition("@")
    if at and number not in ("1", "2"):
        raise native.ReferenceFailure(f'mode "{text}": the version must be 1 or 2')
    if at and version not in (None, int(number)):
        raise native.ReferenceFailure(f'mode "{text}": --version {version} contradicts it')
    return name, int(number) if at else version or 2


def read_config(text):
    """The config object in a file, or in the argument itself when it begins with a brace."""
    try:
        if text.lstrip().startswith("{"):
            config = json.loads(text)
        else:
            with open(text, encoding="utf-8") as file:
                config = json.load(file)
    except ValueError as err:
        raise native.ReferenceFailure(f'config "{text}": not JSON: {err}') from err
    if not isinstance(config, dict):
        raise native.ReferenceFailure(f'config "{text}": not a JSON object')
    return config


def write_case(reference, version, config, mode, seed, out):
    """Draw the model and write its folder; the bytes depend on the arguments only."""
    import numpy

    torch = reference.torch
    model = reference.build(config, mode, seed)
    os.makedirs(out, exist_ok=True)
    tensors = []
    for name, value in reference.parameters(model).items():
        path = os.path.join(out, name + ".npy")
        numpy.save(path, value.numpy())
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        tensors.append({"name": name, "file": name + ".npy", "dtype": "f32",
                        "shape": list(value.shape), "sha256": digest})
    write_json(os.path.join(out, "config.json"), config)
    write_json(os.path.join(out, "manifest.json"), {
        "format": "weightinit-reference/1",
        "torch_version": torch.__version__.split("+")[0],
        "transformer_lens_version": reference.release,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "config": config,
        "mode": f"{mode}@{version}",
        "seed": seed,
        "generator": "scripts/reference/generate.py",
        "tensors": tensors,
    })


def write_json(path, value):
    """Indented JSON, numbers as Python writes them, with a last newline."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    sys.exit(main())
