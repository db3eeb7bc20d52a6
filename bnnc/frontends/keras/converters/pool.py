# SPDX-License-Identifier: Apache-2.0
"""Pools and means."""

from __future__ import annotations

from typing import Literal

from bnnc.ir import Value, nn

from ..context import Context
from ..convert import converts
from ..windows import Image, Pads, Pair, is_channels_first, padding


def _window(c: Context, spatial: int) -> tuple[Image, Pair, Pair, Pads]:
    image = Image.of(c, spatial)
    kernel = image.pair(c, "pool_size", 2)
    stride = kernel if c.option("strides") is None else image.pair(c, "strides")
    return image, kernel, stride, padding(c, image.size, kernel, stride)


def _max_pool(c: Context, spatial: int) -> Value:
    image, kernel, stride, pad = _window(c, spatial)
    return image.result(
        c, c.emit(nn.MaxPool(image.value, kernel_size=kernel, stride=stride, pad=pad))
    )


def _avg_pool(c: Context, spatial: int) -> Value:
    image, kernel, stride, pad = _window(c, spatial)
    return image.result(
        c, c.emit(nn.AvgPool(image.value, kernel_size=kernel, stride=stride, pad=pad))
    )


@converts("MaxPooling1D", "MaxPool1D")
def max_pool1d(c: Context) -> Value:
    """Padding never counts."""
    return _max_pool(c, 1)


@converts("MaxPooling2D", "MaxPool2D")
def max_pool2d(c: Context) -> Value:
    """Padding never counts."""
    return _max_pool(c, 2)


@converts("AveragePooling1D", "AvgPool1D")
def avg_pool1d(c: Context) -> Value:
    """The mean of the elements inside."""
    return _avg_pool(c, 1)


@converts("AveragePooling2D", "AvgPool2D")
def avg_pool2d(c: Context) -> Value:
    """The mean of the elements inside the image."""
    return _avg_pool(c, 2)


def _over_all(c: Context, kind: Literal["mean", "max"]) -> Value:
    first = 2 if is_channels_first(c) else 1
    axes = tuple(range(first, first + c.x.type.rank - 2))
    return c.emit(nn.Reduce(c.x, kind=kind, axes=axes, keep_dims=c.flag("keepdims", False)))


@converts(
    *("GlobalAveragePooling1D", "GlobalAvgPool1D", "GlobalAveragePooling2D", "GlobalAvgPool2D")
)
def global_average(c: Context) -> Value:
    """The mean of each channel, with or without axes of size one."""
    return _over_all(c, "mean")


@converts("GlobalMaxPooling1D", "GlobalMaxPool1D", "GlobalMaxPooling2D", "GlobalMaxPool2D")
def global_max(c: Context) -> Value:
    """The maximum of each channel, with or without axes of size one."""
    return _over_all(c, "max")
