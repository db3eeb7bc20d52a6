# SPDX-License-Identifier: Apache-2.0
"""Vector kernels that 32-bit ARM has too, made of its own instructions, against what those for
64-bit ARM are compared with."""

from __future__ import annotations

import numpy as np
import pytest

from . import naive, test_bits, test_bytes_neon, test_conv2d, test_levels, test_pool
from .library import Kernels
from .naive import Geometry
from .test_bytes import (
    SIGNS,
    Weights,
    check_cut,
    check_largest,
    check_layer,
    check_pools,
    check_two,
)
from .test_conv2d import Case, check

pytestmark = pytest.mark.slow
BYTE_WEIGHTS = [w for isa, w in test_bytes_neon.WEIGHTS if isa == "neon"]
BINARY = [*test_conv2d.UNITS, *test_conv2d.MANY, *test_conv2d.PADDED, *test_conv2d.PIXELS]


@pytest.mark.parametrize("g", BINARY[::2])
def test_bits_in_steps(neon_32_kernels: Kernels, g: Geometry) -> None:
    case = Case(g, "bb")
    check(neon_32_kernels, case, "conv2d_bb_neon", "bb", naive.in_steps(case.logical_w))


@pytest.mark.parametrize("g", test_conv2d.with_levels(BINARY[1::3]))
def test_levels_in_steps(neon_32_kernels: Kernels, g: Geometry) -> None:
    case = Case(g, "ub")
    check(neon_32_kernels, case, "conv2d_ub_neon", "ub", naive.in_steps(case.logical_w))


@pytest.mark.parametrize("g", [*BINARY[::3], *test_conv2d.with_levels(BINARY[2::3])])
def test_ternary_weights_in_steps(neon_32_kernels: Kernels, g: Geometry) -> None:
    test_conv2d.check_ternary(neon_32_kernels, g)


@pytest.mark.parametrize("g", test_conv2d.DEPTHWISE_BITS[1::2])
def test_depthwise_bits(neon_32_kernels: Kernels, g: Geometry) -> None:
    test_conv2d.check_depthwise_bits(neon_32_kernels, g)


def test_the_longest_windows(neon_32_kernels: Kernels) -> None:
    test_conv2d.test_the_longest_windows(neon_32_kernels, 8 * 4096)
    test_conv2d.test_the_longest_windows_of_levels(neon_32_kernels, 2)
    test_conv2d.test_the_longest_ternary_windows(neon_32_kernels, "bt", 0)
    test_conv2d.test_thresholds_beyond_all_sums_in_steps(neon_32_kernels)


@pytest.mark.parametrize("weights", BYTE_WEIGHTS, ids=lambda w: w.prefix)
@pytest.mark.parametrize("g", test_bytes_neon.GEOMETRIES[::2])
def test_layers_of_bytes(neon_32_kernels: Kernels, weights: Weights, g: Geometry) -> None:
    if not test_bytes_neon.fits(g, weights):
        return
    for sign in SIGNS:
        check_layer(neon_32_kernels, g, weights, sign)
    check_cut(neon_32_kernels, g, weights, biased=True)


@pytest.mark.parametrize("weights", BYTE_WEIGHTS, ids=lambda w: w.prefix)
def test_largest_sums(neon_32_kernels: Kernels, weights: Weights) -> None:
    for sign, zero in (("i8", -128), ("u8", 255)):
        check_largest(neon_32_kernels, weights, sign, zero, 1029)


@pytest.mark.parametrize("g", test_bytes_neon.EACH_BY_ITSELF[::2])
def test_each_channel_by_itself(neon_32_kernels: Kernels, g: Geometry) -> None:
    for sign in SIGNS:
        check_layer(neon_32_kernels, g, test_bytes_neon.DEPTHWISE, sign)


def test_pools(neon_32_kernels: Kernels) -> None:
    for p in test_pool.geometries(10):
        check_pools(neon_32_kernels, {**p, "c": 16 + p["c"]}, "i8", "_neon")
        for with_flip in (False, True):
            test_pool.check_bits(neon_32_kernels, "max_pool_bits_neon", {**p, "c": 200}, with_flip)


def test_elementwise(neon_32_kernels: Kernels) -> None:
    for kind in ("add", "sub"):
        check_two(neon_32_kernels, f"{kind}_q8_neon", ("u8", "i8", "u8"), (61,))
    for c in (5, 16, 77):
        test_bits.check_unpack(neon_32_kernels, "_neon", c)
        test_bits.check_flip(neon_32_kernels, "_neon", 3 * c + 100, in_place=False)
        test_levels.check_levels(neon_32_kernels, "_neon", (3, c), 15)
        test_levels.check_bits(neon_32_kernels, "_neon", (3, c))


@pytest.mark.parametrize("multiplier", [0.5, 0.25, 1.5])
def test_halves_are_rounded_to_even(neon_32_kernels: Kernels, multiplier: float) -> None:
    """Conversion by way of 2^23, which 64-bit ARM has an instruction for."""
    sums = np.arange(-120, 121, dtype=np.int32)
    g = Geometry(n=1, ih=1, iw=1, ic=1, oc=len(sums), kh=1, kw=1)
    fields = {**g.fields(), "lo": -128, "hi": 127}
    w = naive.byte_tiles(np.zeros(g.w_shape, np.int8), lanes=4, depth=16)
    factors = np.full(len(sums), multiplier, np.float32)
    x, y = np.zeros(1, np.int8), np.full(len(sums), 0x55, np.int8)
    neon_32_kernels.call("conv2d_ii_neon_f32", "conv2d", fields, x, w, sums, factors, y)
    np.testing.assert_array_equal(y, np.clip(np.rint(sums * multiplier), -128, 127))
