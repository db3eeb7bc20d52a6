# SPDX-License-Identifier: Apache-2.0
"""What a layer accumulates: exact integers, or float32 sums in a stated order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..bin import Order
from .rounding import add_flushed, add_rounded_once, flush, multiply_flushed
from .windows import blocks

_BLOCK = 1 << 16
_COLUMNS = 1 << 21


def integer_accumulators(
    windows: np.ndarray, w: np.ndarray, groups: int, largest: int
) -> np.ndarray:
    """S = sum of x * w over the taps.

    Args:
        windows: integers [n, oh, ow, kh, kw, c]: -1, 0, +1 (int8), or levels (uint8).
        w: int8 [oc, kh, kw, c / groups] with values -1, 0, +1.
        groups: number of channel groups.
        largest: bound of the magnitude of a sum.

    Returns:
        int32 [n, oh, ow, oc].

    BLAS may add in any order and with fma: every partial sum of K products is an integer of
    magnitude at most K times the largest activation, and float32 holds all integers up to 2^24
    exactly (float64 up to 2^53), so that no operation rounds.
    """
    oc, kh, kw, group_c = w.shape
    taps = kh * kw * group_c
    dtype = np.float32 if largest <= 2**24 else np.float64
    matrix = w.reshape(groups, oc // groups, taps).transpose(0, 2, 1).astype(dtype)
    out = np.empty((*windows.shape[:3], oc), np.int32)
    for samples, rows in blocks(windows, max(1, _COLUMNS // max(1, taps * groups))):
        part = windows[samples, rows]
        grouped = part.reshape(*part.shape[:5], groups, group_c)
        columns = np.moveaxis(grouped, 5, 0).astype(dtype, order="C").reshape(groups, -1, taps)
        sums = np.matmul(columns, matrix)
        out[samples, rows] = sums.transpose(1, 0, 2).reshape(*part.shape[:3], oc)
    return out


def float_accumulators(windows: np.ndarray, w: np.ndarray, groups: int, order: Order) -> np.ndarray:
    """Start at +0 and add one tap after the other in the order kh, kw, c.

    Args:
        windows: float32 [n, oh, ow, kh, kw, c].
        w: [oc, kh, kw, c / groups]: float32, or int8 bits or ternary weights. Zero ternary
            weights are skipped.
        groups: number of channel groups.
        order: ``muladd`` acc = fl(acc + fl(x * w)); ``fma`` acc = fl(acc + x * w), 0 for -0 at
            the end;
            ``muladd.ftz`` like muladd with flush to zero everywhere, 0 for -0 at the end;
            ``eights`` groups of eight products, acc = fl(acc + fl(four + four)), each four added
            up from its first on.

    Returns:
        float32 [n, oh, ow, oc].
    """
    oc, kh, kw, group_c = w.shape
    group_oc, taps = oc // groups, kh * kw * group_c
    weights = np.ascontiguousarray(
        w.reshape(groups, group_oc, taps).transpose(2, 0, 1), dtype=np.float32
    )
    has_zeros = w.dtype == np.int8 and not w.all()
    out = np.empty((*windows.shape[:3], oc), np.float32)
    pixels = max(1, min(_BLOCK // max(1, oc), _COLUMNS // max(1, taps * groups)))
    for samples, rows in blocks(windows, pixels):
        part = windows[samples, rows]
        grouped = part.reshape(*part.shape[:5], groups, group_c)
        columns = np.ascontiguousarray(grouped.transpose(3, 4, 6, 5, 0, 1, 2))
        columns = columns.reshape(taps, groups, -1)
        skip_zero = has_zeros and not np.isfinite(columns).all()
        sums = _sequential_sums(columns, weights, order, skip_zero=skip_zero)
        out[samples, rows] = sums.transpose(1, 0, 2).reshape(*part.shape[:3], oc)
    return out


def _sequential_sums(x: np.ndarray, w: np.ndarray, order: Order, *, skip_zero: bool) -> np.ndarray:
    """[groups, pixels, channels] from x [taps, groups, pixels] and w [taps, groups, channels].

    The longer of the two axes lies innermost, which is what numpy is quick at.
    """
    pixels_inside = x.shape[2] >= w.shape[2]
    if pixels_inside:
        x, w = x[:, :, None, :], w[:, :, :, None]
    else:
        x, w = x[:, :, :, None], w[:, :, None, :]
    acc = np.zeros(np.broadcast_shapes(x.shape[1:], w.shape[1:]), np.float32)
    # For finite x a zero weight needs no special care: acc starts at +0 and a sum is -0 only when
    # both terms are, so acc is never -0 and adding x * 0 = +-0 leaves it as it is. For an infinite
    # or NaN x the product would be NaN, where a kernel skips the tap.
    keep = [w_t != 0 for w_t in w] if skip_zero else None
    _ORDERS[order](acc, x, w, keep)
    return acc.transpose(0, 2, 1) if pixels_inside else acc


def _muladd(acc: np.ndarray, x: np.ndarray, w: np.ndarray, keep: list[np.ndarray] | None) -> None:
    product = np.empty_like(acc)
    for t in range(len(x)):
        np.multiply(x[t], w[t], out=product)
        if keep is not None:
            np.copyto(product, 0, where=~keep[t])
        np.add(acc, product, out=acc)


def _fma(acc: np.ndarray, x: np.ndarray, w: np.ndarray, keep: list[np.ndarray] | None) -> None:
    x, w = x.astype(np.float64), w.astype(np.float64)
    product = np.empty(acc.shape)
    for t in range(len(x)):
        np.multiply(x[t], w[t], out=product)
        if keep is not None:
            np.copyto(product, 0, where=~keep[t])
        acc[...] = add_rounded_once(product, acc)
    # A product too small for any float makes -0, which padding that kernels leave out would turn
    # into 0.
    acc += np.float32(0)


def _muladd_flushed(
    acc: np.ndarray, x: np.ndarray, w: np.ndarray, keep: list[np.ndarray] | None
) -> None:
    x, w = flush(x), flush(w)
    for t in range(len(x)):
        product = multiply_flushed(x[t], w[t])
        if keep is not None:
            np.copyto(product, 0, where=~keep[t])
        acc[...] = add_flushed(acc, product)
    acc += np.float32(0)  # as above: a negative sum that is flushed is -0


def _eights(acc: np.ndarray, x: np.ndarray, w: np.ndarray, keep: list[np.ndarray] | None) -> None:
    """Products that are missing at the end could only be zeros, which do not show: see above."""
    four, group, product = np.empty_like(acc), np.empty_like(acc), np.empty_like(acc)
    for first in range(0, len(x), 4):
        for t in range(first, min(first + 4, len(x))):
            np.multiply(x[t], w[t], out=product)
            if keep is not None:
                np.copyto(product, 0, where=~keep[t])
            if t == first:
                four[...] = product
            else:
                np.add(four, product, out=four)
        if first % 8:
            np.add(group, four, out=group)
            np.add(acc, group, out=acc)
        elif first + 4 < len(x):
            group, four = four, group
        else:
            np.add(acc, four, out=acc)


_Accumulate = Callable[[np.ndarray, np.ndarray, np.ndarray, "list[np.ndarray] | None"], None]
_ORDERS: dict[Order, _Accumulate] = {
    "muladd": _muladd,
    "fma": _fma,
    "muladd.ftz": _muladd_flushed,
    "eights": _eights,
}
