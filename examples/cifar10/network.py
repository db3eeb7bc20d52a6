# SPDX-License-Identifier: Apache-2.0
"""BinaryNet's network for CIFAR-10, at any width."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bnnc.train import Pool, block

keras: Any = import_module("keras")

CONVOLUTIONS = (128, 128, 256, 256, 512, 512)
DENSE = (1024, 1024)
CLASSES = 10


def network(width: float, seed: int) -> Any:
    """Return the model from images [n, 32, 32, 3], values 0 to 255, to scores [n, 10].

    Each layer is convolution or dense, then a max pool in every second convolution, batch
    normalization, binary activation; the last layer ends with its batch normalization. All weights
    are binary, and all values between the layers; only the first layer's input is not.

    Args:
        width: multiplies all numbers of channels but the last; 1 is BinaryNet's own network.
        seed: of the weights at the start.
    """
    keras.utils.set_random_seed(seed)
    image = keras.Input([32, 32, 3], name="image")
    x = keras.layers.Rescaling(2 / 255, offset=-1.0, name="scaled")(image)
    for i, channels in enumerate(CONVOLUTIONS, start=1):
        pool = Pool(2) if i % 2 == 0 else None
        x = block(x, round(channels * width), kernel=3, pool=pool, name=f"conv{i}")
    for i, units in enumerate(DENSE, start=1):
        x = block(x, round(units * width), name=f"dense{i}")
    x = block(x, CLASSES, name=f"dense{len(DENSE) + 1}", activation=None)
    return keras.Model(image, x, name="cifar10")
