# SPDX-License-Identifier: Apache-2.0
"""Binary weights: signs of latent float weights, with or without a scale per output channel."""

from __future__ import annotations

from typing import Any

from ._tensorflow import tf
from .activation import ZeroRule, binary_activation, sign


def binary_weights(
    w: Any, scale: bool = True, zero: ZeroRule = "plus", *, channel_axes: int = 1
) -> Any:
    """Binarize latent weights to +-alpha (or +-1), with a straight-through gradient.

    With ``c = clip(w, -1, 1)`` and ``alpha = mean(|c|)`` for each output channel, the value is
    ``c + stop_gradient(sign(c) * alpha - c)``; without scale it is `binary_activation` of w.
    In float32 the sum misses +-alpha by an ulp in about two entries of a hundred, so that a reader
    of the graph takes alpha from the mean and not from the sum. The gradient with respect to w is
    1 where ``-1 <= w <= 1`` and 0 outside: alpha takes no part in it.

    Sources: clip and gradient from BinaryNet, arXiv:1602.02830; alpha from Rastegari et al.,
    XNOR-Net, 2016, arXiv:1603.05279, equation 6.

    Args:
        w: latent weights, float tensor [kh, kw, cin, cout] or [cin, cout], or of a depthwise
            convolution [kh, kw, cin, multiplier].
        scale: multiply the signs by alpha.
        zero: the sign of a weight that is exactly zero. ``keep`` makes the weights ternary.
        channel_axes: how many axes at the end number output channels; 2 for depthwise weights.

    Returns:
        Tensor of the shape and dtype of w.

    Raises:
        UsageError: zero is not a rule for zero.
    """
    if not scale:
        return binary_activation(w, zero)
    c = tf.maximum(tf.minimum(w, 1.0), -1.0)
    alpha = tf.reduce_mean(tf.abs(c), axis=list(range(c.shape.rank - channel_axes)))
    return c + tf.stop_gradient(sign(c, zero) * alpha - c)
