"""torch_model.py REFERENCE CONFIG FILE sync|no: construct the model, initialise
it and save it, as a user of TransformerLens does, and print the seconds. The
imports are not in them.

TransformerLens 3.7.3 is the faster of the two releases that the reference has.
Torch may use every core: it has them for what it does besides drawing.
"""

import json
import os
import sys
import time

sys.path.insert(0, sys.argv[1])
import native  # noqa: E402

reference = native.Reference(1)
reference.torch.set_num_threads(os.cpu_count())
from safetensors.torch import save_file  # noqa: E402

config, path, synced = json.loads(sys.argv[2]), sys.argv[3], sys.argv[4] == "sync"
start = time.perf_counter()
model = reference.build(config, "gpt2", 42)
save_file({name: value.contiguous() for name, value in reference.parameters(model).items()}, path)
if synced:
    with open(path, "rb") as file:
        os.fsync(file.fileno())
print(time.perf_counter() - start)
