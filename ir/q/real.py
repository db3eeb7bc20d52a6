# SPDX-License-Identifier: Apache-2.0
"""Real factors as integers: m * 2^(s - 31) with m of 31 bits, and those that sums need."""

from __future__ import annotations

import math
from typing import TypedDict

from ..diagnostics import IRError

_LEFT_SHIFT = 20


def nearest(x: float) -> int:
    """The nearest integer, halves away from zero."""
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def fixed_point(real: float) -> tuple[int, int]:
    """A real number of at least zero as multiplier and shift, as TensorFlow Lite derives them.

    Returns:
        (m, s) with 2^30 <= m < 2^31, or zeros where the number is too small.

    Raises:
        IRError: It is too large.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    m = nearest(fraction * 2**31)
    if m == 2**31:
        m, shift = m // 2, shift + 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        raise IRError(f"scales that make a factor of {real:g}")
    return m, shift


class SumFactors(TypedDict):
    """Fields of `q.add` and `q.sub`."""

    left_shift: int
    a_multiplier: int
    a_shift: int
    b_multiplier: int
    b_shift: int
    y_multiplier: int
    y_shift: int


def sum_factors(a_scale: float, b_scale: float, y_scale: float) -> SumFactors:
    """What a sum or difference of bytes multiplies by, as TensorFlow Lite derives it.

    Both operands are taken in twice the larger scale, 2^20 times finer; then the sum in the scale
    of the result.

    Raises:
        IRError: the scales lie too far apart.
    """
    twice = 2.0 * max(a_scale, b_scale)
    (am, ash), (bm, bsh) = fixed_point(a_scale / twice), fixed_point(b_scale / twice)
    ym, ysh = fixed_point(twice / (2.0**_LEFT_SHIFT * y_scale))
    return {
        "left_shift": _LEFT_SHIFT,
        "a_multiplier": am,
        "a_shift": ash,
        "b_multiplier": bm,
        "b_shift": bsh,
        "y_multiplier": ym,
        "y_shift": ysh,
    }
