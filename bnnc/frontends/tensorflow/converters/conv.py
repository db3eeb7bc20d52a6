# SPDX-License-Identifier: Apache-2.0
"""Convolutions. TensorFlow's filters are HWIO (depthwise: HWIM), the IR's OHWI."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ..context import Context
from ..convert import converts
from .fused import apply_fused
from .images import from_nhwc, padding, per_image_axis, to_nhwc

_OHWI_OF_HWIO = (3, 0, 1, 2)
_ONES = (1, 1, 1, 1)


def _weights(c: Context, index: int) -> Value:
    w = c.x(index)
    if not c.is_constant(w):
        raise Unsupported("has weights that depend on an input")
    if w.type.rank != 4:
        raise Unsupported(f"has weights of shape {list(w.shape)}")
    return w


def _conv2d(c: Context, x: Value, ohwi: Value, groups: int) -> Value:
    """Emit the convolution of an NHWC image under the node's stride, dilation and padding."""
    if x.type.rank != 4:
        raise Unsupported(f"reads a tensor of shape {list(x.shape)} instead of an image")
    stride = per_image_axis(c, "strides")
    dilation = per_image_axis(c, "dilations", _ONES)
    kernel = (ohwi.shape[1], ohwi.shape[2])
    pad = padding(c, (x.shape[1], x.shape[2]), kernel, stride, dilation)
    return c.emit(
        nn.Conv2D(x, ohwi, stride=stride, dilation=dilation, groups=groups, pad=pad, pad_value=0.0)
    )


def _grouped(c: Context) -> Value:
    """The plain convolution in NHWC; fewer filter than input channels mean groups."""
    if c.text("filter_format", "HWIO") != "HWIO":
        raise Unsupported(f"has filters in the order {c.text('filter_format')}")
    x, hwio = to_nhwc(c, c.x(0)), _weights(c, 1)
    channels, per_group = x.shape[-1], hwio.shape[2]
    if per_group == 0 or channels % per_group:
        raise Unsupported(f"has {channels} input channels but filters of {per_group}")
    ohwi = c.emit(nn.Transpose(hwio, perm=_OHWI_OF_HWIO))
    return _conv2d(c, x, ohwi, channels // per_group)


@converts("Conv2D")
def conv2d(c: Context) -> Value:
    """Cross-correlation of x with an HWIO filter."""
    return from_nhwc(c, _grouped(c))


@converts("_FusedConv2D")
def fused_conv2d(c: Context) -> Value:
    """The same, and what Grappler hung behind it."""
    return from_nhwc(c, apply_fused(c, _grouped(c)))


@converts("DepthwiseConv2dNative")
def depthwise(c: Context) -> Value:
    """Channel k of x with filters [:, :, k, m] gives channel k * multiplier + m."""
    return from_nhwc(c, _depthwise(c))


@converts("_FusedDepthwiseConv2dNative")
def fused_depthwise(c: Context) -> Value:
    """The same, and what Grappler hung behind it."""
    return from_nhwc(c, apply_fused(c, _depthwise(c)))


def _depthwise(c: Context) -> Value:
    x, hwim = to_nhwc(c, c.x(0)), _weights(c, 1)
    kh, kw, channels, multiplier = hwim.shape
    hwio = c.emit(nn.Reshape(hwim, shape=(kh, kw, 1, channels * multiplier)))
    ohwi = c.emit(nn.Transpose(hwio, perm=_OHWI_OF_HWIO))
    return _conv2d(c, x, ohwi, channels)
