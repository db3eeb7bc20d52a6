# SPDX-License-Identifier: Apache-2.0
"""Batch normalization."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bnnc.ir import Resource, Value, nn

from ...failures import Unsupported
from ..context import Context
from ..convert import converts
from .activation import activation
from .images import from_nhwc, to_nhwc

_INFERENCE = "export the inference graph, or fix the flag: --set is_training=false"


def batch_norm(c: Context, x: Value, parameters: Sequence[Value], *, epsilon: float) -> Value:
    """Emit inference batch normalization over the last axis of x.

    Args:
        c: The node.
        x: [..., channels].
        parameters: gamma, beta, mean, variance, each [channels].
        epsilon: Added to the variance.
    """
    gamma, beta, mean, var = parameters
    if mean.type.size == 0 and x.shape[-1] > 0:
        raise Unsupported("computes its mean from the batch (training)", _INFERENCE)
    if isinstance(var, Resource) and not np.all(var.array + np.float32(epsilon) > 0):
        raise Unsupported("has a negative variance", "the file is damaged; export it again")
    return c.emit(nn.BatchNorm(x, gamma, beta, mean, var, epsilon=epsilon))


def _of_node(c: Context) -> Value:
    if c.flag("is_training", True):
        raise Unsupported("normalizes over the batch (is_training=true)", _INFERENCE)
    x = to_nhwc(c, c.x(0))
    return batch_norm(c, x, [c.x(i) for i in range(1, 5)], epsilon=c.number("epsilon", 1e-4))


@converts("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def fused_batch_norm(c: Context) -> Value:
    """Only output 0; the others serve training."""
    return from_nhwc(c, _of_node(c))


@converts("_FusedBatchNormEx")
def fused_batch_norm_ex(c: Context) -> Value:
    """Batch normalization, then an optional second summand, then an activation."""
    y = from_nhwc(c, _of_node(c))
    if c.integer("num_side_inputs", 0):
        y = c.emit(nn.Add(y, c.x(5)))
    return activation(c, c.text("activation_mode", "Identity"), y)
