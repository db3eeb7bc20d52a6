# SPDX-License-Identifier: Apache-2.0
"""Elementwise kernels against numpy, broadcast and in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest

from .library import Field, Kernels
from .naive import F32

ZERO = np.zeros((), F32)
Function: TypeAlias = Callable[..., np.ndarray]


def larger(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(b > a, b, a)


def smaller(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(b < a, b, a)


def scaled_below_zero(x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    return np.where(x < 0, x * slope, x)


def quotient_or_zero(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(b == 0, F32(0), a / b)


def between(x: np.ndarray, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    return np.where(x > hi, hi, np.where(x < lo, lo, x))


BINARY: dict[str, Function] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "div_no_nan": quotient_or_zero,
    "maximum": larger,
    "minimum": smaller,
    "prelu": scaled_below_zero,
}
SHAPES = [
    ((2, 3, 4), (2, 3, 4)),
    ((7,), (7,)),
    ((1,), (1,)),
    ((), (3,)),
    ((2, 3, 5), (5,)),
    ((2, 1, 5), (3, 1)),
    ((4, 1), (1, 6)),
    ((1, 1, 1, 3), (2, 3, 4, 1)),
    ((2, 3, 4, 5), (1, 3, 1, 5)),
    ((2, 1, 2, 1, 2, 3), (1, 2, 2, 2, 1, 1)),
    ((3, 1, 4), (1, 1, 1)),
    # Rows that repeat: short ones, which are written down, and longer ones.
    ((), (211,)),
    ((3,), (5, 14, 3)),
    ((9,), (1, 31, 9)),
    ((4, 8), (6, 4, 8)),
    ((4, 77), (77,)),
    ((2, 5, 1, 6), (5, 1, 6)),
]


def floats(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Random values, some of them special."""
    rng = np.random.default_rng(seed)
    x = np.asarray(rng.standard_normal(shape), F32)
    specials = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-40, 2.5], F32)
    return np.where(rng.random(shape) < 0.2, rng.choice(specials, shape), x)


def same(got: np.ndarray, want: np.ndarray) -> None:
    """Equal in every bit, except that one NaN is as good as another."""
    assert got.dtype == want.dtype == F32
    both = np.isnan(got) & np.isnan(want)
    np.testing.assert_array_equal(
        np.where(both, ZERO, got).view(np.uint32), np.where(both, ZERO, want).view(np.uint32)
    )


def broadcast_fields(a: np.ndarray, b: np.ndarray) -> dict[str, Field]:
    """Dimensions and element strides of two contiguous operands, to six axes."""
    dims = np.broadcast_shapes(a.shape, b.shape)
    dims = (1,) * (6 - len(dims)) + dims
    strides = [
        [s // 4 for s in np.broadcast_to(np.ascontiguousarray(x), dims).strides] for x in (a, b)
    ]
    return {"dims": dims, "stride_a": strides[0], "stride_b": strides[1]}


@pytest.mark.parametrize(("a_shape", "b_shape"), [*SHAPES, *((b, a) for a, b in SHAPES)])
@pytest.mark.parametrize("name", BINARY)
def test_binary(
    kernels: Kernels, name: str, a_shape: tuple[int, ...], b_shape: tuple[int, ...]
) -> None:
    a, b = floats(a_shape, 1), floats(b_shape, 2)
    p = broadcast_fields(a, b)
    with np.errstate(all="ignore"):
        want = BINARY[name](a, b)
    y = kernels.call(f"{name}_f32", "broadcast", p, a, b, np.empty(want.shape, F32))
    same(y, want)
    if a.shape == want.shape:
        in_place = a.copy()
        same(kernels.call(f"{name}_f32", "broadcast", p, in_place, b, in_place), want)
    if b.shape == want.shape:
        in_place = b.copy()
        same(kernels.call(f"{name}_f32", "broadcast", p, a, in_place, in_place), want)


LO, HI = np.array(-0.3, F32), np.array(0.7, F32)


@pytest.mark.parametrize("name", ["relu", "clip", "leaky_relu", "neg", "abs"])
def test_unary_in_place(kernels: Kernels, name: str) -> None:
    x = floats((999,), 3)
    with np.errstate(all="ignore"):
        want = {
            "relu": np.where(x < 0, ZERO, x),
            "clip": between(x, LO, HI),
            "leaky_relu": scaled_below_zero(x, LO),
            "neg": -x,
            "abs": np.abs(x),
        }[name]
    p: dict[str, Field] = {"count": x.size, "lo": float(LO), "hi": float(HI)}
    same(kernels.call(f"{name}_f32", "unary", p, x, x), want)


@pytest.mark.parametrize("zero", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("nan", [-1.0, 0.0, 1.0])
def test_sign(kernels: Kernels, zero: float, nan: float) -> None:
    x = np.array([0.0, -0.0, 2, -3, np.inf, -np.inf, 1e-40, -1e-40, np.nan], F32)
    want = np.array([zero, zero, 1, -1, 1, -1, 1, -1, nan or np.nan], F32)
    p: dict[str, Field] = {"count": x.size, "lo": zero, "hi": nan}
    same(kernels.call("sign_f32", "unary", p, x, np.empty_like(x)), want)


@pytest.mark.parametrize("shape", [(6, 37), (41, 3), (70, 1), (9, 8), (5, 32), (1, 5)])
def test_affine(kernels: Kernels, shape: tuple[int, int]) -> None:
    x, scale, offset = floats(shape, 1), floats(shape[1:], 2), floats(shape[1:], 3)
    with np.errstate(all="ignore"):
        want = x * scale + offset
    p: dict[str, Field] = {"rows": shape[0], "c": shape[1]}
    same(kernels.call("affine_f32", "rows", p, x, scale, offset, x), want)
