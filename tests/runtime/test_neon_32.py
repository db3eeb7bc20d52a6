# SPDX-License-Identifier: Apache-2.0
"""Vector kernels that 32-bit ARM has too, made of its own instructions, against what those for
64-bit ARM are compared with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from bnnc.backends import kernel_table

from . import naive, test_bits, test_bytes_neon, test_conv2d, test_levels, test_pool
from .conftest import emulated
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


@pytest.fixture(scope="module", params=["gcc", "clang"])
def arm_family(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernels]:
    """All functions of the files that hold such kernels; those for floats are no kernels of this
    target, since vectors flush denormal numbers there, but do well on other numbers."""
    rows = [k for k in kernel_table().kernels if k.isa == "neon"]
    files = {k.source for k in rows if "armv7-neon" in k.also}
    sources = {k.symbol: k.source for k in rows if k.source in files}
    number = ["gcc", "clang"].index(request.param)
    found = emulated("armv7-neon", tmp_path_factory.mktemp("neon32"), sources, number)
    yield found
    found.close()


@pytest.mark.parametrize("g", BINARY[::2])
def test_bits_in_steps(arm_family: Kernels, g: Geometry) -> None:
    case = Case(g, "bb")
    check(arm_family, case, "conv2d_bb_neon", "bb", naive.in_steps(case.logical_w))


@pytest.mark.parametrize("g", test_conv2d.with_levels(BINARY[1::3]))
def test_levels_in_steps(arm_family: Kernels, g: Geometry) -> None:
    case = Case(g, "ub")
    check(arm_family, case, "conv2d_ub_neon", "ub", naive.in_steps(case.logical_w))


@pytest.mark.parametrize("g", [*BINARY[::3], *test_conv2d.with_levels(BINARY[2::3])])
def test_ternary_weights_in_steps(arm_family: Kernels, g: Geometry) -> None:
    test_conv2d.check_ternary(arm_family, g)


def test_the_longest_windows(arm_family: Kernels) -> None:
    test_conv2d.test_the_longest_windows(arm_family, 8 * 4096)
    test_conv2d.test_the_longest_windows_of_levels(arm_family, 2)
    test_conv2d.test_the_longest_ternary_windows(arm_family, "bt", 0)
    test_conv2d.test_thresholds_beyond_all_sums_in_steps(arm_family)


@pytest.mark.parametrize("weights", BYTE_WEIGHTS, ids=lambda w: w.prefix)
@pytest.mark.parametrize("g", test_bytes_neon.GEOMETRIES[::2])
def test_layers_of_bytes(arm_family: Kernels, weights: Weights, g: Geometry) -> None:
    if not test_bytes_neon.fits(g, weights):
        return
    for sign in SIGNS:
        check_layer(arm_family, g, weights, sign)
    check_cut(arm_family, g, weights, biased=True)


@pytest.mark.parametrize("weights", BYTE_WEIGHTS, ids=lambda w: w.prefix)
def test_largest_sums(arm_family: Kernels, weights: Weights) -> None:
    for sign, zero in (("i8", -128), ("u8", 255)):
        check_largest(arm_family, weights, sign, zero, 1029)


@pytest.mark.parametrize("g", test_bytes_neon.EACH_BY_ITSELF[::2])
def test_each_channel_by_itself(arm_family: Kernels, g: Geometry) -> None:
    for sign in SIGNS:
        check_layer(arm_family, g, test_bytes_neon.DEPTHWISE, sign)


def test_pools(arm_family: Kernels) -> None:
    for p in test_pool.geometries(10):
        check_pools(arm_family, {**p, "c": 16 + p["c"]}, "i8", "_neon")
        for with_flip in (False, True):
            test_pool.check_bits(arm_family, "max_pool_bits_neon", {**p, "c": 200}, with_flip)


def test_elementwise(arm_family: Kernels) -> None:
    for kind in ("add", "sub"):
        check_two(arm_family, f"{kind}_q8_neon", ("u8", "i8", "u8"), (61,))
    for c in (5, 16, 77):
        test_bits.check_unpack(arm_family, "_neon", c)
        test_bits.check_flip(arm_family, "_neon", 3 * c + 100, in_place=False)
        test_levels.check_levels(arm_family, "_neon", (3, c), 15)
        test_levels.check_bits(arm_family, "_neon", (3, c))


@pytest.mark.parametrize("multiplier", [0.5, 0.25, 1.5])
def test_halves_are_rounded_to_even(arm_family: Kernels, multiplier: float) -> None:
    """Conversion by way of 2^23, which 64-bit ARM has an instruction for."""
    sums = np.arange(-120, 121, dtype=np.int32)
    g = Geometry(n=1, ih=1, iw=1, ic=1, oc=len(sums), kh=1, kw=1)
    fields = {**g.fields(), "lo": -128, "hi": 127}
    w = naive.byte_tiles(np.zeros(g.w_shape, np.int8), lanes=4, depth=16)
    factors = np.full(len(sums), multiplier, np.float32)
    x, y = np.zeros(1, np.int8), np.full(len(sums), 0x55, np.int8)
    arm_family.call("conv2d_ii_neon_f32", "conv2d", fields, x, w, sums, factors, y)
    np.testing.assert_array_equal(y, np.clip(np.rint(sums * multiplier), -128, 127))
