# SPDX-License-Identifier: Apache-2.0
"""Convolutions of every kind against numpy that performs the same additions in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bnnc.ir.interpreter.rounding import add_flushed, flush, multiply_flushed

from . import naive
from .library import Kernels
from .naive import F32, Geometry

DENSE = [Geometry(n=3, ih=1, iw=1, ic=c, oc=o, kh=1, kw=1) for c, o in ((1, 1), (70, 10), (129, 9))]
PLAIN = [*naive.random_geometries(40, 1, grouped=False), *DENSE]
GROUPED = naive.random_geometries(40, 2, grouped=True)
BYTE_GROUPED = [replace(g, ic=(g.ic + 7) // 8 * 8) for g in GROUPED]
DEEP = naive.random_geometries(12, 3, grouped=False, deepest=300)
# Rows of pixels in blocks of four, pairs of tiles.
WIDE = [
    replace(g, iw=g.iw + 14, ic=1 + g.ic % 5, oc=g.oc + 15)
    for g in naive.random_geometries(12, 7, grouped=False)
]


class Case:
    """Random operands for one geometry and kind; around the smallest normal number if flushed."""

    def __init__(self, g: Geometry, kind: str, *, order: str = "muladd") -> None:
        rng = np.random.default_rng(abs(hash(g)) % 2**32)
        self.g = g
        self.flushed = flushed = order == "muladd.ftz"
        if kind[0] == "f":
            self.x = rng.standard_normal(g.x_shape).astype(F32)
            self.x[rng.random(g.x_shape) < 0.05] = 0
            if flushed:
                self.x = np.ldexp(self.x, rng.integers(-130, -123, g.x_shape)).astype(F32)
            logical: np.ndarray = self.x
        elif kind[0] == "b":
            logical = rng.choice(np.array([-1, 1]), g.x_shape)
            self.x = naive.pack(logical)
        else:
            logical = rng.integers(0, 2**g.bits_in, g.x_shape)
            self.x = naive.pack_levels(g.bits_in, logical)
        if kind[1] == "f":
            w = rng.standard_normal(g.w_shape).astype(F32)
            self.w: np.ndarray = w
        elif kind[1] == "b":
            w = rng.choice(np.array([-1, 1]), g.w_shape)
            self.w = naive.pack(w)
        else:
            w = rng.choice(np.array([-1, 0, 1]), g.w_shape)
            self.w = naive.pack_ternary(w)
        self.logical_w = w
        if order == "eights":
            self.acc = naive.accumulate_eights(g, logical, w)
        else:
            skip, fused = kind == "ft", order == "fma"
            self.acc = naive.accumulate(
                g, logical, w, skip_zero_weights=skip, fused=fused, flushed=self.flushed
            )
        channels = g.y_shape[-1]
        self.alpha = rng.standard_normal(channels).astype(F32)
        self.bias = rng.standard_normal(channels).astype(F32)
        if flushed:
            self.bias = np.ldexp(self.bias, rng.integers(-130, -123, channels)).astype(F32)
        # Thresholds that some outputs meet exactly.
        flat = self.acc.reshape(-1, channels)
        self.thr = np.ascontiguousarray(flat[rng.integers(0, len(flat), channels)].diagonal())
        scalar = F32 if kind[0] == "f" else np.int32
        self.thr = self.thr.astype(scalar)
        levels = np.sort(flat[rng.integers(0, len(flat), g.levels or 3)].T)
        if flushed:  # denormal ones too
            self.thr[::3] /= 4
            levels[::3] /= 4
        self.levels: np.ndarray = np.ascontiguousarray(levels, scalar)

    def scaled(self, alpha: bool, bias: bool) -> np.ndarray:
        y = self.acc.astype(F32)
        if self.flushed:
            y = multiply_flushed(y + F32(0), self.alpha) if alpha else y + F32(0)
            return add_flushed(y, self.bias) if bias else y
        y = y * self.alpha if alpha else y
        return y + self.bias if bias else y


def check(kernels: Kernels, case: Case, symbol: str, kind: str, w: np.ndarray) -> None:
    g = case.g
    for use_alpha, use_bias in ((True, True), (False, True), (True, False), (False, False)):
        if kind == "ff" and use_alpha:
            continue
        ends = [case.bias if use_bias else None]
        if kind != "ff":
            ends.insert(0, case.alpha if use_alpha else None)
        y = np.full(g.y_shape, np.nan, F32)
        kernels.call(f"{symbol}_f32", "conv2d", g.fields(), case.x, w, *ends, y)
        np.testing.assert_array_equal(
            y.view(np.int32), case.scaled(use_alpha, use_bias).view(np.int32)
        )
    bits = np.full((*g.y_shape[:-1], (g.y_shape[-1] + 7) // 8), 0xAA, np.uint8)
    kernels.call(f"{symbol}_thr", "conv2d", g.fields(), case.x, w, case.thr, bits)
    thr = flush(case.thr) if case.flushed else case.thr
    np.testing.assert_array_equal(bits, naive.cut(case.acc, thr, g.nan_minus))
    g = replace(g, levels=case.levels.shape[1])
    thr = flush(case.levels) if case.flushed else case.levels
    levels = naive.count(case.acc, thr, g.nan_minus)
    want = naive.pack_levels(g.levels.bit_length(), levels)
    planes = np.full(want.shape, 0xAA, np.uint8)
    kernels.call(f"{symbol}_lvl", "conv2d", g.fields(), case.x, w, case.levels, planes)
    np.testing.assert_array_equal(planes, want)


@pytest.mark.parametrize("g", [*PLAIN, *GROUPED])
@pytest.mark.parametrize("kind", ["ff", "fb", "ft"])
def test_float_activations(kernels: Kernels, g: Geometry, kind: str) -> None:
    case = Case(g, kind)
    check(kernels, case, f"conv2d_{kind}", kind, case.w)


@pytest.mark.parametrize("g", [*PLAIN, *WIDE])
def test_tiled_weights(kernels: Kernels, native_kernels: Kernels, g: Geometry) -> None:
    case = Case(g, "ff")
    check(kernels, case, "conv2d_ff_t8", "ff", naive.tile8(case.w))
    check(native_kernels, case, "conv2d_ff_t8", "ff", naive.tile8(case.w))
    case = Case(g, "fb")
    for built in (kernels, native_kernels):
        check(built, case, "conv2d_fb_t8", "fb", naive.tile_bits(case.logical_w))


@pytest.mark.parametrize("g", [*PLAIN, *WIDE, *GROUPED[:10]])
def test_fused_multiply_add(neon_kernels: Kernels, g: Geometry) -> None:
    case = Case(g, "ff", order="fma")
    check(neon_kernels, case, "conv2d_ff_fused", "ff", case.w)
    if g.groups == 1:
        check(neon_kernels, case, "conv2d_ff_neon", "ff", naive.tile8(case.w))
        case = Case(g, "fb")
        check(neon_kernels, case, "conv2d_fb_neon", "fb", naive.tile_bits(case.logical_w))


# More channels than tables are made for at once, of many windows and of one; longer windows.
EIGHTS = [
    Geometry(n=2, ih=3, iw=2, ic=9, oc=521, kh=2, kw=1),
    Geometry(ih=1, iw=1, ic=12, oc=2063, kh=1, kw=1),
    Geometry(ih=4, iw=3, ic=20, oc=9, kh=4, kw=3),
    Geometry(ih=4, iw=4, ic=64, oc=17, kh=3, kw=3, pad=(1, 1, 1, 1)),
    Geometry(ih=3, iw=3, ic=64, oc=17, kh=3, kw=3, stride=(3, 3), pad=(1, 0, 0, 1), pad_value=-1.0),
    *[Geometry(n=n, ih=1, iw=1, ic=200, oc=16, kh=1, kw=1) for n in range(1, 18)],
]


@pytest.mark.parametrize("g", [*PLAIN, *WIDE, *DEEP, *EIGHTS])
def test_groups_of_eight_taps(neon_kernels: Kernels, g: Geometry) -> None:
    case = Case(g, "fb", order="eights")
    check(neon_kernels, case, "conv2d_fb_eights", "fb", naive.in_eights(case.logical_w))


# Each channel by itself, in rows of more than four pixels.
DEPTHWISE = [
    replace(g, ic=1, oc=1, groups=groups, iw=g.iw + wider)
    for i, g in enumerate(PLAIN[:20])
    for groups, wider in [((1, 7, 8, 9, 24, 35)[i % 6], (0, 12)[i % 2])]
]


@pytest.mark.parametrize("g", DEPTHWISE)
def test_depthwise(neon_kernels: Kernels, g: Geometry) -> None:
    case = Case(g, "ff", order="fma")
    check(neon_kernels, case, "depthwise_ff_neon", "ff", naive.tile8(case.w))
    case = Case(g, "fb")
    check(neon_kernels, case, "depthwise_fb_neon", "fb", naive.tile_bits(case.logical_w))


# Of bits: less than a vector of channels, one and more; counts in four planes and in seven.
DEPTHWISE_BITS = [
    *DEPTHWISE,
    *(
        replace(g, ic=1, oc=1, groups=groups, kh=kh, kw=kw, ih=g.ih + kh, iw=g.iw + kw)
        for g, groups, kh, kw in zip(
            PLAIN[20:28],
            (128, 129, 300, 64, 257, 17, 136, 5),
            (3, 2, 5, 8, 1, 7, 3, 4),
            (3, 7, 3, 8, 1, 5, 5, 4),
            strict=True,
        )
    ),
    Geometry(n=2, ih=5, iw=4, ic=1, oc=1, groups=140, pad=(1, 2, 1, 2)),
    Geometry(n=1, ih=5, iw=6, ic=1, oc=1, groups=40, pad=(2, 2, 2, 2), pad_value=-1),
    Geometry(n=1, ih=3, iw=3, ic=1, oc=1, groups=130, pad=(2, 2, 2, 2), pad_value=1),
]


def check_depthwise_bits(kernels: Kernels, g: Geometry) -> None:
    case = Case(g, "bb")
    if g.groups >= 8:
        case.thr[:8] = beyond(g.kh * g.kw)
    check(kernels, case, "depthwise_bb_neon", "bb", naive.tile_bits(case.logical_w))


@pytest.mark.parametrize("g", DEPTHWISE_BITS)
def test_depthwise_bits(neon_kernels: Kernels, g: Geometry) -> None:
    check_depthwise_bits(neon_kernels, g)


@pytest.mark.parametrize("g", [*PLAIN, *DEEP, *BYTE_GROUPED])
@pytest.mark.parametrize("kind", ["bb", "bt"])
def test_bit_activations(kernels: Kernels, g: Geometry, kind: str) -> None:
    case = Case(g, kind)
    check(kernels, case, f"conv2d_{kind}", kind, case.w)


# Rows of a window in units of 16, 24, 32 and 48 bytes, and what lies between.
UNITS = [
    replace(g, ic=ic, kh=3, kw=kw, oc=oc, iw=g.iw + 3, ih=g.ih + 2, dilation=(1, 1))
    for g, ic, kw, oc in zip(
        naive.random_geometries(11, 6, grouped=False),
        (64, 64, 64, 128, 128, 256, 96, 192, 40, 512, 48),
        (3, 3, 2, 3, 3, 3, 3, 2, 3, 1, 3),
        (8, 21, 16, 8, 12, 8, 16, 9, 8, 8, 11),
        strict=True,
    )
]


@pytest.mark.parametrize("g", [*PLAIN, *DEEP, *UNITS])
def test_four_channels_at_a_time(kernels: Kernels, native_kernels: Kernels, g: Geometry) -> None:
    case = Case(g, "bb")
    check(kernels, case, "conv2d_bb_x4", "bb", case.w)
    check(native_kernels, case, "conv2d_bb_x4", "bb", case.w)


def beyond(k: int) -> np.ndarray:
    """Thresholds around the largest and smallest sum of k products."""
    return np.array([-(2**31), -k - 1, -k, -k + 1, k, k + 1, k + 2, 2**31 - 1], np.int32)


def test_thresholds_beyond_all_sums_in_steps(neon_kernels: Kernels) -> None:
    for pad in (0, 1):
        g = replace(UNITS[0], oc=8, pad=(pad, pad, pad, pad), pad_value=0)
        case = Case(g, "bb")
        case.thr = beyond(9 * g.ic)
        check(neon_kernels, case, "conv2d_bb_neon", "bb", naive.in_steps(case.logical_w))


def test_thresholds_beyond_all_sums(kernels: Kernels, native_kernels: Kernels) -> None:
    g = replace(UNITS[0], oc=8)
    case = Case(g, "bb")
    k = 9 * g.ic
    case.thr = beyond(k)
    check(kernels, case, "conv2d_bb", "bb", case.w)
    check(kernels, case, "conv2d_bb_x4", "bb", case.w)
    check(native_kernels, case, "conv2d_bb_x4", "bb", case.w)


# Several blocks of windows, borders on all sides, windows of several steps, rests of four pixels.
MANY = [
    replace(g, n=2, ih=ih, iw=iw, ic=ic, oc=oc, kh=3, kw=3, pad=(1, 1, 1, 1), pad_value=0)
    for g, ih, iw, ic, oc in zip(
        naive.random_geometries(6, 8, grouped=False),
        (9, 12, 7, 7, 8, 17),
        (9, 8, 7, 13, 7, 8),
        (128, 64, 100, 300, 256, 16),
        (8, 17, 16, 8, 5, 24),
        strict=True,
    )
]


PADDED = [
    replace(MANY[0], pad_value=1),
    replace(MANY[2], pad_value=-1),
    replace(MANY[0], pad=(4, 3, 5, 4), stride=(1, 2)),
    replace(MANY[3], pad=(4, 6, 5, 4)),
    # Rows of the kernel that are no whole steps, some of them above or below the input.
    replace(MANY[0], ic=96, kh=5, kw=5, pad=(2, 2, 2, 2)),
    replace(MANY[1], ic=88, pad=(2, 1, 2, 0)),
    replace(MANY[2], ic=40, kh=7, pad=(3, 1, 3, 1)),
    replace(MANY[4], ih=2, ic=24, kh=6, kw=2, pad=(9, 0, 7, 1)),
]


# Windows of one pixel, in whole and half steps: some are left in the input.
PIXELS = [
    Geometry(n=n, ih=size, iw=size + 2, ic=ic, oc=oc, kh=1, kw=1, stride=stride, pad=pad)
    for n, size, ic, oc, stride, pad in (
        (1, 5, 64, 9, (1, 1), (0, 0, 0, 0)),
        (2, 6, 128, 17, (1, 1), (0, 0, 0, 0)),
        (3, 5, 192, 8, (1, 1), (0, 0, 0, 0)),
        (2, 9, 256, 5, (1, 1), (0, 0, 0, 0)),
        (1, 7, 61, 24, (1, 1), (0, 0, 0, 0)),
        (1, 7, 124, 10, (2, 1), (0, 0, 0, 0)),
        (2, 7, 64, 8, (1, 1), (1, 1, 1, 1)),
        (2, 7, 128, 8, (1, 1), (0, 1, 0, 1)),
        (2, 7, 128, 8, (1, 1), (0, 0, 2, 2)),
    )
]
DENSE_PIXELS = [Geometry(n=7, ih=1, iw=1, ic=ic, oc=11, kh=1, kw=1) for ic in (64, 128, 320, 400)]


@pytest.mark.parametrize("g", [*PLAIN, *DEEP, *UNITS, *MANY, *PADDED, *PIXELS, *DENSE_PIXELS])
def test_eight_channels_in_steps(neon_kernels: Kernels, g: Geometry) -> None:
    case = Case(g, "bb")
    check(neon_kernels, case, "conv2d_bb_neon", "bb", naive.in_steps(case.logical_w))


@pytest.mark.parametrize("g", [*DEEP, *MANY, *PIXELS])
def test_single_loads(single_loads: Kernels, g: Geometry) -> None:
    case = Case(g, "bb")
    check(single_loads, case, "conv2d_bb_neon", "bb", naive.in_steps(case.logical_w))


# Groups of whole tiles.
GROUP_TILES = [
    replace(g, ic=ic, oc=oc)
    for g, ic, oc in zip(GROUPED, (8, 64, 128, 24, 72, 256), (8, 16, 8, 24, 8, 16), strict=False)
]
GROUP_TILES.append(Geometry(n=2, ih=5, iw=4, ic=128, oc=16, kh=1, kw=1, groups=3))


@pytest.mark.parametrize("g", GROUP_TILES)
def test_groups_of_whole_tiles(neon_kernels: Kernels, g: Geometry) -> None:
    case = Case(g, "bb")
    check(neon_kernels, case, "conv2d_bb_neon", "bb", naive.in_steps(case.logical_w))
    (g,) = with_levels([GROUPED[0], g])[1:]
    case = Case(g, "ub")
    check(neon_kernels, case, "conv2d_ub_neon", "ub", naive.in_steps(case.logical_w))


def with_levels(geometries: Sequence[Geometry]) -> list[Geometry]:
    """The same with 1 to 4 bits in and 1 to 15 levels out, or 8 bits and 255 levels."""
    rng = np.random.default_rng(5)
    found: list[Geometry] = []
    for i, g in enumerate(geometries):
        bits, levels = (8, 255) if i == 0 else (int(rng.integers(1, 5)), int(rng.integers(1, 16)))
        pad = float(rng.integers(1 << bits)) * float(rng.integers(2))
        found.append(replace(g, bits_in=bits, levels=levels, pad_value=pad))
    return found


def check_ternary(kernels: Kernels, g: Geometry) -> None:
    """Of bits, and of levels where the geometry has some."""
    kind = "ut" if g.bits_in else "bt"
    case = Case(g, kind)
    check(kernels, case, f"conv2d_{kind}_neon", kind, naive.ternary_in_steps(case.logical_w))


STEPS = [*PLAIN, *DEEP, *UNITS, *MANY, *PADDED, *PIXELS, *DENSE_PIXELS, *GROUP_TILES]


@pytest.mark.parametrize("g", [*STEPS, *with_levels(STEPS)])
def test_ternary_weights_in_steps(neon_kernels: Kernels, g: Geometry) -> None:
    check_ternary(neon_kernels, g)


@pytest.mark.parametrize(("kind", "bits"), [("bt", 0), ("ut", 1), ("ut", 8)])
def test_the_longest_ternary_windows(neon_kernels: Kernels, kind: str, bits: int) -> None:
    """Windows and weights that make the largest sums; one channel of zeros."""
    ic = 8 * 4096 // max(bits, 1)
    case = Case(Geometry(n=5, ih=1, iw=1, ic=ic, oc=3, kh=1, kw=1, bits_in=bits, levels=3), kind)
    x = np.full(case.g.x_shape, 2**bits - 1 if bits else 1)
    case.x = naive.pack_levels(bits, x) if bits else naive.pack(x)
    case.logical_w[0], case.logical_w[1] = -1, 0
    case.acc = naive.accumulate(case.g, x, case.logical_w.astype(np.int64))
    weights = naive.ternary_in_steps(case.logical_w)
    check(neon_kernels, case, f"conv2d_{kind}_neon", kind, weights)


@pytest.mark.parametrize("ic", [8 * 2048 - 5, 8 * 4096])
def test_the_longest_windows(neon_kernels: Kernels, ic: int) -> None:
    """All bits differ from the first channel's weights: no count may wrap around."""
    case = Case(Geometry(n=6, ih=1, iw=1, ic=ic, oc=3, kh=1, kw=1), "bb")
    x = np.ones(case.g.x_shape, np.int8)
    case.x, case.logical_w[0] = naive.pack(x), -1
    case.acc = naive.accumulate(case.g, x.astype(np.int64), case.logical_w.astype(np.int64))
    check(neon_kernels, case, "conv2d_bb_neon", "bb", naive.in_steps(case.logical_w))


@pytest.mark.parametrize("g", [*PLAIN[:10], *GROUPED])
@pytest.mark.parametrize("kind", ["bb", "bt"])
def test_groups_within_bytes(kernels: Kernels, g: Geometry, kind: str) -> None:
    case = Case(g, kind)
    check(kernels, case, f"conv2d_{kind}_bits", kind, case.w)


@pytest.mark.parametrize("g", with_levels([*PLAIN, *DEEP, *BYTE_GROUPED]))
@pytest.mark.parametrize("kind", ["ub", "ut"])
def test_level_activations(kernels: Kernels, g: Geometry, kind: str) -> None:
    case = Case(g, kind)
    check(kernels, case, f"conv2d_{kind}", kind, case.w)


@pytest.mark.parametrize("g", with_levels([*PLAIN, *DEEP, *UNITS, *MANY, *PADDED, *PIXELS]))
def test_levels_in_steps(neon_kernels: Kernels, g: Geometry) -> None:
    case = Case(g, "ub")
    check(neon_kernels, case, "conv2d_ub_neon", "ub", naive.in_steps(case.logical_w))


@pytest.mark.parametrize("bits", [2, 8])
def test_the_longest_windows_of_levels(neon_kernels: Kernels, bits: int) -> None:
    """The highest levels alone, on weights of one sign."""
    ic = 8 * 4096 // bits
    g = Geometry(n=5, ih=1, iw=1, ic=ic, oc=3, kh=1, kw=1, bits_in=bits, levels=3)
    case = Case(g, "ub")
    x = np.full(g.x_shape, 2**bits - 1)
    case.x, case.logical_w[0] = naive.pack_levels(bits, x), -1
    case.acc = naive.accumulate(g, x, case.logical_w.astype(np.int64))
    check(neon_kernels, case, "conv2d_ub_neon", "ub", naive.in_steps(case.logical_w))


@pytest.mark.parametrize("g", with_levels([*PLAIN[:10], *GROUPED]))
@pytest.mark.parametrize("kind", ["ub", "ut"])
def test_levels_of_groups_within_bytes(kernels: Kernels, g: Geometry, kind: str) -> None:
    case = Case(g, kind)
    check(kernels, case, f"conv2d_{kind}_bits", kind, case.w)


@pytest.mark.parametrize("nan_minus", [0, 1])
@pytest.mark.parametrize("symbol", ["conv2d_ff", "conv2d_ff_t8", "conv2d_fb"])
def test_nan_accumulator_goes_where_the_parameter_says(
    kernels: Kernels, symbol: str, nan_minus: int
) -> None:
    check_nan(kernels, symbol, nan_minus)


@pytest.mark.parametrize("nan_minus", [0, 1])
@pytest.mark.parametrize(
    "symbol", ["conv2d_ff_fused", "conv2d_ff_neon", "conv2d_fb_neon", "conv2d_fb_eights"]
)
def test_nan_in_vectors(neon_kernels: Kernels, symbol: str, nan_minus: int) -> None:
    check_nan(neon_kernels, symbol, nan_minus)


def check_nan(kernels: Kernels, symbol: str, nan_minus: int) -> None:
    g = Geometry(n=1, ih=1, iw=1, ic=2, oc=9, kh=1, kw=1, nan_minus=nan_minus)
    x = np.array([np.nan, 1], F32)
    w = np.ones(g.w_shape, F32)
    tiled = {"conv2d_ff_t8": naive.tile8(w), "conv2d_ff_neon": naive.tile8(w)}
    bits = {"conv2d_fb": naive.pack(w), "conv2d_fb_neon": naive.tile_bits(w)}
    bits["conv2d_fb_eights"] = naive.in_eights(w)
    packed = {**tiled, **bits}.get(symbol, w)
    y = np.full(2, 0xAA, np.uint8)
    kernels.call(f"{symbol}_thr", "conv2d", g.fields(), x, packed, np.zeros(9, F32), y)
    assert y.tolist() == ([0xFF, 0x01] if nan_minus else [0, 0])


@pytest.mark.parametrize("pad", [0, 1])
@pytest.mark.parametrize("symbol", ["conv2d_ff_fused", "conv2d_ff_neon", "depthwise_ff_neon"])
def test_no_sum_is_minus_zero(neon_kernels: Kernels, symbol: str, pad: int) -> None:
    """The exact product is negative and too small for any float, beside padding or without."""
    g = Geometry(n=1, ih=1, iw=2, ic=1, oc=9, kh=1, kw=2, pad=(0, pad, 0, pad))
    if "depthwise" in symbol:
        g = replace(g, oc=1, groups=9)
    x, w = np.full(g.x_shape, -1e-30, F32), np.full(g.w_shape, 1e-30, F32)
    packed = w if symbol == "conv2d_ff_fused" else naive.tile8(w)
    y = np.full(g.y_shape, np.nan, F32)
    neon_kernels.call(f"{symbol}_f32", "conv2d", g.fields(), x, packed, None, y)
    assert not y.view(np.int32).any()


def test_fused_multiply_add_would_show() -> None:
    """The comparison is of bits, and the order and roundings that it checks do matter."""
    case = Case(Geometry(ic=64), "ff")
    wide = naive.accumulate(case.g, case.x.astype(np.float64), case.logical_w)
    assert (wide.astype(F32) != case.acc).mean() > 0.3
