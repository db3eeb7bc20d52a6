# SPDX-License-Identifier: Apache-2.0
"""Batch normalization with moving averages."""

from __future__ import annotations

from typing import Any

from ._tensorflow import tf
from .variables import Variables


def batch_norm(
    variables: Variables,
    x: Any,
    name: str,
    *,
    training: bool,
    epsilon: float = 1e-3,
    momentum: float = 0.9,
) -> Any:
    """Normalize each channel, then scale by gamma and add beta.

    In training, mean and (biased) variance are those of the batch, and the moving averages go
    ``average += (1 - momentum) * (value - average)``. Otherwise the averages are used: one
    FusedBatchNormV3 node for an image; for a matrix, for which TensorFlow has no such node,
    ``x * s + (beta - mean * s)`` with ``s = rsqrt(variance + epsilon) * gamma``.

    Source: Ioffe and Szegedy, 2015, arXiv:1502.03167.

    Args:
        variables: holds ``name/gamma``, ``name/beta``, ``name/mean`` and ``name/variance``, each
            [c].
        x: float tensor [n, h, w, c] or [n, c].
        name: name of the normalization.
        training: use and record the statistics of the batch.
        epsilon: added to the variance.
        momentum: share of the old moving average that is kept.

    Returns:
        Tensor of the shape and dtype of x.
    """
    x = tf.convert_to_tensor(x)
    channels = [x.shape[-1]]
    gamma = variables.get(f"{name}/gamma", channels, tf.ones)
    beta = variables.get(f"{name}/beta", channels, tf.zeros)
    mean = variables.get(f"{name}/mean", channels, tf.zeros, trainable=False)
    variance = variables.get(f"{name}/variance", channels, tf.ones, trainable=False)

    with tf.name_scope(name):
        if training:
            batch_mean, batch_variance = tf.nn.moments(x, axes=list(range(x.shape.rank - 1)))
            mean.assign_add((1.0 - momentum) * (batch_mean - mean))
            variance.assign_add((1.0 - momentum) * (batch_variance - variance))
            return tf.nn.batch_normalization(
                x, batch_mean, batch_variance, beta, gamma, epsilon, name="normalized"
            )
        if x.shape.rank == 4:
            return tf.compat.v1.nn.fused_batch_norm(
                x, gamma, beta, mean, variance, epsilon=epsilon, is_training=False
            )[0]
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon, name="normalized")
