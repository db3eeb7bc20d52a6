# SPDX-License-Identifier: Apache-2.0
"""Integers times real numbers, as the ``q`` dialect rounds them; int64 arrays throughout.

``double`` is TFLite's and gemmlowp's: Jacob et al., Quantization and Training of Neural Networks
for Efficient Integer-Arithmetic-Only Inference, arXiv:1712.05877.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def wide(x: ArrayLike) -> np.ndarray:
    """The same integers as int64."""
    return np.asarray(x, dtype=np.int64)


def divide_away(x: np.ndarray, divisor: ArrayLike) -> np.ndarray:
    """X / divisor (above 0) to the nearest integer, halves away from zero."""
    d = wide(divisor)
    quotient: np.ndarray = np.sign(x) * ((np.abs(x) + d // 2) // d)
    return quotient


def high_product(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """A * b / 2^31 to the nearest integer, halves up; |a|, |b| < 2^31.

    gemmlowp adds 2^30 to products at or above zero and 1 - 2^30 to others, and divides with
    truncation. A negative product -k gives -floor((k - 1 + 2^30) / 2^31) that way, which is
    floor((-k + 2^30) / 2^31): the shift below, for both signs.
    """
    high: np.ndarray = (wide(a) * wide(b) + 2**30) >> 31
    return high


def shift_away(x: np.ndarray, bits: ArrayLike) -> np.ndarray:
    """X / 2^bits to the nearest integer, halves away from zero."""
    return divide_away(x, np.left_shift(np.int64(1), wide(bits)))


def multiply_double(x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike) -> np.ndarray:
    """X * multiplier * 2^(shift - 31), rounded twice: to 2^-31, then by the right shift."""
    up, down = np.maximum(wide(shift), 0), np.maximum(-wide(shift), 0)
    return shift_away(high_product(np.left_shift(wide(x), up), multiplier), down)


def multiply_single(x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike) -> np.ndarray:
    """X * multiplier * 2^(shift - 31), rounded once, halves up."""
    right = 31 - wide(shift)
    product: np.ndarray = wide(x) * wide(multiplier)
    rounded: np.ndarray = (product + np.left_shift(np.int64(1), right - 1)) >> right
    return rounded


def multiply_float(x: np.ndarray, multiplier: np.ndarray) -> np.ndarray:
    """fl(fl(x) * multiplier) to the nearest integer, halves to even, within 32 bits."""
    product = np.rint(x.astype(np.float32) * multiplier.astype(np.float32))
    return wide(np.clip(np.nan_to_num(product.astype(np.float64)), -(2**31), 2**31 - 1))


def steps(nearest: np.ndarray) -> np.ndarray:
    """Integers of floats, those far outside of every byte cut; NaN is 0."""
    return wide(np.nan_to_num(np.clip(nearest, -512, 512)))


def saturated(x: np.ndarray, lo: int, hi: int, dtype: np.dtype[np.generic]) -> np.ndarray:
    """Clamp and narrow."""
    return np.asarray(np.clip(x, lo, hi), dtype=dtype)
