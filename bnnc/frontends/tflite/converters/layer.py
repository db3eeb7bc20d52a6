# SPDX-License-Identifier: Apache-2.0
"""Layers in float: convolutions and dense layers.

Filters are OHWI, those of depthwise convolutions [1, h, w, channels]; dense weights are OI. Where
weights are bytes and activations float (hybrid models), the weights become floats.
"""

from __future__ import annotations

import numpy as np

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ...tensorflow.converters.images import padding, per_image_axis
from ..context import Context
from ..convert import converts
from ..model import Tensor
from ..quantization import require_valid
from .elementwise import fused

_ONES = (1, 1, 1, 1)


def dequantized(tensor: Tensor, array: np.ndarray) -> np.ndarray:
    """fl(fl(q - zero) * scale) of a constant of bytes, per channel where its scales are."""
    given = tensor.quantization
    if given is None:
        raise Unsupported(f"has weights of {tensor.dtype.name.lower()} without a scale")
    require_valid(given)
    shape = [1] * array.ndim
    if given.scales.size > 1:
        shape[given.axis] = -1
    zeros, scales = given.zeros.reshape(shape), given.scales.reshape(shape)
    return np.asarray((array.astype(np.int64) - zeros).astype(np.float32) * scales, np.float32)


def float_weights(c: Context, index: int) -> Value:
    """A constant operand of floats, or of bytes that become floats."""
    w = c.x(index)
    if not c.is_constant(w):
        raise Unsupported("has weights that depend on an input")
    if w.type.scalar.is_float:
        return w
    if c.operator.kind != "DEQUANTIZE":
        c.mark_hybrid()
    return c.constant(dequantized(c.source(index), c.numbers(index)), f"weights{index}")


def _bias(c: Context) -> Value | None:
    return None if c.maybe(2) is None else float_weights(c, 2)


@converts("CONV_2D")
def conv2d(c: Context) -> Value:
    """Fewer filter than input channels mean groups. Then bias and activation."""
    x, w = c.x(0), float_weights(c, 1)
    return _convolved(c, x, w, groups_of(x, w))


@converts("DEPTHWISE_CONV_2D")
def depthwise(c: Context) -> Value:
    """Channel k of x with its m filters gives the channels k * m ... Then bias and activation."""
    x = c.x(0)
    return _convolved(c, x, depthwise_ohwi(c, float_weights(c, 1)), x.shape[-1])


def groups_of(x: Value, w: Value) -> int:
    """Groups of a convolution, from the channels of image and filters."""
    if x.type.rank != 4 or w.type.rank != 4:
        raise Unsupported(f"reads an image {list(x.shape)} with filters {list(w.shape)}")
    groups, rest = divmod(x.shape[3], max(w.shape[3], 1))
    if rest or groups < 1:
        raise Unsupported(f"has {x.shape[3]} input channels but filters of {w.shape[3]}")
    return groups


def depthwise_ohwi(c: Context, w: Value) -> Value:
    """[1, h, w, channels] as [channels, h, w, 1]."""
    if w.type.rank != 4 or w.shape[0] != 1:
        raise Unsupported(f"has filters of shape {list(w.shape)}")
    return c.emit(nn.Transpose(w, perm=(3, 1, 2, 0)))


def geometry(c: Context, x: Value, w: Value) -> dict[str, tuple[int, ...]]:
    """Stride, dilation and pad of a convolution with filters OHWI."""
    if x.type.rank != 4:
        raise Unsupported(f"reads a tensor of shape {list(x.shape)} instead of an image")
    stride = per_image_axis(c, "strides")
    dilation = per_image_axis(c, "dilations", _ONES)
    kernel, size = (w.shape[1], w.shape[2]), (x.shape[1], x.shape[2])
    if min(*stride, *dilation) < 1:
        raise Unsupported("has a stride or dilation below one")
    pad = padding(c, size, kernel, stride, dilation)
    return {"stride": stride, "dilation": dilation, "pad": pad}


def _convolved(c: Context, x: Value, w: Value, groups: int) -> Value:
    where = geometry(c, x, w)
    y = c.emit(nn.Conv2D(x, w, _bias(c), groups=groups, pad_value=0.0, **where))  # type: ignore[arg-type]
    return fused(c, y)


@converts("FULLY_CONNECTED")
def fully_connected(c: Context) -> Value:
    """All axes of x but that of the features are rows. Then bias and activation."""
    w = float_weights(c, 1)
    y = c.emit(nn.Dense(rows(c, w), w, _bias(c)))
    return fused(c, unrowed(c, y))


def rows(c: Context, w: Value) -> Value:
    """The operand 0 as [rows, features]."""
    x = c.x(0)
    if c.integer("weights_format", 0) != 0:
        raise Unsupported("has shuffled weights")
    if w.type.rank != 2 or w.shape[1] < 1 or x.type.size % w.shape[1]:
        raise Unsupported(f"reads {list(x.shape)} with weights {list(w.shape)}")
    return c.reshape(x, (x.type.size // w.shape[1], w.shape[1]))


def unrowed(c: Context, y: Value) -> Value:
    """The axes that x had, where ``keep_num_dims`` asks for them."""
    if not c.flag("keep_num_dims", False):
        return y
    return c.reshape(y, (*c.x(0).shape[:-1], y.shape[-1]))
