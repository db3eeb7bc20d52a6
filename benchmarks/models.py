# SPDX-License-Identifier: Apache-2.0
"""Write the benchmark networks as frozen graphs.

Usage: python -m benchmarks.models [FOLDER] [NAME ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from bnnc.frontends.tensorflow.tensors import DType

from .graphs import GraphWriter

DEFAULT_FOLDER = Path(__file__).parent / "out"


def cifar() -> GraphWriter:
    """The BinaryNet for CIFAR-10: 9 layers, binary but for the first one's input."""
    g = GraphWriter(1)
    x = g.reshape(g.placeholder(3072), "Reshape", -1, 32, 32, 3)
    previous = 3
    layers = [(3, 128), (3, 128), (3, 256), (3, 256), (3, 512), (3, 512), (4, 1024), (1, 1024)]
    for i, (kernel, channels) in enumerate(layers):
        x = g.sign(x) if i else x
        w = g.binary_weights(kernel, kernel, previous, channels)
        x = g.conv(x, w, channels, padding="VALID" if kernel == 4 else "SAME")
        x = g.max_pool(x, 2) if i in (1, 3, 5) else x
        x = g.batch_norm(x, channels)
        previous = channels
    x = g.conv(g.sign(x), g.binary_weights(1, 1, previous, 10), 10)
    g.reshape(g.node("Identity", "Identity", g.batch_norm(x, 10)), "y", -1, 10)
    return g


_ALEXNET = [(5, 256), (3, 384), (3, 384), (3, 256), (6, 4096), (1, 4096)]


def _alexnet_head(seed: int) -> tuple[GraphWriter, str]:
    """Pixels to the input of the second convolution, before its pool."""
    g = GraphWriter(seed)
    x = g.node("Mul", "mul", g.placeholder(227, 227, 3), g.constant("mul/y", 1 / 255))
    for op, value in (("Sub", (0.485, 0.456, 0.406)), ("Mul", (4.37, 4.46, 4.44))):
        x = g.node(op, op.lower(), x, g.constant(f"{op.lower()}/c", np.array(value, np.float32)))
    pads = np.array([[0, 0], [2, 2], [2, 2], [0, 0]], np.int32)
    x = g.node("Pad", "Pad", x, g.constant("Pad/paddings", pads), Tpaddings=DType.INT32)
    x = g.conv(x, g.weights(11, 11, 3, 96), 96, stride=4, padding="VALID")
    return g, g.node("Relu", "Relu", g.max_pool(g.batch_norm(x, 96), 3))


def alexnet_xnor() -> GraphWriter:
    """XNOR-Net's AlexNet: binary but for the first and the last layer."""
    g, x = _alexnet_head(2)
    previous = 96
    x = g.batch_norm(x, previous)
    for i, (kernel, channels) in enumerate(_ALEXNET):
        w = g.binary_weights(kernel, kernel, previous, channels)
        x = g.conv(g.sign(x), w, channels, padding="VALID" if kernel == 6 else "SAME")
        x = g.max_pool(x, 3) if i in (0, 3) else x
        x = g.batch_norm(x, channels)
        previous = channels
    return _alexnet_tail(g, g.node("Relu", "Relu", x))


def alexnet_bwn() -> GraphWriter:
    """The same with binary weights only."""
    g, x = _alexnet_head(3)
    previous = 96
    for i, (kernel, channels) in enumerate(_ALEXNET):
        w = g.binary_weights(kernel, kernel, previous, channels)
        x = g.conv(x, w, channels, padding="VALID" if kernel == 6 else "SAME")
        x = g.batch_norm(x, channels)
        x = g.max_pool(x, 3) if i in (0, 3) else x
        x = g.node("Relu", "Relu", x)
        previous = channels
    return _alexnet_tail(g, x)


def _alexnet_tail(g: GraphWriter, x: str) -> GraphWriter:
    x = g.conv(x, g.weights(1, 1, 4096, 1000), 1000)
    g.node("Softmax", "y", g.node("Identity", "Identity", g.reshape(x, "Reshape", -1, 1000)))
    return g


_QUICKNET = (64, 128, 256, 512)


def quicknet() -> GraphWriter:
    """QuickNet for ImageNet: four sections of four binary layers, floats between them.

    The network of that name in Larq Zoo 2 (https://docs.larq.dev/zoo/api/sota/). What binary layers
    add to stays in floats; before a section's first layer the image is halved by a maximum, a blur
    of each channel, and a 1x1 convolution.
    """
    g = GraphWriter(5)
    x = g.bare_conv(g.placeholder(224, 224, 3), g.weights(3, 3, 3, 16), 2)
    x = g.node("Relu", "Relu", g.batch_norm(x, 16))
    x = g.batch_norm(g.depthwise(x, g.weights(3, 3, 16, 1), 2), 16)
    x = g.batch_norm(g.bare_conv(x, g.weights(1, 1, 16, _QUICKNET[0])), _QUICKNET[0])
    for i, channels in enumerate(_QUICKNET):
        if i:
            x = g.max_pool(g.node("Relu", "Relu", x), 2, 1)
            x = g.depthwise(x, g.variable("blur", _blur(_QUICKNET[i - 1])), 2)
            x = g.bare_conv(x, g.weights(1, 1, _QUICKNET[i - 1], channels))
            x = g.batch_norm(x, channels)
        for _ in range(4):
            w = g.larq_sign(g.weights(3, 3, channels, channels))
            added = g.bare_conv(g.pad(g.larq_sign(x), 1, 1), w, padding="VALID")
            added = g.batch_norm(g.node("Relu", "Relu", added), channels)
            x = g.node("AddV2", "residual", added, x)
    axes = g.constant("Mean/reduction_indices", np.array([1, 2], np.int32))
    x = g.node("Relu", "Relu", x)
    x = g.node("Mean", "Mean", x, axes, Tidx=DType.INT32, keep_dims=False)
    g.node("Softmax", "y", g.dense(x, _QUICKNET[-1], 1000))
    return g


def _blur(channels: int) -> np.ndarray:
    """Weights [3, 3, channels, 1] of the binomial filter."""
    row = np.array([1, 2, 1], np.float32)
    blur = np.outer(row, row)[..., None, None] / np.float32(16)
    return np.repeat(blur, channels, axis=2)


def chain(layers: int) -> GraphWriter:
    """Equal binary layers one after the other."""
    g = GraphWriter(4)
    x, channels = g.placeholder(8, 8, 32), 32
    for _ in range(layers):
        x = g.conv(g.sign(x), g.binary_weights(3, 3, channels, channels), channels)
        x = g.batch_norm(x, channels)
    g.node("Identity", "y", x)
    return g


MODELS: dict[str, Callable[[], GraphWriter]] = {
    "cifar": cifar,
    "alexnet_xnor": alexnet_xnor,
    "alexnet_bwn": alexnet_bwn,
    "quicknet": quicknet,
} | {f"chain_{n}": partial(chain, n) for n in (10, 100, 1000)}


def model(name: str, folder: Path = DEFAULT_FOLDER) -> Path:
    """The path of a network, which is written first where it is not there."""
    path = folder / f"{name}.pb"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        MODELS[name]().write(path)
    return path


def main() -> None:
    """Write the networks that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("names", nargs="*", choices=[*MODELS, []], default=[])
    given = parser.parse_args()
    for name in given.names or MODELS:
        path = model(name, given.folder)
        print(f"{path}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
