# SPDX-License-Identifier: Apache-2.0
"""Weights and biases of float layers as integers, one scale for each output channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnc.ir import bin as bits
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


def integer_weights(layer: bits.Layer, x_scale: float) -> IntegerWeights:
    """Symmetric weights, per output channel, and the bias.

    w = clamp(rint(w / s), -127, 127) with s = max |w| / 127 in float64, rounded to float32 once,
    halves to even. A bias that would need more than 2^30 units makes the units larger, so that it
    always fits: against such a bias the weights hardly count. A channel of zeros alone has the
    units of its bias, or 1.
    """
    assert isinstance(layer.w, Resource)
    stored = layer.w.array
    count = len(stored)
    rows = stored.astype(np.float64).reshape(count, -1)
    alpha = constant(layer.alpha)
    factors = np.ones(count) if alpha is None else alpha.astype(np.float64)
    bias = constant(layer.bias)
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
        units = np.maximum(np.abs(factors) * x_scale, least)
        units = np.where(units < _SMALLEST, 1.0, units)
        integers = rows * np.where(factors < 0, -1.0, 1.0)[:, None]
    integers = np.clip(integers, -LARGEST_WEIGHT, LARGEST_WEIGHT)
    whole = None if bias is None else np.rint(offsets / units).astype(np.int32)
    return IntegerWeights(integers.astype(np.int8).reshape(stored.shape), units, whole)
