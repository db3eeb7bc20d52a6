# SPDX-License-Identifier: Apache-2.0
"""Reductions, one element after the other in row-major order of the reduced axes."""

from __future__ import annotations

import numpy as np

from .. import nn
from ..diagnostics import IRError
from ..shapes import normal_axis
from .table import evaluates

_NARROW = 64


@evaluates(nn.Reduce)
def reduce(op: nn.Reduce, x: np.ndarray) -> np.ndarray:
    """Mean is the sum divided by the count; integer means truncate toward zero."""
    axes = sorted({normal_axis(a, x.ndim) for a in op.axes})
    rest = [a for a in range(x.ndim) if a not in axes]
    kept = [x.shape[a] for a in rest]
    rows = x.transpose(*axes, *rest).reshape(-1, *kept) if x.size else _empty_rows(x, axes, kept)
    count = rows.shape[0]
    if op.kind in ("max", "min"):
        if count == 0:
            raise IRError(f"the {op.kind} of no elements ({op.loc.name})")
        reduced = _extreme(rows, smallest=op.kind == "min")
    elif op.kind == "prod":
        reduced = _fold(np.multiply, rows, 1)
    else:
        reduced = _fold(np.add, rows, 0)
        if op.kind == "mean":
            reduced = _divide(reduced, count)
    return reduced.reshape(op.results[0].shape)


def _empty_rows(x: np.ndarray, axes: list[int], kept: list[int]) -> np.ndarray:
    count = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    return np.empty((count, *kept), x.dtype)


def _fold(operation: np.ufunc, rows: np.ndarray, start: int) -> np.ndarray:
    """(((start op rows[0]) op rows[1]) op ...), each step rounded to the dtype of the rows.

    numpy's own sum adds in pairs, `accumulate` and a loop do not. Starting from +0 differs from
    starting with the first row only where all rows are -0; the last addition of +0 sees to it.
    """
    neutral = rows.dtype.type(start)
    if rows.shape[0] and rows[0].size < _NARROW:
        running = operation.accumulate(rows, axis=0, dtype=rows.dtype)
        return np.asarray(operation(running[-1], neutral))
    total = np.full(rows.shape[1:], neutral)
    for row in rows:
        operation(total, row, out=total)
    return total


def _extreme(rows: np.ndarray, *, smallest: bool) -> np.ndarray:
    """Fold b > a ? b : a (or b < a ? b : a) over the rows.

    The fold keeps the first of equal elements, a NaN in the first row, and passes over later ones.
    """
    nan = rows != rows
    worst = np.inf if smallest else -np.inf
    ranked = np.where(nan, worst, rows) if rows.dtype.kind == "f" else rows
    best = ranked.argmin(axis=0) if smallest else ranked.argmax(axis=0)
    chosen: np.ndarray = np.take_along_axis(rows, np.asarray(best)[None], axis=0)[0]
    return np.asarray(np.where(nan[0], rows[0], chosen))


def _divide(total: np.ndarray, count: int) -> np.ndarray:
    if total.dtype.kind == "f":
        return np.asarray(total / total.dtype.type(count))
    if count == 0:
        raise IRError("the mean of no integers")
    return np.asarray((total - np.fmod(total, total.dtype.type(count))) // count)
