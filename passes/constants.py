# SPDX-License-Identifier: Apache-2.0
"""Reading constant operands."""

from __future__ import annotations

import numpy as np

from bnnc.ir.value import Resource, Value


def constant(value: Value | None) -> np.ndarray | None:
    """The logical array of a constant operand, or None."""
    return value.array if isinstance(value, Resource) else None


def scalar_constant(value: Value | None) -> float | None:
    """The one value of a float constant whose elements are the same bits (0 is not -0), or None."""
    array = constant(value)
    if array is None or array.size == 0 or array.dtype != np.float32:
        return None
    patterns = np.ascontiguousarray(array).view(np.int32)
    same = bool((patterns == patterns.reshape(-1)[0]).all())
    return float(array.reshape(-1)[0]) if same else None


def channel_constant(value: Value | None, like: Value) -> np.ndarray | None:
    """A float constant as one value for each channel (last axis) of `like`, or None.

    Accepts a scalar and any shape that broadcasts along the last axis only, without growing
    `like`.
    """
    array = constant(value)
    if array is None or array.dtype != np.float32 or like.type.rank == 0:
        return None
    channels = like.shape[-1]
    if array.ndim > like.type.rank or array.size not in (1, channels):
        return None
    if array.size == channels and channels > 1 and array.shape[-1] != channels:
        return None
    return np.array(np.broadcast_to(array.reshape(-1), (channels,)))
