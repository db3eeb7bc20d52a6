# SPDX-License-Identifier: Apache-2.0
"""Operations that move data, and softmax."""

from __future__ import annotations

import numpy as np

from .. import nn
from . import elementary
from .table import evaluates


@evaluates(nn.Pad)
def pad(op: nn.Pad, x: np.ndarray) -> np.ndarray:
    """Surround with a constant."""
    return np.pad(x, list(zip(op.before, op.after, strict=True)), constant_values=op.value)


@evaluates(nn.Reshape)
def reshape(op: nn.Reshape, x: np.ndarray) -> np.ndarray:
    """Row-major reshape."""
    return x.reshape(op.shape)


@evaluates(nn.Transpose)
def transpose(op: nn.Transpose, x: np.ndarray) -> np.ndarray:
    """Permute the axes."""
    return np.ascontiguousarray(x.transpose(op.perm)).reshape(op.results[0].shape)


@evaluates(nn.Concat)
def concat(op: nn.Concat, *xs: np.ndarray) -> np.ndarray:
    """Join along an axis."""
    return np.concatenate(xs, axis=op.axis)


@evaluates(nn.Split)
def split(op: nn.Split, x: np.ndarray) -> tuple[np.ndarray, ...]:
    """Cut along an axis."""
    cuts = np.cumsum(op.sizes)[:-1]
    return tuple(np.ascontiguousarray(p) for p in np.split(x, cuts, axis=op.axis))


@evaluates(nn.Slice)
def slice_(op: nn.Slice, x: np.ndarray) -> np.ndarray:
    """Pick begin, begin + step, ... along each axis."""
    for axis, (begin, size, step) in enumerate(zip(op.begin, op.size, op.step, strict=True)):
        x = np.take(x, begin + step * np.arange(size), axis=axis)
    return x


@evaluates(nn.Softmax)
def softmax(op: nn.Softmax, x: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    return elementary.softmax(x)
