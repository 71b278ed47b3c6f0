"""The distributions that a mode can return, as data.

Nothing is drawn here: the host draws, so that the bits are the same in every
language. Every number is a float64 and travels bit for bit; the host rounds it
once to the type in which it computes.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

ALGORITHMS = ("torch_rejection", "torch_icdf", "unit_then_scale")
"""How a truncated normal is drawn, in the order of their numbers on the wire."""

MAX_POST = 8
MAX_FORMULA = 200


class Dist(NamedTuple):
    """What one parameter is filled with. Made by the functions below.

    The methods return a changed copy. What they add is done to the drawn
    values, one after the other, in the type in which the host computes, with
    the number rounded to that type first: multiply(2) after normal(std=1) has
    other bits than normal(std=2).
    """

    kind: str
    """The name of the family, such as "normal"."""
    values: tuple[Any, ...] = ()
    """The numbers of the family; for blocks the (rows, Dist) pairs, for pieces Dists."""
    post: tuple[tuple[str, Any], ...] = ()
    """The steps that follow the draw, in order."""
    formula: str = ""
    """The rule in words, shown in the plan."""

    def multiply(self, by: float) -> Dist:
        """Multiplies every drawn value by a finite number."""
        return self._then("multiply", _finite("multiply", by))

    def divide(self, by: float) -> Dist:
        """Divides every drawn value by a finite number that is not 0."""
        value = _finite("divide", by)
        if value == 0:
            raise ValueError("divide: by 0")
        return self._then("divide", value)

    def zero_rows(self, *ranges: int | tuple[int, int]) -> Dist:
        """Sets rows along dimension 0 to 0.

        A range is the number of one row, or (first, count).
        """
        pairs = []
        for r in ranges:
            first, count = (r if isinstance(r, tuple) else (r, 1))
            pair = operator.index(first), operator.index(count)
            if min(pair) < 0:
                raise ValueError(f"zero_rows: {pair} is below 0")
            pairs.append(pair)
        return self._then("zero_rows", tuple(pairs))

    def l2_normalize(self, dim: int) -> Dist:
        """Divides each vector along a dimension by its Euclidean length.

        Its bits are not promised to be another library's, which may sum in
        another order.
        """
        dim = operator.index(dim)
        if dim < 0:
            raise ValueError(f"l2_normalize: dimension {dim} is below 0")
        return self._then("l2_normalize", dim)

    def described(self, formula: str) -> Dist:
        """Sets the rule in words: one line of at most 200 bytes."""
        if not formula.isprintable() or len(formula.encode("utf-8", "replace")) > MAX_FORMULA:
            raise ValueError(f"described: not one line of at most {MAX_FORMULA} bytes")
        return Dist(self.kind, self.values, self.post, formula)

    def _then(self, step: str, operand: Any) -> Dist:
        if len(self.post) == MAX_POST:
            raise ValueError(f"{step}: at most {MAX_POST} steps can follow a draw")
        return Dist(self.kind, self.values, (*self.post, (step, operand)), self.formula)


def constant(value: float) -> Dist:
    """Every element is value."""
    return Dist("constant", (_finite("constant: value", value),))


def uniform(low: float, high: float) -> Dist:
    """Uniform in [low, high), with low <= high."""
    low, high = _finite("uniform: low", low), _finite("uniform: high", high)
    if low > high:
        raise ValueError(f"uniform: low {low} is above high {high}")
    return Dist("uniform", (low, high))


def normal(mean: float = 0.0, std: float = 1.0) -> Dist:
    """Normal with the given mean and standard deviation, std >= 0."""
    return Dist("normal", (_finite("normal: mean", mean), _at_least_0("normal: std", std)))


def trunc_normal(
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    algorithm: str = "torch_rejection",
) -> Dist:
    """Normal cut to [a, b].

    a and b are values, not multiples of std; std > 0 is that before the cut.
    algorithm is one of ALGORITHMS: torch_rejection (PyTorch 2.12 and later),
    torch_icdf (before), unit_then_scale. Their bits differ.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"trunc_normal: algorithm {algorithm!r} is not one of {', '.join(ALGORITHMS)}")
    std = _at_least_0("trunc_normal: std", std)
    if std == 0:
        raise ValueError("trunc_normal: std must be above 0")
    a, b = _finite("trunc_normal: a", a), _finite("trunc_normal: b", b)
    if a >= b:
        raise ValueError(f"trunc_normal: a {a} must be below b {b}")
    return Dist("trunc_normal", (_finite("trunc_normal: mean", mean), std, a, b, algorithm))


def eye() -> Dist:
    """1 on the main diagonal, else 0; for 2 dimensions."""
    return Dist("eye")


def dirac(groups: int = 1) -> Dist:
    """Keeps the channels of a convolution; for 3 to 5 dimensions."""
    groups = operator.index(groups)
    if groups < 1:
        raise ValueError(f"dirac: groups {groups} must be at least 1")
    return Dist("dirac", (groups,))


def orthogonal(gain: float = 1.0) -> Dist:
    """gain times a matrix with orthogonal rows or columns; from 2 dimensions on.

    Its bits depend on the linear algebra of the host.
    """
    return Dist("orthogonal", (_finite("orthogonal: gain", gain),))


def sparse(sparsity: float, std: float = 0.01) -> Dist:
    """normal(0, std) with the share sparsity of each column set to 0; for 2 dimensions."""
    sparsity = _finite("sparse: sparsity", sparsity)
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparse: sparsity {sparsity} does not lie in [0, 1]")
    return Dist("sparse", (sparsity, _at_least_0("sparse: std", std)))


def blocks(*parts: tuple[int, Dist]) -> Dist:
    """Cuts a parameter along dimension 0: blocks((rows, dist), ...).

    Each block is drawn as a tensor of its own, one after the other. The rows
    must add up to the first size of the parameter. No blocks within blocks.
    """
    if not parts:
        raise ValueError("blocks: there are none")
    pairs = []
    for i, (rows, dist) in enumerate(parts):
        rows = operator.index(rows)
        if rows < 1:
            raise ValueError(f"blocks: block {i} has {rows} rows, needs at least 1")
        if not isinstance(dist, Dist):
            raise TypeError(f"blocks: block {i} has a {type(dist).__name__} where a distribution must be")
        if dist.kind in ("blocks", "pieces", "fill"):
            raise ValueError(f"blocks: block {i} is {dist.kind}, which cannot stand inside blocks")
        pairs.append((rows, dist))
    return Dist("blocks", tuple(pairs))


def pieces(*dists: Dist) -> Dist:
    """Draws each piece of a fused parameter as a tensor of its own, in order.

    There is one distribution for each of the parameter's pieces; none of them
    is blocks, pieces or fill. each_piece makes it from a rule.
    """
    if not dists:
        raise ValueError("pieces: there are none")
    for i, dist in enumerate(dists):
        if not isinstance(dist, Dist):
            raise TypeError(f"pieces: piece {i} has a {type(dist).__name__} where a distribution must be")
        if dist.kind in ("blocks", "pieces", "fill"):
            raise ValueError(f"pieces: piece {i} is {dist.kind}, which cannot stand inside pieces")
    return Dist("pieces", dists)


def bilinear() -> Dist:
    """The upsampling kernel of MXNet; for 4 dimensions, the last two of one size."""
    return Dist("bilinear")


def delta_orthogonal(gain: float = 1.0) -> Dist:
    """gain times an orthogonal matrix at the centre tap, else 0; for 3 to 5 dimensions.

    There are at least as many output channels, the first size, as input
    channels. Its bits depend on the linear algebra of the host.
    """
    return Dist("delta_orthogonal", (_finite("delta_orthogonal: gain", gain),))


def block_orthogonal(split_sizes: Iterable[int], gain: float = 1.0) -> Dist:
    """gain times an orthogonal matrix in every block of the sizes split_sizes.

    There is one size for each dimension, which it divides. Its bits depend on
    the linear algebra of the host.
    """
    sizes = tuple(operator.index(size) for size in split_sizes)
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"block_orthogonal: split_sizes {sizes} must be 2 sizes or more, at least 1 each")
    return Dist("block_orthogonal", (sizes, _finite("block_orthogonal: gain", gain)))


def zero_init() -> Dist:
    """1 on the main diagonal or, with more rows than columns, a part of a Hadamard matrix.

    For 2 dimensions. It is not 0 everywhere: that is constant(0).
    """
    return Dist("zero_init")


def lstm_forget_bias(value: float = 1.0) -> Dist:
    """value in the second quarter of a vector, the forget gate of an LSTM, else 0."""
    return Dist("lstm_forget_bias", (_finite("lstm_forget_bias: value", value),))


def fill() -> Dist:
    """The plugin makes the values itself, with the function under Plugin.fill."""
    return Dist("fill")


def check_shape(dist: Dist, shape: Sequence[int], fused: Sequence[Sequence[int]] = ()) -> None:
    """Raises ValueError when dist cannot fill a tensor of this shape.

    fused are the shapes of what is fused in it.
    """
    kind, dims = dist.kind, len(shape)
    if kind in ("eye", "sparse", "zero_init") and dims != 2:
        raise ValueError(f"{kind} needs 2 dimensions")
    if kind == "orthogonal" and dims < 2:
        raise ValueError("orthogonal needs at least 2 dimensions")
    if kind == "dirac":
        if not 3 <= dims <= 5:
            raise ValueError("dirac needs 3 to 5 dimensions")
        if shape[0] % dist.values[0]:
            raise ValueError(f"dirac needs a first size that {dist.values[0]} groups divide")
    if kind == "bilinear" and (dims != 4 or shape[2] != shape[3]):
        raise ValueError("bilinear needs 4 dimensions, the last two of one size")
    if kind == "delta_orthogonal" and not (3 <= dims <= 5 and shape[0] >= shape[1]):
        raise ValueError("delta_orthogonal needs 3 to 5 dimensions, the first not below the second")
    if kind == "block_orthogonal":
        sizes = dist.values[0]
        if len(sizes) != dims or any(n % size for n, size in zip(shape, sizes, strict=True)):
            raise ValueError(f"block_orthogonal needs a shape that {sizes} divides")
    if kind == "lstm_forget_bias" and (dims != 1 or shape[0] % 4):
        raise ValueError("lstm_forget_bias needs 1 dimension whose size 4 divides")
    if kind == "blocks":
        rows = sum(n for n, _ in dist.values)
        if not dims or rows != shape[0]:
            raise ValueError(f"blocks have {rows} rows together")
        for n, inner in dist.values:
            check_shape(inner, (n, *shape[1:]))
    if kind == "pieces":
        if len(dist.values) != len(fused):
            raise ValueError(f"pieces: {len(dist.values)} for a parameter of {len(fused)}")
        for inner, part in zip(dist.values, fused):
            check_shape(inner, part)
    for step, operand in dist.post:
        if kind == "pieces" and step not in ("multiply", "divide"):
            raise ValueError(f"{step} cannot follow pieces")
        if step == "zero_rows":
            _check_rows(operand, shape)
        if step == "l2_normalize" and (operand >= dims or kind == "blocks" and operand == 0):
            raise ValueError(f"l2_normalize has no vectors along dimension {operand}")


def _check_rows(ranges: Iterable[tuple[int, int]], shape: Sequence[int]) -> None:
    if not shape:
        raise ValueError("zero_rows needs at least 1 dimension")
    for first, count in ranges:
        if first + count > shape[0]:
            raise ValueError(f"zero_rows: {count} rows from row {first} on do not lie inside")


def _finite(what: str, value: float) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{what}: {number} must be finite")
    return number


def _at_least_0(what: str, value: float) -> float:
    number = _finite(what, value)
    if number < 0:
        raise ValueError(f"{what}: {number} must be >= 0")
    return number
