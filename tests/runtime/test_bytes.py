# SPDX-License-Identifier: Apache-2.0
"""Kernels of quantized bytes against exact fractions and plain loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from . import naive
from .library import Field, Kernels
from .naive import F32, Geometry
from .test_pool import geometries, windows

HALF = Fraction(1, 2)
MULTIPLIERS = (1 << 30, 1 << 31)
GEOMETRIES = [
    *naive.random_geometries(25, 21, grouped=False),
    *naive.random_geometries(25, 22, grouped=True),
    Geometry(n=3, ih=1, iw=1, ic=129, oc=9, kh=1, kw=1),
]
SIGNS: dict[str, tuple[np.dtype[Any], int, int]] = {
    "i8": (np.dtype(np.int8), -128, 127),
    "u8": (np.dtype(np.uint8), 0, 255),
}


def half_up(v: Fraction) -> int:
    return math.floor(v + HALF)


def half_away(v: Fraction) -> int:
    return half_up(v) if v >= 0 else -half_up(-v)


def twice(v: int, multiplier: int, shift: int) -> int:
    """TFLite: to 2^-31 with halves up, then the right shift with halves away from zero."""
    high = half_up(Fraction(v * 2 ** max(shift, 0) * multiplier, 2**31))
    return half_away(Fraction(high, 2 ** max(-shift, 0)))


def once(v: int, multiplier: int, shift: int) -> int:
    return half_up(Fraction(v * multiplier) / Fraction(2) ** (31 - shift))


SCALINGS: dict[str, Callable[[int, int, int], int]] = {"once": once, "twice": twice}


def clamp(v: int, lo: int, hi: int) -> int:
    return min(max(v, lo), hi)


def numbers(sign: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    dtype, lowest, highest = SIGNS[sign]
    x = rng.integers(lowest, highest + 1, shape)
    x[rng.random(shape) < 0.1] = lowest
    return x.astype(dtype)


def conv_fields(g: Geometry, sign: str, rng: np.random.Generator) -> dict[str, Field]:
    _, lowest, highest = SIGNS[sign]
    lo, hi = sorted(rng.integers(lowest, highest + 1, 2).tolist())
    zeros = rng.integers(lowest, highest + 1, 2).tolist()
    return {
        **g.fields(),
        "x_zero": zeros[0],
        "y_zero": zeros[1],
        "lo": lo,
        "hi": hi,
        "x_unsigned": int(sign == "u8"),
    }


@dataclass(frozen=True)
class Weights:
    """A kind of weights: the kernels' prefix, random numbers, and how they are stored."""

    prefix: str
    lowest: int
    highest: int
    dtype: Any = np.int8
    pack: Callable[[np.ndarray], np.ndarray] | None = None

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """int64, the lowest now and then."""
        if self.dtype is np.bool_:
            return rng.choice(np.array([-1, 1]), shape)
        w = rng.integers(self.lowest, self.highest + 1, shape)
        w[rng.random(shape) < 0.1] = self.lowest
        return w

    def store(self, w: np.ndarray) -> np.ndarray:
        """As the kernel reads them."""
        if self.pack is not None:
            return self.pack(w)
        return naive.pack(w) if self.dtype is np.bool_ else w.astype(self.dtype)


WEIGHTS = [
    Weights("conv2d_ii", -128, 127),
    Weights("conv2d_ii_wide", -255, 255, np.int16),
    Weights("conv2d_ib", -1, 1, np.bool_),
]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda w: w.prefix)
@pytest.mark.parametrize("g", GEOMETRIES)
def test_layers(kernels: Kernels, g: Geometry, weights: Weights, sign: str) -> None:
    check_layer(kernels, g, weights, sign)


def check_layer(kernels: Kernels, g: Geometry, weights: Weights, sign: str) -> None:
    """Sums, and bytes in all roundings, against plain loops and exact fractions."""
    rng = np.random.default_rng([*sign.encode(), *weights.prefix.encode(), g.ic, g.oc, g.ih])
    x, drawn = numbers(sign, g.x_shape, rng), weights.draw(g.w_shape, rng)
    w = weights.store(drawn)
    fields = conv_fields(g, sign, rng)
    channels = g.y_shape[-1]
    bias = rng.integers(-(2**20), 2**20, channels).astype(np.int32)
    centred = x.astype(np.int64) - int(str(fields["x_zero"]))
    acc = naive.accumulate(replace(g, pad_value=0), centred, drawn) + bias
    name = weights.prefix
    sums = np.empty(g.y_shape, np.int32)
    kernels.call(f"{name}_i32", "conv2d", fields, x, w, bias, sums)
    np.testing.assert_array_equal(sums, acc)
    unbiased = np.empty(g.y_shape, np.int32)
    kernels.call(f"{name}_i32", "conv2d", fields, x, w, None, unbiased)
    np.testing.assert_array_equal(unbiased, acc - bias)

    multiplier = rng.integers(0, 2**31, channels).astype(np.int32)
    shift = rng.integers(-31, 1, channels).astype(np.int32)
    shift[::2] = -10 + rng.integers(-3, 4, shift[::2].shape)
    zero, lo, hi = (int(str(fields[k])) for k in ("y_zero", "lo", "hi"))
    for round_twice, scale in enumerate(SCALINGS.values()):
        fields["round_twice"] = round_twice
        y = np.empty(g.y_shape, SIGNS[sign][0])
        kernels.call(f"{name}_q8", "conv2d", fields, x, w, bias, multiplier, shift, y)
        for at in np.ndindex(*g.y_shape):
            c = at[-1]
            want = scale(int(acc[at]), int(multiplier[c]), int(shift[c])) + zero
            assert y[at] == clamp(want, lo, hi)

    factors = (rng.random(channels) / np.abs(acc).max() * 300).astype(F32)
    y = np.empty(g.y_shape, SIGNS[sign][0])
    kernels.call(f"{name}_f32", "conv2d", fields, x, w, bias, factors, y)
    rounded = np.rint(acc.astype(F32) * factors).astype(np.int64)
    np.testing.assert_array_equal(y, np.clip(rounded + zero, lo, hi))


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda w: w.prefix)
@pytest.mark.parametrize("g", GEOMETRIES)
def test_layers_that_cut(kernels: Kernels, g: Geometry, weights: Weights, biased: bool) -> None:
    check_cut(kernels, g, weights, biased=biased)


def check_cut(kernels: Kernels, g: Geometry, weights: Weights, *, biased: bool) -> None:
    """Thresholds are sums that occur, so that one too many or too few shows."""
    rng = np.random.default_rng([biased, *weights.prefix.encode(), g.ic, g.oc, g.ih])
    sign = "u8" if biased else "i8"
    x, drawn = numbers(sign, g.x_shape, rng), weights.draw(g.w_shape, rng)
    fields = conv_fields(g, sign, rng)
    channels = g.y_shape[-1]
    bias = rng.integers(-500, 500, channels).astype(np.int32) if biased else None
    centred = x.astype(np.int64) - int(str(fields["x_zero"]))
    acc = naive.accumulate(replace(g, pad_value=0), centred, drawn) + (0 if bias is None else bias)
    per_channel = acc.reshape(-1, channels)
    thr = rng.permuted(per_channel, axis=0)[0].astype(np.int32)
    thr[::5] = rng.choice(np.array([-(2**31), 2**31 - 1]), thr[::5].shape)
    operands = (x, weights.store(drawn), bias)
    bits = np.full((*g.y_shape[:-1], -(-channels // 8)), 0xA5, np.uint8)
    kernels.call(f"{weights.prefix}_thr", "conv2d", fields, *operands, thr, bits)
    np.testing.assert_array_equal(bits, naive.pack(np.where(acc >= thr, 1, -1)))

    limits = np.sort(rng.choice(per_channel.ravel(), (channels, 5)).astype(np.int32), axis=1)
    fields |= {"levels": 5, "bits_out": 3}
    planes = np.full(3 * bits.size, 0xA5, np.uint8)
    kernels.call(f"{weights.prefix}_lvl", "conv2d", fields, *operands, limits, planes)
    level = (acc[..., None] >= limits).sum(axis=-1)
    np.testing.assert_array_equal(planes, naive.pack_levels(3, level))


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda w: w.prefix)
@pytest.mark.parametrize(("sign", "zero"), [("i8", -128), ("i8", 127), ("u8", 0), ("u8", 255)])
@pytest.mark.parametrize("ic", [384, 385, 1029])
def test_largest_sums(kernels: Kernels, weights: Weights, sign: str, zero: int, ic: int) -> None:
    check_largest(kernels, weights, sign, zero, ic)


def check_largest(kernels: Kernels, weights: Weights, sign: str, zero: int, ic: int) -> None:
    """All differences and all weights as large as they can be, and the borders without any."""
    dtype, lowest, highest = SIGNS[sign]
    far = highest if zero == lowest else lowest
    g = Geometry(n=1, ih=2, iw=2, ic=ic, oc=5, kh=3, kw=3, pad=(1, 1, 1, 1))
    x = np.full(g.x_shape, far, dtype)
    fields: dict[str, Field] = {**g.fields(), "x_zero": zero, "x_unsigned": int(sign == "u8")}
    for w in (weights.lowest, weights.highest):
        y = np.empty(g.y_shape, np.int32)
        stored = weights.store(np.full(g.w_shape, w))
        kernels.call(f"{weights.prefix}_i32", "conv2d", fields, x, stored, None, y)
        assert (y == (far - zero) * w * 4 * ic).all()


@pytest.mark.parametrize(
    ("factor", "want"),
    [
        (0.5, [-128, -4, -2, -2, 0, 0, 0, 2, 2, 4, 127]),
        (3e38, [-128, -128, -128, -128, -128, 0, 127, 127, 127, 127, 127]),
        (np.nan, [0] * 11),
    ],
)
def test_float_factors_at_halves_and_beyond(
    kernels: Kernels, factor: float, want: list[int]
) -> None:
    sums = [-(2**24), -7, -5, -3, -1, 0, 1, 3, 5, 7, 2**24]
    g = Geometry(ih=1, iw=1, ic=1, oc=len(sums), kh=1, kw=1)
    operands = (np.zeros(g.x_shape, np.int8), np.zeros(g.w_shape, np.int8))
    fields: dict[str, Field] = {**g.fields(), "lo": -128, "hi": 127}
    factors = np.full(len(sums), factor, F32)
    y = np.empty(g.y_shape, np.int8)
    kernels.call("conv2d_ii_f32", "conv2d", fields, *operands, np.array(sums, np.int32), factors, y)
    assert y.ravel().tolist() == want


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("sign", SIGNS)
def test_every_byte_to_another_scale(kernels: Kernels, sign: str, scaling: str) -> None:
    dtype, lowest, highest = SIGNS[sign]
    x = np.arange(lowest, highest + 1).astype(dtype)
    rng = np.random.default_rng(23)
    for _ in range(50):
        x_zero, y_zero = rng.integers(lowest, highest + 1, 2).tolist()
        multiplier, shift = int(rng.integers(*MULTIPLIERS)), int(rng.integers(-8, 8))
        fields: dict[str, Field] = {
            "count": 256,
            "x_zero": x_zero,
            "y_zero": y_zero,
            "lo": lowest,
            "hi": highest,
            "x_unsigned": int(sign == "u8"),
            "multiplier": multiplier,
            "shift": shift,
            "round_twice": int(scaling == "twice"),
        }
        y = kernels.call("requantize_q8", "bytes", fields, x, np.empty(256, dtype))
        scale = SCALINGS[scaling]
        want = [
            clamp(scale(int(v) - x_zero, multiplier, shift) + y_zero, lowest, highest) for v in x
        ]
        assert y.tolist() == want


@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize("sign", SIGNS)
def test_floats_to_bytes_and_back(kernels: Kernels, sign: str, even: bool) -> None:
    check_conversions(kernels, sign, "", even=even)


def check_conversions(kernels: Kernels, sign: str, suffix: str, *, even: bool) -> None:
    """Halves, steps in between, and what is no number or beyond all bytes."""
    dtype, lowest, highest = SIGNS[sign]
    rng = np.random.default_rng(24)
    for scale in (1.0, 0.037, 1e-38, 3e37):
        steps = np.concatenate([np.arange(-300, 300, 0.5), rng.uniform(-300, 300, 500)])
        with np.errstate(over="ignore"):
            x = (steps * scale).astype(F32)
        x = np.concatenate([x, np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], F32)])
        zero = int(rng.integers(lowest, highest + 1))
        fields: dict[str, Field] = {
            "count": x.size,
            "x_zero": zero,
            "y_zero": zero,
            "lo": lowest,
            "hi": highest,
            "x_unsigned": int(sign == "u8"),
            "scale": scale,
            "halves_even": int(even),
        }
        y = kernels.call(f"quantize_q8{suffix}", "bytes", fields, x, np.empty(x.size, dtype))
        for v, got in zip((x / F32(scale)).tolist(), y.tolist(), strict=True):
            if math.isnan(v):
                assert got == zero
            elif math.isinf(v):
                assert got == (highest if v > 0 else lowest)
            else:
                whole = round(Fraction(v)) if even else half_away(Fraction(v))
                assert got == clamp(whole + zero, lowest, highest)
        back = kernels.call(f"dequantize_q8{suffix}", "bytes", fields, y, np.empty(x.size, F32))
        with np.errstate(over="ignore"):
            want_back = (y.astype(np.int64) - zero).astype(F32) * F32(scale)
        np.testing.assert_array_equal(back, want_back)


def test_accumulators_to_floats(kernels: Kernels) -> None:
    x = np.array([-(2**31), 2**31 - 1, 0, 16777217, -5], np.int32)
    fields: dict[str, Field] = {"count": x.size, "x_zero": -7, "scale": 0.3}
    y = kernels.call("dequantize_i32", "bytes", fields, x, np.empty(x.size, F32))
    np.testing.assert_array_equal(y, (x.astype(np.int64) + 7).astype(F32) * F32(0.3))


@pytest.mark.parametrize("sign", SIGNS)
def test_functions_of_a_byte(kernels: Kernels, sign: str) -> None:
    dtype, lowest, highest = SIGNS[sign]
    x = np.arange(lowest, highest + 1).astype(dtype)
    fields: dict[str, Field] = {"count": 256, "x_unsigned": int(sign == "u8")}
    table = np.random.default_rng(25).integers(0, 256, 256).astype(np.uint8)
    y = kernels.call("lookup_q8", "bytes", fields, x, table, np.empty(256, np.uint8))
    np.testing.assert_array_equal(y, table)
    fields |= {"lo": lowest + 20, "hi": highest - 31}
    y = kernels.call("clamp_q8", "bytes", fields, x, np.empty(256, dtype))
    np.testing.assert_array_equal(y, np.clip(x, lowest + 20, highest - 31))


@pytest.mark.parametrize("kind", ["add", "sub", "mul"])
@pytest.mark.parametrize(
    ("a_sign", "b_sign", "y_sign"), [("i8", "i8", "i8"), ("u8", "i8", "u8"), ("u8", "u8", "i8")]
)
def test_two_tensors(kernels: Kernels, kind: str, a_sign: str, b_sign: str, y_sign: str) -> None:
    check_two(kernels, f"{kind}_q8", (a_sign, b_sign, y_sign), (3, 4, 5), (4, 1))


def check_two(
    kernels: Kernels,
    symbol: str,
    signs: tuple[str, str, str],
    shape: tuple[int, ...],
    b_shape: tuple[int, ...] | None = None,
) -> None:
    """Sums, differences or products of steps of three sizes, against exact fractions."""
    rng = np.random.default_rng(26)
    (dtype, lowest, highest), kind = SIGNS[signs[2]], symbol[:3]
    for shift in (0, 12, 20):
        a, b = numbers(signs[0], shape, rng), numbers(signs[1], b_shape or shape, rng)
        f = {
            "a_zero": int(rng.integers(*SIGNS[signs[0]][1:])),
            "b_zero": int(rng.integers(*SIGNS[signs[1]][1:])),
            "y_zero": int(rng.integers(lowest, highest)),
            "left_shift": shift,
            "lo": lowest + 3,
            "hi": highest - 5,
            "y_shift": -shift - (7 if kind == "mul" else 0),
        }
        f |= {f"{k}_multiplier": int(rng.integers(*MULTIPLIERS)) for k in "aby"}
        f |= {f"{k}_shift": -int(rng.integers(0, 3)) for k in "ab"}
        whole = np.broadcast_to(b, shape)
        fields: dict[str, Field] = {
            **f,
            "dims": [*[1] * (6 - len(shape)), *shape],
            "stride_a": [*[0] * (6 - len(shape)), *(s // a.itemsize for s in a.strides)],
            "stride_b": [*[0] * (6 - len(shape)), *(s // b.itemsize for s in whole.strides)],
            "a_unsigned": int(signs[0] == "u8"),
            "b_unsigned": int(signs[1] == "u8"),
        }
        y = kernels.call(symbol, "bytes_binary", fields, a, b, np.empty(a.shape, dtype))
        for at in np.ndindex(*a.shape):
            va, vb = int(a[at]) - f["a_zero"], int(whole[at]) - f["b_zero"]
            if kind == "mul":
                v = va * vb
            else:
                fine_a = twice(va * 2**shift, f["a_multiplier"], f["a_shift"])
                fine_b = twice(vb * 2**shift, f["b_multiplier"], f["b_shift"])
                v = fine_a + fine_b if kind == "add" else fine_a - fine_b
            want = twice(v, f["y_multiplier"], f["y_shift"]) + f["y_zero"]
            assert y[at] == clamp(want, f["lo"], f["hi"])


@pytest.mark.parametrize("kind", ["add", "sub", "mul"])
@pytest.mark.parametrize(("a_sign", "b_sign", "y_sign"), [("i8", "i8", "u8"), ("u8", "i8", "i8")])
def test_two_tensors_in_float(
    kernels: Kernels, kind: str, a_sign: str, b_sign: str, y_sign: str
) -> None:
    rng = np.random.default_rng(27)
    for a_scale, b_scale, y_scale in ((0.25, 0.25, 0.5), (0.0137, 0.21, 0.033), (1e20, 1e36, 1.0)):
        a, b = numbers(a_sign, (3, 4, 5), rng), numbers(b_sign, (4, 1), rng)
        dtype, lowest, highest = SIGNS[y_sign]
        f = {
            "a_zero": int(rng.integers(*SIGNS[a_sign][1:])),
            "b_zero": int(rng.integers(*SIGNS[b_sign][1:])),
            "y_zero": int(rng.integers(lowest, highest)),
            "lo": lowest + 3,
            "hi": highest - 5,
        }
        fields: dict[str, Field] = {
            **f,
            "dims": [1, 1, 1, 3, 4, 5],
            "stride_a": [0, 0, 0, 20, 5, 1],
            "stride_b": [0, 0, 0, 0, 1, 0],
            "a_unsigned": int(a_sign == "u8"),
            "b_unsigned": int(b_sign == "u8"),
            "kind": ["add", "sub", "mul"].index(kind),
            "a_scale": a_scale,
            "b_scale": b_scale,
            "y_scale": y_scale,
        }
        y = kernels.call("float_binary_q8", "bytes_binary", fields, a, b, np.empty(a.shape, dtype))
        for at in np.ndindex(*a.shape):
            left = F32(int(a[at]) - f["a_zero"]) * F32(a_scale)
            right = F32(int(b[at[1], 0]) - f["b_zero"]) * F32(b_scale)
            with np.errstate(over="ignore"):
                made = left + right if kind == "add" else left - right
                steps = (left * right if kind == "mul" else made) / F32(y_scale)
            whole = round(Fraction(float(np.clip(steps, -1000, 1000))))
            assert y[at] == clamp(whole + f["y_zero"], f["lo"], f["hi"])


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("p", geometries(25))
def test_pools(kernels: Kernels, p: dict[str, int], sign: str) -> None:
    check_pools(kernels, p, sign, "")


def check_pools(kernels: Kernels, p: dict[str, int], sign: str, suffix: str) -> None:
    """Maxima and averages, against numpy and exact fractions."""
    dtype, lowest, highest = SIGNS[sign]
    x = numbers(sign, (p["n"], p["ih"], p["iw"], p["c"]), np.random.default_rng(p["ih"]))
    bounds = {"lo": lowest + 9, "hi": highest - 4}
    fields: dict[str, Field] = {**p, **bounds, "x_unsigned": int(sign == "u8")}
    shape = (p["n"], p["oh"], p["ow"], p["c"])
    largest = kernels.call(f"max_pool_q8{suffix}", "pool2d", fields, x, np.empty(shape, dtype))
    average = kernels.call(f"avg_pool_q8{suffix}", "pool2d", fields, x, np.empty(shape, dtype))
    for at, window in windows(p, x):
        np.testing.assert_array_equal(largest[at], window.max(axis=0).clip(*bounds.values()))
        total = window.astype(int).sum(axis=0)
        want = [clamp(half_away(Fraction(int(t), len(window))), **bounds) for t in total]
        assert average[at].tolist() == want


@pytest.mark.parametrize("sign", SIGNS)
def test_means(kernels: Kernels, sign: str) -> None:
    dtype, lowest, highest = SIGNS[sign]
    rng = np.random.default_rng(27)
    for outer, count, inner in [(1, 1, 1), (2, 63, 5), (3, 7, 64)]:
        x = numbers(sign, (outer, count, inner), rng)
        f = {
            "outer": outer,
            "count": count,
            "inner": inner,
            "x_zero": int(rng.integers(lowest, highest)),
            "y_zero": int(rng.integers(lowest, highest)),
            "x_unsigned": int(sign == "u8"),
            "multiplier": int(rng.integers(*MULTIPLIERS)),
            "shift": -(count.bit_length() - 1),
            "lo": lowest,
            "hi": highest,
        }
        y = kernels.call("mean_q8", "bytes_mean", {**f}, x, np.empty((outer, inner), dtype))
        for o, i in np.ndindex(outer, inner):
            total = int(x[o, :, i].astype(int).sum()) - count * f["x_zero"]
            v = twice(total, f["multiplier"], f["shift"])
            assert y[o, i] == clamp(v + f["y_zero"], lowest, highest)


@pytest.mark.parametrize("scale", [1 / 256, 0.05, 0.4, 3.0])
@pytest.mark.parametrize("c", [1, 2, 10, 1000])
def test_softmax_is_within_a_step_of_the_real_one(kernels: Kernels, scale: float, c: int) -> None:
    """The bits are compared with TFLite's own elsewhere; this is about the mathematics."""
    exps = np.minimum(np.rint(np.exp(-scale * np.arange(256)) * 2**31), 2**31 - 1).astype(np.int32)
    x = np.random.default_rng(28).integers(-128, 128, (20, c)).astype(np.int8)
    y = kernels.call("softmax_q8", "rows", {"rows": 20, "c": c}, x, exps, np.empty_like(x))
    e = np.exp(scale * (x - x.max(axis=1, keepdims=True, initial=-128).astype(float)))
    real = e / e.sum(axis=1, keepdims=True) * 256 - 128
    assert np.abs(y - np.clip(real, -128, 127)).max() <= 1
