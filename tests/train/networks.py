# SPDX-License-Identifier: Apache-2.0
"""Small Keras models with what trained ones have: moving averages of their own, signs of both."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = 5
SHAPE = (9, 9, 2)


def small_network(train: Any, keras: Any, seed: int = 1, **options: Any) -> Any:
    """A network of every binary layer with numbers of channels that fill no machine word."""
    keras.utils.set_random_seed(seed)
    image = keras.Input(SHAPE, name="image")
    x = train.block(image, 13, kernel=3, name="conv1", **options)
    x = train.BinaryDepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    x = keras.layers.BatchNormalization(momentum=0.9, name="depthwise_norm")(x)
    x = train.BinaryActivation(name="depthwise_activation")(x)
    x = train.block(x, 21, kernel=3, pool=train.Pool(2), name="conv2", **options)
    x = train.block(x, 17, name="dense1", **options)
    x = train.block(x, CLASSES, name="dense2", activation=None, **options)
    return keras.Model(image, x, name="small")


def samples(count: int, seed: int = 2) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Noise, with labels that have nothing to do with it: to be learnt by heart alone."""
    random = np.random.default_rng(seed)
    images = random.normal(size=(count, *SHAPE)).astype(np.float32)
    return images, random.integers(0, CLASSES, size=count)


def fit(
    train: Any, keras: Any, model: Any, images: NDArray[np.float32], labels: Any, epochs: int
) -> None:
    """Train the way that bnnc.train means it, in two steps an epoch."""
    rate = keras.optimizers.schedules.CosineDecay(0.003, 2 * epochs)
    model.compile(train.LatentAdam(rate), train.squared_hinge)
    model.fit(images, labels, batch_size=(len(images) + 1) // 2, epochs=epochs, verbose=0)
