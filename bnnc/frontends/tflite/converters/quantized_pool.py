# SPDX-License-Identifier: Apache-2.0
"""Pools and means of quantized bytes."""

from __future__ import annotations

import math

from bnnc.ir import Value, q

from ...failures import Unsupported
from ..context import Context
from ..convert import converts_bytes
from .pool import window
from .tensorflow import require_same_quantization


@converts_bytes("MAX_POOL_2D")
def max_pool(c: Context) -> Value:
    """Scale and zero point stay. Then the activation."""
    require_same_quantization(c)
    lo, hi = c.result_quant().bounds(c.text("activation", "NONE"))
    return c.emit(q.MaxPool(c.x(0), **window(c), lo=lo, hi=hi))


@converts_bytes("AVERAGE_POOL_2D")
def average_pool(c: Context) -> Value:
    """Scale and zero point stay. Then the activation."""
    require_same_quantization(c)
    lo, hi = c.result_quant().bounds(c.text("activation", "NONE"))
    return c.emit(q.AvgPool(c.x(0), **window(c), lo=lo, hi=hi))


@converts_bytes("MEAN")
def mean(c: Context) -> Value:
    """Over constant axes, from one scale to another; 1 / count goes into the multiplier."""
    x, y = c.quant(0), c.result_quant()
    axes = tuple(sorted({a % max(c.x(0).type.rank, 1) for a in c.integers(1)}))
    m, shift = q.fixed_point(x.scale / y.scale)
    count = math.prod(c.x(0).shape[a] for a in axes)
    if count < 1:
        raise Unsupported("is a mean of nothing")
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    m, shift = (m << bits) // count, shift - bits
    return c.emit(
        q.Mean(
            c.x(0),
            axes=axes,
            keep_dims=c.flag("keep_dims", False),
            x_zero=x.zero,
            y_zero=y.zero,
            multiplier=m,
            shift=shift,
        )
    )
