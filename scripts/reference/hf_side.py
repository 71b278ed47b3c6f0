"""hf_side.py AUTO CONFIG FOLDER SEED sync|no: what a user of transformers does for
starting weights, from_config and save_pretrained, and print the seconds of both
together and of from_config alone.

Runs in the reference's Python. Neither the imports nor the modules that
transformers loads late are in the seconds: a small model is made and saved first.
Torch may use every core: it has them for what it does besides drawing.
"""

import gc
import glob
import json
import os
import sys
import tempfile
import time

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="critical", TQDM_DISABLE="1", HF_HUB_DISABLE_PROGRESS_BARS="1", PYTHONWARNINGS="ignore")

import logging  # noqa: E402

import torch  # noqa: E402
import transformers  # noqa: E402

logging.disable(logging.CRITICAL)
torch.set_num_threads(os.cpu_count())

LAYERS = ("num_hidden_layers", "num_layers", "num_decoder_layers")


def made(auto, text, folder, seed):
    """Construct, initialise and save; the seconds of from_config."""
    config = transformers.CONFIG_MAPPING[text["model_type"]].from_dict(dict(text))
    start = time.perf_counter()
    torch.manual_seed(seed)
    model = auto.from_config(config)
    constructed = time.perf_counter() - start
    model.save_pretrained(folder, max_shard_size="5GB")
    return constructed


def flush(folder):
    """Every file of the folder, and the folder, on the disk."""
    for path in [*glob.glob(os.path.join(folder, "*")), folder]:
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def small(text):
    """The same family in one layer of 64 values and few tokens."""
    heads = {name: 1 for name in text if name.endswith("_heads")}
    sizes = {"hidden_size": 64, "d_model": 64, "intermediate_size": 64, "d_ff": 64, "vocab_size": 8}
    return {**text, **heads, **{name: size for name, size in sizes.items() if name in text}, **{name: 1 for name in LAYERS if name in text}}


def main():
    """Once for the modules, once for the clock."""
    name, path, folder, seed, synced = sys.argv[1:]
    auto = getattr(transformers, name)
    with open(path, encoding="utf-8") as file:
        text = json.load(file)
    with tempfile.TemporaryDirectory() as warm:
        made(auto, small(text), warm, 0)
    gc.collect()
    start = time.perf_counter()
    constructed = made(auto, text, folder, int(seed))
    if synced == "sync":
        flush(folder)
    print(time.perf_counter() - start, constructed)


if __name__ == "__main__":
    main()
