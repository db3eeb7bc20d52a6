# SPDX-License-Identifier: Apache-2.0
"""Fused multiply-add and flush to zero against exact fractions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnc.ir.interpreter.rounding import add_flushed, flush, fma, multiply_flushed

from .oracles import F, exact_fma, flushed_muladd, same_bits

finite_bits = st.integers(0, 2**32 - 1).filter(lambda b: (b >> 23) & 0xFF != 0xFF)
POSITIVE = np.array(
    [
        0.0,
        1.0,
        2.0**-149,
        2.0**-126,
        1.9999999 * 2.0**-127,
        2.0**-75,
        2.0**-24,
        3.4028235e38,
        1 + 2.0**-23,
        1 - 2.0**-24,
    ],
    dtype=F,
)
SPECIAL = np.concatenate([POSITIVE, -POSITIVE])


def expected(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    rows = zip(c.tolist(), a.tolist(), b.tolist(), strict=True)
    return np.array([exact_fma(*row) for row in rows], F)


def rounded_twice(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The float64 sum, rounded again: the mistake that rounding to odd avoids."""
    with np.errstate(over="ignore"):
        return np.asarray((a.astype(np.float64) * b + c).astype(F))


def random_bits(rng: np.random.Generator, n: int) -> np.ndarray:
    bits = rng.integers(0, 2**32, n, np.uint32)
    bits = np.where((bits >> 23) & 0xFF == 0xFF, bits ^ (1 << 30), bits).astype(np.uint32)
    return bits.view(F)


def near_midpoints(
    rng: np.random.Generator, n: int, exponent: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """c of a binade plus half a unit in the last place, a hair more or less, of either sign.

    (1 + 2^-23) (1 - 2^-23) = 1 - 2^-46 and (1 + 2^-23)^2 > 1 miss the midpoint by less than
    float64 can tell next to c.
    """
    c = np.ldexp(1 + rng.integers(0, 2**23, n) * 2.0**-23, exponent)
    unit = max(exponent - 23, -149)
    half = unit // 2, unit - 1 - unit // 2
    one = F(1) + F(2.0**-23)
    a = np.ldexp(np.where(rng.random(n) < 0.5, one, 1.0), half[0])
    b = np.ldexp(rng.choice(np.array([one, 1.0, 1 - 2.0**-23, -1.0]), n), half[1])
    sign = rng.choice([-1.0, 1.0], n)
    return a.astype(F), b.astype(F), (sign * c).astype(F)


def test_fma_of_random_bits_is_exact() -> None:
    a, b, c = (random_bits(np.random.default_rng(i), 20000) for i in range(3))
    same_bits(fma(a, b, c), expected(a, b, c))


def test_fma_of_like_magnitudes_is_exact() -> None:
    rng = np.random.default_rng(5)
    a, b = (rng.standard_normal(20000).astype(F) for _ in range(2))
    c = (-a.astype(np.float64) * b * (1 + rng.integers(-4, 5, 20000) * 2.0**-24)).astype(F)
    same_bits(fma(a, b, c), expected(a, b, c))


@pytest.mark.parametrize("exponent", [0, 1, 20, 100, 126, -20, -100, -125, -126, -127, -130, -149])
def test_fma_next_to_midpoints_is_exact(exponent: int) -> None:
    a, b, c = near_midpoints(np.random.default_rng(7), 2000, exponent)
    want = expected(a, b, c)
    same_bits(fma(a, b, c), want)
    if -100 < exponent < 20:
        assert np.any(rounded_twice(a, b, c) != want), "the cases would not find double rounding"


def test_fma_of_special_values_is_exact() -> None:
    a, b, c = (m.reshape(-1) for m in np.meshgrid(SPECIAL, SPECIAL, SPECIAL))
    same_bits(fma(a, b, c), expected(a, b, c))


def test_fma_with_infinities_and_nan() -> None:
    inf, nan, one = F(np.inf), F(np.nan), F(1)
    cases = [(inf, one, -inf, nan), (inf, one, one, inf), (inf, F(0), one, nan)]
    cases += [(one, one, -inf, -inf), (nan, one, one, nan), (F(3e38), F(3e38), -inf, -inf)]
    for a, b, c, want in cases:
        same_bits(fma(np.array(a), np.array(b), np.array(c)), np.array(want))


def test_fma_broadcasts() -> None:
    a = np.arange(3, dtype=F)[:, None]
    b = np.arange(4, dtype=F)
    same_bits(fma(a, b, np.array(F(1))), a * b + F(1))


@settings(max_examples=500, deadline=None)
@given(finite_bits, finite_bits, finite_bits)
def test_fma_of_any_finite_numbers(a_bits: int, b_bits: int, c_bits: int) -> None:
    a, b, c = np.array([a_bits, b_bits, c_bits], np.uint32).view(F).reshape(3, 1)
    same_bits(fma(a, b, c), expected(a, b, c))


def test_flush_keeps_signs_and_normal_numbers() -> None:
    x = np.array([2.0**-127, -(2.0**-149), 2.0**-126, -1.0, np.inf, -0.0, np.nan], F)
    same_bits(flush(x), np.array([0.0, -0.0, 2.0**-126, -1.0, np.inf, -0.0, np.nan], F))


def test_product_that_would_round_up_to_normal_is_flushed() -> None:
    a, b = F(2.0**-63) * (F(1) + F(2.0**-23)), F(2.0**-63) * (F(1) - F(2.0**-23))
    assert a * b == F(2.0**-126)
    same_bits(multiply_flushed(np.array(a), np.array(b)), np.array(F(0)))
    same_bits(multiply_flushed(np.array(-a), np.array(b)), np.array(F(-0.0)))


def test_flushed_muladd_is_exact() -> None:
    rng = np.random.default_rng(3)
    n = 5000
    a, b, c = (
        np.ldexp(rng.standard_normal(n), rng.integers(lo, hi, n)).astype(F)
        for lo, hi in ((-66, -60), (-66, -60), (-130, -120))
    )
    got = add_flushed(c, multiply_flushed(a, b))
    rows = zip(c.tolist(), a.tolist(), b.tolist(), strict=True)
    same_bits(got, np.array([flushed_muladd(*row) for row in rows], F))
    assert np.any(got != c + a * b), "no case was flushed"
