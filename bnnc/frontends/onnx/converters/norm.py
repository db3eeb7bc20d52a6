# SPDX-License-Identifier: Apache-2.0
"""Batch normalization."""

from __future__ import annotations

import numpy as np

from bnnc.ir import Resource, nn

from ...failures import Unsupported
from ..arrangement import Arranged, channels_last
from ..context import Context
from ..convert import converts

_INFERENCE = "export the model for inference: model.eval()"


@converts("BatchNormalization")
def batch_norm(c: Context) -> Arranged:
    """Inference, over axis 1; only output 0, the others serve training."""
    if c.integer("training_mode", 0):
        raise Unsupported("normalizes over the batch (training_mode)", _INFERENCE)
    if c.integer("spatial", 1) != 1:
        raise Unsupported("has one parameter for each pixel (spatial=0)")
    x = c.tensor(0)
    if x.rank < 2:
        raise Unsupported(f"reads a tensor of shape {list(x.shape)}")
    epsilon = c.number("epsilon", 1e-5)
    var = c.tensor(4).value
    if isinstance(var, Resource) and not np.all(var.array + np.float32(epsilon) > 0):
        raise Unsupported("has a negative variance", "the file is damaged; export it again")
    value = x.value if x.is_features else c.channels_last(0)
    parameters = [x.permute_features(c.x(i), 0, c.emit) for i in range(1, 5)]
    y = c.emit(nn.BatchNorm(value, *parameters, epsilon=epsilon))
    return x.like(y) if x.is_features else Arranged.stored(y, channels_last(x.rank))
