# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from .networks import samples, small_network

pytestmark = pytest.mark.tensorflow


def _signs(w: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(w >= 0, 1, -1).astype(np.float32)


@pytest.fixture
def latent() -> NDArray[np.float32]:
    """Weights [3, 3, 4, 6] on both sides of zero, some of them zero."""
    w = np.random.default_rng(3).uniform(-1, 1, size=(3, 3, 4, 6)).astype(np.float32)
    w.ravel()[::7] = 0.0
    return w


@pytest.fixture
def image() -> NDArray[np.float32]:
    return np.random.default_rng(4).normal(size=(2, 8, 8, 4)).astype(np.float32)


@pytest.mark.parametrize("scale", [False, True])
def test_convolution_is_that_of_the_binarized_kernel(
    train: Any, keras: Any, latent: NDArray[np.float32], image: NDArray[np.float32], scale: bool
) -> None:
    options: dict[str, Any] = {"strides": 2, "padding": "same", "dilation_rate": 1}
    ours = train.BinaryConv2D(6, 3, scale=scale, **options)
    theirs = keras.layers.Conv2D(6, 3, **options)
    bias = np.arange(6, dtype=np.float32)
    alpha = np.abs(latent).mean(axis=(0, 1, 2)) if scale else np.ones(6)
    for layer, kernel in ((ours, latent), (theirs, (_signs(latent) * alpha).astype(np.float32))):
        layer.build(image.shape)
        layer.set_weights([kernel, bias])
    np.testing.assert_allclose(ours(image), theirs(image), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [False, True])
def test_dense_is_a_product_with_the_binarized_kernel(train: Any, scale: bool) -> None:
    random = np.random.default_rng(5)
    w = random.uniform(-1, 1, size=(11, 3)).astype(np.float32)
    x = random.normal(size=(4, 11)).astype(np.float32)
    layer = train.BinaryDense(3, scale=scale, activation="relu")
    layer.build(x.shape)
    layer.set_weights([w, np.array([1, -2, 3], np.float32)])
    alpha = np.abs(w).mean(axis=0) if scale else np.ones(3)
    expected = np.maximum(x @ (_signs(w) * alpha) + [1, -2, 3], 0)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [False, True])
def test_depthwise_scales_each_channel_by_its_own_mean(
    train: Any, latent: NDArray[np.float32], image: NDArray[np.float32], scale: bool
) -> None:
    layer = train.BinaryDepthwiseConv2D(3, depth_multiplier=6, scale=scale)
    layer.build(image.shape)
    bias = np.linspace(-1, 1, 24).astype(np.float32)
    layer.set_weights([latent, bias])
    w = _signs(latent) * (np.abs(latent).mean(axis=(0, 1)) if scale else 1)
    expected = np.zeros((2, 6, 6, 4, 6))
    for i in range(3):
        for j in range(3):
            expected += image[:, i : i + 6, j : j + 6, :, np.newaxis] * w[i, j]
    expected = expected.reshape(2, 6, 6, 24) + bias
    np.testing.assert_allclose(layer(image), expected, rtol=1e-4, atol=1e-5)


def test_activation_has_the_straight_through_gradient(train: Any, tf: Any) -> None:
    x = tf.constant([[-2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 1.5]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = train.BinaryActivation()(x)
    assert y.numpy().tolist() == [[-1, -1, 1, 1, 1, 1, 1]]
    assert tape.gradient(y, x).numpy().tolist() == [[0, 1, 1, 1, 1, 1, 0]]


def test_a_file_gives_the_same_model_back(train: Any, keras: Any, tmp_path: Path) -> None:
    model = small_network(train, keras, scale_weights=True)
    model.get_layer("conv1").zero = "minus"
    images, _ = samples(8)
    model.save(tmp_path / "small.keras")
    again = keras.saving.load_model(tmp_path / "small.keras")
    assert np.array_equal(model(images), again(images))
    assert again.get_layer("conv1").zero == "minus"
    assert again.get_layer("conv1").scale and not again.get_layer("depthwise").scale


def test_registered_names_are_those_in_files(train: Any, keras: Any) -> None:
    for name in ("BinaryActivation", "BinaryConv2D", "BinaryDense", "BinaryDepthwiseConv2D"):
        assert keras.saving.get_registered_name(getattr(train, name)) == f"bnnc>{name}"


def test_block_has_the_parts_in_the_order_of_binarynet(train: Any, keras: Any) -> None:
    image = keras.Input([8, 8, 3])
    x = train.block(image, 5, kernel=3, pool=train.Pool(2), bias=True, name="conv")
    assert [layer.name for layer in keras.Model(image, x).layers[1:]] == [
        "conv", "conv_pool", "conv_norm", "conv_activation",
    ]  # fmt: skip
    x = train.block(image, 5, binarize_weights=False, activation="relu", name="dense")
    assert [type(layer).__name__ for layer in keras.Model(image, x).layers[1:]] == [
        "Flatten", "Dense", "BatchNormalization", "Activation",
    ]  # fmt: skip
    late = train.Pool(3, stride=2, padding="SAME", place="after_activation")
    x = train.block(image, 5, kernel=3, pool=late, batch_norm=False, name="late")
    assert [layer.name for layer in keras.Model(image, x).layers[1:]] == [
        "late", "late_activation", "late_pool",
    ]  # fmt: skip
    assert x.shape == (None, 4, 4, 5)
