# SPDX-License-Identifier: Apache-2.0
"""Arithmetic and layers written a second time: one scalar after the other, exact fractions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, TypeAlias, TypeVar

import numpy as np

from bnnc.ir import F32, Op, Scalar, TensorType, Value

F = np.float32
OpT = TypeVar("OpT", bound=Op)
Tap: TypeAlias = Callable[[float, float, float], float]
"""(accumulator, x, w) -> next accumulator, all of them float32 values."""


def value_like(array: np.ndarray, scalar: Scalar = F32) -> Value:
    """An operand whose type fits an array."""
    return Value(TensorType(array.shape, scalar))


def make(cls: Callable[..., OpT], *operands: Value | None, **fields: Any) -> OpT:
    """An operation from fields that a test computes, which no type checker can follow."""
    return cls(*operands, **fields)


def round_f32(exact: Fraction) -> float:
    """The float32 nearest to an exact number, ties to even, denormals and overflow included."""
    if exact == 0:
        return 0.0
    magnitude = abs(exact)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    if magnitude < Fraction(2) ** exponent:
        exponent -= 1
    quantum = max(exponent - 23, -149)
    scaled = magnitude / Fraction(2) ** quantum
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1):
        whole += 1
    rounded = math.inf if whole >= 2 ** (128 - quantum) else math.ldexp(whole, quantum)
    return math.copysign(rounded, exact)


def exact_fma(acc: float, x: float, w: float) -> float:
    """fl(acc + x * w) by exact fractions; the arguments are finite float32 values."""
    exact = Fraction(x) * Fraction(w) + Fraction(acc)
    if exact == 0:
        # Only the sign of the zero is left: the product is exact in float64, so is this sum.
        return acc + x * w
    return round_f32(exact)


def muladd(acc: float, x: float, w: float) -> float:
    """fl(acc + fl(x * w)) by numpy scalars."""
    with np.errstate(all="ignore"):
        return float(F(acc) + F(x) * F(w))


def _flush(x: float) -> float:
    return math.copysign(0.0, x) if abs(x) < 2.0**-126 else x


def flushed_muladd(acc: float, x: float, w: float) -> float:
    """Muladd by exact fractions; operands and unrounded results below 2^-126 become zero."""
    acc, x, w = _flush(acc), _flush(x), _flush(w)
    product = Fraction(x) * Fraction(w)
    tiny = abs(product) < Fraction(1, 2**126)
    term = math.copysign(0.0, x * w) if tiny else round_f32(product)
    exact = Fraction(acc) + Fraction(term)
    return acc + term if exact == 0 else _flush(round_f32(exact))


TAPS: dict[str, Tap] = {"muladd": muladd, "fma": exact_fma, "muladd.ftz": flushed_muladd}


class Eights:
    """A tap that keeps the products of a group of eight back until the last of them is there."""

    def __init__(self, taps: int) -> None:
        self.taps, self.seen = taps, 0
        self.products: list[np.float32] = []

    def __call__(self, acc: float, x: float, w: float) -> float:
        """fl(acc + fl(four + four)) when a group ends; until then the sum so far."""
        self.products.append(F(x) * F(w))
        self.seen += 1
        if len(self.products) < 8 and self.seen % self.taps:
            return acc
        self.products += [F(0)] * (8 - len(self.products))
        a, b, c, d, e, f, g, h = self.products
        self.products = []
        with np.errstate(all="ignore"):
            return float(F(acc) + ((((a + b) + c) + d) + (((e + f) + g) + h)))


def conv2d(
    x: np.ndarray,
    w: np.ndarray,
    *,
    stride: Sequence[int] = (1, 1),
    dilation: Sequence[int] = (1, 1),
    groups: int = 1,
    pad: Sequence[int] = (0, 0, 0, 0),
    pad_value: float = 0.0,
    tap: Tap = muladd,
) -> np.ndarray:
    """Accumulators (float64 holding what `tap` returns) by seven nested loops."""
    n, h, width, channels = x.shape
    oc, kh, kw, group_c = w.shape
    assert channels == groups * group_c
    rows = (h + pad[0] + pad[2] - (kh - 1) * dilation[0] - 1) // stride[0] + 1
    cols = (width + pad[1] + pad[3] - (kw - 1) * dilation[1] - 1) // stride[1] + 1
    y = np.zeros((n, rows, cols, oc))
    for i, oy, ox, o in np.ndindex(*y.shape):
        first = o // (oc // groups) * group_c
        acc = 0.0
        for a, b, c in np.ndindex(kh, kw, group_c):
            iy = oy * stride[0] + a * dilation[0] - pad[0]
            ix = ox * stride[1] + b * dilation[1] - pad[1]
            inside = 0 <= iy < h and 0 <= ix < width
            value = float(x[i, iy, ix, first + c]) if inside else pad_value
            acc = tap(acc, value, float(w[o, a, b, c]))
        y[i, oy, ox, o] = acc
    return y


def same_bits(got: np.ndarray, want: np.ndarray) -> None:
    """Fail unless two arrays are equal in dtype, shape and bits; any NaN equals any NaN."""
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    if got.dtype == np.float32:
        nan = np.isnan(got)
        np.testing.assert_array_equal(nan, np.isnan(want))
        got, want = got[~nan].view(np.uint32), want[~nan].view(np.uint32)
    np.testing.assert_array_equal(got, want)
