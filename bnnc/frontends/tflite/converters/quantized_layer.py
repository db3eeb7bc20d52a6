# SPDX-License-Identifier: Apache-2.0
"""Layers of quantized bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnc.ir import Value, q

from ...failures import Unsupported
from ..context import Context
from ..convert import converts_bytes
from ..quantization import require_valid
from .layer import depthwise_ohwi, geometry, groups_of, rows, unrowed


def weights(c: Context, index: int = 1) -> Value:
    """Constant weights without their zero point: i8, or i16 where the difference needs it."""
    given = c.source(index).quantization
    if given is None:
        raise Unsupported("has weights without a scale")
    require_valid(given)
    array, zero = c.numbers(index), 0
    if array.ndim and given.zeros.any():
        if given.scales.size > 1:
            raise Unsupported("has weights with a zero point for each channel")
        zero = int(given.zeros[0])
    return c.constant(q.without_zero(array, zero), "weights")


def requantization(
    c: Context,
    channels: int,
    *,
    product_in_float: bool,
    rounding: q.Rounding = "double",
    image: int = 0,
    bias: int = 2,
) -> dict[str, Any]:
    """Zero points, bounds and multipliers; bias, multiplier and shift are operands.

    ``image`` and ``bias`` are the places of these among the operator's inputs.

    The factor of a channel is scale of x * scale of its weights / scale of y in float64; where the
    whole tensor has one, older kernels multiply the first two in float32.
    """
    x, y, given = c.quant(image), c.result_quant(), c.source(1).quantization
    scales = np.broadcast_to(given.scales if given else np.zeros(1), (channels,))
    lo, hi = y.bounds(c.text("activation", "NONE"))
    pairs: list[tuple[int, int]] = []
    for scale in scales:
        product = float(x.scale) * float(scale)
        if product_in_float:
            product = float(np.float32(x.scale) * np.float32(scale))
        pairs.append(q.fixed_point(product / y.scale))
    numbers = np.array(pairs, np.int32).reshape(-1, 2)
    return {
        "bias": _bias(c, channels, bias),
        "multiplier": c.constant(np.ascontiguousarray(numbers[:, 0]), "multiplier"),
        "shift": c.constant(np.ascontiguousarray(numbers[:, 1]), "shift"),
        "x_zero": x.zero,
        "y_zero": y.zero,
        "lo": lo,
        "hi": hi,
        "to": y.to,
        "rounding": rounding,
    }


def _bias(c: Context, channels: int, index: int) -> Value | None:
    if c.maybe(index) is None:
        return None
    array = c.numbers(index)
    if array.dtype != np.int32 or array.shape != (channels,):
        raise Unsupported(f"has a bias {array.dtype}{list(array.shape)}")
    return c.constant(array, "bias")


@converts_bytes("CONV_2D")
def conv2d(c: Context) -> Value:
    """Fewer filter than input channels mean groups. Then requantization and activation."""
    x, w = c.x(0), weights(c)
    return _convolved(c, x, w, groups_of(x, w))


@converts_bytes("DEPTHWISE_CONV_2D")
def depthwise(c: Context) -> Value:
    """Channel k of x with its m filters gives the channels k * m ... Then requantization."""
    x = c.x(0)
    return _convolved(c, x, depthwise_ohwi(c, weights(c)), x.shape[-1])


def _convolved(c: Context, x: Value, w: Value, groups: int) -> Value:
    where: dict[str, Any] = dict(geometry(c, x, w))
    end = requantization(c, w.shape[0], product_in_float=False)
    return c.layer(q.Conv2D(x, w, groups=groups, **where, **end))


@converts_bytes("FULLY_CONNECTED")
def fully_connected(c: Context) -> Value:
    """All axes of x but that of the features are rows. Then requantization and activation.

    Unlike convolutions, LiteRT's kernel rounds once.
    """
    w, given = weights(c), c.source(1).quantization
    one_scale = given is not None and given.scales.size == 1
    end = requantization(c, w.shape[0], product_in_float=one_scale, rounding="single")
    return unrowed(c, c.layer(q.Dense(rows(c, w), w, **end)))
