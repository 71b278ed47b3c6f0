"""A rule for single matrices, applied to parameters in which several are fused."""

from __future__ import annotations

from collections.abc import Callable

from ._dist import MAX_FORMULA, Dist, blocks, pieces
from ._layout import Param

_INDEPENDENT = frozenset(("constant", "uniform", "normal", "trunc_normal", "fill"))


def each_piece(param: Param, rule: Callable[[Param], Dist]) -> Dist:
    """Returns what a rule for single matrices and vectors gives a parameter.

    A parameter that is not fused goes to the rule as it is. Of a fused one each
    piece does, as a Param with its own role, shape and fans; equal laws of
    independent values become one draw of the whole, others a draw for each
    piece.
    """
    if not param.pieces:
        return rule(param)
    dists = [
        rule(
            param._replace(
                shape=p.shape, role=p.role, fan_in=p.fan_in, fan_out=p.fan_out, padding_row=None, pieces=()
            )
        )
        for p in param.pieces
    ]
    if all(_same(d, dists[0]) for d in dists):
        return dists[0]
    formula = _formula(param, dists)
    if not _rows(param) or not param.elements:
        return pieces(*dists).described(formula)
    return blocks(*((p.shape[0], d) for p, d in zip(param.pieces, dists))).described(formula)


def _same(dist: Dist, other: Dist) -> bool:
    """Tells whether a draw of the whole has the law of both, bit for bit."""
    return (
        dist.kind in _INDEPENDENT
        and not any(step == "zero_rows" for step, _ in dist.post)
        # repr tells 0.0 from -0.0
        and (dist.kind, repr(dist.values), repr(dist.post)) == (other.kind, repr(other.values), repr(other.post))
    )


def _rows(param: Param) -> bool:
    """Tells whether the pieces are whole rows along dimension 0, in order."""
    first = 0
    for p in param.pieces:
        contiguous = p.at.rows <= 1 or p.at.row == p.at.stride
        if len(p.shape) != len(param.shape) or p.shape[1:] != param.shape[1:] or not contiguous or p.at.first != first:
            return False
        first += p.at.rows * p.at.row
    return bool(param.shape)


def _formula(param: Param, dists: list[Dist]) -> str:
    roles: dict[str, dict[str, None]] = {}
    for piece, dist in zip(param.pieces, dists):
        roles.setdefault(dist.formula, {})[piece.role] = None
    text = "; ".join(f"{', '.join(names)}: {formula}" for formula, names in roles.items())
    return text if len(text.encode()) <= MAX_FORMULA else "by the role of each piece"
