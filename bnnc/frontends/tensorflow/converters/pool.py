# SPDX-License-Identifier: Apache-2.0
"""Pools, reductions and softmax."""

from __future__ import annotations

from typing import Literal

from bnnc.ir import Value, nn

from ... import expressions
from ...failures import Unsupported
from ..context import Context
from ..convert import converts
from .images import from_nhwc, padding, per_image_axis, to_nhwc

_KINDS: dict[str, Literal["mean", "sum", "max", "min", "prod"]] = {
    "Mean": "mean",
    "Sum": "sum",
    "Max": "max",
    "Min": "min",
    "Prod": "prod",
}


def _window(
    c: Context, x: Value
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
    """Kernel size, stride and pad of a pool over an NHWC image."""
    if x.type.rank != 4:
        raise Unsupported(f"reads a tensor of shape {list(x.shape)} instead of an image")
    kernel, stride = per_image_axis(c, "ksize"), per_image_axis(c, "strides")
    return kernel, stride, padding(c, (x.shape[1], x.shape[2]), kernel, stride)


@converts("MaxPool")
def max_pool(c: Context) -> Value:
    """Padding never counts."""
    x = to_nhwc(c, c.x(0))
    kernel, stride, pad = _window(c, x)
    return from_nhwc(c, c.emit(nn.MaxPool(x, kernel_size=kernel, stride=stride, pad=pad)))


@converts("AvgPool")
def avg_pool(c: Context) -> Value:
    """The mean of the elements inside the image."""
    x = to_nhwc(c, c.x(0))
    kernel, stride, pad = _window(c, x)
    return from_nhwc(c, c.emit(nn.AvgPool(x, kernel_size=kernel, stride=stride, pad=pad)))


@converts(*_KINDS)
def reduce(c: Context) -> Value:
    """Axes are constants; an empty list reduces nothing."""
    x = c.x(0)
    axes = tuple(sorted({a % max(x.type.rank, 1) for a in c.integers(1)}))
    if not axes:
        return x
    keep = c.flag("keep_dims", False)
    return c.emit(nn.Reduce(x, kind=_KINDS[c.node.op], axes=axes, keep_dims=keep))


@converts("LogSoftmax")
def log_softmax(c: Context) -> Value:
    """X - max - log(sum(exp(x - max))) over the last axis."""
    return expressions.log_softmax(c, c.x(0))


@converts("Softmax")
def softmax(c: Context) -> Value:
    """Over the last axis."""
    return c.emit(nn.Softmax(c.x(0)))
