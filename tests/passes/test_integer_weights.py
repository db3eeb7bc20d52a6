# SPDX-License-Identifier: Apache-2.0
"""8-bit weights and biases against exact arithmetic on what they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bnnc.ir import bin as bits
from bnnc.ir.types import BIT, TensorType
from bnnc.ir.value import Resource, Value
from bnnc.passes.quantized.weights import LARGEST_BIAS, integer_weights

FLOATS = st.floats(-(2.0**40), 2.0**40, width=32)


def dense(
    w: np.ndarray, bias: np.ndarray | None = None, alpha: np.ndarray | None = None
) -> bits.Layer:
    """A dense layer with float weights, or with bits where alpha is given."""
    x = Value(TensorType((1, w.shape[1])))
    offsets = None if bias is None else Resource.of("b", bias.astype(np.float32))
    if alpha is None:
        return bits.DenseFF(x, Resource.of("w", w.astype(np.float32)), None, offsets)
    signs = Resource.of("w", w.astype(np.int8), TensorType(w.shape, BIT))
    return bits.DenseFB(x, signs, Resource.of("a", alpha.astype(np.float32)), offsets)


@given(arrays(np.float32, (3, 5), elements=FLOATS), arrays(np.float32, (3,), elements=FLOATS))
def test_what_integers_stand_for_is_near(w: np.ndarray, bias: np.ndarray) -> None:
    scale = 0.25
    found = integer_weights(dense(w, bias), scale)
    assert found.bias is not None
    assert found.integers.min() >= -127  # -128 would make pairs of products overflow 16 bits
    assert (np.abs(found.bias.astype(np.int64)) <= LARGEST_BIAS).all()
    steps = found.units / scale
    off = np.abs(found.integers * steps[:, None] - w.astype(np.float64)).max(axis=1)
    assert (off <= steps / 2 * (1 + 1e-6)).all()
    assert (np.abs(found.bias * found.units - bias) <= found.units / 2 * (1 + 1e-6)).all()


def test_every_channel_has_its_own_scale() -> None:
    found = integer_weights(dense(np.array([[1.0, -0.5], [100.0, 25.0]])), 1.0)
    np.testing.assert_array_equal(found.integers, [[127, -64], [127, 32]])
    np.testing.assert_array_equal(found.units, np.array([1 / 127, 100 / 127], np.float32))
    assert found.bias is None


def test_halves_go_to_even() -> None:
    found = integer_weights(dense(np.array([[127.0, 2.5, 3.5, -0.5]])), 1.0)
    np.testing.assert_array_equal(found.integers, [[127, 2, 4, 0]])


def test_a_channel_of_zeros_keeps_its_bias() -> None:
    found = integer_weights(dense(np.zeros((2, 4)), np.array([0.3, 0.0])), 0.5)
    assert found.bias is not None
    assert not found.integers.any()
    assert found.bias[0] * found.units[0] == pytest.approx(0.3, rel=1e-6)
    assert found.bias[1] == 0
    assert (found.units > 0).all()


def test_a_bias_that_32_bits_would_not_hold_makes_coarser_units() -> None:
    found = integer_weights(dense(np.full((1, 4), 1e-9), np.array([1e6])), 1e-3)
    assert found.bias is not None
    assert abs(int(found.bias[0])) == LARGEST_BIAS
    assert found.bias[0] * found.units[0] == pytest.approx(1e6, rel=1e-6)


def test_a_negative_factor_of_bits_turns_them() -> None:
    w, alpha = np.array([[1, -1, 1], [1, 1, -1]]), np.array([-0.5, 0.25])
    found = integer_weights(dense(w, np.array([1.0, 1.0]), alpha), 2.0)
    np.testing.assert_array_equal(found.integers, [[-1, 1, -1], [1, 1, -1]])
    np.testing.assert_array_equal(found.units, [1.0, 0.5])
    assert found.bias is not None
    np.testing.assert_array_equal(found.bias, [1, 2])
