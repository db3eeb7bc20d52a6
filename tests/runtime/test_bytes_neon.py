# SPDX-License-Identifier: Apache-2.0
"""Kernels of quantized bytes for 64-bit ARM, against what those in portable C are compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from . import naive, test_dynamic_bytes
from .library import Field, Kernels
from .naive import Geometry, random_geometries
from .test_bytes import (
    SIGNS,
    Weights,
    check_conversions,
    check_cut,
    check_largest,
    check_layer,
    check_pools,
    check_two,
)
from .test_pool import geometries

Family = Callable[[str, int], Kernels]


def signs(lanes: int, depth: int) -> Callable[[np.ndarray], np.ndarray]:
    return partial(naive.sign_tiles, lanes=lanes, depth=depth)


def tiles(lanes: int, depth: int) -> Callable[[np.ndarray], np.ndarray]:
    return partial(naive.byte_tiles, lanes=lanes, depth=depth)


def fits(g: Geometry, weights: Weights) -> bool:
    """Whether the table would give a kernel such a layer; smaller ones it takes as well."""
    if not weights.prefix.startswith("conv2d_ib"):
        return True
    return g.groups == 1 and (weights.pack is naive.nibbles or g.kh * g.kw * g.ic <= 2304)


WEIGHTS: list[tuple[str, Weights]] = [
    ("neon", Weights("conv2d_ib_neon", -1, 1, np.bool_, naive.nibbles)),
    ("neon", Weights("conv2d_ii_neon", -127, 127, pack=tiles(4, 16))),
    ("neon-dotprod", Weights("conv2d_ii_dotprod", -128, 127, pack=tiles(8, 4))),
    ("neon-dotprod", Weights("conv2d_ib_dotprod", -1, 1, np.bool_, signs(8, 4))),
    ("neon-i8mm", Weights("conv2d_ib_i8mm", -1, 1, np.bool_, signs(8, 8))),
    ("neon-i8mm", Weights("conv2d_ii_i8mm", -128, 127, pack=tiles(8, 8))),
]
COMPILERS = {"gcc": 0, "clang": 1}
PLAIN = random_geometries(20, 31, grouped=False)
GEOMETRIES = [
    *PLAIN,
    # Groups of eight channels and of sixteen; windows that are read where they lie.
    *(replace(g, groups=3, oc=8 * (1 + g.oc % 2)) for g in PLAIN[:6]),
    *(Geometry(n=2, ih=3, iw=h, ic=16, oc=8, kh=1, kw=1, groups=h) for h in (1, 3)),
    Geometry(n=1, ih=1, iw=1, ic=160, oc=20, kh=1, kw=1),
    Geometry(n=11, ih=1, iw=1, ic=129, oc=9, kh=1, kw=1),
    # Several lots of windows, with borders on all sides; and few that fit.
    Geometry(n=2, ih=9, iw=8, ic=100, oc=12, pad=(1, 1, 1, 1)),
    Geometry(n=1, ih=3, iw=4, ic=512, oc=8, pad=(1, 1, 1, 1)),
    Geometry(n=1, ih=3, iw=4, ic=1200, oc=8, pad=(1, 1, 1, 1)),
    Geometry(n=9, ih=1, iw=1, ic=4640, oc=3, kh=1, kw=1),
    # Rows of a window of two and of three vectors.
    Geometry(n=1, ih=15, iw=19, ic=3, oc=17, kh=11, kw=11, stride=(4, 4), pad=(2, 2, 2, 2)),
    Geometry(n=2, ih=5, iw=13, ic=2, oc=8, kh=3, kw=9, stride=(1, 2)),
    Geometry(n=1, ih=5, iw=4, ic=16, oc=9, kh=3, kw=2, pad=(1, 0, 0, 1)),
    Geometry(n=1, ih=5, iw=6, ic=16, oc=8),
    # More channels than are summed up at once, and an odd number of tiles.
    Geometry(n=1, ih=1, iw=3, ic=33, oc=1061, kh=1, kw=2),
]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(("isa", "weights"), WEIGHTS, ids=lambda v: getattr(v, "prefix", v))
@pytest.mark.parametrize("g", GEOMETRIES)
def test_layers(
    arm_family: Family, isa: str, weights: Weights, compiler: str, g: Geometry, sign: str
) -> None:
    if not fits(g, weights):
        return
    check_layer(arm_family(isa, COMPILERS[compiler]), g, weights, sign)


DYNAMIC = [weights for isa, weights in WEIGHTS if isa == "neon"]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("weights", DYNAMIC, ids=lambda w: w.prefix)
@pytest.mark.parametrize("g", GEOMETRIES)
def test_layers_with_measured_levels(
    arm_family: Family, weights: Weights, compiler: str, g: Geometry
) -> None:
    if fits(g, weights):
        test_dynamic_bytes.check_layer(arm_family("neon", COMPILERS[compiler]), g, weights)


DEPTHWISE = Weights("depthwise_ii_neon", -127, 127, pack=naive.tap_bytes)
EACH_BY_ITSELF = [
    # 8, 16, 24, 32 and odd numbers of channels; few and many taps.
    *(
        replace(g, ic=1, oc=1, groups=n)
        for g, n in zip(PLAIN[:18], (8, 16, 24, 32, 5, 41) * 3, strict=True)
    ),
    Geometry(n=2, ih=9, iw=8, ic=1, oc=1, groups=40, pad=(1, 1, 1, 1)),
    Geometry(n=1, ih=14, iw=12, ic=1, oc=1, kh=8, kw=8, groups=20, pad=(3, 4, 4, 3)),
]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("g", EACH_BY_ITSELF)
def test_each_channel_by_itself(arm_family: Family, compiler: str, g: Geometry) -> None:
    kernels = arm_family("neon", COMPILERS[compiler])
    for sign in SIGNS:
        check_layer(kernels, g, DEPTHWISE, sign)
    check_cut(kernels, g, DEPTHWISE, biased=True)
    test_dynamic_bytes.check_layer(kernels, g, DEPTHWISE)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("p", [*geometries(15), *({**p, "c": 16 + p["c"]} for p in geometries(8))])
def test_pools(arm_family: Family, compiler: str, p: dict[str, int]) -> None:
    for sign in SIGNS:
        check_pools(arm_family("neon", COMPILERS[compiler]), p, sign, "_neon")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize("sign", SIGNS)
def test_floats_to_bytes_and_back(arm_family: Family, compiler: str, sign: str, even: bool) -> None:
    check_conversions(arm_family("neon", COMPILERS[compiler]), sign, "_neon", even=even)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("sign", SIGNS)
def test_functions_of_a_byte(arm_family: Family, compiler: str, sign: str) -> None:
    kernels = arm_family("neon", COMPILERS[compiler])
    lowest = SIGNS[sign][1]
    table = np.random.default_rng(25).integers(0, 256, 256).astype(np.uint8)
    for count in (3, 16, 256, 250):
        x = np.arange(count).astype(SIGNS[sign][0])
        fields: dict[str, Field] = {"count": count, "x_unsigned": int(sign == "u8")}
        y = kernels.call("lookup_q8_neon", "bytes", fields, x, table, np.empty(count, np.uint8))
        np.testing.assert_array_equal(y, table[x.astype(int) - lowest])


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("kind", ["add", "sub"])
@pytest.mark.parametrize("signs", [("i8", "i8", "i8"), ("u8", "i8", "u8"), ("u8", "u8", "i8")])
def test_two_tensors(
    arm_family: Family, compiler: str, kind: str, signs: tuple[str, str, str]
) -> None:
    for size in (1, 7, 8, 61):
        check_two(arm_family("neon", COMPILERS[compiler]), f"{kind}_q8_neon", signs, (size,))


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(("isa", "weights"), WEIGHTS, ids=lambda v: getattr(v, "prefix", v))
@pytest.mark.parametrize("g", GEOMETRIES)
def test_layers_that_cut(
    arm_family: Family, isa: str, weights: Weights, compiler: str, g: Geometry, biased: bool
) -> None:
    if not fits(g, weights):
        return
    check_cut(arm_family(isa, COMPILERS[compiler]), g, weights, biased=biased)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(("isa", "weights"), WEIGHTS, ids=lambda v: getattr(v, "prefix", v))
@pytest.mark.parametrize(("sign", "zero"), [("i8", -128), ("i8", 127), ("u8", 0), ("u8", 255)])
@pytest.mark.parametrize("ic", [384, 1029])
def test_largest_sums(
    arm_family: Family,
    isa: str,
    weights: Weights,
    compiler: str,
    sign: str,
    zero: int,
    ic: int,
) -> None:
    if not fits(Geometry(ic=ic), weights):
        return
    check_largest(arm_family(isa, COMPILERS[compiler]), weights, sign, zero, ic)
