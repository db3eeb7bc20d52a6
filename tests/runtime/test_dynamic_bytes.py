# SPDX-License-Identifier: Apache-2.0
"""Kernels of bytes whose scale and zero point are measured, against scalars of numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from . import naive
from .library import Field, Kernels
from .naive import F32, Geometry
from .test_bytes import GEOMETRIES, WEIGHTS, Weights, clamp

LARGEST = float(np.finfo(F32).max)
# x, and scale and zero point that must come of it.
LEVELS: list[tuple[list[float], float, int]] = [
    ([-1.0, 3.0], float(F32(4) / F32(255)), 64),
    ([0.0, -0.0, 0.0], 1.0, 0),
    ([], 1.0, 0),
    ([5.0, 5.0], float(F32(5) / F32(255)), 0),
    ([-5.0, -5.0], float(F32(5) / F32(255)), 255),
    ([np.nan, -255.0, np.nan], 1.0, 255),
    ([np.nan], 1.0, 0),
    ([-2.5, 252.5], 1.0, 2),
    ([-3.5, 251.5], 1.0, 4),
    ([1e-44], 1.0, 0),
    ([np.inf], 2.0**126 / 255, 0),
    ([-np.inf, np.inf], 2.0**127 / 255, 127),
    ([-LARGEST, LARGEST], 2.0**127 / 255, 127),
]


@pytest.mark.parametrize(("numbers", "scale", "zero"), LEVELS)
def test_levels_of_a_range(kernels: Kernels, numbers: list[float], scale: float, zero: int) -> None:
    x, levels = np.array(numbers, F32), np.empty(2, F32)
    kernels.call("dynamic_levels_f32", "bytes", {"count": x.size}, x, levels)
    assert levels.tolist() == [F32(scale), zero]
    assert not np.signbit(levels).any()


def test_levels_of_random_ranges(kernels: Kernels) -> None:
    rng = np.random.default_rng(31)
    for _ in range(300):
        x = (rng.normal(rng.normal(), 1, 20) * 10.0 ** rng.integers(-30, 30)).astype(F32)
        levels = np.empty(2, F32)
        kernels.call("dynamic_levels_f32", "bytes", {"count": x.size}, x, levels)
        low, high = F32(min(0, x.min())), F32(max(0, x.max()))
        scale = (high - low) / F32(255)
        assert levels.tolist() == [scale, round(float((F32(0) - low) / scale))]


@pytest.mark.parametrize("levels", [(1.0, 3), (0.037, 128), (1e-38, 0), (3e37, 255)])
def test_floats_to_bytes(kernels: Kernels, levels: tuple[float, int]) -> None:
    rng = np.random.default_rng(32)
    scale, zero = F32(levels[0]), levels[1]
    steps = np.concatenate([np.arange(-300, 300, 0.5), rng.uniform(-300, 300, 500)])
    with np.errstate(over="ignore"):
        x = (steps * scale).astype(F32)
    x = np.concatenate([x, np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], F32)])
    given = np.array(levels, F32)
    y = np.empty(x.size, np.uint8)
    kernels.call("dynamic_quantize_f32", "bytes", {"count": x.size}, x, given, y)
    for v, got in zip((x / scale).tolist(), y.tolist(), strict=True):
        whole = 0 if np.isnan(v) else round(clamp(v, -1000, 1000))
        assert got == clamp(whole + zero, 0, 255)


@pytest.mark.parametrize("levels", [(np.nan, np.nan), (0.0, -1.0), (-1.0, np.inf), (np.inf, 2.5)])
def test_no_levels_are_undefined(kernels: Kernels, levels: tuple[float, float]) -> None:
    """What nobody measures: the zero point is a byte all the same."""
    zero = {-1.0: 0, np.inf: 255, 2.5: 2}.get(levels[1], 0)
    y = np.empty(1, np.uint8)
    given = np.array(levels, F32)
    kernels.call("dynamic_quantize_f32", "bytes", {"count": 1}, np.zeros(1, F32), given, y)
    assert y.tolist() == [zero]


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda w: w.prefix)
@pytest.mark.parametrize("g", GEOMETRIES)
def test_layers(kernels: Kernels, g: Geometry, weights: Weights) -> None:
    check_layer(kernels, g, weights, sums_too=True)


def check_layer(kernels: Kernels, g: Geometry, weights: Weights, *, sums_too: bool = False) -> None:
    """Every bit of what a layer gives, and its sums where a kernel gives them alone."""
    rng = np.random.default_rng([*weights.prefix.encode(), *map(int, g.x_shape), g.oc, g.kh, 33])
    x, drawn = rng.integers(0, 256, g.x_shape).astype(np.uint8), weights.draw(g.w_shape, rng)
    zero = int(rng.choice([0, 255, int(rng.integers(256))]))
    levels = np.array([10.0 ** rng.integers(-6, 6), zero], F32)
    acc = naive.accumulate(replace(g, pad_value=0), x.astype(np.int64) - zero, drawn)
    fields: dict[str, Field] = {**g.fields(), "x_unsigned": 1, "x_zero": 7}
    w, channels = weights.store(drawn), g.y_shape[-1]
    if sums_too:
        sums = np.empty(g.y_shape, np.int32)
        kernels.call(f"{weights.prefix}_dynamic_i32", "conv2d", fields, x, levels, w, sums)
        np.testing.assert_array_equal(sums, acc)
    scale = (rng.random(channels) * 0.1).astype(F32)
    scale[::3] = 0
    bias = rng.normal(size=channels).astype(F32) * levels[0]
    name, y = f"{weights.prefix}_dynamic_f32", np.empty(g.y_shape, F32)
    kernels.call(name, "conv2d", fields, x, levels, w, scale, bias, y)
    want = acc.astype(F32) * (levels[0] * scale)
    np.testing.assert_array_equal((want + bias).view(np.int32), y.view(np.int32))
    kernels.call(name, "conv2d", fields, x, levels, w, scale, None, y)
    np.testing.assert_array_equal(want.view(np.int32), y.view(np.int32))


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda w: w.prefix)
@pytest.mark.parametrize("zero", [0, 255])
def test_largest_sums(kernels: Kernels, weights: Weights, zero: int) -> None:
    """All differences and weights as large as they can be, and the borders without any."""
    g = Geometry(n=1, ih=2, iw=2, ic=1029, oc=5, kh=3, kw=3, pad=(1, 1, 1, 1))
    x, levels = np.full(g.x_shape, 255 - zero, np.uint8), np.array([1, zero], F32)
    for v in (weights.lowest, weights.highest):
        y = np.empty(g.y_shape, F32)
        w = weights.store(np.full(g.w_shape, v))
        fields: dict[str, Field] = {**g.fields(), "x_unsigned": 1}
        one = np.ones(5, F32)
        name = f"{weights.prefix}_dynamic_f32"
        kernels.call(name, "conv2d", fields, x, levels, w, one, None, y)
        assert (y == F32((255 - 2 * zero) * v * 4 * 1029)).all()
