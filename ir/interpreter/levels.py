# SPDX-License-Identifier: Apache-2.0
"""Operations on levels (uint8), and between levels and floats."""

from __future__ import annotations

import numpy as np

from .. import bin, nn
from .bits import passes
from .table import evaluates


def count_passed(x: np.ndarray, thresholds: np.ndarray, nan: bin.Nan) -> np.ndarray:
    """How many of the thresholds [c, l] of its channel each element of x [..., c] passes."""
    level = np.zeros(x.shape, np.uint8)
    for threshold in thresholds.T:
        level += passes(x, threshold, nan)
    return level


@evaluates(bin.Quantize)
def quantize(op: bin.Quantize, x: np.ndarray, thr: np.ndarray) -> np.ndarray:
    """Count thresholds per channel."""
    return count_passed(x, thr, op.nan)


@evaluates(nn.MultiThreshold)
def multi_threshold(op: nn.MultiThreshold, x: np.ndarray, thr: np.ndarray) -> np.ndarray:
    """The same count as a float."""
    return count_passed(x, thr, "minus").astype(np.float32)


@evaluates(bin.ToLevels)
def to_levels(op: bin.ToLevels, x: np.ndarray) -> np.ndarray:
    """Distance from the lowest integer, held between 0 and the highest level."""
    distance = x - np.float32(op.low)
    inside = np.where(distance > 0, distance, np.float32(0))
    return np.minimum(inside, np.float32(op.levels)).astype(np.uint8)


@evaluates(bin.Dequantize)
def dequantize(op: bin.Dequantize, x: np.ndarray) -> np.ndarray:
    """fl(fl(level * scale) + offset)."""
    return np.asarray(x.astype(np.float32) * np.float32(op.scale) + np.float32(op.offset))


@evaluates(bin.Relayout)
def relayout(op: bin.Relayout, x: np.ndarray) -> np.ndarray:
    """Logical values have no layout."""
    return x
