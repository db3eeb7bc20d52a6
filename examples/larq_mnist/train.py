# SPDX-License-Identifier: Apache-2.0
"""Train a binary network on MNIST with Larq, save it, compile the file to C, and compare.

Usage: python -m examples.larq_mnist.train DATA --test DATA [--epochs N] [--images N] [--out DIR]

Needs Larq with tf-keras, and a C compiler. The exit code is 1 when the C code takes an image for
something else than Keras.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import numpy as np

from .. import mnist

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # Larq's layers are those of Keras 2
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def network(channels: int) -> Any:
    """Three convolutions and a dense layer; takes pixels 0 to 255, [n, 28, 28, 1].

    Each layer is followed by a max pool where there is one, and batch normalization; the sign is
    the next layer's input quantizer.
    """
    keras, larq = import_module("tf_keras"), import_module("larq")
    layers: Any = keras.layers
    weights: dict[str, Any] = {
        "kernel_quantizer": "ste_sign",
        "kernel_constraint": "weight_clip",
        "use_bias": False,
    }
    signs = {"input_quantizer": "ste_sign", **weights}
    return keras.Sequential(
        [
            keras.Input([28, 28, 1], name="image"),
            layers.Rescaling(1 / 127.5, -1.0),
            larq.layers.QuantConv2D(channels, 3, padding="same", **weights, name="conv1"),
            layers.BatchNormalization(momentum=0.9, scale=False),
            larq.layers.QuantConv2D(2 * channels, 3, padding="same", **signs, name="conv2"),
            layers.MaxPool2D(),
            layers.BatchNormalization(momentum=0.9, scale=False),
            larq.layers.QuantConv2D(2 * channels, 3, padding="same", **signs, name="conv3"),
            layers.MaxPool2D(),
            layers.BatchNormalization(momentum=0.9, scale=False),
            layers.Flatten(),
            larq.layers.QuantDense(10, **signs, name="dense"),
            layers.BatchNormalization(momentum=0.9, scale=False, name="scores"),
        ]
    )


def main() -> int:
    """Read the command line; return the exit code."""
    parser = mnist.options("Train a binary network with Larq.")
    parser.add_argument("--channels", type=int, default=32, help="of the first layer")
    options = parser.parse_args()
    keras: Any = import_module("tf_keras")
    keras.utils.set_random_seed(1)
    pixels, labels = mnist.read(options.data, train=True)
    x = pixels[: options.images, ..., np.newaxis].astype(np.float32)
    y = labels[: options.images]
    model = network(options.channels)
    steps = options.epochs * max(len(x) // 100, 1)
    rate = keras.optimizers.schedules.CosineDecay(0.005, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    model.fit(x, y, batch_size=100, epochs=options.epochs, verbose=2)

    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "mnist.keras"
    model.save(path)
    print(f"saved {path}")
    pixels, labels = mnist.read(options.test, train=False)
    inputs = pixels[: options.test_images, ..., np.newaxis].astype(np.float32)
    scores = model.predict(inputs, batch_size=500, verbose=0)
    return mnist.compare(path, inputs, scores, labels[: options.test_images])


if __name__ == "__main__":
    sys.exit(main())
