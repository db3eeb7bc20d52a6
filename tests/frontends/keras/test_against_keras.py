# SPDX-License-Identifier: Apache-2.0
"""Layers in random shapes as the installed Keras computes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc.frontends import ImportOptions, load
from bnnc.ir.interpreter import interpret

Make = Callable[[Any, Any, np.random.Generator], Any]
"""Apply layers, given ``tf.keras.layers``, a tensor and random choices."""


def _conv(name: str, **fixed: Any) -> Make:
    def make(layers: Any, x: Any, rng: np.random.Generator) -> Any:
        spatial = len(x.shape) - 2
        options: dict[str, Any] = {"kernel_size": tuple(rng.integers(1, 4, spatial).tolist())}
        options["padding"] = str(rng.choice(["same", "valid"]))
        steps = int(rng.integers(1, 4))
        options["dilation_rate" if rng.random() < 0.3 else "strides"] = steps
        if "Depthwise" not in name:
            options["filters"] = int(rng.integers(1, 6))
        if "Transpose" in name and rng.random() < 0.5:
            options.pop("dilation_rate", None)
            options |= {"strides": 3, "padding": "valid"}
            options["output_padding"] = int(rng.integers(0, 3))
        return getattr(layers, name)(**options, **fixed)(x)

    return make


def _pool(name: str) -> Make:
    def make(layers: Any, x: Any, rng: np.random.Generator) -> Any:
        size, stride = (int(n) for n in rng.integers(1, 4, 2))
        padding = str(rng.choice(["same", "valid"]))
        return getattr(layers, name)(size, strides=stride, padding=padding)(x)

    return make


def _layer(name: str, **options: Any) -> Make:
    return lambda layers, x, rng: getattr(layers, name)(**options)(x)


def _residual(layers: Any, x: Any, rng: np.random.Generator) -> Any:
    """Operators, slices and functions between layers."""
    y = layers.Conv2D(int(x.shape[-1]), 3, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization()(y) * 0.5 + x
    y = layers.Activation("hard_sigmoid")(y) - abs(x[..., :1]) / 3
    return layers.Concatenate()([y[:, ::2], x[:, ::2] ** 2])


LAYERS: dict[str, tuple[int, Make]] = {
    "Conv2D": (2, _conv("Conv2D")),
    "Conv1D": (1, _conv("Conv1D", activation="silu")),
    "DepthwiseConv2D": (2, _conv("DepthwiseConv2D", depth_multiplier=2)),
    "DepthwiseConv1D": (1, _conv("DepthwiseConv1D", depth_multiplier=3)),
    "SeparableConv2D": (2, _conv("SeparableConv2D", activation="softsign")),
    "SeparableConv1D": (1, _conv("SeparableConv1D", depth_multiplier=2)),
    "Conv2DTranspose": (2, _conv("Conv2DTranspose")),
    "Conv1DTranspose": (1, _conv("Conv1DTranspose", activation="mish")),
    "MaxPooling2D": (2, _pool("MaxPooling2D")),
    "AveragePooling2D": (2, _pool("AveragePooling2D")),
    "AveragePooling1D": (1, _pool("AveragePooling1D")),
    "LayerNormalization": (2, _layer("LayerNormalization", axis=(1, 3))),
    "GroupNormalization": (2, _layer("GroupNormalization", groups=-1)),
    "UnitNormalization": (1, _layer("UnitNormalization")),
    "UpSampling2D": (2, _layer("UpSampling2D", size=(3, 2))),
    "Softmax": (2, _layer("Softmax", axis=2)),
    "residual": (2, _residual),
}


@pytest.mark.tensorflow
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", LAYERS)
def test_layer(tf: Any, tmp_path: Path, name: str, seed: int) -> None:
    spatial, make = LAYERS[name]
    rng = np.random.default_rng(seed)
    shape = (*rng.integers(6, 10, spatial).tolist(), int(rng.integers(1, 6)))
    tf.keras.backend.clear_session()
    x = tf.keras.Input(shape, name="x")
    model = tf.keras.Model(x, make(tf.keras.layers, x, rng))
    for weight in model.weights:
        value: np.ndarray = rng.standard_normal(tuple(weight.shape))
        weight.assign(np.abs(value) + 0.1 if "variance" in weight.name else value)
    image = rng.standard_normal((2, *shape)).astype(np.float32)
    want = model(image).numpy()
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"net{suffix}")
        module = load(tmp_path / f"net{suffix}", ImportOptions(batch=2))
        (y,) = interpret(module, {"x": image}).values()
        assert y.shape == want.shape
        np.testing.assert_allclose(y, want, rtol=0, atol=3e-5 * max(1.0, np.abs(want).max()))
