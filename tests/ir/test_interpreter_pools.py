# SPDX-License-Identifier: Apache-2.0
"""Pools and reductions against scalar loops in their stated order."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from bnnc.ir import BIT, Scalar, bin, nn
from bnnc.ir.diagnostics import IRError
from bnnc.ir.interpreter import evaluate

from .oracles import F, make, same_bits, value_like

GEOMETRIES = [
    ((2, 2), (2, 2), (0, 0, 0, 0)),
    ((3, 2), (2, 1), (1, 0, 2, 1)),
    ((3, 3), (1, 1), (1, 1, 1, 1)),
    ((1, 3), (2, 3), (0, 2, 0, 1)),
    ((5, 6), (1, 1), (0, 0, 0, 0)),
]


def elements(
    x: np.ndarray, at: tuple[int, ...], geometry: tuple[tuple[int, ...], ...]
) -> list[Any]:
    """The elements of one window that lie in the image, row by row."""
    kernel, stride, pad = geometry
    n, oy, ox, c = at
    rows = [oy * stride[0] - pad[0] + i for i in range(kernel[0])]
    cols = [ox * stride[1] - pad[1] + j for j in range(kernel[1])]
    inside = [(r, k) for r in rows for k in cols if 0 <= r < x.shape[1] and 0 <= k < x.shape[2]]
    return [x[n, r, k, c] for r, k in inside]


def pooled_shape(x: np.ndarray, geometry: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    kernel, stride, pad = geometry
    spans = [x.shape[1 + i] + pad[i] + pad[2 + i] - kernel[i] for i in range(2)]
    return (x.shape[0], *(s // stride[i] + 1 for i, s in enumerate(spans)), x.shape[3])


def image(*shape: int, specials: bool = True) -> np.ndarray:
    rng = np.random.default_rng(sum(shape))
    x = rng.standard_normal(shape).astype(F)
    if specials:
        flat = x.reshape(-1)
        places = rng.choice(flat.size, flat.size // 2, replace=False)
        values = np.array([np.nan, -0.0, 0.0, -np.inf, 1.0], F)
        flat[places] = rng.choice(values, places.size)
    return x


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_max_pool_folds_row_by_row(geometry: tuple[tuple[int, ...], ...]) -> None:
    x = image(2, 5, 6, 3)
    kernel, stride, pad = geometry
    op = make(nn.MaxPool, value_like(x), kernel_size=kernel, stride=stride, pad=pad)
    want = np.empty(pooled_shape(x, geometry), F)
    for at in np.ndindex(*want.shape):
        first, *others = elements(x, at, geometry)
        best = first
        for other in others:
            best = other if other > best else best
        want[at] = best
    same_bits(evaluate(op, [x])[0], want)


@pytest.mark.parametrize("include_pad", [False, True])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_avg_pool_sums_row_by_row(geometry: tuple[tuple[int, ...], ...], include_pad: bool) -> None:
    x = image(2, 5, 6, 3, specials=False)
    x[0, 0] = -0.0
    kernel, stride, pad = geometry
    fields = {"kernel_size": kernel, "stride": stride, "pad": pad, "include_pad": include_pad}
    op = make(nn.AvgPool, value_like(x), **fields)
    want = np.empty(pooled_shape(x, geometry), F)
    for at in np.ndindex(*want.shape):
        total, window = F(0), elements(x, at, geometry)
        for element in window:
            total = total + element
        want[at] = total / F(kernel[0] * kernel[1] if include_pad else len(window))
    same_bits(evaluate(op, [x])[0], want)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_bit_pool_is_any_plus_one(geometry: tuple[tuple[int, ...], ...], flipped: bool) -> None:
    rng = np.random.default_rng(1)
    x = rng.choice([-1, -1, -1, 1], (2, 5, 6, 3)).astype(np.int8)
    factors = np.array([1, -1, -1], np.int8)
    kernel, stride, pad = geometry
    flip = value_like(factors, BIT) if flipped else None
    fields = {"kernel_size": kernel, "stride": stride, "pad": pad}
    op = make(bin.MaxPool, value_like(x, BIT), flip, **fields)
    want = np.empty(pooled_shape(x, geometry), np.int8)
    for at in np.ndindex(*want.shape):
        plus = any(e == 1 for e in elements(x, at, geometry))
        want[at] = (1 if plus else -1) * (int(factors[at[3]]) if flipped else 1)
    same_bits(evaluate(op, [x, factors if flipped else None])[0], want)


def loop_reduce(x: np.ndarray, kind: str, axes: tuple[int, ...]) -> np.ndarray:
    """Fold in row-major order of the reduced elements, with scalars of the array's dtype."""
    axes = tuple(sorted(a % x.ndim for a in axes))
    kept = [a for a in range(x.ndim) if a not in axes]
    want = np.empty([x.shape[a] for a in kept], x.dtype)
    for at in np.ndindex(*want.shape):
        picked: list[Any] = []
        for inner in itertools.product(*(range(x.shape[a]) for a in axes)):
            index = dict(zip(kept, at, strict=True)) | dict(zip(axes, inner, strict=True))
            picked.append(x[tuple(index[a] for a in range(x.ndim))])
        start = x.dtype.type(1 if kind == "prod" else 0)
        total = picked[0] if kind in ("max", "min") else start
        for v in picked[1:] if kind in ("max", "min") else picked:
            if kind == "prod":
                total = total * v
            elif kind in ("sum", "mean"):
                total = total + v
            elif kind == "max":
                total = v if v > total else total
            else:
                total = v if v < total else total
        want[at] = total / x.dtype.type(len(picked)) if kind == "mean" else total
    return want


@pytest.mark.parametrize("kind", ["mean", "sum", "max", "min", "prod"])
@pytest.mark.parametrize("axes", [(0,), (1, 2), (-1,), (0, 3), (2, 0, 1), (0, 1, 2, 3)])
@pytest.mark.parametrize("specials", [False, True])
def test_reductions_are_sequential(kind: str, axes: tuple[int, ...], specials: bool) -> None:
    x = image(9, 5, 4, 3, specials=specials)
    if kind == "prod":
        x = (1 + x / 16).astype(F)
    op = make(nn.Reduce, value_like(x), kind=kind, axes=axes)
    with np.errstate(all="ignore"):
        want = loop_reduce(x, kind, axes)
    same_bits(evaluate(op, [x])[0], want)
    kept = make(nn.Reduce, value_like(x), kind=kind, axes=axes, keep_dims=True)
    same_bits(evaluate(kept, [x])[0], want.reshape(kept.results[0].shape))


@pytest.mark.parametrize("width", [1, 63, 64, 65])
def test_long_sums_are_not_pairwise(width: int) -> None:
    x = image(3000, width, specials=False)
    op = make(nn.Reduce, value_like(x), kind="sum", axes=(0,))
    total = np.zeros(width, F)
    for row in x:
        total = total + row
    same_bits(evaluate(op, [x])[0], total)
    if width == 1:
        assert total[0] != x.sum(), "numpy's pairwise sum would pass"


def test_sum_of_negative_zeros_is_zero() -> None:
    x = np.full((2, 3), -0.0, F)
    op = make(nn.Reduce, value_like(x), kind="sum", axes=(0, 1))
    same_bits(evaluate(op, [x])[0], np.array(0, F))


def test_integer_reductions() -> None:
    x = np.array([[-7, 2], [4, 3]], np.int32)
    i32 = Scalar("i32")
    for kind, want in (("prod", -168), ("sum", 2), ("max", 4), ("min", -7), ("mean", 0)):
        op = make(nn.Reduce, value_like(x, i32), kind=kind, axes=(0, 1))
        same_bits(evaluate(op, [x])[0], np.array(want, np.int32))
    rows = make(nn.Reduce, value_like(x, i32), kind="mean", axes=(1,))
    same_bits(evaluate(rows, [x])[0], np.array([-2, 3], np.int32))  # -2.5 truncates to -2


def test_reductions_of_nothing() -> None:
    x = np.zeros((0,), np.int32)
    product = make(nn.Reduce, value_like(x, Scalar("i32")), kind="prod", axes=(0,))
    same_bits(evaluate(product, [x])[0], np.array(1, np.int32))
    largest = make(nn.Reduce, value_like(x, Scalar("i32")), kind="max", axes=(0,))
    with pytest.raises(IRError, match="the max of no elements"):
        evaluate(largest, [x])
