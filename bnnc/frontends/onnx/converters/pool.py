# SPDX-License-Identifier: Apache-2.0
"""Pools and reductions."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce as reduce_taps
from typing import Literal, TypeAlias

import numpy as np

from bnnc.ir import Value, nn, q

from ...failures import Unsupported
from ..arrangement import Arranged, channels_last
from ..context import Context
from ..convert import converts
from .windows import Image, Window, tap_counts, tap_values

Kind: TypeAlias = Literal["mean", "sum", "max", "min", "prod"]


def _window(c: Context) -> tuple[Image, Window]:
    image = Image.of(c)
    kernel = image.pair(c.ints("kernel_shape"), "kernel_shape")
    return image, Window.of(c, image, kernel)


@converts("MaxPool")
def max_pool(c: Context) -> Arranged:
    """Padding never counts; only output 0, there are no indices. Bytes stay bytes."""
    image, window = _window(c)
    limits = image.value.type.scalar.range()
    if window.dilation != (1, 1):
        taps = tap_values(c, image, window, float(limits[0]) if limits else -np.inf)
        return image.result(c, reduce_taps(lambda a, b: c.emit(nn.Maximum(a, b)), taps))
    y: nn.MaxPool | q.MaxPool
    if limits:
        lo, hi = limits
        y = q.MaxPool(
            image.value,
            kernel_size=window.kernel,
            stride=window.stride,
            pad=window.pad,
            lo=lo,
            hi=hi,
        )
        return image.result(c, c.emit(y))
    y = nn.MaxPool(image.value, kernel_size=window.kernel, stride=window.stride, pad=window.pad)
    return image.result(c, c.emit(y))


@converts("AveragePool")
def average_pool(c: Context) -> Arranged:
    """The mean of the elements inside the image, with ``count_include_pad`` of the padding too."""
    image, window = _window(c)
    include = bool(c.integer("count_include_pad", 0))
    if window.dilation != (1, 1) or (include and window.grown):
        taps = tap_values(c, image, window, 0.0)
        total = reduce_taps(lambda a, b: c.emit(nn.Add(a, b)), taps)
        counts = c.constant(tap_counts(image, window, padding=include), "counts")
        return image.result(c, c.emit(nn.Div(total, counts)))
    y = nn.AvgPool(
        image.value,
        kernel_size=window.kernel,
        stride=window.stride,
        pad=window.pad,
        include_pad=include,
    )
    return image.result(c, c.emit(y))


@converts("GlobalAveragePool", "GlobalMaxPool")
def global_pool(c: Context) -> Arranged:
    """Mean or maximum over all axes behind the channels, which stay with size one."""
    rank = c.tensor(0).rank
    if rank < 3:
        raise Unsupported(f"reads a tensor of shape {list(c.shape(0))} instead of an image")
    kind: Kind = "max" if c.node.op == "GlobalMaxPool" else "mean"
    axes = tuple(range(1, rank - 1))
    y = c.emit(nn.Reduce(c.channels_last(0), kind=kind, axes=axes, keep_dims=True))
    return Arranged.stored(y, channels_last(rank))


def _square(c: Context, x: Value) -> Value:
    return c.emit(nn.Mul(x, x))


def _same(c: Context, x: Value) -> Value:
    return x


# What is done before, how it is reduced, what is done after.
_REDUCTIONS: dict[
    str, tuple[Callable[[Context, Value], Value], Kind, Callable[[Context, Value], Value]]
] = {
    "ReduceMean": (_same, "mean", _same),
    "ReduceSum": (_same, "sum", _same),
    "ReduceMax": (_same, "max", _same),
    "ReduceMin": (_same, "min", _same),
    "ReduceProd": (_same, "prod", _same),
    "ReduceL1": (lambda c, x: c.emit(nn.Abs(x)), "sum", _same),
    "ReduceL2": (_square, "sum", lambda c, x: c.emit(nn.Sqrt(x))),
    "ReduceSumSquare": (_square, "sum", _same),
    "ReduceLogSum": (_same, "sum", lambda c, x: c.emit(nn.Log(x))),
}


@converts(*_REDUCTIONS)
def reduce(c: Context) -> Arranged:
    """Axes are an attribute, or from opset 18 on (sums: 13) a constant input; none means all."""
    x = c.tensor(0)
    given = c.integers(1) if c.has_input(1) else c.ints("axes", ())
    if not given and c.integer("noop_with_empty_axes", 0):
        return x
    axes = {c.axis(a, x.rank) for a in given} or set(range(x.rank))
    keep = bool(c.integer("keepdims", 1))
    if x.is_features:
        x = Arranged.plain(c.whole(x))
    before, kind, after = _REDUCTIONS[c.node.op]
    stored = tuple(i for i, axis in enumerate(x.perm) if axis in axes)
    y = before(c, x.value)
    y = after(c, c.emit(nn.Reduce(y, kind=kind, axes=stored, keep_dims=keep))) if axes else y
    if keep:
        return Arranged.stored(y, x.perm)
    left = [axis for axis in range(x.rank) if axis not in axes]
    return Arranged.stored(y, tuple(left.index(axis) for axis in x.perm if axis not in axes))
