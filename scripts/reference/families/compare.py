"""A table's words against a recorded construction, and against torch's bits."""

import copy
import math

import torch

import values
from language import Model, Refuse

FLOATS = ("float", "bfloat")


def rounded(number, dtype):
    return torch.tensor(number, dtype=getattr(torch, dtype)).item()


def numbers(draw):
    return [draw["nums"][name] for name in ("mean", "std", "a", "b") if name in draw["nums"]]


def compare(family, sample):
    """What differs between the table and one sample: a list of texts, none if equal."""
    try:
        model = Model(family, sample.kw, sample.dtype)
    except Refuse as err:
        return [f"refused: {err}"]
    except Exception as err:
        return [f"{type(err).__name__}: {err}"]
    recorded = sample.recorded
    bad = draws(recorded["draws"], model.draws)
    bad += tensors(recorded, model)
    return bad + files(recorded["file"], model)


def draws(want, got):
    bad = [] if len(want) == len(got) else [f"{len(got)} draws, not {len(want)}"]
    for k, (a, b) in enumerate(zip(want, got)):
        if (a["op"], a["shape"], a["dtype"]) != (b["op"], b["shape"], b["dtype"]):
            text = " ".join(str(x[key]) for x in (b, a) for key in ("name", "op", "shape", "dtype"))
            return [*bad, f"draw {k}: got and want {text}"]
        if (not a["discard"] or a["op"] == "trunc_normal") and numbers(a) != b["nums"]:
            return [*bad, f"draw {k} {a['name']}: numbers {b['nums']}, not {numbers(a)}"]
    return bad


def tensors(recorded, model):
    want, bad = recorded["finals"], []
    if set(want) != set(model.tensors):
        bad.append(f"names: {sorted(set(want) ^ set(model.tensors))[:4]}")
    for name, final in want.items():
        tensor = model.tensors.get(name)
        if tensor is None:
            continue
        if (final["shape"], final["dtype"]) != (tensor["shape"], tensor["dtype"]):
            bad.append(f"{name}: {tensor['shape']} {tensor['dtype']}, not {final['shape']} {final['dtype']}")
        elif final["param"] == tensor["buffer"]:
            bad.append(f"{name}: a buffer, or not")
        elif tie_differs(name, want, model.tied):
            bad.append(f"{name}: tied to {model.tied.get(name)}, not {final.get('same_as')}")
        elif "same_as" not in final and not same_value(name, final, tensor, recorded["draws"]):
            said = {key: tensor.get(key) for key in ("value", "table", "draw") if key in tensor}
            bad.append(f"{name}: its value is not {said}")
    return bad


def tie_differs(name, want, tied):
    """Tied tensors may name each other as the source: the groups count."""
    source = want[name].get("same_as")
    if (source is None) != (name not in tied):
        return True
    if source is None or source == tied[name]:
        return False
    back = want[tied[name]].get("same_as") if tied[name] in want else None
    return back != source and want.get(source, {}).get("same_as") != tied[name]


def same_value(name, final, tensor, draws):
    dtype = getattr(torch, tensor["dtype"])
    if "view" in final:
        return "draw" in tensor and draws[tensor["draw"]]["name"] == name
    if final.get("lit") is not None:
        return "table" in tensor and torch.equal(
            values.table(tensor["table"], tensor["shape"], dtype).reshape(-1), final["lit"].reshape(-1)
        )
    if "value" not in final or not math.prod(final["shape"]):
        return True
    want = final["value"].get("float") if isinstance(final["value"], dict) else final["value"]
    if "table" in tensor:
        got = values.table(tensor["table"], tensor["shape"], dtype).reshape(-1)[0].item()
    elif "value" not in tensor:
        return False
    else:
        got = tensor["value"]
    if tensor["dtype"].startswith(FLOATS):
        got = rounded(float(got), tensor["dtype"])
    return float(got) == float(want)


def strides(shape, given):
    """The strides of the dimensions that are not 1."""
    if given is None:
        given = [math.prod(shape[k + 1 :]) for k in range(len(shape))]
    return [stride for stride, size in zip(given, shape) if size != 1]


def files(want, model):
    if not want:
        return []
    if set(want) != set(model.file):
        return [f"file names: {sorted(set(want) ^ set(model.file))[:4]}"]
    for name, saved in want.items():
        if "pieces" in saved:
            continue
        source, shape, offset, given = model.file[name]
        names = {source, model.tied.get(source, source)}
        if not names & {saved["from"], model.tied.get(saved["from"], saved["from"])}:
            return [f"file {name}: from {source}, not {saved['from']}"]
        if (shape, offset) != (saved["shape"], saved["off"]):
            return [f"file {name}: {shape} at {offset}, not {saved['shape']} at {saved['off']}"]
        if strides(shape, given) != strides(shape, saved["stride"]):
            return [f"file {name}: other strides"]
    return []


def bits(tensor):
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)


def real_bits(space, family, sample, seed):
    """The names of the tensors whose bits differ between from_config and the table."""
    model = Model(family, sample.kw, sample.dtype)
    try:
        mine = values.real(model, seed)
    except RuntimeError as err:
        return [f"{type(err).__name__}: {err}"]
    end = torch.get_rng_state()
    config = space.config(copy.deepcopy(sample.kw))
    # Where an auto class has several models for a type, the architecture decides.
    config.architectures = config.architectures or [space.name]
    torch.manual_seed(seed)
    made = space.auto.from_config(config, dtype=getattr(torch, sample.dtype))
    state = torch.get_rng_state()
    bad = []
    if type(made) is not space.model:
        bad.append(f"the class is {type(made).__name__}")
    found = made.state_dict()
    if list(found) != list(sample.recorded["finals"]):
        bad.append("names or their order")
    for name, tensor in found.items():
        other = mine.get(name)
        if other is None or (other.shape, other.dtype) != (tensor.shape, tensor.dtype):
            bad.append(name)
        elif tensor.numel() and not torch.equal(bits(other), bits(tensor)):
            bad.append(name)
    if not torch.equal(end, state):
        bad.append("the generator's state")
    return bad
