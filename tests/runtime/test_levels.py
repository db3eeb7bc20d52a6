# SPDX-License-Identifier: Apache-2.0
"""Between floats, plain bytes, and planes of levels or bits."""

from __future__ import annotations

import numpy as np
import pytest

from . import naive
from .library import Field, Kernels
from .naive import F32

SHAPES = [(1, 1), (3, 5), (2, 8), (4, 17), (1, 70)]
LEVELS = [1, 2, 3, 6, 15, 255]


def fields(shape: tuple[int, int], levels: int, **others: Field) -> dict[str, Field]:
    bits: dict[str, Field] = {"rows": shape[0], "c": shape[1], "bits": levels.bit_length()}
    return {**bits, "levels": levels, **others}


def draw(shape: tuple[int, int], levels: int) -> np.ndarray:
    rng = np.random.default_rng(shape[0] + shape[1])
    return rng.integers(0, levels, shape, np.uint8, endpoint=True)


def planes_like(want: np.ndarray) -> np.ndarray:
    return np.full(want.shape, 0xAA, np.uint8)


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_bytes_to_planes_and_back(kernels: Kernels, shape: tuple[int, int], levels: int) -> None:
    check_levels(kernels, "", shape, levels)


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_bytes_in_vectors(neon_kernels: Kernels, shape: tuple[int, int], levels: int) -> None:
    check_levels(neon_kernels, "_neon", shape, levels)
    check_bits(neon_kernels, "_neon", shape)


def check_levels(kernels: Kernels, suffix: str, shape: tuple[int, int], levels: int) -> None:
    x, p = draw(shape, levels), fields(shape, levels)
    planes = naive.pack_levels(levels.bit_length(), x)
    packed = kernels.call("bytes_to_levels" + suffix, "levels", p, x, planes_like(planes))
    np.testing.assert_array_equal(packed, planes)
    y = np.full(shape, 0xAA, np.uint8)
    plain = kernels.call("levels_to_bytes" + suffix, "levels", p, planes, y)
    np.testing.assert_array_equal(plain, x)


@pytest.mark.parametrize("shape", SHAPES)
def test_bits_to_bytes_and_back(kernels: Kernels, shape: tuple[int, int]) -> None:
    check_bits(kernels, "", shape)


def check_bits(kernels: Kernels, suffix: str, shape: tuple[int, int]) -> None:
    x = np.random.default_rng(3).choice(np.array([-1, 1], np.int8), shape)
    p = fields(shape, 1)
    packed = naive.pack(x)
    y = kernels.call("bytes_to_bits" + suffix, "levels", p, x, planes_like(packed))
    np.testing.assert_array_equal(y, packed)
    plain = np.full(shape, 0x55, np.int8)
    kernels.call("bits_to_bytes" + suffix, "levels", p, packed, plain)
    np.testing.assert_array_equal(plain, x)


@pytest.mark.parametrize("nan_minus", [0, 1])
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_quantize(kernels: Kernels, shape: tuple[int, int], levels: int, nan_minus: int) -> None:
    rng = np.random.default_rng(levels)
    x = rng.standard_normal(shape).astype(F32)
    thr = np.sort(rng.standard_normal((shape[1], levels)).astype(F32), axis=1)
    x[0] = thr[:, levels // 2]  # met exactly
    x[-1, 0] = np.nan
    want = naive.count(x, thr, nan_minus)
    assert want[-1, 0] == (0 if nan_minus else levels)
    planes = naive.pack_levels(levels.bit_length(), want)
    p = fields(shape, levels, nan_minus=nan_minus)
    y = kernels.call("quantize_f32", "levels", p, x, thr, planes_like(planes))
    np.testing.assert_array_equal(y, planes)


@pytest.mark.parametrize("low", [0, -4, 100])
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_integers_to_levels(
    kernels: Kernels, shape: tuple[int, int], levels: int, low: int
) -> None:
    want = draw(shape, levels)
    x = (want.astype(np.int64) + low).astype(F32)
    planes = naive.pack_levels(levels.bit_length(), want)
    p = fields(shape, levels, low=low)
    y = kernels.call("to_levels_f32", "levels", p, x, planes_like(planes))
    np.testing.assert_array_equal(y, planes)


def test_floats_beside_the_levels_are_held_between_them(kernels: Kernels) -> None:
    x = np.array([[np.nan, -np.inf, -3, -0.5, 0.5, 2.75, 3, 4, np.inf]], F32)
    want = naive.pack_levels(2, np.array([[0, 0, 0, 0, 0, 2, 3, 3, 3]]))
    p = fields((1, 9), 3)
    y = kernels.call("to_levels_f32", "levels", p, x, planes_like(want))
    np.testing.assert_array_equal(y, want)


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_dequantize(kernels: Kernels, shape: tuple[int, int], levels: int) -> None:
    x, scale, offset = draw(shape, levels), F32(0.1), F32(-0.7)
    planes = naive.pack_levels(levels.bit_length(), x)
    p = fields(shape, levels, scale=float(scale), offset=float(offset))
    y = kernels.call("dequantize_f32", "levels", p, planes, np.full(shape, np.nan, F32))
    np.testing.assert_array_equal(y, x.astype(F32) * scale + offset)
