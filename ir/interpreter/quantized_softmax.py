# SPDX-License-Identifier: Apache-2.0
"""Softmax of quantized bytes in 32-bit fixed point.

The reciprocal is the one of gemmlowp's fixedpoint.h (``one_over_one_plus_x_for_x_in_0_1``).
Qm.n below is a fixed-point number of n fractional bits.
"""

from __future__ import annotations

import numpy as np

from .. import q
from .fixed_point import high_product, saturated, shift_away, wide
from .table import evaluates

_SUM_BITS = 12  # the sum of exponentials is Q12.19
_FIRST = 1515870810  # 48 / 17 in Q2.29
_SLOPE = -1010580540  # -32 / 17 in Q2.29


@evaluates(q.Softmax)
def softmax(op: q.Softmax, x: np.ndarray, exps: np.ndarray) -> np.ndarray:
    """Exponentials from the table, times the reciprocal of their sum."""
    values = wide(x)
    e = wide(exps)[values.max(axis=-1, keepdims=True) - values]
    total = np.maximum(shift_away(e, _SUM_BITS).sum(axis=-1, keepdims=True), 1)
    # Normalize the sum to 1 <= sum < 2 as Q0.31 above one; bits is how far it had to go.
    zeros = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    above_one = (total << zeros) - 2**31
    product = high_product(_reciprocal(above_one), e)
    y = shift_away(product, _SUM_BITS - zeros + 31 - 8) - 128
    return saturated(y, -128, 127, x.dtype)


def _reciprocal(a: np.ndarray) -> np.ndarray:
    """1 / (1 + a) as Q0.31, for a in [0, 1) as Q0.31.

    Newton's method for the half denominator d = (1 + a) / 2, from 48/17 - 32/17 d.
    """
    half = (a + 2**31) >> 1
    x = high_product(half, _SLOPE) + _FIRST
    for _ in range(3):
        x = x + _saturated_shift(high_product(x, 2**29 - high_product(half, x)), 2)
    return _saturated_shift(x, 1)


def _saturated_shift(x: np.ndarray, bits: int) -> np.ndarray:
    return np.asarray(np.clip(x << bits, -(2**31), 2**31 - 1))
