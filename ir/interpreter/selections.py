# SPDX-License-Identifier: Apache-2.0
"""Operations that find elements, or take them by their places."""

from __future__ import annotations

import numpy as np

from .. import nn
from .table import evaluates


@evaluates(nn.Gather)
def gather(op: nn.Gather, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Elements of an axis."""
    return np.take(x, indices, axis=op.axis)


@evaluates(nn.ArgMax)
def arg_max(op: nn.ArgMax, x: np.ndarray) -> np.ndarray:
    """Fold b > a (with ``last``: b >= a) over the axis, keeping the place."""
    rows = np.moveaxis(x, op.axis, 0)
    best, place = np.array(rows[0]), np.zeros(rows.shape[1:], np.int32)
    for i in range(1, len(rows)):
        better = np.asarray(rows[i] >= best if op.last else rows[i] > best)
        np.copyto(best, rows[i], where=better)
        np.copyto(place, np.int32(i), where=better)
    return np.expand_dims(place, op.axis)


@evaluates(nn.TopK)
def top_k(op: nn.TopK, x: np.ndarray) -> np.ndarray:
    """A stable sort of -x, which numpy does with NaN at the end."""
    order = np.argsort(-x, axis=-1, kind="stable")
    return np.ascontiguousarray(order[..., : op.k], np.int32)


@evaluates(nn.TakeAlong)
def take_along(op: nn.TakeAlong, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Elements of each row."""
    return np.take_along_axis(x, np.clip(indices, 0, x.shape[-1] - 1), axis=-1)
