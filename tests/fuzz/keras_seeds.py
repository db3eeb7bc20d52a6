# SPDX-License-Identifier: Apache-2.0
"""Small Keras models that between them use much of what the frontend reads, in both layouts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.frontends.keras.files import Layer, functional, image, sequential, write_h5, write_keras

_RNG = np.random.default_rng(8)
_VALID = {"padding": "valid", "strides": [1, 1], "use_bias": False}


def _normal(*shape: int) -> np.ndarray:
    return _RNG.standard_normal(shape).astype(np.float32)


def _norm(channels: int, reads: Sequence[Sequence[tuple[str, int]]], name: str) -> Layer:
    options = {"axis": [-1], "epsilon": 1e-3, "center": True, "scale": True}
    weights = [_normal(channels), _normal(channels), _normal(channels), _normal(channels) ** 2]
    return Layer("BatchNormalization", options, weights, reads, name)


def _binary(filters: int, channels: int, name: str, **options: Any) -> Layer:
    """A convolution of Larq, whose quantizers stand in its options."""
    sign = {"class_name": "SteSign", "config": {"clip_value": 1.0}, "module": "larq.quantizers"}
    given = {"filters": filters, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same"}
    given |= {"use_bias": False, "pad_values": 1.0, "kernel_quantizer": sign}
    given |= {"input_quantizer": sign, "data_format": "channels_last"} | options
    return Layer("QuantConv2D", given, [_normal(3, 3, channels, filters)], [], name, "larq.layers")


def _chain() -> tuple[Sequence[Layer], str]:
    layers = [
        image(6, 5, 2),
        Layer(
            "Conv2D",
            {"filters": 3, "kernel_size": [2, 2], "activation": "relu"} | _VALID,
            [_normal(2, 2, 2, 3)],
            name="conv",
        ),
        _norm(3, (), "bn"),
        _binary(4, 3, "quant"),
        Layer("MaxPooling2D", {"pool_size": [2, 2], "strides": [2, 2]}, name="pool"),
        Layer("Flatten", {"data_format": "channels_last"}, name="flat"),
        Layer(
            "Dense", {"units": 2, "activation": "softmax"}, [_normal(16, 2), _normal(2)], name="fc"
        ),
    ]
    return layers, "sequential"


def _branches() -> tuple[Sequence[Layer], str]:
    """Two paths that meet, one layer that is called twice."""
    layers = [
        image(4, name="a"),
        image(4, name="b"),
        Layer(
            "Dense",
            {"units": 3},
            [_normal(4, 3), _normal(3)],
            [[("a", 0)], [("b", 0)]],
            name="shared",
        ),
        Layer("Add", {}, (), [[("shared", 0), ("shared", 1)]], name="sum"),
        Layer("Concatenate", {"axis": -1}, (), [[("sum", 0), ("shared", 1)]], name="join"),
        Layer("Activation", {"activation": "tanh"}, (), [[("join", 0)]], name="out"),
    ]
    return layers, "functional"


def _config(layers: Sequence[Layer], kind: str, keras: int) -> dict[str, Any]:
    if kind == "sequential":
        return sequential(layers, keras)
    return functional(layers, [layers[-1].name], keras)


@cache
def h5_files() -> Sequence[bytes]:
    """The models with the configuration as an attribute, of Keras 2 and 3."""
    found: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder:
        for keras in (2, 3):
            for layers, kind in (_chain(), _branches()):
                path = Path(folder) / "net.h5"
                found.append(
                    write_h5(path, _config(layers, kind, keras), layers, keras).read_bytes()
                )
    return found


@cache
def keras_files() -> Sequence[bytes]:
    """The models as archives."""
    found: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder:
        for layers, kind in (_chain(), _branches()):
            path = Path(folder) / "net.keras"
            found.append(write_keras(path, _config(layers, kind, 3), layers, 3).read_bytes())
    return found
