# SPDX-License-Identifier: Apache-2.0
"""Quantizers of QONNX, Brevitas and FINN, in the order of float operations of qonnx itself."""

from __future__ import annotations

import math

import numpy as np

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ..arrangement import Arranged, channels_last
from ..context import Context
from ..convert import converts
from .elementwise import rounded

_MOST_THRESHOLDS = 255


@converts("BipolarQuant")
def bipolar(c: Context) -> Arranged:
    """(x >= 0 ? 1 : -1) * scale; NaN gives -scale."""
    both = c.aligned(c.tensor(0), c.tensor(1))
    x, scale = both.values
    sign = c.emit(nn.Sign(x, zero="plus", nan="minus"))
    return both.result(_scaled(c, sign, scale, 1))


def _scaled(c: Context, x: Value, scale: Value, index: int) -> Value:
    """X * scale; a factor of one is left out."""
    return x if _is_all(c, index, 1.0) else c.emit(nn.Mul(x, scale))


def _is_all(c: Context, index: int, number: float) -> bool:
    return c.is_constant(index) and bool((c.array(index) == number).all())


@converts("Quant", "IntQuant")
def quant(c: Context) -> Arranged:
    """(round(clip(x / scale + zero)) - zero) * scale, any bit width, mode, ``narrow``.

    The bounds are integers, so clipping before and after rounding are the same. One signed bit
    means -1 and +1.
    """
    four = c.aligned(*(c.tensor(i) for i in range(3)))
    x, scale, zero = four.values
    shifted = not _is_all(c, 2, 0.0)
    y = x if _is_all(c, 1, 1.0) else c.emit(nn.Div(x, scale))
    if shifted:
        y = c.emit(nn.Add(y, zero))
    bits, signed = c.number_at(3), bool(c.integer("signed", 1))
    if bits == 1 and signed:
        y = c.emit(nn.Sign(y, zero="plus", nan="minus"))
    else:
        lo, hi = _bounds(bits, signed=signed, narrow=bool(c.integer("narrow", 0)))
        y = c.emit(nn.Clip(y, lo=lo, hi=hi))
        y = rounded(c, y, c.text("rounding_mode", "ROUND").upper())
    if shifted:
        y = c.emit(nn.Sub(y, zero))
    return four.result(_scaled(c, y, scale, 1))


def _bounds(bits: float, *, signed: bool, narrow: bool) -> tuple[float, float]:
    """The smallest and largest integer; `bits` may be a fraction."""
    if not 1 <= bits <= 32:
        raise Unsupported(f"quantizes to {bits:g} bits")
    if signed:
        return -(2.0 ** (bits - 1)) + narrow, 2.0 ** (bits - 1) - 1
    return 0.0, 2.0**bits - 1 - narrow


@converts("Trunc")
def trunc(c: Context) -> Arranged:
    """Drop low bits of an integer.

    With five inputs (x, scale, zero, bits, bits left) the step is two to the bits dropped and the
    scale stays. With six or seven (a scale, and maybe a zero, before the bits left) the step is the
    quotient of the scales, which must be a power of two, and the result is clipped.
    """
    last = len(c.operands) - 1
    if last < 4:
        raise Unsupported(f"has {last + 1} inputs")
    operands = c.aligned(*(c.tensor(i) for i in range(3)))
    x, scale, zero = operands.values
    shifted = not _is_all(c, 2, 0.0)
    y = c.emit(nn.Div(x, scale))
    if shifted:
        y = c.emit(nn.Add(y, zero))
    y = c.emit(nn.Round(y))
    mode = c.text("rounding_mode", "FLOOR").upper()
    if last == 4:
        step = 2.0 ** (c.number_at(3) - c.number_at(4))
        out_scale = scale
    else:
        ratio = c.number_at(4) / c.number_at(1)
        if ratio <= 0:
            raise Unsupported("has scales of different signs")
        step = 2.0 ** float(np.round(math.log2(ratio)))
        out_scale = c.scalar(c.number_at(4), "out_scale")
    y = c.emit(nn.Div(y, c.scalar(step, "step")))
    if last > 4:
        signed, narrow = bool(c.integer("signed", 1)), bool(c.integer("narrow", 0))
        lo, hi = _bounds(c.number_at(last), signed=signed, narrow=narrow)
        y = c.emit(nn.Clip(y, lo=lo, hi=hi))
    y = rounded(c, y, mode)
    if shifted:
        shift = zero if last == 4 else c.emit(nn.Div(zero, c.scalar(step, "step")))
        y = c.emit(nn.Sub(y, shift))
    return operands.result(c.emit(nn.Mul(y, out_scale)))


@converts("MultiThreshold")
def multi_threshold(c: Context) -> Arranged:
    """out_scale * (number of thresholds <= x) + out_bias; thresholds [C, n] or [1, n].

    Channels are axis 1, with ``data_layout`` NHWC and for three axes the last one. One threshold
    with results -1 and +1 is the sign of x - t: the difference is zero for x = t only.
    """
    x = c.tensor(0)
    thresholds = np.sort(c.array(1).astype(np.float32), axis=-1)
    if thresholds.ndim != 2 or thresholds.shape[1] < 1:
        raise Unsupported(f"has thresholds of shape {list(thresholds.shape)}")
    last = c.text("data_layout", "NCHW") in ("NHWC", "NWC") or x.rank not in (2, 4)
    perm = tuple(range(x.rank)) if last else channels_last(x.rank)
    value = x.value if x.is_features else c.in_order(0, perm)
    channels = value.shape[-1]
    if thresholds.shape[0] not in (1, channels):
        raise Unsupported(f"has {thresholds.shape[0]} rows of thresholds for {channels} channels")
    y = _counted(c, x, value, thresholds, channels)
    return x.like(y) if x.is_features else Arranged.stored(y, perm)


def _counted(c: Context, x: Arranged, value: Value, thresholds: np.ndarray, channels: int) -> Value:
    scale, bias = c.number("out_scale", 1.0), c.number("out_bias", 0.0)
    count = thresholds.shape[1]
    if count == 1 and (scale, bias) == (2.0, -1.0):
        row = thresholds[:, 0]
        if row.any():
            limit = (
                x.permute_features(c.constant(row, "thresholds"), 0, c.emit)
                if (row.size > 1)
                else c.constant(row, "thresholds")
            )
            value = c.emit(nn.Sub(value, limit))
        return c.emit(nn.Sign(value, zero="plus", nan="minus"))
    if count > _MOST_THRESHOLDS:
        raise Unsupported(f"has {count} thresholds; {_MOST_THRESHOLDS} is the most")
    rows = c.constant(np.broadcast_to(thresholds, (channels, count)), "thresholds")
    limits = x.permute_features(rows, 0, c.emit)
    y = c.emit(nn.MultiThreshold(value, limits))
    if scale != 1.0:
        y = c.emit(nn.Mul(y, c.scalar(scale, "scale")))
    return y if bias == 0.0 else c.emit(nn.Add(y, c.scalar(bias, "bias")))
