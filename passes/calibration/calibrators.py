# SPDX-License-Identifier: Apache-2.0
"""Calibrators: from the statistics of a tensor to the range that its levels cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from bnnc.ir.diagnostics import UsageError, did_you_mean

from .affine import AffineLevels, levels_of
from .statistics import Statistics

Calibrator: TypeAlias = Callable[[Statistics], tuple[float, float]]

PERCENTILE = 99.99
_SHRINKS = np.linspace(1.0, 0.2, 81)


def minmax(found: Statistics) -> tuple[float, float]:
    """Everything that was seen: nothing is cut off, outliers make the levels coarse."""
    return found.low, found.high


def average(found: Statistics) -> tuple[float, float]:
    """Moving averages of each batch's smallest and largest number."""
    return found.mean_low, found.mean_high


def percentile(found: Statistics) -> tuple[float, float]:
    """All but 0.01 % of the numbers, half of it at either end where there are numbers there."""
    histogram = found.histogram
    counts = histogram.counts.astype(np.float64)
    if not counts.any():
        return found.low, found.high
    cut = histogram.total * (1 - PERCENTILE / 100) / 2
    counts[counts.size // 2] += histogram.zeros
    width = 2 * histogram.limit / counts.size
    first = int(np.searchsorted(np.cumsum(counts), cut, side="right"))
    last = counts.size - int(np.searchsorted(np.cumsum(counts[::-1]), cut, side="right"))
    low = first * width - histogram.limit
    high = last * width - histogram.limit
    return max(low, found.low), min(high, found.high)


def mse(found: Statistics) -> tuple[float, float]:
    """The part of the range, from all to a fifth, whose levels have the least squared error."""
    histogram = found.histogram
    occupied = histogram.counts > 0
    centers, weights = histogram.centers[occupied], histogram.counts[occupied]
    if centers.size == 0:
        return found.low, found.high

    def error(levels: AffineLevels) -> float:
        difference = levels.dequantize(levels.quantize(centers)) - centers
        return float((weights * difference**2).sum())

    def part(shrink: float) -> tuple[float, float]:
        return found.low * shrink, found.high * shrink

    return part(min(map(float, _SHRINKS), key=lambda s: error(levels_of(*part(s)))))


CALIBRATORS: dict[str, Calibrator] = {
    "minmax": minmax,
    "percentile": percentile,
    "mse": mse,
    "average": average,
}


def find_calibrator(name: str) -> Calibrator:
    """The calibrator of a name.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in CALIBRATORS:
        raise UsageError(
            f"unknown calibrator '{name}'",
            hint=did_you_mean(name, CALIBRATORS) or f"known: {', '.join(CALIBRATORS)}",
        )
    return CALIBRATORS[name]
