# SPDX-License-Identifier: Apache-2.0
"""Between floats and quantized bytes, and from one scale to another."""

from __future__ import annotations

from bnnc.ir import Value, q

from ...failures import Unsupported
from ..context import Context
from ..convert import converts, converts_bytes
from .layer import float_weights


@converts_bytes("QUANTIZE")
def quantize(c: Context) -> Value:
    """Floats to bytes, halves away from zero; bytes to bytes of another scale."""
    x, y = c.x(0), c.result_quant()
    if x.type.scalar.is_float:
        return c.emit(q.Quantize(x, scale=y.scale, zero=y.zero, to=y.to, halves="away"))
    old = c.quant(0)
    m, shift = q.fixed_point(old.scale / y.scale)
    return c.emit(
        q.Requantize(
            x,
            x_zero=old.zero,
            y_zero=y.zero,
            multiplier=m,
            shift=shift,
            to=y.to,
            rounding="double",
        )
    )


@converts_bytes("DEQUANTIZE")
def dequantize(c: Context) -> Value:
    """Bytes to floats, one product each."""
    x = c.quant(0)
    return c.emit(q.Dequantize(c.x(0), scale=x.scale, zero=x.zero))


@converts("DEQUANTIZE")
def dequantize_constant(c: Context) -> Value:
    """Constant weights of half floats or bytes become floats."""
    if not c.is_constant(c.x(0)) and not c.x(0).type.scalar.is_float:
        raise Unsupported("reads integers of an input")
    return float_weights(c, 0) if c.is_constant(c.x(0)) else c.x(0)
