# SPDX-License-Identifier: Apache-2.0
"""BinaryNet's learning rate for latent weights, and its loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ._tensorflow import keras, registered, tf
from .binary_layers import ClipLatent


def learning_rate_scale(shape: Sequence[int]) -> float:
    """Return by what the learning rate of latent weights is multiplied.

    Glorot's rule starts weights in +-g with ``g = sqrt(1.5 / (fan_in + fan_out))``, latent ones lie
    in +-1 whatever the layer's size. Steps 1/g as long keep a step's share of that range.

    Source: Courbariaux et al., BinaryNet, 2016, arXiv:1602.02830, and its published code
    (``binary_net.py``: ``W_LR_scale="Glorot"``), where fan_in and fan_out count the taps.

    Args:
        shape: of the weights, [kh, kw, cin, cout] or [cin, cout]; those of a depthwise
            convolution, [kh, kw, cin, multiplier], count alike, as in Keras' Glorot initializers.
    """
    taps = math.prod(shape[:-2])
    return 1.0 / math.sqrt(1.5 / (taps * shape[-2] + taps * shape[-1]))


@registered
class LatentAdam(keras.optimizers.Adam):  # type: ignore[misc]  # keras is Any
    """Adam, with the learning rate of latent weights multiplied by `learning_rate_scale`.

    Latent weights are those that `ClipLatent` constrains. A factor on their gradients would do
    nothing: Adam divides by the gradients' size.
    """

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take one step with a gradient of the variable's shape."""
        known = self._trainable_variables[self._get_variable_index(variable)]
        if isinstance(known.constraint, ClipLatent):
            learning_rate = learning_rate * learning_rate_scale(known.shape)
        keras.optimizers.Adam.update_step(self, gradient, variable, learning_rate)


@registered
def squared_hinge(labels: Any, scores: Any) -> Any:
    """Return max(0, 1 - t * score)^2, averaged over the classes, t being +1 for the label's class.

    Source: BinaryNet, arXiv:1602.02830, section 2 (an L2-SVM's loss).

    Args:
        labels: integers [n] or [n, 1].
        scores: float32 [n, classes].

    Returns:
        float32 [n].
    """
    hot = tf.one_hot(tf.reshape(tf.cast(labels, tf.int32), [-1]), scores.shape[-1])
    t = 2.0 * hot - 1.0
    return tf.reduce_mean(tf.square(tf.nn.relu(1.0 - t * scores)), axis=-1)
