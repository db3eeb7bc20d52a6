# SPDX-License-Identifier: Apache-2.0
"""Transposed convolutions, of floats and of quantized bytes. Filters are OHWI."""

from __future__ import annotations

from typing import TypedDict

from bnnc.ir import Value, q

from ...failures import Unsupported
from ...tensorflow.converters.images import per_image_axis
from ...transposed import Pair, as_convolution, padding_of_forward, transposed_convolution
from ..context import Context
from ..convert import converts, converts_bytes
from .elementwise import fused
from .layer import float_weights
from .quantized_layer import requantization, weights


class _Geometry(TypedDict):
    stride: Pair
    cut: Pair
    size: Pair


def _geometry(c: Context, x: Value, w: Value) -> _Geometry:
    """Of the operands size of the result, weights, image."""
    shape = c.integers(0)
    if x.type.rank != 4 or w.type.rank != 4 or len(shape) != 4 or shape[3] != w.shape[0]:
        raise Unsupported(f"makes {list(shape)} of {list(x.shape)} with weights {list(w.shape)}")
    stride, size = per_image_axis(c, "strides"), (shape[1], shape[2])
    cut = padding_of_forward(
        c.text("padding"), size, (x.shape[1], x.shape[2]), (w.shape[1], w.shape[2]), stride
    )
    return {"stride": stride, "cut": cut, "size": size}


@converts("TRANSPOSE_CONV")
def transposed(c: Context) -> Value:
    """The size of the result is a constant. Then bias and activation."""
    x, w = c.x(2), float_weights(c, 1)
    bias = None if c.maybe(3) is None else float_weights(c, 3)
    return fused(c, transposed_convolution(c, x, w, bias, **_geometry(c, x, w)))


@converts_bytes("TRANSPOSE_CONV")
def transposed_bytes(c: Context) -> Value:
    """The same of bytes, with zero points between the pixels. Then requantization."""
    x, w = c.x(2), weights(c, 1)
    zero = c.quant(2).zero
    end = requantization(c, w.shape[0], image=2, bias=3, product_in_float=False)
    image, turned, pad = as_convolution(c, x, w, zero=float(zero), **_geometry(c, x, w))
    return c.layer(q.Conv2D(image, turned, stride=(1, 1), pad=pad, **end))
