# SPDX-License-Identifier: Apache-2.0
"""Bytes whose scale and zero point are measured at run time."""

from __future__ import annotations

import numpy as np

from .. import q
from .fixed_point import saturated, steps
from .quantized_layers import dense_sums, window_sums
from .table import evaluates
from .windows import Window

_MOST = np.float32(2.0**126)


@evaluates(q.DynamicLevels)
def dynamic_levels(op: q.DynamicLevels, x: np.ndarray) -> np.ndarray:
    """Bounds are cut so that their difference is finite; comparisons pass over NaN."""
    low = max(np.fmin.reduce(x.reshape(-1), initial=np.float32(0)), -_MOST)
    high = min(np.fmax.reduce(x.reshape(-1), initial=np.float32(0)), _MOST)
    scale = (high - low) / np.float32(255)
    if scale == 0:
        scale = np.float32(1)
    zero = min(np.rint(-low / scale), np.float32(255))
    # Not -0.0.
    return np.array([scale, zero + np.float32(0)], np.float32)


@evaluates(q.DynamicQuantize)
def dynamic_quantize(op: q.DynamicQuantize, x: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """One quotient in float32, then integers."""
    y = steps(np.rint(x / levels[0])) + _zero(levels)
    return saturated(y, 0, 255, op.result.type.dtype)


@evaluates(q.DynamicConv2D)
def dynamic_conv2d(
    op: q.DynamicConv2D,
    x: np.ndarray,
    levels: np.ndarray,
    w: np.ndarray,
    w_scale: np.ndarray | None,
    bias: np.ndarray | None,
) -> np.ndarray:
    """What lies outside of the image is the zero point."""
    window = Window((w.shape[1], w.shape[2]), op.stride, op.dilation, op.pad)
    sums = window_sums(op, window.over(_centred(x, levels), 0), w, op.groups)
    return _end(sums, levels, w_scale, bias)


@evaluates(q.DynamicDense)
def dynamic_dense(
    op: q.DynamicDense,
    x: np.ndarray,
    levels: np.ndarray,
    w: np.ndarray,
    w_scale: np.ndarray | None,
    bias: np.ndarray | None,
) -> np.ndarray:
    """A 1x1 convolution of a 1x1 image."""
    return _end(dense_sums(op, _centred(x, levels), w), levels, w_scale, bias)


def _zero(levels: np.ndarray) -> int:
    return int(np.clip(steps(np.rint(levels[1:])), 0, 255)[0])


def _centred(x: np.ndarray, levels: np.ndarray) -> np.ndarray:
    return np.asarray(x.astype(np.int16) - np.int16(_zero(levels)))


def _end(
    acc: np.ndarray, levels: np.ndarray, w_scale: np.ndarray | None, bias: np.ndarray | None
) -> np.ndarray:
    """Float32 operations, each rounded once: the unit, its multiple, and the bias."""
    if w_scale is None:
        return acc
    y = acc.astype(np.float32) * (levels[0] * w_scale)
    return np.asarray(y if bias is None else y + bias)
