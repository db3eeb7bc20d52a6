# SPDX-License-Identifier: Apache-2.0
"""Small random networks of the families that binary networks come in, as ONNX files hold them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..frontends.onnx.models import ModelBuilder

SIGNS = ("sign", "where", "cast", "clipped")
HEAVISIDES = ("greater", "at_least", "less", "where", "other", "sign")


class Net(ModelBuilder):
    """Layers of binary networks on images [1, C, H, W] and on series [1, C, T]."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = np.random.default_rng(seed)

    def normal(self, *shape: int, scale: float = 1.0) -> str:
        return self.constant(self.rng.standard_normal(shape) * scale)

    def image(self, channels: int, size: int = 12) -> str:
        return self.input("x", 1, channels, size, size)

    def series(self, channels: int, length: int = 24) -> str:
        return self.input("x", 1, channels, length)

    def norm(self, x: str, channels: int) -> str:
        """Batch normalization; some gammas are negative."""
        parts = [self.normal(channels), self.normal(channels, scale=0.5)]
        parts += [self.normal(channels), self.constant(self.rng.uniform(0.5, 2, channels))]
        return self.node("BatchNormalization", x, *parts)

    def binary(self, x: str, idiom: str = "") -> str:
        """+1 and -1, in one of the ways that exporters write it."""
        match idiom or str(self.rng.choice(SIGNS)):
            case "where":
                above = self.node("GreaterOrEqual", x, self.constant(0.0))
                return self.node("Where", above, self.constant(1.0), self.constant(-1.0))
            case "cast":
                above = self.node("Cast", self.node("Greater", x, self.constant(0.0)), to=1)
                twice = self.node("Mul", above, self.constant(2.0))
                return self.node("Sub", twice, self.constant(1.0))
            case "clipped":
                return self.node("Sign", self.clip(x, -1.0, 1.0))
            case _:
                return self.node("Sign", x)

    def clip(self, x: str, low: float, high: float) -> str:
        return self.node("Clip", x, self.constant(low), self.constant(high))

    def heaviside(self, x: str, idiom: str = "") -> str:
        """1 and 0."""
        match idiom or str(self.rng.choice(HEAVISIDES)):
            case "greater":
                return self.node("Cast", self.node("Greater", x, self.constant(0.0)), to=1)
            case "at_least":
                return self.node("Cast", self.node("GreaterOrEqual", x, self.constant(0.0)), to=1)
            case "less":
                return self.node("Cast", self.node("Less", self.constant(0.0), x), to=1)
            case "where":
                above = self.node("Greater", x, self.constant(0.0))
                return self.node("Where", above, self.constant(1.0), self.constant(0.0))
            case "other":
                below = self.node("LessOrEqual", x, self.constant(0.0))
                return self.node("Where", below, self.constant(0.0), self.constant(1.0))
            case _:
                return self.node("Sign", self.node("Relu", x))

    def levels(self, x: str, bits: int) -> str:
        """DoReFa's activations: 2^bits levels between 0 and 1."""
        most = self.constant(float(2**bits - 1))
        return self.node(
            "Div", self.node("Round", self.node("Mul", self.clip(x, 0, 1), most)), most
        )

    def signs(self, *shape: int) -> str:
        """Binary weights, half of the time with a factor for each of the first axis."""
        w = self.rng.choice([-1.0, 1.0], shape)
        if self.rng.random() < 0.5:
            w *= self.rng.uniform(0.1, 2, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
        return self.constant(w)

    def ternary(self, *shape: int) -> str:
        """Weights cut at a threshold, in the graph: -1 and +1 beyond it, 0 within."""
        w = self.normal(*shape)
        beyond = self.node("Greater", self.node("Abs", w), self.constant(0.7))
        return self.node("Where", beyond, self.node("Sign", w), self.constant(0.0))

    def quantized(self, bits: int, *shape: int) -> str:
        """DoReFa's weights: 2^bits levels between -1 and 1, of a squashed latent constant."""
        w = self.node("Tanh", self.normal(*shape))
        most = self.constant(float(2**bits - 1))
        half = self.node("Add", self.node("Mul", w, self.constant(0.5)), self.constant(0.5))
        level = self.node("Div", self.node("Round", self.node("Mul", half, most)), most)
        return self.node("Sub", self.node("Mul", level, self.constant(2.0)), self.constant(1.0))

    def conv(self, x: str, weights: str, pad: int = 1, rank: int = 2, **attrs: Any) -> str:
        return self.node("Conv", x, weights, pads=[pad] * (2 * rank), **attrs)

    def binary_conv(self, x: str, inputs: int, outputs: int, **attrs: Any) -> str:
        """Sign, 3x3 binary convolution, batch normalization."""
        groups = int(attrs.get("group", 1))
        w = self.signs(outputs, inputs // groups, 3, 3)
        return self.norm(self.conv(self.binary(x), w, **attrs), outputs)

    def stem(self, channels: int, inputs: int = 3) -> str:
        x = self.conv(self.image(inputs), self.normal(channels, inputs, 3, 3, scale=0.3))
        return self.norm(x, channels)

    def head(self, x: str, channels: int, classes: int = 10) -> str:
        """Global average, dense layer in float."""
        x = self.node("Flatten", self.node("GlobalAveragePool", x))
        w = self.normal(classes, channels, scale=0.3)
        return self.node("Gemm", x, w, self.normal(classes), transB=1)

    def pool(self, x: str, kind: str = "MaxPool", rank: int = 2) -> str:
        return self.node(kind, x, kernel_shape=[2] * rank, strides=[2] * rank)

    def per_channel(self, channels: int) -> str:
        return self.normal(channels, 1, 1, scale=0.3)


def bireal(n: Net) -> str:
    """A shortcut around each binary convolution; the second block halves the image."""
    x = n.stem(8)
    x = n.node("Add", n.binary_conv(x, 8, 8), x)
    x = n.node("Add", n.binary_conv(x, 8, 8), x)
    short = n.norm(n.conv(n.pool(x, "AveragePool"), n.normal(16, 8, 1, 1), pad=0), 16)
    x = n.node("Add", n.binary_conv(x, 8, 16, strides=[2, 2]), short)
    return n.head(n.node("Add", n.binary_conv(x, 16, 16), x), 16)


def quicknet(n: Net) -> str:
    """Relu behind the binary convolution, batch normalization behind it, and a sum."""
    x = n.node("Relu", n.stem(8))
    x = n.norm(n.conv(n.conv(x, n.normal(8, 1, 3, 3), group=8), n.normal(8, 8, 1, 1), pad=0), 8)
    for _ in range(2):
        y = n.node("Relu", n.conv(n.binary(x), n.signs(8, 8, 3, 3)))
        x = n.node("Add", x, n.norm(y, 8))
    x = n.pool(n.node("Relu", x))
    x = n.norm(n.conv(n.conv(x, n.normal(8, 1, 3, 3), group=8), n.normal(16, 8, 1, 1), pad=0), 16)
    return n.head(n.node("Relu", x), 16)


def _shifted_prelu(n: Net, x: str, channels: int) -> str:
    x = n.node("PRelu", n.node("Sub", x, n.per_channel(channels)), n.per_channel(channels))
    return n.node("Add", x, n.per_channel(channels))


def reactnet(n: Net) -> str:
    """Signs with learned thresholds, shifted PReLUs, two branches that are concatenated."""
    x = n.stem(8)
    y = n.binary_conv(n.node("Add", x, n.per_channel(8)), 8, 8)
    x = _shifted_prelu(n, n.node("Add", y, x), 8)
    branches: list[str] = []
    for _ in range(2):
        shifted = n.binary(n.node("Add", x, n.per_channel(8)))
        y = n.norm(n.conv(shifted, n.signs(8, 8, 1, 1), pad=0), 8)
        branches.append(n.node("Add", y, x))
    return n.head(_shifted_prelu(n, n.node("Concat", *branches, axis=1), 16), 16)


def prelu(n: Net) -> str:
    """A PReLU between batch normalization and the next sign."""
    x = n.node("PRelu", n.binary_conv(n.stem(8), 8, 8), n.per_channel(8))
    return n.head(n.node("PRelu", n.binary_conv(x, 8, 16), n.per_channel(16)), 16)


def grouped(n: Net) -> str:
    x = n.binary_conv(n.stem(8), 8, 16, group=2)
    return n.head(n.binary_conv(x, 16, 16, group=4), 16)


def depthwise(n: Net) -> str:
    """Each channel by itself, and with two results for each."""
    x = n.binary_conv(n.stem(8), 8, 8, group=8)
    return n.head(n.binary_conv(x, 8, 16, group=8, strides=[2, 2]), 16)


def separable(n: Net) -> str:
    x = n.binary_conv(n.stem(8), 8, 8, group=8)
    x = n.norm(n.conv(n.binary(x), n.signs(16, 8, 1, 1), pad=0), 16)
    return n.head(x, 16)


def dilated(n: Net) -> str:
    x = n.binary_conv(n.stem(8), 8, 8, pad=2, dilations=[2, 2])
    return n.head(n.binary_conv(x, 8, 8, pad=3, dilations=[3, 3]), 8)


def transposed(n: Net) -> str:
    """A decoder: the image grows again."""
    x = n.pool(n.binary_conv(n.stem(8), 8, 8))
    w = n.constant(n.rng.choice([-1.0, 1.0], (8, 8, 2, 2)))
    x = n.node("ConvTranspose", n.binary(x), w, strides=[2, 2])
    return n.head(n.binary_conv(n.norm(x, 8), 8, 8), 8)


def series(n: Net) -> str:
    """Convolutions along time, for keyword spotting."""
    x = n.conv(n.series(4), n.normal(8, 4, 5), pad=2, rank=1)
    x = n.norm(x, 8)
    for inputs in (8, 16):
        x = n.conv(n.binary(x), n.signs(16, inputs, 3), rank=1)
        x = n.norm(n.pool(x, rank=1), 16)
    x = n.node("Flatten", n.node("GlobalAveragePool", x))
    return n.node("Gemm", x, n.normal(12, 16), transB=1)


def series_by_frames(n: Net) -> str:
    """A spectrogram [1, 1, T, F] whose frames one filter covers, depthwise along time behind it."""
    x = n.conv(n.input("x", 1, 1, 25, 10), n.normal(8, 1, 3, 10), pad=0)
    x = n.norm(x, 8)
    x = n.norm(n.node("Conv", n.binary(x), n.signs(8, 1, 5, 1), group=8, pads=[2, 0, 2, 0]), 8)
    x = n.norm(n.conv(n.binary(x), n.signs(16, 8, 1, 1), pad=0), 16)
    return n.head(x, 16, 12)


def dorefa(bits: int) -> Callable[[Net], str]:
    """Activations of some bits, binary weights."""

    def build(n: Net) -> str:
        x = n.stem(8)
        for outputs in (8, 16):
            x = n.norm(n.conv(n.levels(x, bits), n.signs(outputs, 8, 3, 3)), outputs)
        return n.head(x, 16)

    return build


def dorefa_weights(bits: int) -> Callable[[Net], str]:
    """Activations and weights of some bits."""

    def build(n: Net) -> str:
        x = n.norm(n.conv(n.levels(n.stem(8), bits), n.quantized(bits, 8, 8, 3, 3)), 8)
        return n.head(x, 8)

    return build


def ternary(n: Net) -> str:
    x = n.norm(n.conv(n.binary(n.stem(8)), n.ternary(8, 8, 3, 3)), 8)
    return n.head(n.norm(n.conv(n.levels(x, 2), n.ternary(8, 8, 3, 3)), 8), 8)


def heaviside(idiom: str) -> Callable[[Net], str]:
    def build(n: Net) -> str:
        x = n.norm(n.conv(n.heaviside(n.stem(8), idiom), n.signs(8, 8, 3, 3)), 8)
        x = n.norm(n.conv(n.heaviside(n.pool(x), idiom), n.signs(16, 8, 3, 3)), 16)
        return n.head(x, 16)

    return build


def perceptron(n: Net) -> str:
    """Gemm and MatMul, no normalization of layers; the input is cut, too."""
    x = n.binary(n.input("x", 1, 40))
    x = n.node("Gemm", x, n.signs(32, 40), n.normal(32), transB=1)
    x = n.node("MatMul", n.binary(x), n.constant(n.rng.choice([-1.0, 1.0], (32, 24))))
    w = n.constant(n.rng.choice([-1.0, 1.0], (24, 16)))
    x = n.node("Gemm", n.binary(n.norm(x, 24)), w, alpha=0.5)
    return n.node("MatMul", n.binary(n.node("Add", x, n.normal(16))), n.normal(16, 10))


def flattened(n: Net) -> str:
    """Binary dense layers behind an image: their weights are permuted."""
    x = n.pool(n.binary_conv(n.stem(8), 8, 8))
    x = n.node("Flatten", n.binary(x))
    x = n.norm(n.node("MatMul", x, n.constant(n.rng.choice([-1.0, 1.0], (288, 20)))), 20)
    return n.node("Gemm", n.binary(x), n.signs(10, 20), n.normal(10), transB=1)


def choice(op: str) -> Callable[[Net], str]:
    """A network that ends in the place of its largest output."""

    def build(n: Net) -> str:
        x = n.head(n.binary_conv(n.stem(8), 8, 8), 8)
        if op == "ArgMax":
            return n.node("ArgMax", x, axis=1)
        n.node("TopK", x, n.ints(3), count=2, axis=1)
        return f"{n.nodes[-1].output[1]}"

    return build


def pools(n: Net) -> str:
    """Global pools of all kinds, joined. The mean of a relu may be zero, which is then +1."""
    x = n.binary_conv(n.stem(8), 8, 8)
    parts = [n.node("GlobalMaxPool", x), n.node("GlobalAveragePool", x)]
    parts.append(n.node("ReduceMean", n.node("Relu", x), axes=[2, 3], keepdims=1))
    x = n.node("Flatten", n.node("Concat", *parts, axis=1))
    return n.node("Gemm", n.binary(x, "where"), n.signs(10, 24), transB=1)


def split(n: Net) -> str:
    """Half of the channels goes through a binary convolution; both halves are shuffled."""
    x = n.stem(8)
    n.node("Split", x, count=2, axis=1)
    left, right = n.nodes[-1].output
    x = n.node("Concat", left, n.binary_conv(right, 4, 4), axis=1)
    x = n.node("Reshape", x, n.ints(1, 2, 4, 12, 12))
    x = n.node("Transpose", x, perm=[0, 2, 1, 3, 4])
    x = n.node("Reshape", x, n.ints(1, 8, 12, 12))
    return n.head(n.binary_conv(x, 8, 8), 8)


def dense_blocks(n: Net) -> str:
    """BinaryDenseNet: each binary convolution reads all that came before, normalized anew."""
    x = n.stem(8)
    for channels in (8, 12):
        y = n.conv(n.binary(n.norm(x, channels)), n.signs(4, channels, 3, 3))
        x = n.node("Concat", x, y, axis=1)
    return n.head(n.node("Relu", n.norm(x, 16)), 16)


def norm_everywhere(n: Net) -> str:
    """In front of the first layer, before and behind pools, and behind a concatenation."""
    x = n.conv(n.norm(n.image(3), 3), n.normal(8, 3, 3, 3))
    x = n.conv(n.binary(n.norm(n.pool(x), 8)), n.signs(8, 8, 3, 3))
    x = n.conv(n.binary(n.pool(n.norm(x, 8))), n.signs(8, 8, 3, 3))
    y = n.conv(n.binary(n.norm(x, 8)), n.signs(8, 8, 3, 3))
    x = n.norm(n.node("Concat", x, y, axis=1), 16)
    x = n.conv(n.binary(x), n.signs(8, 16, 3, 3))
    return n.head(n.norm(n.norm(x, 8), 8), 8)


@dataclass(frozen=True)
class Family:
    """How a network is made, and the kinds its layers must be found as."""

    build: Callable[[Net], str]
    kinds: str
    transposes: int = 1


_STEM_AND_TWO = "ff bb bb ff"
_FEW = "ff fewbit fewbit ff"
FAMILIES: dict[str, Family] = {
    "bireal": Family(bireal, "ff bb bb ff bb bb ff"),
    "quicknet": Family(quicknet, "ff ff ff bb bb ff ff ff"),
    "reactnet": Family(reactnet, "ff bb bb bb ff"),
    **{
        build.__name__: Family(build, _STEM_AND_TWO)
        for build in (prelu, grouped, depthwise, separable, dilated, series, dense_blocks)
    },
    # A single channel: the order of its axes is a matter of names.
    "series_by_frames": Family(series_by_frames, _STEM_AND_TWO, transposes=0),
    # Zeros stand between the bits that a transposed convolution spreads.
    "transposed": Family(transposed, "ff bb fb bb ff"),
    **{f"dorefa{bits}": Family(dorefa(bits), _FEW) for bits in range(2, 9)},
    # Weights of several bits stay floats: only one or two are packed.
    **{f"dorefa{bits}_weights": Family(dorefa_weights(bits), "ff ff ff") for bits in (2, 4, 8)},
    "ternary": Family(ternary, _FEW),
    **{f"heaviside_{idiom}": Family(heaviside(idiom), _FEW) for idiom in HEAVISIDES},
    "perceptron": Family(perceptron, "bb bb bb ff", transposes=0),
    "flattened": Family(flattened, "ff bb bb bb"),
    "argmax": Family(choice("ArgMax"), "ff bb ff"),
    "topk": Family(choice("TopK"), "ff bb ff"),
    "pools": Family(pools, "ff bb bb"),
    # The shuffle of the channels is a transpose of its own.
    "split": Family(split, _STEM_AND_TWO, transposes=2),
    "norm_everywhere": Family(norm_everywhere, "ff bb bb bb bb ff"),
}
