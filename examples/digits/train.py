# SPDX-License-Identifier: Apache-2.0
"""Train a binary network on scikit-learn's digits and freeze it to ``digits.pb``.

Usage: python -m examples.digits.train [--epochs N] [--seed N] [--out FOLDER]

Needs TensorFlow and scikit-learn: ``pip install "bnnc[train]"``.
"""

from __future__ import annotations

import argparse
import json
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnc.frontends.tensorflow.freezing import freeze
from bnnc.train import Pool, Variables, binary_activation, layer

tf: Any = import_module("tensorflow")
Images = NDArray[np.float32]
Labels = NDArray[np.int64]

HERE = Path(__file__).resolve().parent
BATCH = 64
TEST_EVERY = 5
"""Every fifth sample, from the first, is for the test."""


def load_digits() -> tuple[Images, Labels]:
    """Return all 1797 images [n, 8, 8, 1] with values 0 to 16, and their labels [n]."""
    digits: Any = import_module("sklearn.datasets").load_digits()
    images = np.asarray(digits.images, dtype=np.float32)[..., np.newaxis]
    return images, np.asarray(digits.target, dtype=np.int64)


def network(variables: Variables, image: Any, *, training: bool) -> Any:
    """Map images [n, 8, 8, 1] with values 0 to 16 to logits [n, 10].

    All weights are binary, and so are all values between the layers; only the first layer's input
    is not. 33 and 47 channels, which fill no machine word, are chosen on purpose.
    """

    def binary_layer(x: Any, units: int, name: str, **options: Any) -> Any:
        options = {"batch_norm": True, "activation": binary_activation, **options}
        return layer(
            variables, x, units, name=name, binarize_weights=True, training=training, **options
        )

    x = tf.multiply(image, 1 / 8, name="scaled")
    x = tf.subtract(x, 1.0, name="centred")
    x = binary_layer(x, 33, "conv1", kernel=3)
    x = binary_layer(x, 47, "conv2", kernel=3, pool=Pool(2))
    x = binary_layer(x, 64, "conv3", kernel=3, pool=Pool(2))
    x = binary_layer(x, 64, "dense1")
    return binary_layer(x, 10, "dense2", bias=True, batch_norm=False, activation=None)


def shifted(images: Images, random: np.random.Generator) -> Images:
    """Move each image by up to one pixel in both directions; what enters is background, 0."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    down, right = random.integers(0, 3, size=(2, len(images)))
    moved = [
        padded[i, d : d + 8, r : r + 8] for i, (d, r) in enumerate(zip(down, right, strict=True))
    ]
    return np.stack(moved)


def train(images: Images, labels: Labels, *, epochs: int, seed: int) -> Variables:
    """Fit the network with Adam, the rate falling along a cosine, on images [n, 8, 8, 1]."""
    variables = Variables(seed)
    network(variables, tf.zeros([1, 8, 8, 1]), training=True)
    steps_per_epoch = len(images) // BATCH
    rate = tf.keras.optimizers.schedules.CosineDecay(0.01, epochs * steps_per_epoch)
    optimizer = tf.keras.optimizers.Adam(rate)
    weights = variables.trainable_variables

    @tf.function(
        input_signature=[
            tf.TensorSpec([BATCH, 8, 8, 1], tf.float32),
            tf.TensorSpec([BATCH], tf.int64),
        ]
    )  # type: ignore[untyped-decorator]
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = network(variables, x, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, weights)
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        variables.clip_latent()
        return loss

    random = np.random.default_rng(seed)
    for epoch in range(epochs):
        order = random.permutation(len(images))[: steps_per_epoch * BATCH]
        loss = 0.0
        for chosen in order.reshape(-1, BATCH):
            loss += float(step(shifted(images[chosen], random), labels[chosen]))
        if (epoch + 1) % 10 == 0 or epoch + 1 == epochs:
            print(f"epoch {epoch + 1:3d}  loss {loss / steps_per_epoch:.4f}", flush=True)
    return variables


def run_frozen(graph_def: Any, images: Images) -> Images:
    """Return the logits [n, 10] that TensorFlow computes from the frozen graph."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            logits: Images = session.run("logits:0", {"image:0": images})
    return logits


def main() -> None:
    """Train, freeze, measure, and write ``digits.pb`` and ``digits.json``."""
    parser = argparse.ArgumentParser(description="Train a binary network on handwritten digits.")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()

    tf.keras.utils.set_random_seed(options.seed)
    tf.config.experimental.enable_op_determinism()
    images, labels = load_digits()
    test = np.arange(len(images)) % TEST_EVERY == 0

    start = time.perf_counter()
    variables = train(images[~test], labels[~test], epochs=options.epochs, seed=options.seed)
    print(f"trained in {time.perf_counter() - start:.0f} s")

    def trained(image: Any) -> Any:
        return network(variables, image, training=False)

    graph_def = freeze(
        trained,
        [tf.TensorSpec([None, 8, 8, 1], tf.float32, name="image")],
        ["logits"],
    )
    predicted = run_frozen(graph_def, images[test]).argmax(axis=1)
    accuracy = float((predicted == labels[test]).mean())
    print(f"test accuracy of the frozen graph: {accuracy:.4f}")

    record = {
        "tensorflow": tf.__version__,
        "seed": options.seed,
        "epochs": options.epochs,
        "test_every": TEST_EVERY,
        "test_samples": int(test.sum()),
        "test_accuracy": accuracy,
        "test_predictions": predicted.tolist(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    graph = graph_def.SerializeToString(deterministic=True)
    (options.out / "digits.pb").write_bytes(graph)
    (options.out / "digits.json").write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
