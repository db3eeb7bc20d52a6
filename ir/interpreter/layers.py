# SPDX-License-Identifier: Apache-2.0
"""Convolutions and dense layers of both dialects, with their ends.

A dense layer is a 1x1 convolution of a 1x1 image.
"""

from __future__ import annotations

import numpy as np

from .. import bin, nn
from .accumulators import float_accumulators, integer_accumulators
from .bits import cut
from .levels import count_passed
from .rounding import add_flushed, flush, multiply_flushed
from .table import evaluates
from .windows import Window


@evaluates(nn.Conv2D)
def conv2d(op: nn.Conv2D, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """The imported convolution: order ``muladd``, then the bias."""
    acc = float_accumulators(_windows(op, x, w), w, op.groups, "muladd")
    return acc if b is None else acc + b


@evaluates(nn.Dense)
def dense(op: nn.Dense, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """The imported dense layer: order ``muladd``, then the bias."""
    acc = float_accumulators(_as_windows(x), _as_image(w), 1, "muladd")[:, 0, 0]
    return acc if b is None else acc + b


@evaluates(nn.MatMul)
def mat_mul(op: nn.MatMul, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Products added one after the other."""
    acc = np.zeros(op.results[0].shape, np.float32)
    for i in range(a.shape[2]):
        acc += a[:, :, i, None] * b[:, i, None, :]
    return acc


@evaluates(bin.ConvLayer)
def conv_layer(
    op: bin.ConvLayer,
    x: np.ndarray,
    w: np.ndarray,
    alpha: np.ndarray | None,
    bias: np.ndarray | None,
    thr: np.ndarray | None,
    *params: np.ndarray,
) -> np.ndarray:
    """A lowered convolution of any kind."""
    return _end(op, _accumulate(op, _windows(op, x, w), w, op.groups), alpha, bias, thr)


@evaluates(bin.DenseLayer)
def dense_layer(
    op: bin.DenseLayer,
    x: np.ndarray,
    w: np.ndarray,
    alpha: np.ndarray | None,
    bias: np.ndarray | None,
    thr: np.ndarray | None,
    *params: np.ndarray,
) -> np.ndarray:
    """A lowered dense layer of any kind."""
    acc = _accumulate(op, _as_windows(x), _as_image(w), 1)[:, 0, 0]
    return _end(op, acc, alpha, bias, thr)


def _windows(op: nn.Conv2D | bin.ConvLayer, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    kernel = (w.shape[1], w.shape[2])
    return Window(kernel, op.stride, op.dilation, op.pad).over(x, op.pad_value)


def _as_windows(x: np.ndarray) -> np.ndarray:
    return x[:, None, None, None, None, :]


def _as_image(w: np.ndarray) -> np.ndarray:
    return w[:, None, None, :]


def _accumulate(op: bin.Layer, windows: np.ndarray, w: np.ndarray, groups: int) -> np.ndarray:
    if op.integer:
        return integer_accumulators(windows, w, groups, op.largest_sum)
    return float_accumulators(windows, w, groups, op.order)


def _end(
    op: bin.Layer,
    acc: np.ndarray,
    alpha: np.ndarray | None,
    bias: np.ndarray | None,
    thr: np.ndarray | None,
) -> np.ndarray:
    """Thresholds, or scale and bias; a flush-to-zero unit flushes here too."""
    flushed = op.order == "muladd.ftz" and not op.integer
    if thr is not None:
        thr = flush(thr) if flushed else thr
        return cut(acc, thr, op.nan) if thr.ndim == 1 else count_passed(acc, thr, op.nan)
    y = acc.astype(np.float32, copy=False)
    if alpha is not None:
        y = multiply_flushed(y, alpha) if op.order == "muladd.ftz" else y * alpha
    if bias is not None:
        y = add_flushed(y, bias) if op.order == "muladd.ftz" else y + bias
    return y
