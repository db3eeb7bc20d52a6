# SPDX-License-Identifier: Apache-2.0
"""Weights and biases of float layers as integers, one scale for each output channel."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, inf, isfinite

import numpy as np

from bnnc.ir import bin as bits
from bnnc.ir import q
from bnnc.ir.value import Resource

from ..constants import constant

LARGEST_WEIGHT = 127
LARGEST_BIAS = 2**30
_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class IntegerWeights:
    """w = integers * scales, and the bias in units of the sums.

    Attributes:
        integers: int8 [o, ...], -127 ... 127; +1 and -1 where the weights are bits.
        units: float64 [o], what one unit of a sum is: scale of x times scale of the weights.
        bias: int32 [o], or None without one.
    """

    integers: np.ndarray
    units: np.ndarray
    bias: np.ndarray | None


def integer_weights(layer: bits.Layer, x_scale: float, *, biased: bool = True) -> IntegerWeights:
    """Symmetric weights, per output channel, and the bias.

    w = clamp(rint(w / s), -127, 127) with s = max |w| / 127 in float64, rounded to float32 once,
    halves to even. A bias that would need more than 2^30 units makes the units larger, so that it
    always fits: against such a bias the weights hardly count. A channel of zeros alone has the
    units of its bias, or 1. Bits cannot become zeros: of a channel with the factor 0 they are sums
    in units of bias / 2^30, no more than taps * 255 of them, or in the smallest unit. A bias
    that stays float (``biased`` is false) has no effect.
    """
    assert isinstance(layer.w, Resource)
    stored = layer.w.array
    count = len(stored)
    rows = stored.astype(np.float64).reshape(count, -1)
    alpha = constant(layer.alpha)
    factors = np.ones(count) if alpha is None else alpha.astype(np.float64)
    bias = constant(layer.bias) if biased else None
    offsets = np.zeros(count) if bias is None else bias.astype(np.float64)
    least = np.abs(offsets) / LARGEST_BIAS
    if layer.KIND == "ff":
        rows = rows * factors[:, None]
        largest = np.abs(rows).max(axis=1, initial=0.0)
        scales = (largest / LARGEST_WEIGHT).astype(np.float32).astype(np.float64)
        units = np.maximum(scales * x_scale, least)
        units = np.where(units < _SMALLEST, 1.0, units)
        integers = np.rint(rows / (units / x_scale)[:, None])
    else:  # the integers are there already; the sign of alpha moves into them
        own = np.abs(factors) * x_scale
        units = np.maximum(np.maximum(own, least), _SMALLEST)
        integers = rows * np.where(factors < 0, -1.0, 1.0)[:, None]
        if layer.KIND == "ft":
            integers[units > own] = 0.0
    integers = np.clip(integers, -LARGEST_WEIGHT, LARGEST_WEIGHT)
    whole = None if bias is None else np.rint(offsets / units).astype(np.int32)
    return IntegerWeights(integers.astype(np.int8).reshape(stored.shape), units, whole)


def least_sums(thr: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The least integer sums that stand for real thresholds or more: s * unit >= t.

    Exact, as rounded quotients would not be. What no sum reaches is the largest number of 32 bits.

    Args:
        thr: float32 [o] or [o, l], infinities among them.
        units: float64 [o], what one unit of a sum is.

    Returns:
        int32 of the shape of thr.
    """
    found = np.empty(thr.shape, np.int32)
    for index in np.ndindex(*thr.shape):
        t = float(thr[index])
        if isfinite(t):
            least = ceil(Fraction(t) / Fraction(float(units[index[0]])))
            found[index] = min(max(least, -q.LARGEST - 1), q.LARGEST)
        else:
            found[index] = -q.LARGEST - 1 if t == -inf else q.LARGEST
    return found
