# SPDX-License-Identifier: Apache-2.0
"""Pools against loops over windows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from . import naive
from .library import Field, Kernels
from .naive import F32


def geometries(count: int) -> list[dict[str, int]]:
    """Pools whose every window meets the input."""
    rng = np.random.default_rng(11)
    found: list[dict[str, int]] = []
    while len(found) < count:
        low = {"n": 1, "ih": 1, "iw": 1, "c": 1, "kh": 1, "kw": 1, "stride_h": 1, "stride_w": 1}
        high = (3, 9, 9, 20, 5, 5, 4, 4)
        p = {k: int(rng.integers(v, h)) for (k, v), h in zip(low.items(), high, strict=True)}
        p["pad_top"], p["pad_left"] = int(rng.integers(p["kh"])), int(rng.integers(p["kw"]))
        bottom, right = int(rng.integers(p["kh"])), int(rng.integers(p["kw"]))
        p["oh"] = (p["ih"] + p["pad_top"] + bottom - p["kh"]) // p["stride_h"] + 1
        p["ow"] = (p["iw"] + p["pad_left"] + right - p["kw"]) // p["stride_w"] + 1
        p["include_pad"] = int(rng.integers(2))
        if min(p["oh"], p["ow"]) < 1:
            continue
        if all(w.size for _, w in windows(p, np.zeros((p["n"], p["ih"], p["iw"], p["c"])))):
            found.append(p)
    return found


def windows(p: dict[str, int], x: np.ndarray) -> Iterator[tuple[tuple[int, int, int], np.ndarray]]:
    """Each output position with the elements under it, [count, c] in row-major order."""
    for n in range(p["n"]):
        for oy in range(p["oh"]):
            for ox in range(p["ow"]):
                y0 = oy * p["stride_h"] - p["pad_top"]
                x0 = ox * p["stride_w"] - p["pad_left"]
                rows = slice(max(y0, 0), max(y0 + p["kh"], 0))
                cols = slice(max(x0, 0), max(x0 + p["kw"], 0))
                yield (n, oy, ox), x[n, rows, cols].reshape(-1, p["c"])


POOLS = geometries(40)


@pytest.mark.parametrize("p", POOLS)
def test_float_pools(kernels: Kernels, p: dict[str, int]) -> None:
    fields: dict[str, Field] = {**p}
    rng = np.random.default_rng(p["ih"] * 100 + p["iw"])
    x = rng.standard_normal((p["n"], p["ih"], p["iw"], p["c"])).astype(F32)
    shape = (p["n"], p["oh"], p["ow"], p["c"])
    largest = kernels.call("max_pool_f32", "pool2d", fields, x, np.empty(shape, F32))
    average = kernels.call("avg_pool_f32", "pool2d", fields, x, np.empty(shape, F32))
    for at, window in windows(p, x):
        np.testing.assert_array_equal(largest[at], window.max(axis=0))
        total = np.zeros(p["c"], F32)
        for row in window:
            total = total + row
        count = p["kh"] * p["kw"] if p["include_pad"] else len(window)
        np.testing.assert_array_equal(average[at], total / F32(count))


@pytest.mark.parametrize("with_flip", [False, True])
@pytest.mark.parametrize("p", POOLS)
def test_bit_pool(kernels: Kernels, p: dict[str, int], with_flip: bool) -> None:
    check_bits(kernels, "max_pool_bits", p, with_flip)


@pytest.mark.parametrize("with_flip", [False, True])
@pytest.mark.parametrize("p", POOLS)
def test_bit_pool_in_vectors(neon_kernels: Kernels, p: dict[str, int], with_flip: bool) -> None:
    for c in (p["c"], 3 * p["c"], 15 * p["c"]):
        check_bits(neon_kernels, "max_pool_bits_neon", {**p, "c": c}, with_flip)


def check_bits(kernels: Kernels, symbol: str, p: dict[str, int], with_flip: bool) -> None:
    fields: dict[str, Field] = {**p}
    rng = np.random.default_rng(p["ih"] * 100 + p["iw"])
    x = rng.choice(np.array([-1, -1, -1, 1]), (p["n"], p["ih"], p["iw"], p["c"]))
    flip = rng.choice(np.array([-1, 1]), p["c"])
    packed_flip = naive.pack(flip) if with_flip else None
    y = np.full((p["n"], p["oh"], p["ow"], (p["c"] + 7) // 8), 0xAA, np.uint8)
    kernels.call(symbol, "pool2d", fields, naive.pack(x), packed_flip, y)
    for at, window in windows(p, x):
        want = window.max(axis=0) * (flip if with_flip else 1)
        np.testing.assert_array_equal(y[at], naive.pack(want))


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("p", POOLS[:20])
def test_level_pool(kernels: Kernels, p: dict[str, int], bits: int) -> None:
    fields: dict[str, Field] = {**p, "bits": bits}
    rng = np.random.default_rng(p["ih"] * 100 + p["iw"])
    x = rng.integers(0, 2**bits, (p["n"], p["ih"], p["iw"], p["c"]))
    want = np.zeros((p["n"], p["oh"], p["ow"], p["c"]), np.int64)
    for at, window in windows(p, x):
        want[at] = window.max(axis=0)
    planes = naive.pack_levels(bits, want)
    y = np.full(planes.shape, 0xAA, np.uint8)
    kernels.call("max_pool_levels", "pool2d", fields, naive.pack_levels(bits, x), y)
    np.testing.assert_array_equal(y, planes)


def test_max_pool_keeps_a_leading_nan_and_passes_over_a_later_one(kernels: Kernels) -> None:
    p: dict[str, Field] = {"n": 1, "ih": 1, "iw": 4, "c": 1, "kh": 1, "kw": 2}
    p |= {"stride_h": 1, "stride_w": 2, "oh": 1, "ow": 2}
    x = np.array([np.nan, 1, 1, np.nan], F32)
    y = kernels.call("max_pool_f32", "pool2d", p, x, np.empty(2, F32))
    np.testing.assert_array_equal(y, [np.nan, 1])
