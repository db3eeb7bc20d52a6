# SPDX-License-Identifier: Apache-2.0
"""Packing, cutting, unpacking, reshaping and flipping of bits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from . import naive
from .library import Field, Kernels
from .naive import F32

CHANNELS = [1, 3, 7, 8, 9, 16, 33, 64, 100]


def floats(rows: int, c: int) -> np.ndarray:
    rng = np.random.default_rng(c)
    x = rng.standard_normal((rows, c)).astype(F32)
    specials = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-40, -1e-40], F32)
    where = rng.random((rows, c)) < 0.5
    x[where] = rng.choice(specials, int(where.sum()))
    return x


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("nan_minus", [0, 1])
@pytest.mark.parametrize("c", CHANNELS)
def test_pack_and_threshold(kernels: Kernels, c: int, nan_minus: int, in_place: bool) -> None:
    check_cut(kernels, "", c, nan_minus, in_place)


@pytest.mark.parametrize("nan_minus", [0, 1])
@pytest.mark.parametrize("c", CHANNELS)
def test_pack_and_threshold_in_vectors(neon_kernels: Kernels, c: int, nan_minus: int) -> None:
    check_cut(neon_kernels, "_neon", c, nan_minus, in_place=False)


def check_cut(kernels: Kernels, suffix: str, c: int, nan_minus: int, in_place: bool) -> None:
    p: dict[str, Field] = {"rows": 5, "c": c, "nan_minus": nan_minus}
    thr = np.random.default_rng(c).choice(np.array([0, 0.5, -np.inf, np.inf], F32), c)
    for t in (None, thr):
        x = floats(5, c)
        want = naive.cut(x, np.zeros(c, F32) if t is None else t, nan_minus)
        y = np.full(want.shape, 0xAA, np.uint8)
        symbol, operands = ("pack_bits", [x]) if t is None else ("threshold_f32", [x, t])
        if in_place:
            y = x.view(np.uint8).ravel()[: want.size].reshape(want.shape)
        kernels.call(symbol + suffix, "rows", p, *operands, y)
        np.testing.assert_array_equal(y, want)


def test_packing_follows_the_table_of_special_values(kernels: Kernels) -> None:
    x = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-40, -1e-40, -1], F32)
    for nan_minus, bits in ((0, 0b11010000), (1, 0b11010100)):
        p: dict[str, Field] = {"rows": 1, "c": 8, "nan_minus": nan_minus}
        y = kernels.call("pack_bits", "rows", p, x, np.zeros(1, np.uint8))
        assert y[0] == bits


@pytest.mark.parametrize("c", CHANNELS)
def test_unpack(kernels: Kernels, c: int) -> None:
    check_unpack(kernels, "", c)


@pytest.mark.parametrize("c", CHANNELS)
def test_unpack_and_flip_in_vectors(neon_kernels: Kernels, c: int) -> None:
    check_unpack(neon_kernels, "_neon", c)
    check_flip(neon_kernels, "_neon", c, in_place=False)
    check_flip(neon_kernels, "_neon", 3 * c + 100, in_place=False)


def check_unpack(kernels: Kernels, suffix: str, c: int) -> None:
    x = np.random.default_rng(c).choice(np.array([-1, 1], F32), (4, c))
    p: dict[str, Field] = {"rows": 4, "c": c}
    y = kernels.call("unpack_bits" + suffix, "rows", p, naive.pack(x), np.empty_like(x))
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("c", CHANNELS)
def test_flip_in_place(kernels: Kernels, c: int) -> None:
    check_flip(kernels, "", c, in_place=True)


def check_flip(kernels: Kernels, suffix: str, c: int, in_place: bool) -> None:
    rng = np.random.default_rng(c)
    x, flip = rng.choice(np.array([-1, 1]), (4, c)), rng.choice(np.array([-1, 1]), c)
    bits = naive.pack(x)
    y = bits if in_place else np.full_like(bits, 0xAA)
    kernels.call("bits_flip" + suffix, "rows", {"rows": 4, "c": c}, bits, naive.pack(flip), y)
    np.testing.assert_array_equal(y, naive.pack(x * flip))


@pytest.mark.parametrize("c_in", [1, 2, 3, 8, 12, 15, 40, 120])
@pytest.mark.parametrize("c_out", [1, 2, 5, 8, 10, 24, 60, 120])
def test_reshape(kernels: Kernels, c_in: int, c_out: int) -> None:
    total = 120 * math.lcm(c_in, c_out) // math.gcd(120, math.lcm(c_in, c_out))
    x = np.random.default_rng(c_in).choice(np.array([-1, 1]), total)
    want = naive.pack(x.reshape(-1, c_out))
    p: dict[str, Field] = {"rows_in": total // c_in, "c_in": c_in}
    p |= {"rows_out": total // c_out, "c_out": c_out}
    y = np.full(want.shape, 0xAA, np.uint8)
    kernels.call("bits_reshape", "reshape_bits", p, naive.pack(x.reshape(-1, c_in)), y)
    np.testing.assert_array_equal(y, want)
