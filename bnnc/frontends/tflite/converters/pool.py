# SPDX-License-Identifier: Apache-2.0
"""Pools in float."""

from __future__ import annotations

from typing import TypedDict

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ...tensorflow.converters.images import padding, per_image_axis
from ..context import Context
from ..convert import converts
from .elementwise import fused


class Window(TypedDict):
    """Kernel size, stride and pad of a pool."""

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int, int, int]


def window(c: Context) -> Window:
    """The window of a pool over the operand 0."""
    x = c.x(0)
    if x.type.rank != 4:
        raise Unsupported(f"reads a tensor of shape {list(x.shape)} instead of an image")
    kernel, stride = per_image_axis(c, "ksize"), per_image_axis(c, "strides")
    if min(*kernel, *stride) < 1:
        raise Unsupported("has a kernel or stride below one")
    pad = padding(c, (x.shape[1], x.shape[2]), kernel, stride)
    return {"kernel_size": kernel, "stride": stride, "pad": pad}


@converts("MAX_POOL_2D")
def max_pool(c: Context) -> Value:
    """Padding never counts. Then the activation."""
    return fused(c, c.emit(nn.MaxPool(c.x(0), **window(c))))


@converts("AVERAGE_POOL_2D")
def average_pool(c: Context) -> Value:
    """The mean of the elements inside the image. Then the activation."""
    return fused(c, c.emit(nn.AvgPool(c.x(0), **window(c))))
