# SPDX-License-Identifier: Apache-2.0
"""The ``q`` dialect against exact fractions and against C's int32 arithmetic, one by one."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnc.ir import BIT, Op, Resource, Scalar, TensorType, nn, q
from bnnc.ir.diagnostics import IRError
from bnnc.ir.interpreter import evaluate
from bnnc.ir.interpreter.fixed_point import multiply_double, multiply_single
from bnnc.ir.types import F32

from .oracles import conv2d, make, same_bits, value_like

I8, U8, I32 = Scalar("i8"), Scalar("u8"), Scalar("i32")
MULTIPLIERS = st.integers(0, 2**31 - 1) | st.sampled_from([0, 1, 2**30, 2**31 - 1])


def truncated(a: int, b: int) -> int:
    """A / b as in C."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def gemmlowp(x: int, multiplier: int, shift: int) -> int:
    """SaturatingRoundingDoublingHighMul and RoundingDivideByPOT as their C++ is written."""
    left, right = max(shift, 0), max(-shift, 0)
    product = (x << left) * multiplier
    nudge = 2**30 if product >= 0 else 1 - 2**30
    high = truncated(product + nudge, 2**31)
    mask = (1 << right) - 1
    remainder, threshold = high & mask, (mask >> 1) + (high < 0)
    return (high >> right) + (remainder > threshold)


@settings(max_examples=500)
@given(st.integers(-(2**31) + 1, 2**31 - 1), MULTIPLIERS, st.integers(-31, 0))
def test_double_rounding_is_gemmlowps(x: int, multiplier: int, shift: int) -> None:
    assert int(multiply_double(x, multiplier, shift)) == gemmlowp(x, multiplier, shift)


@settings(max_examples=300)
@given(st.integers(-255, 255), MULTIPLIERS, st.integers(1, 22))
def test_left_shifts_come_before_the_product(x: int, multiplier: int, shift: int) -> None:
    assert int(multiply_double(x, multiplier, shift)) == gemmlowp(x, multiplier, shift)


@settings(max_examples=500)
@given(st.integers(-(2**31) + 1, 2**31 - 1), MULTIPLIERS, st.integers(-31, 30))
def test_single_rounding_is_the_nearest_with_halves_up(x: int, multiplier: int, shift: int) -> None:
    exact = Fraction(x * multiplier) * Fraction(2) ** (shift - 31)
    assert int(multiply_single(x, multiplier, shift)) == math.floor(exact + Fraction(1, 2))


def test_halves_of_both_roundings() -> None:
    half = 2**30
    assert [int(multiply_single(x, half, 0)) for x in (-3, -1, 1, 3)] == [-1, 0, 1, 2]
    assert [int(multiply_double(x, half, 0)) for x in (-3, -1, 1, 3)] == [-1, 0, 1, 2]
    assert [int(multiply_double(x, half, -1)) for x in (-6, -2, 2, 6)] == [-2, -1, 1, 2]


def clamp(x: int, lo: int, hi: int) -> int:
    return max(lo, min(hi, x))


ROUNDINGS: dict[str, Callable[[int, Any, int], int]] = {
    "double": gemmlowp,
    "single": lambda x, m, s: math.floor(
        Fraction(x * m) * Fraction(2) ** (s - 31) + Fraction(1, 2)
    ),
    "float": lambda x, m, s: round(float(np.float32(x) * np.float32(m))),
}


@pytest.mark.parametrize("rounding", sorted(ROUNDINGS))
@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_convolutions(rounding: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups, c, oc = int(rng.choice([1, 3])), 3, 6
    scalar = I8 if rng.integers(2) else U8
    low, high = scalar.range() or (0, 0)
    x = rng.integers(low, high, (2, 4, 5, c), endpoint=True).astype(scalar.dtype)
    w = rng.integers(-128, 128, (oc, 3, 2, c // groups)).astype(np.int8)
    bias = rng.integers(-4000, 4000, oc).astype(np.int32)
    zero, y_zero = int(rng.integers(low, high)), int(rng.integers(-128, 128))
    binary = bool(rng.integers(2))
    if binary:
        w = np.where(w < 0, np.int8(-1), np.int8(1))
    geometry = {
        "stride": (1, int(rng.integers(1, 3))),
        "dilation": (1, int(rng.integers(1, 3))),
        "pad": tuple(int(p) for p in rng.integers(0, 3, 4)),
    }
    floats = rounding == "float"
    multiplier = (
        rng.uniform(0, 0.01, oc).astype(np.float32)
        if floats
        else rng.integers(2**30, 2**31, oc).astype(np.int32)
    )
    shift = None if floats else rng.integers(-9, 1, oc).astype(np.int32)
    lo, hi = sorted(int(v) for v in rng.integers(-128, 128, 2))
    op = make(
        q.Conv2D,
        value_like(x, scalar),
        Resource.of("w", w, TensorType(w.shape, BIT if binary else I8)),
        Resource.of("bias", bias),
        Resource.of("m", multiplier),
        None if shift is None else Resource.of("s", shift),
        **geometry,
        groups=groups,
        x_zero=zero,
        y_zero=y_zero,
        lo=lo,
        hi=hi,
        rounding=rounding,
    )
    sums = conv2d(
        x, w, **geometry, groups=groups, pad_value=zero, tap=lambda a, v, k: a + (v - zero) * k
    )
    want = np.zeros(sums.shape, np.int8)
    for place in np.ndindex(*sums.shape):
        o = place[3]
        acc = int(sums[place]) + int(bias[o])
        step = 0 if shift is None else int(shift[o])
        factor = multiplier[o] if floats else int(multiplier[o])
        want[place] = clamp(ROUNDINGS[rounding](acc, factor, step) + y_zero, lo, hi)
    same_bits(evaluate(op, [x, w, bias, multiplier, shift])[0], want)


def test_dense_without_multiplier_gives_the_sums() -> None:
    x = np.array([[-128, 127, 5]], np.int8)
    w = np.array([[-128, 127, 1], [1, 0, 300]], np.int16)
    op = make(q.Dense, value_like(x, I8), Resource.of("w", w), x_zero=-128, to="i32")
    same_bits(evaluate(op, [x, w, None, None, None])[0], np.array([[32518, 39900]], np.int32))


@pytest.mark.parametrize("levels", [None, 1, 3, 200])
@pytest.mark.parametrize("scalar", [I8, BIT])
def test_layers_that_cut(scalar: Scalar, levels: int | None) -> None:
    rng = np.random.default_rng(levels)
    x = rng.integers(-128, 128, (9, 30)).astype(np.int8)
    w = rng.choice(np.array([-1, 1] if scalar == BIT else [-128, 3, 127], np.int8), (5, 30))
    bias = rng.integers(-90, 90, 5).astype(np.int32)
    acc = (x.astype(np.int64) + 7) @ w.T.astype(np.int64) + bias
    shape = (5,) if levels is None else (5, levels)
    thr = np.sort(rng.choice(acc.ravel(), shape), axis=-1).astype(np.int32)
    to = "bit" if levels is None else f"u{levels.bit_length()}"
    op = make(
        q.Dense,
        value_like(x, I8),
        Resource.of("w", w, TensorType(w.shape, scalar)),
        Resource.of("bias", bias),
        thr=Resource.of("thr", thr),
        x_zero=-7,
        to=to,
    )
    assert op.result.type.scalar == Scalar(to)
    want = np.zeros(acc.shape, np.int64)
    for n, o in np.ndindex(*acc.shape):
        limits = thr[o : o + 1] if levels is None else thr[o]
        want[n, o] = sum(int(acc[n, o]) >= int(t) for t in limits)
    want = 2 * want - 1 if levels is None else want
    same_bits(evaluate(op, [x, w, bias, None, None, thr])[0], want.astype(op.result.type.dtype))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"to": "i8"}, "give bit, not i8"),
        ({"to": "u2"}, "give bit, not u2"),
        ({"to": "bit", "shift": np.zeros(2, np.int32)}, "no multiplier and no shift"),
        ({"to": "bit", "thr": np.zeros(3, np.int32)}, "thr"),
        ({"to": "bit", "thr": np.zeros(2, np.float32)}, "takes i32 as thr"),
        ({"to": "bit", "thr": None}, "without multiplier and thr the result is i32"),
    ],
)
def test_a_cut_has_thresholds_of_its_own(fields: dict[str, Any], message: str) -> None:
    fields = {"thr": np.zeros(2, np.int32)} | fields
    constants = {k: Resource.of(k, np.array(v)) for k, v in fields.items() if hasattr(v, "shape")}
    w = Resource.of("w", np.ones((2, 3), np.int8), TensorType((2, 3), BIT))
    with pytest.raises(IRError, match=message):
        make(q.Dense, value_like(np.zeros((1, 3), np.int8), I8), w, x_zero=0, **fields | constants)


def _dense(w: int, bias: int, shift: int, *, rounding: str = "double", inputs: int = 4) -> q.Dense:
    x = np.zeros((1, inputs), np.int8)
    return make(
        q.Dense,
        value_like(x, I8),
        Resource.of("w", np.full((2, inputs), w, np.int8)),
        Resource.of("b", np.array([0, bias], np.int32)),
        Resource.of("m", np.full(2, 2**30, np.int32)),
        Resource.of("s", np.array([0, shift], np.int32)),
        x_zero=-128,
        rounding=rounding,
    )


def test_accumulators_are_proved_from_the_weights() -> None:
    reach = 4 * 2 * 255
    q.require_accumulators(_dense(2, 2**31 - 1 - reach, 0))
    with pytest.raises(IRError, match=f"channel 1 may reach {2**31},"):
        q.require_accumulators(_dense(-2, -(2**31) + reach, 0))
    q.require_accumulators(_dense(2, 7, 20))
    with pytest.raises(IRError, match="beyond 32 bits"):
        q.require_accumulators(_dense(2, 9, 20 + 1))
    q.require_accumulators(_dense(2, 9, 20 + 1, rounding="single"))
    with pytest.raises(IRError, match="beyond 32 bits"):
        evaluate(_dense(-128, 0, 17), [np.zeros((1, 4), np.int8), *_arrays(_dense(-128, 0, 17))])


def _arrays(op: Op) -> list[np.ndarray]:
    return [v.array for v in op.operands if isinstance(v, Resource)]


def test_quantize_rounds_halves_as_it_says() -> None:
    x = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 1e30, -np.inf, np.nan, 63.75], np.float32)
    for halves, want in (
        ("away", [-5, -3, -1, 1, 3, 5, 127, -128, 0, 127]),
        ("even", [-5, -3, -1, 1, 3, 5, 127, -128, 0, 127]),
    ):
        op = make(q.Quantize, value_like(x), scale=0.5, zero=0, halves=halves)
        same_bits(evaluate(op, [x])[0], np.array(want, np.int8))
    y = np.array(
        [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, np.nan, np.nextafter(np.float32(0.5), 0)], np.float32
    )
    for halves, want in (
        ("away", [7, 8, 9, 11, 12, 13, 10, 10]),
        ("even", [8, 8, 10, 10, 12, 12, 10, 10]),
    ):
        op = make(q.Quantize, value_like(y), scale=1.0, zero=10, to="u8", halves=halves)
        same_bits(evaluate(op, [y])[0], np.array(want, np.uint8))


def test_dequantize_rounds_once() -> None:
    x = np.arange(-128, 128, dtype=np.int8)
    op = make(q.Dequantize, value_like(x, I8), scale=0.1, zero=-7)
    want = [np.float32(Fraction(int(v) + 7) * Fraction(float(np.float32(0.1)))) for v in x]
    same_bits(evaluate(op, [x])[0], np.array(want, np.float32))


def all_bytes(scalar: Scalar) -> np.ndarray:
    low, high = scalar.range() or (0, 0)
    return np.arange(low, high + 1).astype(scalar.dtype)


@pytest.mark.parametrize("rounding", ["double", "single"])
@pytest.mark.parametrize("shift", [-3, 0, 1, 4])
def test_requantize_every_byte(rounding: str, shift: int) -> None:
    x = all_bytes(U8)
    op = make(
        q.Requantize,
        value_like(x, U8),
        x_zero=200,
        y_zero=-3,
        multiplier=1518500250,
        shift=shift,
        rounding=rounding,
    )
    step = ROUNDINGS[rounding]
    want = [clamp(step(int(v) - 200, 1518500250, shift) - 3, -128, 127) for v in x]
    same_bits(evaluate(op, [x])[0], np.array(want, np.int8))


def test_lookup_and_clamp() -> None:
    table = np.random.default_rng(0).integers(0, 256, 256).astype(np.uint8)
    for scalar in (I8, U8):
        x = all_bytes(scalar)
        op = make(q.Lookup, value_like(x, scalar), Resource.of("t", table))
        same_bits(evaluate(op, [x, table])[0], table)
    x = all_bytes(I8)
    got = evaluate(make(q.Clamp, value_like(x, I8), lo=-3, hi=100), [x])[0]
    same_bits(got, np.array([clamp(int(v), -3, 100) for v in x], np.int8))


PAIR = {"a_zero": 5, "b_zero": -128, "y_zero": -20, "lo": -100, "hi": 120}


@pytest.mark.parametrize("cls", [q.Add, q.Sub])
def test_sums_of_all_bytes(cls: type[q.Sum]) -> None:
    a, b = all_bytes(I8)[:, None], all_bytes(I8)[None]
    fields = {"a_multiplier": 1073741824, "a_shift": 0, "b_multiplier": 1717986918, "b_shift": -1}
    op = make(
        cls,
        value_like(a, I8),
        value_like(b, I8),
        **PAIR,
        **fields,
        y_multiplier=1288490189,
        y_shift=-19,
    )
    sign = 1 if cls is q.Add else -1
    left = [gemmlowp((int(v) - 5) << 20, 1073741824, 0) for v in a[:, 0]]
    right = [gemmlowp((int(v) + 128) << 20, 1717986918, -1) for v in b[0]]
    want = [
        [clamp(gemmlowp(p + sign * r, 1288490189, -19) - 20, -100, 120) for r in right]
        for p in left
    ]
    same_bits(evaluate(op, [a, b])[0], np.array(want, np.int8))


def test_products_of_all_bytes() -> None:
    a, b = all_bytes(I8)[:, None], all_bytes(I8)[None]
    op = make(
        q.Mul, value_like(a, I8), value_like(b, I8), **PAIR, y_multiplier=1288490189, y_shift=-6
    )
    want = [
        [
            clamp(gemmlowp((int(p) - 5) * (int(r) + 128), 1288490189, -6) - 20, -100, 120)
            for r in b[0]
        ]
        for p in a[:, 0]
    ]
    same_bits(evaluate(op, [a, b])[0], np.array(want, np.int8))


@pytest.mark.parametrize(("kind", "cls"), [("add", nn.Add), ("sub", nn.Sub), ("mul", nn.Mul)])
def test_floats_of_all_bytes(kind: str, cls: type[nn.Add | nn.Sub | nn.Mul]) -> None:
    """What quantize gives for the float operation of what dequantize gives."""
    a, b = all_bytes(I8)[:, None], all_bytes(U8)[None]
    levels = {"a": (0.25, 5), "b": (0.125, 128), "y": (0.5 if kind != "mul" else 2.0, -20)}
    numbers = {f"{k}_scale": v[0] for k, v in levels.items()}
    numbers |= {f"{k}_zero": v[1] for k, v in levels.items()}
    types = value_like(a, I8), value_like(b, U8)
    op = make(q.FloatBinary, *types, kind=kind, lo=-100, hi=120, **numbers)
    floats: list[np.ndarray] = []
    for x, type_, slot in zip((a, b), types, "ab", strict=True):
        scale, zero = levels[slot]
        floats += evaluate(make(q.Dequantize, type_, scale=scale, zero=zero), [x])
    made = evaluate(cls(*(value_like(f, F32) for f in floats)), floats)[0]
    scale, zero = levels["y"]
    to_bytes = make(q.Quantize, value_like(made, F32), scale=scale, zero=zero, halves="even")
    want = np.clip(evaluate(to_bytes, [made])[0], -100, 120)
    same_bits(evaluate(op, [a, b])[0], want)


def test_pools_leave_padding_out() -> None:
    x = np.random.default_rng(1).integers(-128, 128, (2, 5, 6, 3)).astype(np.int8)
    window = {"kernel_size": (3, 2), "stride": (2, 1), "pad": (1, 0, 2, 1)}
    average = evaluate(make(q.AvgPool, value_like(x, I8), **window, lo=-90, hi=90), [x])[0]
    largest = evaluate(make(q.MaxPool, value_like(x, I8), **window, lo=-90, hi=90), [x])[0]
    assert average.shape == largest.shape
    for n, i, j, c in np.ndindex(*average.shape):
        top, left = 2 * i - 1, j
        part = x[n, max(top, 0) : top + 3, left : left + 2, c].astype(int)
        mean = Fraction(int(part.sum()), part.size)
        nearest = math.floor(abs(mean) + Fraction(1, 2)) * (1 if mean >= 0 else -1)
        assert average[n, i, j, c] == clamp(nearest, -90, 90)
        assert largest[n, i, j, c] == clamp(int(part.max()), -90, 90)


def test_means() -> None:
    x = np.random.default_rng(2).integers(0, 256, (2, 3, 5, 4)).astype(np.uint8)
    op = make(
        q.Mean,
        value_like(x, U8),
        axes=(1, 2),
        x_zero=3,
        y_zero=9,
        multiplier=1 << 30,
        shift=-3,
    )
    got = evaluate(op, [x])[0]
    for n, c in np.ndindex(*got.shape):
        total = int(x[n, :, :, c].astype(int).sum()) - 3 * 15
        assert got[n, c] == clamp(gemmlowp(total, 1 << 30, -3) + 9, 0, 255)


def test_softmax_is_close_to_the_real_one_and_keeps_the_order() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(-128, 128, (200, 12)).astype(np.int8)
    scale = 0.07
    exps = np.minimum(np.round(np.exp(-scale * np.arange(256)) * 2**31), 2**31 - 1).astype(np.int32)
    got = evaluate(make(q.Softmax, value_like(x, I8), Resource.of("e", exps)), [x, exps])[0]
    real = np.exp(scale * x.astype(np.float64))
    real /= real.sum(axis=1, keepdims=True)
    assert np.abs((got.astype(float) + 128) / 256 - real).max() <= 1 / 256
    order = np.argsort(x, axis=1)
    assert (np.diff(np.take_along_axis(got.astype(int), order, 1), axis=1) >= 0).all()


X = value_like(np.zeros((1, 3), np.int8), I8)
MISFITS: list[tuple[Callable[[], Op], str]] = [
    (lambda: q.Clamp(X, lo=3, hi=2), "lo <= hi"),
    (lambda: q.Clamp(X, lo=-129, hi=2), "no value of i8"),
    (lambda: q.Quantize(X, scale=1.0, zero=0, halves="even"), "takes f32"),
    (lambda: q.Dequantize(X, scale=0.0, zero=0), "no positive number"),
    (lambda: q.Requantize(X, x_zero=0, y_zero=0, multiplier=-1, shift=0), "multiplier -1"),
    (lambda: q.Requantize(X, x_zero=0, y_zero=0, multiplier=1, shift=31), "shift 31"),
    (lambda: q.Lookup(X, Resource.of("t", np.zeros(255, np.int8))), "expected 256"),
    (lambda: q.Softmax(X, Resource.of("t", np.zeros(255, np.int32))), "expected 256"),
    (lambda: q.Dense(X, Resource.of("w", np.zeros((2, 3), np.int8)), x_zero=0), "without mult"),
]


@pytest.mark.parametrize(("build", "message"), MISFITS)
def test_what_does_not_fit_is_refused(build: Callable[[], Op], message: str) -> None:
    with pytest.raises(IRError, match=message):
        build()
