# SPDX-License-Identifier: Apache-2.0
"""Square roots, comparisons, choices, places of elements, products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .library import Field, Kernels
from .naive import F32

SPECIAL = np.array([0, -0.0, np.inf, -np.inf, -1, np.nan, 1e-45, 3e-39, 1.1754944e-38, 3.4e38], F32)


def test_square_roots_are_rounded_correctly(kernels: Kernels) -> None:
    bits = np.random.default_rng(1).integers(0, 2**31, 200_000).astype(np.uint32)
    x = np.concatenate([SPECIAL, bits.view(F32)])
    with np.errstate(all="ignore"):
        roots = np.sqrt(x)
        inverse = F32(1) / roots
    for symbol, want in (("sqrt_f32", roots), ("rsqrt_f32", inverse)):
        y = kernels.call(symbol, "unary", {"count": x.size}, x, np.empty_like(x))
        np.testing.assert_array_equal(y, want)
        zero = want == 0
        np.testing.assert_array_equal(np.signbit(y[zero]), np.signbit(want[zero]))


@pytest.mark.parametrize(
    ("wanted", "ufunc"),
    [
        (0b0001, np.less),
        (0b0011, np.less_equal),
        (0b0100, np.greater),
        (0b0110, np.greater_equal),
        (0b0010, np.equal),
        (0b1101, np.not_equal),
    ],
)
def test_comparisons(kernels: Kernels, wanted: int, ufunc: np.ufunc) -> None:
    a, b = np.ascontiguousarray(SPECIAL[:, None]), SPECIAL
    n = SPECIAL.size
    p: dict[str, Field] = {"dims": (1, 1, 1, 1, n, n), "wanted": wanted}
    p |= {"stride_a": (0, 0, 0, 0, 1, 0), "stride_b": (0, 0, 0, 0, 0, 1)}
    y = kernels.call("compare_f32", "compare", p, a, b, np.empty((n, n), np.uint8))
    np.testing.assert_array_equal(y, ufunc(a, b))
    whole = np.arange(n, dtype=np.uint8) % 3
    y = kernels.call("compare_u8", "compare", p, whole, whole, np.empty((n, n), np.uint8))
    np.testing.assert_array_equal(y, ufunc(whole[:, None], whole))


def test_choices(kernels: Kernels) -> None:
    rng = np.random.default_rng(2)
    condition = rng.integers(0, 2, (3, 1)).astype(np.uint8)
    a, b = rng.standard_normal((2, 3, 4)).astype(F32), rng.standard_normal(4).astype(F32)
    p: dict[str, Field] = {"dims": (1, 1, 1, 2, 3, 4), "stride_condition": (0, 0, 0, 0, 1, 0)}
    p |= {"stride_a": (0, 0, 0, 12, 4, 1), "stride_b": (0, 0, 0, 0, 0, 1)}
    y = kernels.call("select_f32", "select", p, condition, a, b, np.empty_like(a))
    np.testing.assert_array_equal(y, np.where(condition != 0, a, b))


def test_casts(kernels: Kernels) -> None:
    for symbol, x in (
        ("cast_u8_f32", np.arange(200, dtype=np.uint8)),
        ("cast_i32_f32", np.array([0, -1, 2**24 + 1, -(2**31), 2**31 - 1], np.int32)),
    ):
        p: dict[str, Field] = {"rows": 1, "c": x.size}
        y = kernels.call(symbol, "rows", p, x, np.empty(x.size, F32))
        np.testing.assert_array_equal(y, x.astype(F32))


@pytest.mark.parametrize(
    ("symbol", "dtype"), [("gather_f32", F32), ("gather_i32", np.int32), ("gather_u8", np.uint8)]
)
def test_gather(kernels: Kernels, symbol: str, dtype: Any) -> None:
    x = np.random.default_rng(3).normal(size=(2, 5, 3), scale=99).astype(np.int64).astype(dtype)
    places = np.array([4, 0, 0, 2], np.int32)
    p: dict[str, Field] = {"outer": 2, "size": 5, "count": 4, "inner": 3}
    y = kernels.call(symbol, "gather", p, x, places, np.empty((2, 4, 3), dtype))
    np.testing.assert_array_equal(y, x[:, places])


def test_places_of_the_largest(kernels: Kernels) -> None:
    x = np.random.default_rng(4).integers(-3, 4, (4, 9, 5)).astype(F32)
    shape = (4, 1, 5)
    p: dict[str, Field] = {"outer": 4, "count": 9, "inner": 5}
    y = kernels.call("arg_max_f32", "axis", p, x, np.empty(shape, np.int32))
    np.testing.assert_array_equal(y, x.argmax(axis=1, keepdims=True))
    y = kernels.call("arg_max_f32", "axis", p | {"last": 1}, x, np.empty(shape, np.int32))
    np.testing.assert_array_equal(y, 8 - x[:, ::-1].argmax(axis=1, keepdims=True))
    rows = x.reshape(36, 5)
    rows[3, 1] = rows[3, 4] = rows[7, 0] = np.nan
    for k in (1, 3, 5):
        places = np.empty((36, k), np.int32)
        kernels.call("top_k_f32", "top_k", {"rows": 36, "c": 5, "k": k}, rows, places)
        # Python's sort is stable; NaN goes behind all numbers.
        for row, found in zip(rows, places, strict=True):
            want = sorted(range(5), key=lambda i: (np.isnan(row[i]), -row[i]))
            nans = [i for i in want if np.isnan(row[i])]
            want = [i for i in want if not np.isnan(row[i])] + sorted(nans)
            assert found.tolist() == want[:k]
        y = kernels.call(
            "take_along_f32", "top_k", {"rows": 36, "c": 5, "k": k}, rows, places,
            np.empty((36, k), F32),
        )  # fmt: skip
        np.testing.assert_array_equal(y, np.take_along_axis(rows, places, axis=1))
    beyond = np.array([[-3, 7]], np.int32)
    y = kernels.call(
        "take_along_f32", "top_k", {"rows": 1, "c": 5, "k": 2}, rows[:1].copy(), beyond,
        np.empty((1, 2), F32),
    )  # fmt: skip
    np.testing.assert_array_equal(y, rows[:1, [0, 4]])


def test_products(kernels: Kernels) -> None:
    rng = np.random.default_rng(5)
    a, b = (rng.standard_normal(s).astype(F32) for s in ((3, 2, 7), (1, 7, 4)))
    p: dict[str, Field] = {"stack": 3, "m": 2, "k": 7, "n": 4, "stride_a": 14, "stride_b": 0}
    y = kernels.call("mat_mul_f32", "mat_mul", p, a, b, np.empty((3, 2, 4), F32))
    want = np.zeros((3, 2, 4), F32)
    for i in range(7):
        want += a[:, :, i, None] * b[:, i, None]
    np.testing.assert_array_equal(y, want)
    p = {"outer": 3, "count": 2, "inner": 7}
    y = kernels.call("product_f32", "axis", p, a, np.empty((3, 7), F32))
    np.testing.assert_array_equal(y, F32(1) * a[:, 0] * a[:, 1])
