# SPDX-License-Identifier: Apache-2.0
"""Pools."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ..context import Context
from ..convert import converts

_Pads = tuple[int, int, int, int]


def _rounded_up(size: int, kernel: int, stride: int, pad: int) -> int:
    """The padding behind an axis with which ceil((size + 2 pad - kernel) / stride) + 1 fit.

    The last window must start inside the image or the padding before it, as in Torch.
    """
    count = -(-(size + 2 * pad - kernel) // stride) + 1
    if pad and (count - 1) * stride >= size + pad:
        count -= 1
    return max((count - 1) * stride + kernel - size - pad, 0)


def _window(c: Context) -> tuple[Value, tuple[int, int], tuple[int, int], _Pads]:
    x = c.image()
    kernel, (top, left) = c.pair("kH", "kW"), c.pair("padH", "padW", 0)
    stride = c.pair("dH", "dW", 1)
    if min(*kernel, *stride) < 1 or min(top, left) < 0:
        raise Unsupported(f"has a window {kernel} with strides {stride}")
    bottom, right = top, left
    if c.flag("ceil_mode", False):
        bottom = _rounded_up(x.shape[1], kernel[0], stride[0], top)
        right = _rounded_up(x.shape[2], kernel[1], stride[1], left)
    return x, kernel, stride, (top, left, bottom, right)


@converts("SpatialMaxPooling")
def max_pool(c: Context) -> Value:
    """Padding never counts; sizes rounded down or up (ceil_mode)."""
    x, kernel, stride, pad = _window(c)
    return c.emit(nn.MaxPool(x, kernel_size=kernel, stride=stride, pad=pad))


@converts("SpatialAveragePooling")
def average_pool(c: Context) -> Value:
    """The mean of the window; padding counts if the module says so."""
    x, kernel, stride, pad = _window(c)
    includes = c.flag("count_include_pad", False) and any(pad)
    if not c.flag("divide", True):
        raise Unsupported("sums instead of averaging")
    if includes and pad[:2] != pad[2:]:
        raise Unsupported("counts padding where sizes are rounded up")
    return c.emit(nn.AvgPool(x, kernel_size=kernel, stride=stride, pad=pad, include_pad=includes))


@converts("SpatialZeroPadding")
def zero_padding(c: Context) -> Value:
    """Zeros around the image."""
    x = c.image()
    top, bottom = c.integer("pad_t", 0), c.integer("pad_b", 0)
    left, right = c.integer("pad_l", 0), c.integer("pad_r", 0)
    before, after = (0, top, left, 0), (0, bottom, right, 0)
    return c.emit(nn.Pad(x, before=before, after=after, value=0.0))
