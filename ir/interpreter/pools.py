# SPDX-License-Identifier: Apache-2.0
"""Pooling: one window element after the other, row-major, padding left out."""

from __future__ import annotations

import numpy as np

from .. import bin, nn, q
from .elementwise import maximum
from .table import evaluates
from .windows import Window


def max_over_windows(op: nn.MaxPool | bin.MaxPool | q.MaxPool, x: np.ndarray) -> np.ndarray:
    """Fold max(a, b) = b > a ? b : a over the elements of each window that lie in the image.

    The fold starts with the first such element: a NaN there stays, a later one is passed over.
    """
    window = Window(op.kernel_size, op.stride, pad=op.pad)
    windows, inside = window.over(x, 0), window.inside((x.shape[1], x.shape[2]))
    best = np.array(windows[:, :, :, 0, 0])
    started = np.array(inside[:, :, 0, 0])
    for i, j in list(np.ndindex(*op.kernel_size))[1:]:
        element, valid = windows[:, :, :, i, j], inside[:, :, i, j]
        better = np.where(started, maximum(best, element), element)
        best = np.where(valid, better, best)
        started |= valid
    return best


@evaluates(nn.MaxPool)
def max_pool(op: nn.MaxPool, x: np.ndarray) -> np.ndarray:
    """Maximum of each window."""
    return max_over_windows(op, x)


@evaluates(nn.AvgPool)
def avg_pool(op: nn.AvgPool, x: np.ndarray) -> np.ndarray:
    """Sequential sum from +0 divided by the count.

    Padding may be added as +0 whether it counts or not: the sum is never -0, see the float
    accumulators, so adding +0 leaves it as it is.
    """
    window = Window(op.kernel_size, op.stride, pad=op.pad)
    windows = window.over(x, 0.0)
    total = np.zeros((*windows.shape[:3], x.shape[3]), np.float32)
    for i, j in np.ndindex(*op.kernel_size):
        total += windows[:, :, :, i, j]
    count = window.inside((x.shape[1], x.shape[2])).sum(axis=(2, 3), dtype=np.int32)
    if op.include_pad:
        count[...] = op.kernel_size[0] * op.kernel_size[1]
    total /= count.astype(np.float32)
    return total
