# SPDX-License-Identifier: Apache-2.0
"""Real factors as integers: m * 2^(s - 31) with m of 31 bits."""

from __future__ import annotations

import math

from ..diagnostics import IRError


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
