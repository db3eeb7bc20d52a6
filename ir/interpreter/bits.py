# SPDX-License-Identifier: Apache-2.0
"""Operations on bits (logical -1 and +1 in int8), and between bits and floats."""

from __future__ import annotations

import numpy as np

from .. import bin
from .elementwise import affine
from .pools import max_over_windows
from .table import evaluates


def passes(x: np.ndarray, threshold: np.ndarray, nan: bin.Nan) -> np.ndarray:
    """Whether x >= threshold (bool); where either is NaN, what `nan` says."""
    return x >= threshold if nan == "minus" else ~(x < threshold)


def cut(x: np.ndarray, threshold: np.ndarray, nan: bin.Nan) -> np.ndarray:
    """+1 where x passes the threshold, else -1 (int8)."""
    return np.where(passes(x, threshold, nan), np.int8(1), np.int8(-1))


@evaluates(bin.Pack)
def pack(op: bin.Pack, x: np.ndarray) -> np.ndarray:
    """Cut at zero; zeros of both signs give +1."""
    return cut(x, np.zeros((), np.float32), op.nan)


@evaluates(bin.Threshold)
def threshold(op: bin.Threshold, x: np.ndarray, thr: np.ndarray) -> np.ndarray:
    """Cut at a threshold per channel."""
    return cut(x, thr, op.nan)


@evaluates(bin.Unpack)
def unpack(op: bin.Unpack, x: np.ndarray) -> np.ndarray:
    """The same numbers as float32."""
    return x.astype(np.float32)


@evaluates(bin.Flip)
def flip(op: bin.Flip, x: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Multiply by a bit per channel."""
    return np.asarray(x * factors)


@evaluates(bin.MaxPool)
def max_pool(op: bin.MaxPool, x: np.ndarray, factors: np.ndarray | None) -> np.ndarray:
    """Maximum of each window, then flip."""
    pooled = max_over_windows(op, x)
    return pooled if factors is None else pooled * factors


@evaluates(bin.Reshape)
def reshape(op: bin.Reshape, x: np.ndarray) -> np.ndarray:
    """Row-major reshape."""
    return x.reshape(op.shape)


@evaluates(bin.Affine)
def scale_and_offset(
    op: bin.Affine, x: np.ndarray, scale: np.ndarray, offset: np.ndarray
) -> np.ndarray:
    """fl(fl(x * scale) + offset)."""
    return affine(x, scale, offset)
