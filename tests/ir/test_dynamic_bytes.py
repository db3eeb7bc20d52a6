# SPDX-License-Identifier: Apache-2.0
"""Measured levels by exact fractions, and what operations on them refuse."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnc.ir import BIT, F32, Resource, Scalar, TensorType, Value, q
from bnnc.ir.diagnostics import IRError
from bnnc.ir.interpreter import evaluate

from .oracles import round_f32, value_like

U8, I8 = Scalar("u8"), Scalar("i8")
NUMBERS = st.floats(-(2.0**100), 2.0**100, width=32) | st.floats(-5, 5, width=32)


@given(st.lists(NUMBERS | st.just(float("nan")), min_size=1, max_size=8))
def test_levels_and_bytes_are_those_of_exact_arithmetic(numbers: list[float]) -> None:
    x = np.array(numbers, np.float32)
    finite = [Fraction(v) for v in x.tolist() if v == v]
    low, high = min([Fraction(0), *finite]), max([Fraction(0), *finite])
    scale = round_f32(Fraction(round_f32(high - low)) / 255) or 1.0
    zero = min(round(Fraction(round_f32(-low / Fraction(scale)))), 255)
    value = value_like(x)
    (levels,) = evaluate(q.DynamicLevels(value), [x])
    assert levels.tolist() == [scale, zero]
    (y,) = evaluate(q.DynamicQuantize(value, value_like(levels)), [x, levels])
    for v, got in zip(x.tolist(), y.tolist(), strict=True):
        steps = 0 if v != v else round(Fraction(round_f32(Fraction(v) / Fraction(scale))))
        assert got == min(max(steps + zero, 0), 255)


def test_operands_that_do_not_fit() -> None:
    bytes_, levels = Value(TensorType((2, 3), U8)), Value(TensorType((2,)))
    w = Resource.of("w", np.ones((4, 3), np.int8))
    four, floats = Value(TensorType((4,))), Value(TensorType((2, 3)))
    assert q.DynamicDense(bytes_, levels, w).result.type == TensorType((2, 4), Scalar("i32"))
    assert q.DynamicDense(bytes_, levels, w, four, four).result.type == TensorType((2, 4), F32)
    for make, message in (
        (lambda: q.DynamicLevels(bytes_), "takes f32 as x"),
        (lambda: q.DynamicQuantize(floats, four), r"scale and zero point as f32 \[2\]"),
        (lambda: q.DynamicDense(floats, levels, w), "takes u8 as x"),
        (lambda: q.DynamicDense(Value(TensorType((2, 3), I8)), levels, w), "takes u8 as x"),
        (lambda: q.DynamicDense(bytes_, four, w), r"scale and zero point as f32 \[2\]"),
        (lambda: q.DynamicDense(bytes_, levels, floats), "takes i8, i16 or bit weights"),
        (lambda: q.DynamicDense(bytes_, levels, w, None, four), "gives its sums, without a bias"),
        (lambda: q.DynamicDense(bytes_, levels, w, levels), "w_scale"),
    ):
        with pytest.raises(IRError, match=message):
            make()


def test_sums_must_fit_for_every_zero_point() -> None:
    """A byte less its zero point reaches 255 in magnitude, whatever the zero point is."""
    levels = Value(TensorType((2,)))
    for scalar, most in ((I8, (2**31 - 1) // (255 * 127)), (BIT, (2**31 - 1) // 255)):
        for inputs in (most, most + 1):
            x = Value(TensorType((1, inputs), U8))
            w = np.full((1, inputs), 1 if scalar == BIT else 127, np.int8)
            op = q.DynamicDense(x, levels, Resource.of("w", w, TensorType(w.shape, scalar)))
            assert q.largest_accumulator(op).tolist() == [255 * int(w[0, 0]) * inputs]
            if inputs > most:
                with pytest.raises(IRError, match="beyond 32 bits"):
                    q.require_accumulators(op)
            else:
                q.require_accumulators(op)
