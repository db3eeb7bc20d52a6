# SPDX-License-Identifier: Apache-2.0
"""Float32 arithmetic with other roundings than numpy's: fused multiply-add and flush to zero."""

from __future__ import annotations

import numpy as np

_SMALLEST_NORMAL = 2.0**-126


def fma(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """fl(a * b + c), rounded to float32 once; float32 arrays that broadcast, any values.

    The product of two float32 numbers has at most 48 significant bits and an exponent far inside
    the range of float64, hence it is exact there.
    """
    with np.errstate(all="ignore"):
        exact = np.asarray(a, np.float64) * np.asarray(b, np.float64)
        return add_rounded_once(*np.broadcast_arrays(exact, c))


def add_rounded_once(product: np.ndarray, c: np.ndarray) -> np.ndarray:
    """fl(product + c) to float32 with one rounding, for float64 `product`, float32 `c`, one shape.

    s = fl64(product + c), then rounded to float32, is wrong only by double rounding: rounding is
    monotone, and each midpoint m of two float32 neighbours is a float64 number, so
    product + c < m implies s <= m. Unless s == m, both lie on the same side of m and round to the
    same float32. Midpoints of normal float32 numbers have the low 29 bits 1000...0; those of
    denormals are elsewhere, so all tiny sums are doubted too.
    """
    s = np.asarray(product + c)
    result = np.asarray(s.astype(np.float32))
    doubtful = (s.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    doubtful |= (np.abs(s) < _SMALLEST_NORMAL) & (s != 0)
    if doubtful.any():
        odd = _round_to_odd(product[doubtful], c[doubtful].astype(np.float64), s[doubtful])
        result[doubtful] = odd.astype(np.float32)
    return result


def _round_to_odd(a: np.ndarray, b: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Round a + b to odd, given s = fl64(a + b).

    Boldo and Melquiond (2008), "Emulation of a FMA and correctly rounded sums: proved algorithms
    using rounding to odd": 53 >= 24 + 2 bits rounded to odd, then rounded to 24, are rounded once.
    TwoSum (Knuth) gives the exact error e; a sum that is inexact and even moves to its odd
    neighbour in the direction of e.
    """
    b_part = s - a
    e = (a - (s - b_part)) + (b - b_part)
    bits = s.view(np.int64)
    move = np.isfinite(s) & (e != 0) & (bits & 1 == 0)
    # Bit patterns grow with the magnitude: +1 moves away from zero.
    step = np.where((e > 0) == (s > 0), 1, -1)
    return np.where(move, bits + step, bits).view(np.float64)


def flush(x: np.ndarray) -> np.ndarray:
    """Replace denormal numbers by zeros of the same sign (float32 or float64 holding float32)."""
    return np.where(np.abs(x) < _SMALLEST_NORMAL, np.copysign(x.dtype.type(0), x), x)


def multiply_flushed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Product as a flush-to-zero unit does it: operands and result flushed.

    Tininess is detected before rounding (Arm ARM, FPRound): an exact product below 2^-126 becomes
    zero even where it would round up to 2^-126. The exact product is at hand in float64.
    """
    product = flush(a).astype(np.float64) * flush(b).astype(np.float64)
    return flush(product).astype(np.float32)


def add_flushed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sum as a flush-to-zero unit does it; a sum of float32 numbers below 2^-126 is exact."""
    return flush(flush(a) + flush(b))
