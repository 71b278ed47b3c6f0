"""The real values of a model that a table describes, with torch's own fills."""

import numpy
import torch

from language import Refuse


def angles(positions, width):
    """The angles of a sinusoidal table, in double."""
    return numpy.array(
        [[p / numpy.power(10000, 2 * (j // 2) / width) for j in range(width)] for p in range(positions)]
    )


def sinusoid_halves(shape, dtype):
    """Sines in the first half of the columns, cosines in the second."""
    table, half = angles(*shape), -(-shape[1] // 2)
    out = torch.empty(shape, dtype=dtype)
    out[:, :half] = torch.FloatTensor(numpy.sin(table[:, 0::2]))
    out[:, half:] = torch.FloatTensor(numpy.cos(table[:, 1::2]))
    return out


def last(start, function=lambda x: x, inside=None):
    """A table along the last dimension, the same for the others."""

    def table(shape, dtype):
        kind = dtype if inside == "D" else inside
        row = torch.arange(start, shape[-1] + start, dtype=kind)
        return function(row).expand(shape).to(dtype)

    return table


TABLES = {
    "arange": last(0),
    "arange+1": last(1),
    "arange+2": last(2),
    "log(arange+1)": last(1, torch.log, torch.float32),
    "log(arange+1) in D": last(1, torch.log, "D"),
    "sinusoid halves": sinusoid_halves,
}


def table(word, shape, dtype):
    """The tensor of `= table WORD`."""
    if word.startswith("const "):
        numbers = [float(x) for x in word.removeprefix("const ").split(",")]
        return torch.tensor(numbers, dtype=torch.float64).reshape(shape).to(dtype)
    if word not in TABLES:
        raise Refuse(f"table {word}")
    return TABLES[word](shape, dtype).contiguous()


def draw(entry, discarded):
    out = torch.empty(entry["shape"], dtype=getattr(torch, entry["dtype"]))
    if entry["op"] == "trunc_normal":
        return torch.nn.init.trunc_normal_(out, *entry["nums"])
    numbers = [] if discarded else entry["nums"]
    return out.normal_(*numbers) if entry["op"] == "normal" else out.uniform_(*numbers)


def step(values, op, *numbers):
    """One step of a chain."""
    if op == "cast":
        return values.to(getattr(torch, *numbers))
    if op == "pad":
        values[numbers[0]] = 0
        return values
    if op == "isp":
        return values + torch.log(-torch.expm1(-values))
    if op in ("log", "exp", "neg", "expm1", "mul", "add", "sub", "div", "clamp", "clamp_min"):
        return getattr(torch, op)(values, *numbers)
    raise Refuse(f"step {op}")


def real(model, seed):
    """Name to tensor; the default generator is left where the model leaves it."""
    torch.manual_seed(seed)
    kept = {tensor["draw"] for tensor in model.tensors.values() if "draw" in tensor}
    drawn = [draw(entry, k not in kept) for k, entry in enumerate(model.draws)]
    out = {}
    for name, tensor in model.tensors.items():
        dtype = getattr(torch, tensor["dtype"])
        if "draw" in tensor:
            values = drawn[tensor["draw"]]
            for one in tensor["steps"]:
                values = step(values, *one)
            out[name] = values.reshape(tensor["shape"]).to(dtype)
        elif "table" in tensor:
            out[name] = table(tensor["table"], tensor["shape"], dtype)
        elif name not in model.tied:
            out[name] = torch.full(tensor["shape"], float(tensor["value"]), dtype=dtype)
    for target, source in model.tied.items():
        out[target] = out[source]
    return out
