"""Modes that make their own values, where no distribution says what they want.

Both make any range of a parameter without what lies before it, and the same
bits on every machine: they use SHAKE-256 and single float operations, no
linear algebra library and no random module. README.md walks through it.
"""

from __future__ import annotations

import hashlib
import math
import sys
from array import array
from collections.abc import Iterable, Iterator

from weightinit_plugin import Dist, Layout, Part, Plugin, constant, fill, normal, option

plugin = Plugin("fill_py", version="1.0.0")

BLOCK = 1 << 15
"""Words made at a time: a range costs at most one block more than it has."""


def words(seed: bytes, purpose: bytes, first: int, count: int) -> Iterator[array[int]]:
    """Yields the words first to first + count of an endless stream of 16-bit words.

    The stream depends on seed and purpose only, and is made in blocks that can
    be made alone.
    """
    while count:
        block, at = divmod(first, BLOCK)
        raw = hashlib.shake_256(b"|".join((seed, purpose, str(block).encode()))).digest(2 * BLOCK)
        some = array("H", raw)
        if sys.byteorder == "big":
            some.byteswap()
        some = some[at : at + min(count, BLOCK - at)]
        yield some
        first, count = first + len(some), count - len(some)


def others(layout: Layout, wants: Iterable[bool]) -> Iterator[Dist]:
    """Says fill() where wanted, and a plain rule for all other parameters."""
    for p, wanted in zip(layout, wants):
        if wanted:
            yield fill()
        elif p.role == "norm_weight":
            yield constant(1)
        elif len(p.shape) < 2 or p.role.endswith("bias"):
            yield constant(0)
        else:
            yield normal(std=1 / math.sqrt(max(1, p.fan_in)))


@plugin.mode(
    "ternary",
    version=1,
    summary="matrices of -s, 0 and s with s by fan_in; for networks of three-valued weights",
    description="matrices: 0 for the share sparsity of the elements, else -s or s, equally often\n"
    "s = gain / sqrt(fan_in * (1 - sparsity)), so that the variance is gain^2 / fan_in\n"
    "norm weights 1, all that has fewer than two dimensions 0",
)
def ternary(
    layout: Layout,
    gain: float = option(1.0, minimum=0, maximum=100, doc="factor of every matrix"),
    sparsity: float = option(0.5, minimum=0, exclusive_maximum=1, doc="share of zeros, in steps of 1/32768"),
) -> Iterator[Dist]:
    return others(layout, (len(p.shape) >= 2 and p.fan_in > 0 for p in layout))


@plugin.fill("ternary", ranges=True)
def ternary_values(part: Part, gain: float, sparsity: float) -> Iterator[array[float]]:
    zeros = min(round(sparsity * 32768), 32767)
    s = gain / math.sqrt(part.param.fan_in * ((32768 - zeros) / 32768))
    # The lowest bit is the sign; the other 15 decide between 0 and s.
    table = [0.0] * (2 * zeros) + [s, -s] * (32768 - zeros)
    for some in words(part.seed, b"ternary", part.first, part.count):
        yield array(part.typecode, map(table.__getitem__, some))


@plugin.mode(
    "hadamard",
    version=1,
    summary="orthogonal matrices of -s and s; signs are random, the structure is Hadamard's",
    description="matrices [n, n] with n a power of 2: gain * D H E / sqrt(n)\n"
    "H is the Hadamard matrix of Sylvester, D and E are random signs of rows and columns;\n"
    "rows and columns are orthogonal, exactly so but for the rounding of 1 / sqrt(n)\n"
    "other matrices: normal(0, 1 / sqrt(fan_in)); norm weights 1; vectors 0",
)
def hadamard(
    layout: Layout,
    gain: float = option(1.0, minimum=-100, maximum=100, doc="factor of every such matrix"),
) -> Iterator[Dist]:
    return others(layout, (is_square_of_2(p.shape) for p in layout))


def is_square_of_2(shape: tuple[int, ...]) -> bool:
    """Reports whether the shape is [n, n] with n a power of 2, at most 32,768."""
    return len(shape) == 2 and shape[0] == shape[1] and shape[0].bit_count() == 1 and shape[0] <= BLOCK


@plugin.fill("hadamard", ranges=True)
def hadamard_values(part: Part, gain: float) -> Iterator[array[float]]:
    n = part.param.shape[0]
    s = gain / math.sqrt(n)
    (rows,) = words(part.seed, b"rows", 0, n)
    (columns,) = words(part.seed, b"columns", 0, n)
    parity = [i.bit_count() & 1 for i in range(n)]
    first, last = part.first // n, (part.first + part.count - 1) // n
    for i in range(first, last + 1 if part.count else first):
        # The sign of element (i, j) is that of its row, its column and H.
        pair = (s, -s) if rows[i] & 1 == 0 else (-s, s)
        row = array(part.typecode, [pair[(columns[j] ^ parity[i & j]) & 1] for j in range(n)])
        begin = part.first - i * n if i == first else 0
        end = part.first + part.count - i * n if i == last else n
        yield row[begin:end]


if __name__ == "__main__":
    plugin.serve()
