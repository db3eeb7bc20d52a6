# SPDX-License-Identifier: Apache-2.0
"""Quantization to 8-bit integers and back (QDQ graphs), carried as the integers' float values."""

from __future__ import annotations

import numpy as np

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ..arrangement import Aligned, Arranged
from ..context import Context
from ..convert import converts


def _operands(c: Context) -> tuple[Aligned, np.ndarray, np.dtype[np.generic]]:
    """X and scale in one order, the zero point as f32 in the scale's shape, its type."""
    if c.integer("block_size", 0):
        raise Unsupported("quantizes in blocks")
    x, scale = c.tensor(0), c.tensor(1)
    zero = c.array(2) if c.has_input(2) else np.zeros((), np.uint8)
    shape: tuple[int, ...] = ()
    if scale.value.type.size != 1:
        axis = c.axis(c.integer("axis", 1), x.rank)
        shape = tuple(d if a == axis else 1 for a, d in enumerate(x.shape))
    scale = scale.reshaped(shape, c.emit)
    floats = Arranged.plain(c.constant(zero.astype(np.float32).reshape(shape), "zero"))
    return c.aligned(x, scale, floats), zero, zero.dtype


@converts("QuantizeLinear")
def quantize(c: Context) -> Arranged:
    """Saturate(round(x / scale) + zero), halves to even."""
    three, zero, dtype = _operands(c)
    if dtype.kind not in "iu":
        raise Unsupported(f"quantizes to {dtype}")
    x, scale, offset = three.values
    y = c.emit(nn.Round(c.emit(nn.Div(x, scale))))
    if zero.any():
        y = c.emit(nn.Add(y, offset))
    width = 8 * dtype.itemsize
    low, high = (
        (0, 2**width - 1) if dtype.kind == "u" else (-(2 ** (width - 1)), 2 ** (width - 1) - 1)
    )
    c.mark_integral()
    return three.result(c.emit(nn.Clip(y, lo=float(low), hi=float(high))))


@converts("DequantizeLinear")
def dequantize(c: Context) -> Arranged:
    """(q - zero) * scale."""
    three, zero, _ = _operands(c)
    x, scale, offset = three.values
    if not x.type.scalar.is_float:
        x = c.emit(nn.Cast(x, to="f32"))
    y: Value = c.emit(nn.Sub(x, offset)) if zero.any() else x
    return three.result(c.emit(nn.Mul(y, scale)))
