# SPDX-License-Identifier: Apache-2.0
"""From a range of real numbers to scale and zero point: x = (q - zero) * scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOWEST, HIGHEST = -128, 127
LEVELS = HIGHEST - LOWEST
_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class AffineLevels:
    """Asymmetric 8-bit levels, q in -128 ... 127 for x = (q - zero) * scale.

    Attributes:
        scale: a positive, normal float32.
        zero: the level of 0.0, which is exact: padding and relu lose nothing.
    """

    scale: float
    zero: int

    def quantize(self, x: np.ndarray) -> np.ndarray:
        """The nearest levels (int8), in float64, ties to even; beyond the range the outermost."""
        levels = np.rint(np.asarray(x, np.float64) / self.scale) + self.zero
        return np.asarray(np.clip(levels, LOWEST, HIGHEST), np.int8)

    def dequantize(self, q: np.ndarray) -> np.ndarray:
        """The numbers (float64) that levels stand for."""
        return np.asarray((np.asarray(q, np.float64) - self.zero) * self.scale)


def levels_of(low: float, high: float) -> AffineLevels:
    """The levels that cover low ... high.

    The range is widened to hold 0. A range of nothing but 0 gets the scale 1 and the zero point
    0, so that all of it is exact. The scale is computed in float64 and rounded once; one below
    the normal float32 numbers is raised to the smallest of them.

    Raises:
        ValueError: a bound is not finite, or low is above high.
    """
    if not (np.isfinite(low) and np.isfinite(high)) or low > high:
        raise ValueError(f"no range of numbers: {low} ... {high}")
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        return AffineLevels(1.0, 0)
    scale = max(float(np.float32((high - low) / LEVELS)), _SMALLEST)
    zero = int(np.clip(np.rint(LOWEST - low / scale), LOWEST, HIGHEST))
    return AffineLevels(scale, zero)
