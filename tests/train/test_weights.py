# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytestmark = pytest.mark.tensorflow


def _latent(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Weights on both sides of -1 and 1, with zeros of both signs among them."""
    w = np.random.default_rng(5).normal(0, 0.8, size=shape).astype(np.float32)
    w.ravel()[::11] = 0.0
    w.ravel()[::17] = -0.0
    return w


@pytest.mark.parametrize("shape", [(3, 3, 5, 7), (40, 9)])
def test_scaled_weights_are_sign_times_mean_magnitude(train: Any, shape: tuple[int, ...]) -> None:
    w = _latent(shape)
    magnitudes = np.minimum(np.abs(w.astype(np.float64)), 1)
    alpha = np.array([magnitudes[..., c].mean() for c in range(shape[-1])])
    expected = np.where(w < 0, -alpha, alpha)
    binarized = train.binary_weights(w).numpy()
    np.testing.assert_allclose(binarized, expected, rtol=1e-6)
    assert np.unique(alpha).size == shape[-1], "the channels must differ for this to tell"


def test_weights_without_scale_are_plus_and_minus_one(train: Any) -> None:
    w = _latent((3, 3, 5, 7))
    expected = np.where(w < 0, -1, 1)
    assert np.array_equal(train.binary_weights(w, scale=False).numpy(), expected)


@pytest.mark.parametrize("scale", [True, False])
def test_keep_makes_weights_ternary(train: Any, scale: bool) -> None:
    w = _latent((3, 3, 5, 7))
    assert np.array_equal(train.binary_weights(w, scale, zero="keep").numpy() == 0, w == 0)


@pytest.mark.parametrize("scale", [True, False])
def test_gradient_passes_between_minus_one_and_one(train: Any, tf: Any, scale: bool) -> None:
    latent = _latent((3, 3, 5, 7))
    upstream = np.random.default_rng(6).normal(size=latent.shape).astype(np.float32)
    w = tf.constant(latent)
    with tf.GradientTape() as tape:
        tape.watch(w)
        y = tf.reduce_sum(train.binary_weights(w, scale) * upstream)
    expected = np.where(np.abs(latent) <= 1, upstream, 0)
    assert np.array_equal(tape.gradient(y, w).numpy(), expected)
