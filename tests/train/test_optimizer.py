# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .networks import CLASSES, SHAPE, fit, samples, small_network

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize(
    ("shape", "fans"), [((3, 3, 128, 256), 1152 + 2304), ((8192, 1024), 8192 + 1024)]
)
def test_scale_is_binarynets_formula(train: Any, shape: tuple[int, ...], fans: int) -> None:
    assert train.learning_rate_scale(shape) == 1 / math.sqrt(1.5 / fans)


def test_first_step_of_latent_weights_is_scaled_and_of_others_is_not(
    train: Any, keras: Any
) -> None:
    """Adam's first step is the learning rate itself, whatever the size of the gradient."""
    rate = 1e-4
    layer = train.BinaryDense(40)
    layer.build((None, 56))
    kernel = np.random.default_rng(1).uniform(-0.5, 0.5, (56, 40)).astype(np.float32)
    layer.set_weights([kernel, np.zeros(40)])
    optimizer = train.LatentAdam(rate, epsilon=0)
    gradients = [np.full((56, 40), 3e-3, np.float32), np.full(40, -2e2, np.float32)]
    optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], layer.trainable_variables)
    moved, bias = layer.get_weights()
    np.testing.assert_allclose(kernel - moved, rate / math.sqrt(1.5 / 96), rtol=1e-3)
    np.testing.assert_allclose(bias, rate, rtol=1e-4)


def test_latent_weights_stay_between_minus_one_and_one(train: Any, keras: Any) -> None:
    layer = train.BinaryDense(3)
    layer.build((None, 4))
    optimizer = train.LatentAdam(100.0)
    gradients = [keras.ops.ones((4, 3)), keras.ops.ones(3)]
    optimizer.apply(gradients, layer.trainable_variables)
    assert np.array_equal(layer.get_weights()[0], np.full((4, 3), -1))
    assert (layer.get_weights()[1] < -50).all(), "only latent weights are clipped"


def test_squared_hinge_by_hand(train: Any) -> None:
    scores = np.array([[2.0, -0.5, 0.25], [0.0, 0.0, 1.0]], np.float32)
    # Label 0: 1 - 2 < 0, 1 - 0.5, 1 + 0.25. Label 1: 1 + 0, 1 - 0, 1 + 1.
    expected = [(0.5**2 + 1.25**2) / 3, (1 + 1 + 4) / 3]
    for labels in ([0, 1], [[0], [1]]):
        np.testing.assert_allclose(train.squared_hinge(np.array(labels), scores), expected)


@pytest.mark.slow
def test_a_tiny_network_learns_100_samples_by_heart(train: Any, keras: Any) -> None:
    keras.utils.set_random_seed(1)
    image = keras.Input(SHAPE)
    x = train.block(image, 40, kernel=3, pool=train.Pool(2), name="conv")
    x = train.block(x, 60, name="dense1")
    model = keras.Model(image, train.block(x, CLASSES, activation=None, name="dense2"))
    images, labels = samples(100)
    before = (model.predict(images, verbose=0).argmax(axis=1) == labels).mean()
    fit(train, keras, model, images, labels, epochs=100)
    after = (model.predict(images, verbose=0).argmax(axis=1) == labels).mean()
    assert before < 0.5
    assert after == 1.0


def test_training_goes_on_from_a_file(train: Any, keras: Any, tmp_path: Path) -> None:
    model = small_network(train, keras)
    images, labels = samples(50)
    fit(train, keras, model, images, labels, epochs=1)
    model.save(tmp_path / "half.keras")
    again = keras.saving.load_model(tmp_path / "half.keras")
    for one in (model, again):
        one.train_on_batch(images, labels)
    assert again.optimizer.iterations == 3
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
