# SPDX-License-Identifier: Apache-2.0
"""The two AlexNets of XNOR-Net as modules of Torch, with random weights.

Source of the structure: Rastegari et al., XNOR-Net, 2016, arXiv:1603.05279, and the files
models/alexnetxnor.lua and models/alexnet.lua of its code.

Usage: python -m examples.alexnet.networks FOLDER [--width W] [--classes N] [--seed N]

writes ``alexnet_XNOR.t7`` and ``alexnet_BWN.t7`` there: files like the trained ones that the
authors offer, to try out everything but the accuracy.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .torch_file import Module, Storage, save, sequential

# Of each layer with binary weights: kernel, padding, filters, whether a pool belongs to it.
_BINARY = [
    (5, 2, 256, True),
    (3, 1, 384, False),
    (3, 1, 384, False),
    (3, 1, 256, True),
    (6, 0, 4096, False),
    (1, 0, 4096, False),
]
_FIRST = 96


class _Maker:
    """Modules with random weights; running averages are about what the layer would have."""

    def __init__(self, width: float, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._width = width

    def filters(self, count: int) -> int:
        return max(round(count * self._width), 1)

    def conv(self, planes: int, filters: int, kernel: int, stride: int, pad: int) -> Module:
        count = planes * kernel * kernel
        shape = (filters, planes, kernel, kernel)
        weight = self._random.standard_normal(shape, np.float32) * np.float32((2 / count) ** 0.5)
        weight[weight == 0] = np.float32(1e-6)  # the sign of zero is zero: a ternary layer
        return Module(
            "cudnn.SpatialConvolution",
            {
                "nInputPlane": planes,
                "nOutputPlane": filters,
                "kW": kernel,
                "kH": kernel,
                "dW": stride,
                "dH": stride,
                "padW": pad,
                "padH": pad,
                "groups": 1,
                "weight": np.clip(weight, -1, 1),
                "bias": self._normal(filters, 0.05),
            },
        )

    def norm(self, channels: int, eps: float, deviation: float) -> Module:
        gamma = self._normal(channels, 0.3) + np.float32(1)
        gamma[self._random.random(channels) < 0.2] *= -1
        variance = deviation**2 * self._random.uniform(0.5, 1.5, channels)
        return Module(
            "nn.SpatialBatchNormalization",
            {
                "eps": eps,
                "momentum": 0.1,
                "affine": True,
                "train": False,
                "weight": gamma,
                "bias": self._normal(channels, 0.3),
                "running_mean": self._normal(channels, 0.3 * deviation),
                "running_var": variance.astype(np.float32),
            },
            version=2,
        )

    def _normal(self, count: int, deviation: float) -> np.ndarray:
        return self._random.standard_normal(count, np.float32) * np.float32(deviation)


def _relu() -> Module:
    return Module("cudnn.ReLU", {"inplace": True})


def _pool() -> Module:
    sizes = {"kW": 3, "kH": 3, "dW": 2, "dH": 2, "padW": 0, "padH": 0}
    return Module("nn.SpatialMaxPooling", {**sizes, "ceil_mode": False})


def _tail(classes: int) -> list[Module]:
    size = Storage(np.array([classes], np.int64))
    return [
        Module("nn.View", {"size": size, "numElements": classes}),
        Module("nn.LogSoftMax"),
    ]


def _binary_deviation(count: int) -> float:
    """Of a sum of `count` signs times mean |w|, which is sqrt(2 / pi) of the deviation above."""
    return float(count**0.5 * (2 / np.pi) ** 0.5 * (2 / count) ** 0.5)


def alexnet_xnor(width: float = 1.0, classes: int = 1000, seed: int = 1) -> Module:
    """Batch norm and sign in front of each binary convolution, its pool behind it."""
    m = _Maker(width, seed)
    previous = m.filters(_FIRST)
    top = [m.conv(3, previous, 11, 4, 2), m.norm(previous, 1e-5, 1.5), _relu(), _pool()]
    deviation = 1.0
    for kernel, pad, count, has_pool in _BINARY:
        filters = m.filters(count)
        part = [
            m.norm(previous, 1e-4, deviation),
            sequential(Module("nn.BinActiveZ")),
            m.conv(previous, filters, kernel, 1, pad),
        ]
        top.append(sequential(*part, *([_pool()] if has_pool else [])))
        deviation = _binary_deviation(previous * kernel * kernel)
        previous = filters
    top += [m.norm(previous, 1e-3, deviation), _relu(), m.conv(previous, classes, 1, 1, 0)]
    return sequential(*top, *_tail(classes))


def alexnet_bwn(width: float = 1.0, classes: int = 1000, seed: int = 2) -> Module:
    """Convolution, batch norm and ReLU; dropout, which this release of Torch scales by 1 - p."""
    m = _Maker(width, seed)

    def conv(planes: int, filters: int, kernel: int, stride: int, pad: int) -> Module:
        convolution = m.conv(planes, filters, kernel, stride, pad)
        return sequential(convolution, m.norm(filters, 1e-3, 1.0), _relu())

    previous = m.filters(_FIRST)
    top = [conv(3, previous, 11, 4, 2), _pool()]
    for kernel, pad, count, has_pool in _BINARY:
        filters = m.filters(count)
        if count == 4096:
            top.append(Module("nn.SpatialDropout", {"p": 0.1, "train": False}))
        top.append(conv(previous, filters, kernel, 1, pad))
        top += [_pool()] if has_pool else []
        previous = filters
    top.append(m.conv(previous, classes, 1, 1, 0))
    return sequential(*top, *_tail(classes))


NETWORKS: dict[str, Callable[[float, int, int], Module]] = {
    "alexnet_XNOR": alexnet_xnor,
    "alexnet_BWN": alexnet_bwn,
}


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description="Write the AlexNets with random weights.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--width", type=float, default=1.0, help="multiplies the channels")
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, make in NETWORKS.items():
        path: Path = options.folder / f"{name}.t7"
        save(path, make(options.width, options.classes, options.seed), cuda=True)
        print(f"{path}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
