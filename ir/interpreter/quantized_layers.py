# SPDX-License-Identifier: Apache-2.0
"""Layers of quantized bytes."""

from __future__ import annotations

import numpy as np

from .. import q
from .accumulators import integer_accumulators
from .bits import cut
from .fixed_point import multiply_double, multiply_float, multiply_single, saturated
from .levels import count_passed
from .table import evaluates
from .windows import Window


@evaluates(q.Conv2D)
def conv2d(
    op: q.Conv2D,
    x: np.ndarray,
    w: np.ndarray,
    bias: np.ndarray | None,
    multiplier: np.ndarray | None,
    shift: np.ndarray | None,
    thr: np.ndarray | None = None,
    *params: np.ndarray,
) -> np.ndarray:
    """A convolution of x - x_zero; what lies outside of the image is the zero point."""
    window = Window((w.shape[1], w.shape[2]), op.stride, op.dilation, op.pad)
    windows = window.over(_centred(op, x), 0)
    return _end(op, window_sums(op, windows, w, op.groups), bias, multiplier, shift, thr)


@evaluates(q.Dense)
def dense(
    op: q.Dense,
    x: np.ndarray,
    w: np.ndarray,
    bias: np.ndarray | None,
    multiplier: np.ndarray | None,
    shift: np.ndarray | None,
    thr: np.ndarray | None = None,
    *params: np.ndarray,
) -> np.ndarray:
    """A 1x1 convolution of a 1x1 image."""
    return _end(op, dense_sums(op, _centred(op, x), w), bias, multiplier, shift, thr)


def _centred(op: q.Layer, x: np.ndarray) -> np.ndarray:
    return np.asarray(x.astype(np.int16) - np.int16(op.x_zero))


def dense_sums(op: q.Layer | q.DynamicLayer, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The sums [n, o] of x [n, i] without its zero point, after the proof that they fit."""
    windows = x[:, None, None, None, None, :]
    return np.asarray(window_sums(op, windows, w[:, None, None, :], 1)[:, 0, 0])


def window_sums(
    op: q.Layer | q.DynamicLayer, windows: np.ndarray, w: np.ndarray, groups: int
) -> np.ndarray:
    """The sums of products, after the proof that they fit."""
    q.require_accumulators(op)
    return integer_accumulators(windows, w, groups, int(q.largest_accumulator(op).max(initial=0)))


def _end(
    op: q.Layer,
    acc: np.ndarray,
    bias: np.ndarray | None,
    multiplier: np.ndarray | None,
    shift: np.ndarray | None,
    thr: np.ndarray | None,
) -> np.ndarray:
    if bias is not None:
        acc = acc + bias
    if thr is not None:
        return cut(acc, thr, "plus") if thr.ndim == 1 else count_passed(acc, thr, "plus")
    if multiplier is None:
        return acc
    if shift is None:
        y = multiply_float(acc, multiplier)
    elif op.rounding == "double":
        y = multiply_double(acc, multiplier, shift)
    else:
        y = multiply_single(acc, multiplier, shift)
    return saturated(y + op.y_zero, op.lo, op.hi, op.result.type.dtype)
