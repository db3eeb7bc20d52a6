# SPDX-License-Identifier: Apache-2.0
"""One layer of a binary network for Keras models: what `layer` is for plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._tensorflow import keras
from .binary_layers import BinaryActivation, BinaryConv2D, BinaryDense
from .layers import Pool


def block(
    x: Any,
    units: int,
    *,
    name: str,
    kernel: int | tuple[int, int] | None = None,
    stride: int | tuple[int, int] = 1,
    padding: str = "same",
    binarize_weights: bool = True,
    scale_weights: bool = False,
    bias: bool = False,
    pool: Pool | None = None,
    batch_norm: bool = True,
    activation: str | Callable[[Any], Any] | None = "binary",
    epsilon: float = 1e-4,
    momentum: float = 0.95,
) -> Any:
    """Apply convolution or dense, bias, max pool, batch normalization and activation, in order.

    The order is BinaryNet's (arXiv:1602.02830). Each part is a Keras layer of its own: ``name``,
    ``name_pool``, ``name_norm`` and ``name_activation``.

    Args:
        x: symbolic tensor of Keras, [n, h, w, c] for a convolution. A dense layer takes [n, c] and
            flattens everything else, the channels innermost.
        units: number of output channels.
        name: name of the layer, unique in the model.
        kernel: side of the window, or (height, width); None makes a dense layer.
        stride: step of the window, or (down, right). Convolution only.
        padding: ``same`` pads with zeros, ``valid`` not at all. Convolution only.
        binarize_weights: compute with `binary_weights`.
        scale_weights: let binary weights have the scale mean(|w|) of their output channel. In front
            of a batch normalization it makes no difference to the result.
        bias: add a bias per channel.
        pool: a max pool, or none.
        batch_norm: normalize each channel.
        activation: ``binary``, an activation that Keras knows such as ``relu``, or none.
        epsilon: added to the variance in the normalization; BinaryNet's own value by default.
        momentum: share of the old moving average that the normalization keeps.

    Returns:
        Symbolic tensor [n, h', w', units] of a convolution, [n, units] of a dense layer.
    """
    options: dict[str, Any] = {"use_bias": bias, "name": name}
    if binarize_weights:
        options["scale"] = scale_weights
    if kernel is None:
        if len(x.shape) > 2:
            x = keras.layers.Flatten(name=f"{name}_flat")(x)
        dense = BinaryDense if binarize_weights else keras.layers.Dense
        x = dense(units, **options)(x)
    else:
        convolution = BinaryConv2D if binarize_weights else keras.layers.Conv2D
        x = convolution(units, kernel, strides=stride, padding=padding, **options)(x)
    if pool and pool.place == "before_norm":
        x = _max_pool(pool, name)(x)
    if batch_norm:
        x = keras.layers.BatchNormalization(
            momentum=momentum, epsilon=epsilon, name=f"{name}_norm"
        )(x)
    if activation == "binary":
        x = BinaryActivation(name=f"{name}_activation")(x)
    elif activation is not None:
        x = keras.layers.Activation(activation, name=f"{name}_activation")(x)
    if pool and pool.place == "after_activation":
        x = _max_pool(pool, name)(x)
    return x


def _max_pool(pool: Pool, name: str) -> Any:
    return keras.layers.MaxPooling2D(
        pool.size, strides=pool.stride, padding=pool.padding.lower(), name=f"{name}_pool"
    )
