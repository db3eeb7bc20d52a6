# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnc.ir.diagnostics import UsageError

pytestmark = pytest.mark.tensorflow

_AT_ZERO = {"plus": 1.0, "minus": -1.0, "keep": 0.0}


def _all_kinds_of_floats() -> NDArray[np.float32]:
    """Both zeros, infinities, the neighbours of 1, and every 4001st normal float32."""
    smallest, beyond = 0x00800000, 0x7F800000
    positive = np.arange(smallest, beyond, 4001, dtype=np.uint32).view(np.float32)
    one = np.float32(1)
    special = np.array([0, np.inf, 1, np.nextafter(one, 0), np.nextafter(one, 2)], dtype=np.float32)
    half = np.concatenate([special, positive])
    return np.concatenate([half, -half])


@pytest.mark.parametrize("zero", ["plus", "minus", "keep"])
def test_value_is_the_exact_sign(train: Any, zero: str) -> None:
    x = _all_kinds_of_floats()
    expected = np.where(x > 0, 1, np.where(x < 0, -1, _AT_ZERO[zero])).astype(np.float32)
    assert np.array_equal(train.binary_activation(x, zero).numpy(), expected)


def test_zero_is_plus_by_default(train: Any) -> None:
    assert train.binary_activation(np.array([0.0, -0.0], np.float32)).numpy().tolist() == [1.0, 1.0]


@pytest.mark.parametrize("zero", ["plus", "minus", "keep"])
def test_nan_stays(train: Any, zero: str) -> None:
    assert np.isnan(train.binary_activation(np.array([np.nan], np.float32), zero).numpy()).all()


@pytest.mark.parametrize("zero", ["plus", "minus", "keep"])
def test_gradient_passes_between_minus_one_and_one(train: Any, tf: Any, zero: str) -> None:
    outside = float(np.nextafter(np.float32(1), np.float32(2)))
    x = tf.constant([-3.0, -outside, -1.0, -0.5, -0.0, 0.0, 0.25, 1.0, outside, 40.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(train.binary_activation(x, zero) * tf.range(1.0, 11.0))
    assert tape.gradient(y, x).numpy().tolist() == [0, 0, 3, 4, 5, 6, 7, 8, 0, 0]


def test_unknown_rule_for_zero(train: Any) -> None:
    with pytest.raises(UsageError, match="did you mean 'plus'") as caught:
        train.binary_activation(np.array([1.0], np.float32), "pluss")
    assert caught.value.message == "zero='pluss' is none of plus, minus, keep"
