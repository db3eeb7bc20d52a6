# SPDX-License-Identifier: Apache-2.0
"""Trained networks, the data that they are tried on, and how a sample becomes their input."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Samples = np.ndarray


def mnist(data: Path) -> tuple[Samples, np.ndarray]:
    """10,000 pictures [n, 28, 28] of bytes, and their digits."""
    with gzip.open(data / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(data / "t10k-labels-idx1-ubyte.gz") as file:
        return images, np.frombuffer(file.read(), np.uint8, offset=8)


def cifar(data: Path) -> tuple[Samples, np.ndarray]:
    """1,000 pictures [n, 32, 32, 3] of bytes, and their classes."""
    with np.load(data / "cifar10_test_jpeg_dev1000.npz") as arrays:
        return arrays["x"], arrays["y"]


def keywords(data: Path) -> tuple[Samples, np.ndarray]:
    """1,000 spoken words [n, 49, 10] as features of signed bytes, and their classes."""
    with np.load(data / "kws01_mfcc_int8.npz") as arrays:
        return arrays["x"], arrays["y"]


def as_given(x: Samples) -> np.ndarray:
    """The integers themselves."""
    return x


def as_floats(x: Samples) -> np.ndarray:
    """The same numbers as floats."""
    return x.astype(np.float32)


def scaled(x: Samples) -> np.ndarray:
    """Between 0 and 1."""
    return x.astype(np.float32) / np.float32(255)


def signed_bytes(x: Samples) -> np.ndarray:
    """From -128 to 127."""
    return (x.astype(np.int16) - 128).astype(np.int8)


def fixed_point(x: Samples) -> np.ndarray:
    """Between -1 and 1 in steps of 1/128, channels first."""
    fixed = np.round((x.astype(np.float32) / 255 * 2 - 1) * 128) / 128
    return np.clip(fixed, -1, 127 / 128).astype(np.float32).transpose(0, 3, 1, 2)


def bipolar(x: Samples) -> np.ndarray:
    """+1 for bright, -1 for dark."""
    return np.where(x >= 128, 1, -1).astype(np.float32)


def features(x: Samples) -> np.ndarray:
    """The floats that the bytes stand for."""
    return (x.astype(np.float32) - 83) * np.float32(0.5847029)


@dataclass(frozen=True)
class Entry:
    """A model, its data, and how a sample becomes its input; the class is the largest output.

    ``engine`` is the one that runs such a file (`benchmarks.engines`), ``limit`` the most samples,
    ``figure`` the model whose figure is expected, where it is not the file's own.
    """

    model: str
    data: Callable[[Path], tuple[Samples, np.ndarray]]
    prepare: Callable[[Samples], np.ndarray]
    engine: str = "onnxruntime"
    limit: int | None = None
    figure: str = ""


_TINY = "real/mlperf_tiny"
_KEYWORDS = f"{_TINY}/kws/kws_ref_model"
_RESNET = f"{_TINY}/pretrainedResnet.tflite"
ENTRIES = [
    Entry("real/finn_pynq/cifar10_cnvW1A1.onnx.gz", cifar, fixed_point),
    Entry("real/blueoil_cifar10/minimal_graph_with_shape.pb", cifar, scaled, "frozen"),
    Entry(_RESNET, cifar, as_floats, "litert"),
    Entry(f"{_TINY}/pretrainedResnet.h5", cifar, as_floats, "keras", figure=_RESNET),
    Entry(f"{_TINY}/pretrainedResnet_quant.tflite", cifar, signed_bytes, "litert"),
    Entry("real/finn_pynq/mnist_lfcW1A1.onnx.gz", mnist, bipolar),
    Entry("real/brevitas/mnist_TFC_1W1A_latent.onnx", mnist, scaled),
    Entry("real/onnx/mnist-conv_model.onnx", mnist, as_floats),
    Entry("real/qonnx/TFC_1W1A.onnx", mnist, scaled, "qonnx", 1000),
    Entry("real/qonnx/TFC_2W2A.onnx", mnist, scaled, "qonnx", 1000),
    Entry(_KEYWORDS, keywords, features, "saved_model", figure=f"{_TINY}/kws (SavedModel)"),
    Entry(f"{_KEYWORDS}.tflite", keywords, as_given, "litert"),
]
