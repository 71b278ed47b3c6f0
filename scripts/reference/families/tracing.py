"""A construction of a Hugging Face model, reduced to what a leaf table says.

trace(model class, config, dtype) gives a dict:
  draws   every draw in order: phase (M constructor, I init pass), part, op,
          tensor name, shape, dtype, numbers, and whether it is a discard
  finals  the state dict: name to shape, dtype and what it holds (a draw and its
          steps, a value, a literal, the same tensor as another)
  file    what save_pretrained writes: name to the tensor and view it comes from
"""

import base64
import bisect
import logging
import os
import warnings
import zlib

warnings.simplefilter("ignore")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "critical")

import numpy as np  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)

# Imported here, so that no import of theirs happens inside a recording.
import torch._decomp  # noqa: E402
import torch._dynamo  # noqa: E402
import torch._meta_registrations  # noqa: E402
import torch._refs  # noqa: E402
import torch._subclasses.fake_tensor  # noqa: E402
from transformers import PreTrainedConfig, PreTrainedModel  # noqa: E402
from transformers.core_model_loading import revert_weight_conversion  # noqa: E402
from transformers.modeling_utils import remove_tied_weights_from_state_dict  # noqa: E402

import recorder  # noqa: E402
from recorder import Refused, contiguous, record  # noqa: E402

logging.disable(logging.CRITICAL)

DRAWS = ("normal", "uniform", "trunc_normal", "orthogonal", "sparse")
NUMBERS = ("mean", "std", "a", "b", "gain", "sparsity")
STATE = ("seed", "save_state", "load_state")

# The recording under way: its recorder, and the init passes seen.
current = {"recorder": None, "passes": []}

# The config attributes that model code asked for in vain.
missing = set()
_watched = [False]


def watch_recorders():
    init = recorder.Recorder.__init__

    def wrapped(self):
        init(self)
        current["recorder"], current["passes"] = self, []

    recorder.Recorder.__init__ = wrapped


def watch_init_passes():
    """Marks the beginning and end of every initialisation pass in the program."""
    init = PreTrainedModel.initialize_weights

    def wrapped(self, *args, **kwargs):
        rec = current["recorder"]
        if rec is None:
            return init(self, *args, **kwargs)
        names = {}
        with torch._C.DisableTorchFunction():
            tensors = list(self.named_parameters(remove_duplicate=False))
            tensors += list(self.named_buffers(remove_duplicate=False))
            for name, tensor in tensors:
                plain = tensor.detach() if tensor.device.type == "cpu" else tensor
                try:
                    names.setdefault(rec.stor(rec.twin(plain)).id, name)
                except (Refused, RuntimeError):
                    continue
        current["passes"].append((self, names))
        rec.emit("mark", None, draw=True, enter=True)
        result = init(self, *args, **kwargs)
        rec.emit("mark", None, draw=True, enter=False)
        return result

    PreTrainedModel.initialize_weights = wrapped


def watch_config():
    get = PreTrainedConfig.__getattribute__

    def wrapped(self, key):
        if not _watched[0] or key.startswith("_"):
            return get(self, key)
        try:
            return get(self, key)
        except AttributeError:
            missing.add(key)
            raise

    PreTrainedConfig.__getattribute__ = wrapped


watch_recorders()
watch_init_passes()
watch_config()


def saved(model, heads):
    """What save_pretrained writes, every element traced to its tensor.

    heads: see own_tied.
    """
    state, starts, owner, base = {}, [], {}, 0
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) in owner:
            state[name] = state[owner[id(tensor)]]
            continue
        owner[id(tensor)] = name
        count = tensor.numel()
        state[name] = torch.arange(base, base + count, dtype=torch.int64).reshape(tensor.shape)
        starts.append((base, count, heads.get(name, name), list(tensor.shape)))
        base += count
    for name in model._keys_to_ignore_on_save or []:
        state.pop(name, None)
    state = remove_tied_weights_from_state_dict(state, model)
    converted = revert_weight_conversion(model, dict(state))
    return {name: origin(tensor, starts, base) for name, tensor in converted.items()}


def origin(tensor, starts, total):
    """Which tensor, offset and strides a saved tensor of element numbers is."""
    shape = list(tensor.shape)
    if tensor.dtype != torch.int64:
        return {"bad": str(tensor.dtype), "shape": shape}
    numbers = tensor.contiguous().reshape(-1).numpy()
    if numbers.size == 0:
        return {"shape": shape, "pieces": []}
    if numbers.min() < 0 or numbers.max() >= total:
        return {"bad": "values", "shape": shape}

    keys = [start[0] for start in starts]

    def source(number):
        at = bisect.bisect_right(keys, int(number)) - 1
        while starts[at][1] == 0:
            at -= 1
        return starts[at]

    base, count, name, from_shape = source(numbers[0])
    if numbers.min() >= base and numbers.max() < base + count:
        index, offset = tensor.numpy() - base, int(numbers[0] - base)
        strides = [
            int(np.take(index, 1, d).reshape(-1)[0] - offset) if tensor.shape[d] > 1 else 0
            for d in range(tensor.dim())
        ]
        grid = np.full(shape, offset)
        for d, stride in enumerate(strides):
            grid = grid + (np.arange(shape[d]) * stride).reshape(
                [-1 if q == d else 1 for q in range(len(shape))]
            )
        if not np.array_equal(grid, index):
            return {"bad": "not affine", "shape": shape, "from": name}
        return {"shape": shape, "from": name, "off": offset, "stride": strides, "sshape": from_shape}
    return {"shape": shape, "pieces": pieces(numbers, source)}


def pieces(numbers, source):
    """Runs of elements that come from several tensors."""
    out, at = [], 0
    while at < numbers.size:
        base, count, name, shape = source(numbers[at])
        end = at
        while (
            end < numbers.size
            and base <= numbers[end] < base + count
            and numbers[end] - numbers[at] == end - at
        ):
            end += 1
        out.append([name, int(numbers[at] - base), end - at, shape])
        at = end
    return out


def literal(program, index):
    entry = program["literals"][index]
    raw = bytearray(zlib.decompress(base64.b64decode(entry["zlib"])))
    if not raw:
        return torch.empty(0)
    return torch.frombuffer(raw, dtype=torch.uint8).view(getattr(torch, entry["dtype"]))


def trace(model_class, config, dtype=None, file=True):
    """The recorded construction of the model, see above."""
    box = {}

    def build():
        options = {} if dtype is None else {"dtype": getattr(torch, dtype)}
        box["model"] = model_class._from_config(config, **options)
        return box["model"].state_dict(keep_vars=True)

    _watched[0] = True
    try:
        program = record(build)
    finally:
        _watched[0] = False
        current["recorder"] = None
    names = storage_names(box["model"])
    heads = own_tied(program, names)
    draws, finals = Reader(program, names).read()
    file_tensors = saved(box["model"], heads) if file else {}
    return {"draws": draws, "finals": finals, "file": file_tensors}


def own_tied(program, names):
    """Gives a drawn tensor that ties share to the name that it was drawn under.

    The program has it under the first name in the state dict, which may be the
    tie's target. Changes the program; gives old name to new.
    """
    entries = {entry["name"]: entry for entry in program["tensors"]}
    heads = {}
    for first in list(entries.values()):
        owner = names.get(first["view"][0]) if "view" in first else None
        if owner != first["name"] and entries.get(owner, {}).get("same_as") == first["name"]:
            heads[first["name"]] = owner
    for first, owner in heads.items():
        old, new = entries[first], entries[owner]
        new["view"] = old.pop("view")
        del new["same_as"]
        for entry in entries.values():
            if entry.get("same_as") == first:
                entry["same_as"] = owner
        old["same_as"] = owner
    return heads


def storage_names(model):
    """Names of storages that only an init pass of an inner model saw."""
    paths = {id(module): name for name, module in model.named_modules(remove_duplicate=False)}
    names = {}
    for module, found in reversed(current["passes"]):
        path = paths.get(id(module))
        if path is None:
            continue
        for storage, name in found.items():
            names.setdefault(storage, f"{path}.{name}" if path else name)
    return names


class Reader:
    """Reads a recorded program: draws in order, and how each tensor comes from them."""

    def __init__(self, program, names):
        self.program, self.names = program, names
        for entry in program["tensors"]:
            if "view" in entry:
                names[entry["view"][0]] = entry["name"]
        self.draws, self.chains = [], {}
        self.depth, self.part, self.last = 0, 0, None

    def read(self):
        for op in self.program["ops"]:
            self.op(op)
        owners = {}
        finals = {entry["name"]: self.final(entry, owners) for entry in self.program["tensors"]}
        for k, draw in enumerate(self.draws):
            draw["name"] = owners.get(k) or self.names.get(draw["storage"])
        return self.draws, finals

    def op(self, op):
        kind = op["op"]
        if kind == "mark":
            self.depth += 1 if op["enter"] else -1
        elif kind in DRAWS:
            self.draw(op)
        elif kind in STATE:
            self.draws.append(self.entry(op, None, [], ""))
        elif kind == "fill":
            storage, offset, size, stride, _ = op["to"]
            self.chain(storage, ("fill", offset, size, stride, op["value"]))
        elif kind == "literal":
            self.chain(op["to"][0], ("literal", literal(self.program, op["literal"])))
        elif op.get("aten"):
            self.operator(op)
        else:
            raise Refused("op " + kind)

    def chain(self, storage, step):
        self.chains.setdefault(storage, []).append(step)

    def entry(self, op, storage, shape, dtype):
        return {
            "phase": "I" if self.depth else "M",
            "part": self.part,
            "op": op["op"],
            "storage": storage,
            "shape": list(shape),
            "dtype": dtype,
            "nums": {key: op[key] for key in NUMBERS if key in op},
            "discard": bool(op.get("discard")),
        }

    def draw(self, op):
        storage, _, size, stride, dtype = op["to"]
        phase = "I" if self.depth else "M"
        if self.last == "I" and phase == "M":
            self.part += 1
        self.last = phase
        draw = self.entry(op, storage, size, dtype)
        draw["contiguous"] = contiguous(size, stride)
        draw["stream"] = op.get("stream")
        self.draws.append(draw)
        if not draw["discard"]:
            self.chain(storage, ("draw", len(self.draws) - 1))

    def operator(self, op):
        first = op["to"][0] if isinstance(op["to"][0], list) else op["to"]
        inputs = []
        collect(op["args"], inputs)
        collect(op["kw"], inputs)
        args = tuple(self.argument(x, inputs) for x in op["args"])
        self.chain(first[0], ("aten", op["op"], tuple(dict.fromkeys(inputs)), args, first[4]))

    def argument(self, x, inputs):
        if isinstance(x, list):
            return tuple(self.argument(v, inputs) for v in x)
        if not isinstance(x, dict):
            return x
        if "view" in x:
            return ("in", inputs.index(x["view"][0]))
        if "full" in x:
            return ("const", x["full"])
        if "literal" in x:
            return ("lit", literal(self.program, x["literal"]).tolist())
        if "dtype" in x:
            return ("dtype", x["dtype"])
        return ("self",) if "out" in x else tuple(sorted(x.items()))

    def expression(self, storage):
        """The steps that give a storage, as nested tuples."""
        value = None
        for step in self.chains.get(storage, []):
            if step[0] == "draw":
                value = step
            elif step[0] == "fill":
                _, offset, size, stride, number = step
                number = str(number) if isinstance(number, dict) else number
                value = ("fill", value, offset, tuple(size), tuple(stride), number)
            elif step[0] == "literal":
                value = ("lit", tuple(step[1].tolist()))
            else:
                _, op, inputs, args, dtype = step
                inputs = tuple(value if s == storage else self.expression(s) for s in inputs)
                value = ("aten", op, inputs, args, dtype)
        return value

    def final(self, entry, owners):
        out = {"shape": entry["shape"], "dtype": entry["dtype"], "param": bool(entry.get("param"))}
        if "same_as" in entry:
            out["same_as"] = entry["same_as"]
        elif "value" in entry:
            out["value"] = entry["value"]
        elif "literal" in entry:
            out["lit"] = literal(self.program, entry["literal"])
        elif entry.get("uninitialised"):
            out["uninit"] = True
        else:
            storage, offset, size, stride, _ = entry["view"]
            out["view"] = [offset, size, stride]
            out["expr"] = self.expression(storage)
            out["whole"] = offset == 0 and contiguous(size, stride)
            own(out["expr"], entry["name"], owners)
        return out


def collect(x, inputs):
    """The storages that an argument reads."""
    if isinstance(x, dict):
        if "view" in x:
            inputs.append(x["view"][0])
        else:
            collect(list(x.values()), inputs)
    elif isinstance(x, list):
        for v in x:
            collect(v, inputs)


def own(expression, name, owners):
    """Every draw in an expression belongs to the first tensor that it gives."""
    if not isinstance(expression, tuple):
        return
    if len(expression) == 2 and expression[0] == "draw":
        owners.setdefault(expression[1], name)
    else:
        for part in expression:
            own(part, name, owners)
